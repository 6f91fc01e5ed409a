"""Data Docs: Great Expectations' pages about the newest batches of a use case.

They are made from `Validation.results` after the checks, and nothing waits for them. The results are stored next to the
pages as JSON, one file per batch. The index is ours, because Great Expectations' index is empty without scripts from
public servers. Its pages load their styles from there too, so offline they look plain.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from data_checks.quiet import great_expectations
from perennial.clock import instant, write_instant
from perennial.identity import digest_bytes
from perennial.ledger.entries import BatchEntry
from perennial.store.lock import only_one
from perennial.whole_file import write_whole

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

LONGEST_NAME = 180
NEWEST = 24
"""How many batches have a page."""

_REMOTE_LOGO = re.compile(r"https://great-expectations-web-assets\.[^\"']*/([a-z_-]+\.png)[^\"']*")
_LINK_TO_THE_SUITE = re.compile(r'<a href="[./]*/expectations/[^"]*"[^>]*>([^<]*)</a>')
_UP_TO_THE_SITE = "../../../../"

Record = Mapping[str, Any]


def write_docs(folder: Path, usecase: str, batch: str, at: datetime, results: Sequence[Record]) -> Path:
    """Write the page of a batch and the index of the newest `NEWEST` ones; returns the index page.

    folder: the site of the use case is created at `folder / usecase`.
    at: aware, the end of the batch's window, which orders the pages. The same batch again replaces its page.
    results: `Validation.results`.
    Raises OSError if the folder cannot be written, TransientError if another process holds it too long.
    """
    record = {"batch": batch, "at": write_instant(at), "results": list(results)}
    page = _page_of(usecase, record)
    site = folder / usecase
    with only_one(folder / "locks", usecase, "docs"):
        _static(site)
        _write(site / _path_of(usecase, record), page)
        known = _newest(site / "results", record)
        _prune(site / "validations", {site / _path(usecase, each.batch, each.at) for each in known})
        _write(site / "index.html", _index_of(usecase, known))
    return site / "index.html"


def pages_of(folder: Path, usecase: str, batches: Sequence[BatchEntry]) -> dict[str, Path]:
    """The existing pages: the index under "", then each batch's page by `window-revision`, the newest first.

    batches: all of the use case, in the order of arrival. Empty if no page exists.
    """
    site = folder / usecase
    if not (site / "index.html").exists():
        return {}
    there, pages = set((site / "validations").rglob("*.html")), {"": site / "index.html"}
    for batch in reversed(batches):
        name = f"{batch.window}-{batch.revision}"
        page = site / _path(usecase, name, write_instant(instant(batch.end)))
        if page in there:
            pages[name] = page
        if len(pages) > len(there):
            break
    return pages


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


@dataclass(frozen=True)
class _Listed:
    """A batch in the index. at: the end of its window."""

    batch: str
    at: str
    checks: int
    failed: int


def _newest(records: Path, record: Record) -> list[_Listed]:
    """Store a batch's record and list the newest batches, newest first; older ones are removed."""
    _write(records / f"{_as_file(record['batch'])}.json", json.dumps(record, ensure_ascii=False, allow_nan=False))
    stored = [
        (_listed(path, (at := path.stat()).st_mtime_ns, at.st_size, at.st_ino), path) for path in records.glob("*.json")
    ]
    stored.sort(key=lambda pair: (instant(pair[0].at), pair[0].batch), reverse=True)
    for _, old in stored[NEWEST:]:
        old.unlink()
    return [known for known, _ in stored[:NEWEST]]


@lru_cache(maxsize=1024)
def _listed(path: Path, *written: int) -> _Listed:
    """The index's line about a stored record. Cached: it is read again only if its file was written again."""
    record = json.loads(path.read_text(encoding="utf-8"))
    failed = sum(not result["success"] for result in record["results"])
    return _Listed(record["batch"], record["at"], len(record["results"]), failed)


def _prune(pages: Path, known: set[Path]) -> None:
    """Remove pages of batches that are no longer known, and folders that become empty."""
    for page in list(pages.rglob("*.html")):
        if page not in known:
            page.unlink()
            for folder in page.parents[:2]:
                if not any(folder.iterdir()):
                    folder.rmdir()


