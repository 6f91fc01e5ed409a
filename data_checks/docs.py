"""Data Docs: Great Expectations' own pages about the newest batches of a use case, for people to read.

They are made from `Validation.results`, later and elsewhere than the checks, and nothing waits for them.
What was found lies beside the pages as JSON, one file a batch; pages and index follow from those files.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_checks.quiet import great_expectations
from data_checks.validation import ONE_AT_A_TIME
from perennial.clock import instant, write_instant

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier

NEWEST = 24
"""So many batches have a page: building the index takes longer with each of them."""


def write_docs(folder: Path, usecase: str, batch: str, at: datetime, results: Sequence[Mapping[str, Any]]) -> Path:
    """Write the page of a batch and the index of the newest `NEWEST` ones; returns the index page.

    folder: the site of the use case is made at `folder / usecase`.
    at: aware, the end of the batch's window: the order of the pages. The same batch again replaces its page.
    results: `Validation.results`.
    Raises OSError where the folder cannot be written.
    """
    site = folder / usecase
    records = site / "results"
    records.mkdir(parents=True, exist_ok=True)
    with _alone(site):
        record = {"batch": batch, "at": write_instant(at), "results": list(results)}
        _replace(records / f"{_file_name(batch)}.json", json.dumps(record, ensure_ascii=False, allow_nan=False))
        return _build(site, usecase, batch, _newest(records))


def _newest(records: Path) -> list[dict[str, Any]]:
    """What is known of the newest batches, the newest first; older records are removed."""
    found = [(json.loads(path.read_text(encoding="utf-8")), path) for path in records.glob("*.json")]
    found.sort(key=lambda pair: (instant(pair[0]["at"]), pair[0]["batch"]), reverse=True)
    for _, path in found[NEWEST:]:
        path.unlink(missing_ok=True)
    return [record for record, _ in found[:NEWEST]]


def _build(site: Path, usecase: str, batch: str, records: Sequence[Mapping[str, Any]]) -> Path:
    """Pages of `batch` and of every other one that has none yet, and the index. Pages without a record go."""
    gx = great_expectations()
    from great_expectations.render.renderer.site_builder import SiteBuilder

    with ONE_AT_A_TIME:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        wanted = []
        for record in records:
            key = _key(usecase, record)
            context.validation_results_store.set(key, _suite_result(usecase, record))
            if (
                record["batch"] == batch
                or not (site / "validations" / Path(*key.to_tuple())).with_suffix(".html").exists()
            ):
                wanted.append(key)
        builder = SiteBuilder(
            context,
            store_backend={"class_name": "TupleFilesystemStoreBackend", "base_directory": str(site)},
            site_name=usecase,
            show_how_to_buttons=False,
            site_section_builders={"expectations": None, "profiling": None},
        )
        builder.build(resource_identifiers=wanted)
    return site / "index.html"
