"""Rows of files that several use cases share, and that none of them reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perennial.evaluation.figures import counted
from perennial.intake.due import source_of
from perennial.sources.config import FilesSource
from perennial.sources.cut_files import CutFiles
from perennial.usecase.declaration import UseCase


def rows_of_nobody(cases: Iterable[UseCase]) -> list[str]:
    """A sentence for each text of `source.only` that rows have and no use case declares.

    cases: all use cases that may read the files. Raises InputError for files that cannot be read.
    """
    shared: dict[tuple[object, ...], tuple[CutFiles, set[str]]] = {}
    for case in cases:
        source = source_of(case) if isinstance(case.declaration.source, FilesSource) else None
        if isinstance(source, CutFiles) and source.only is not None:
            column, text = source.only
            files = (source.path, column, source.cut, source.time, source.timezone, source.read.model_dump_json())
            shared.setdefault(files, (source, set()))[1].add(text)
    lines = []
    for source, texts in shared.values():
        others: dict[str, dict[str, int]] = {}
        for each in source.others(texts):
            others.setdefault(each.text, {})[each.window] = each.rows
        lines += [_in_words(source, text, rows) for text, rows in others.items()]
    return lines


def _in_words(source: CutFiles, text: str, rows: Mapping[str, int]) -> str:
    """rows: batch → how many rows of it have the text, in the order of the batches."""
    assert source.only is not None, "other texts are those that it lacks"
    total, (first, *_), (*_, last) = sum(rows.values()), rows, rows
    batches = first if len(rows) == 1 else f"{len(rows)} batches, {first} to {last},"
    belong = "belongs" if total == 1 else "belong"
    return (
        f"{counted(total, 'row', 'rows')} of {batches} in {source.path.name} {belong} to no use case: "
        f"{source.only[0]} {text!r}"
    )