def _as_file(name: str) -> str:
    """A batch's name as a unique file name. A long one ends in a digest, because file systems allow 255 bytes."""
    quoted = quote(name, safe="")
    return quoted if len(quoted) <= LONGEST_NAME else f"{quoted[:LONGEST_NAME]}-{digest_bytes(name.encode())[:16]}"


def _path(usecase: str, batch: str, at: str) -> Path:
    """The path of a batch's page in the site, as deep as in Great Expectations, so that its links work."""
    name = _as_file(batch)
    return Path("validations", usecase, name, _as_file(at), f"{name}.html")


def _path_of(usecase: str, record: Record) -> Path:
    return _path(usecase, record["batch"], record["at"])


def _static(site: Path) -> None:
    """Copy Great Expectations' images and fonts, once."""
    source = Path(great_expectations().__file__ or "").parent / "render" / "view" / "static"
    if not (site / "static").exists():
        shutil.copytree(source, site / "static")


@cache
def _view() -> Any:
    """Great Expectations' page view, which compiles its templates anew each time it is made."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _page_of(usecase: str, record: Record) -> str:
    great_expectations()
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    content = ValidationResultsPageRenderer().render(_suite_result(usecase, record))
    page: str = _view().render(content, show_how_to_buttons=False)
    # The suite has no page: people read the declaration instead.
    page = _LINK_TO_THE_SUITE.sub(r"\1", page)
    # Great Expectations fetches its logo from a public server at every view; the site has a copy.
    return _REMOTE_LOGO.sub(rf"{_UP_TO_THE_SITE}static/images/\1", page)


def _index_of(usecase: str, known: Sequence[_Listed]) -> str:
    """One line per batch, the newest first."""
    rows = []
    for each in known:
        verdict = f"✗ {each.failed} of {each.checks} checks failed" if each.failed else "✓ all checks passed"
        link = f'<a href="{quote(_path(usecase, each.batch, each.at).as_posix())}">{html.escape(each.batch)}</a>'
        rows.append(f"<tr><td>{link}</td><td>{each.at}</td><td>{verdict}</td></tr>")
    title = f"Data checks of {html.escape(usecase)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        "<style>body{font-family:sans-serif;margin:2rem}td,th{padding:.3rem 1rem;text-align:left}</style></head>\n"
        f"<body><h1>{title}</h1>\n<table><tr><th>Batch</th><th>Until</th><th>Checks</th></tr>\n"
        + "\n".join(rows)
        + "\n</table></body></html>\n"
    )


def _suite_result(usecase: str, record: Record) -> ExpectationSuiteValidationResult:
    from great_expectations import __version__
    from great_expectations.core import ExpectationSuiteValidationResult

    results = record["results"]
    passed = sum(result["success"] for result in results)
    return ExpectationSuiteValidationResult(
        success=passed == len(results),
        results=[_result(result) for result in results],
        suite_name=usecase,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100 * passed / len(results) if results else None,
        },
        meta={
            "great_expectations_version": __version__,
            "run_id": {"run_name": html.escape(record["batch"]), "run_time": record["at"]},
        },
    )


def _result(record: Record) -> ExpectationValidationResult:
    """A check as Great Expectations shows it; standing checks in our words, below the column that they concern."""
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    arguments = dict(record["arguments"])
    words = None
    if record["standing"] and record["level"] == "row":
        column, _, fault = record["reason"].partition(": ")
        words = html.escape(f"No row of {column}: {fault}").replace("$", "$$")
        if "column" in arguments:
            arguments["column"] = record["columns"][0]
    return ExpectationValidationResult(
        success=record["success"],
        expectation_config=ExpectationConfiguration(
            type=record["expectation"],
            kwargs=arguments,
            description=words,
            severity=FailureSeverity(record["severity"]),
        ),
        result=_escaped(record["result"]),
        exception_info={
            "raised_exception": record["exception"] is not None,
            "exception_message": record["exception"],
            "exception_traceback": "",
        },
    )


def _escaped(value: Any) -> Any:
    """Values from the data, escaped, because Great Expectations inserts them into its pages unchanged."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {name: _escaped(part) for name, part in value.items()}
    return [_escaped(part) for part in value] if isinstance(value, list) else value
