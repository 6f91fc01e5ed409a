"""Data Docs: Great Expectations' own pages about the newest batches of a use case, for people to read.

They are made from `Validation.results`, later and elsewhere than the checks, and nothing waits for them.
What was found lies beside the pages as JSON, one file a batch. The index is ours: Great Expectations' own is empty
without scripts from public servers. Its pages take their styling from there too, so offline they look plain.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from data_checks.quiet import great_expectations
from perennial.clock import instant, write_instant
from perennial.identity import digest_bytes
from perennial.store.lock import only_one

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

LONGEST_NAME = 180
NEWEST = 24
"""So many batches have a page."""

_REMOTE_LOGO = re.compile(r"https://great-expectations-web-assets\.[^\"']*/([a-z_-]+\.png)[^\"']*")
_LINK_TO_THE_SUITE = re.compile(r'<a href="[./]*/expectations/[^"]*"[^>]*>([^<]*)</a>')
_UP_TO_THE_SITE = "../../../../"

Record = Mapping[str, Any]


def write_docs(folder: Path, usecase: str, batch: str, at: datetime, results: Sequence[Record]) -> Path:
    """Write the page of a batch and the index of the newest `NEWEST` ones; returns the index page.

    folder: the site of the use case is made at `folder / usecase`.
    at: aware, the end of the batch's window: the order of the pages. The same batch again replaces its page.
    results: `Validation.results`.
    Raises OSError where the folder cannot be written, TransientError where another process keeps it too long.
    """
    record = {"batch": batch, "at": write_instant(at), "results": list(results)}
    page = _page_of(usecase, record)
    site = folder / usecase
    with only_one(folder / "locks", usecase, "docs"):
        _static(site)
        _write(site / _path(usecase, record), page)
        known = _newest(site / "results", record)
        _prune(site / "validations", {site / _path(usecase, each) for each in known})
        _write(site / "index.html", _index_of(usecase, known))
    return site / "index.html"


def pages_of(folder: Path, usecase: str) -> dict[str, Path]:
    """The pages that there are: the index under "", then each batch's by its name, the newest first. None: empty."""
    site = folder / usecase
    if not (site / "index.html").exists():
        return {}
    known = sorted(
        (json.loads(path.read_text(encoding="utf-8")) for path in (site / "results").glob("*.json")),
        key=lambda record: (instant(record["at"]), record["batch"]),
        reverse=True,
    )
    return {"": site / "index.html"} | {record["batch"]: site / _path(usecase, record) for record in known}


def _write(path: Path, text: str) -> None:
    """In one move, so that nobody reads half a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def _newest(records: Path, record: Record) -> list[Record]:
    """Keep a batch's record and return those of the newest batches, newest first; older ones are removed."""
    _write(records / f"{_as_file(record['batch'])}.json", json.dumps(record, ensure_ascii=False, allow_nan=False))
    found = [(json.loads(path.read_text(encoding="utf-8")), path) for path in records.glob("*.json")]
    found.sort(key=lambda pair: (instant(pair[0]["at"]), pair[0]["batch"]), reverse=True)
    for _, old in found[NEWEST:]:
        old.unlink()
    return [known for known, _ in found[:NEWEST]]


def _prune(pages: Path, known: set[Path]) -> None:
    """Remove pages of batches that are no longer known, and the folders that are empty then."""
    for page in list(pages.rglob("*.html")):
        if page not in known:
            page.unlink()
            for folder in page.parents[:2]:
                if not any(folder.iterdir()):
                    folder.rmdir()


def _as_file(name: str) -> str:
    """A name as a file's: two batches never share one. A long one ends in a digest: file systems take 255 bytes."""
    quoted = quote(name, safe="")
    return quoted if len(quoted) <= LONGEST_NAME else f"{quoted[:LONGEST_NAME]}-{digest_bytes(name.encode())[:16]}"


def _path(usecase: str, record: Record) -> Path:
    """Where a batch's page lies in the site: as deep as Great Expectations puts it, for the links in it."""
    name = _as_file(record["batch"])
    return Path("validations", usecase, name, _as_file(record["at"]), f"{name}.html")


def _static(site: Path) -> None:
    """Great Expectations' own pictures and fonts, once."""
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
    # The suite has no page of its own: the declaration is what people read.
    page = _LINK_TO_THE_SUITE.sub(r"\1", page)
    # Great Expectations fetches its logo from its own server at every view; there is a copy in the site.
    return _REMOTE_LOGO.sub(rf"{_UP_TO_THE_SITE}static/images/\1", page)


def _index_of(usecase: str, known: Sequence[Record]) -> str:
    """One line a batch, the newest first."""
    rows = []
    for record in known:
        failed = sum(not result["success"] for result in record["results"])
        verdict = f"✗ {failed} of {len(record['results'])} checks failed" if failed else "✓ all checks passed"
        link = f'<a href="{quote(_path(usecase, record).as_posix())}">{html.escape(record["batch"])}</a>'
        rows.append(f"<tr><td>{link}</td><td>{record['at']}</td><td>{verdict}</td></tr>")
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
    """A check as Great Expectations shows it, standing ones in our words and below the column they are about."""
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
    """Values as they arrived, made harmless: Great Expectations puts them into its pages as they are."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {name: _escaped(part) for name, part in value.items()}
    return [_escaped(part) for part in value] if isinstance(value, list) else value
