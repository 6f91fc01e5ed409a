"""A look at a source's next batch before any run: whether it can be read and its declared columns can be used."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from perennial.errors import PerennialError, TransientError
from perennial.intake.naming import with_late_target
from perennial.intake.typed import typed_batch
from perennial.intake.unusable import other_values, unusable_columns
from perennial.sources.file_bytes import start_of
from perennial.sources.opened import is_packed
from perennial.sources.parquet_file import first_rows, rows_in
from perennial.sources.parsing import Parsed
from perennial.sources.read_options import ReadOptions
from perennial.sources.window import Arrival, Source
from perennial.usecase.columns import read_options
from perennial.usecase.declaration import UseCase
from perennial.usecase.document import Document, Place
from perennial.usecase.mistakes import Mistake, closest, listed
from perennial.usecase.rules_of_columns import read_by_built_in, roles

_HEAD = 5_000_000
"""Bytes of a CSV that are parsed for a look."""
_FIRST, _WHOLE = 200_000, 2_000_000
"""Rows that are parsed of a Parquet file with more rows than the second number."""


@dataclass(frozen=True)
class Looked:
    """A source's next batch.

    batch: typed, None if there is none or it cannot be read; wrong: why it cannot. window: its name.
    is_new: whether it has not been ingested yet. unknown: why the source could not be reached just now. is_whole:
    whether all its rows were read.
    """

    batch: Parsed | None = None
    window: str = ""
    is_new: bool = False
    wrong: PerennialError | None = None
    unknown: str = ""
    is_whole: bool = True

    @property
    def missing(self) -> tuple[str, ...]:
        """Declared columns that are missing from the batch."""
        return self.batch.missing if self.batch is not None else ()


def look(case: UseCase, source: Source, taken: Collection[str]) -> Looked:
    """The next batch of a source, otherwise its newest. taken: windows that were ingested before."""
    try:
        windows = source.windows()
        fresh = [window for window in windows if window.name not in taken]
        if not windows:
            return Looked()
        return look_at(case, source.fetch((fresh or windows[-1:])[0]), is_new=bool(fresh))
    except TransientError as error:
        return Looked(unknown=str(error))
    except PerennialError as error:
        return Looked(wrong=error)


def look_at(case: UseCase, arrival: Arrival, *, is_new: bool) -> Looked:
    """The batch that a source returned."""
    declaration = case.declaration
    try:
        data, is_whole = _first_rows(arrival, read_options(declaration))
        parsed = typed_batch(declaration, data, arrival.suffix)
    except PerennialError as error:
        return Looked(window=arrival.window.name, is_new=is_new, wrong=error)
    return Looked(with_late_target(parsed, declaration), arrival.window.name, is_new, is_whole=is_whole)


def source_mistakes(case: UseCase, document: Document, looked: Looked) -> list[Mistake]:
    """What would stop the next ingest: an unreadable batch, columns that it lacks or cannot use, or missing labels."""
    labels = case.declaration.labels
    if labels is not None and not (case.folder / labels.path).exists():
        fix = "a relative path starts at the declaration's folder"
        reason = f"{case.folder / labels.path} does not exist"
        return [document.mistake(("labels", "path"), reason, fix, code="source-unreadable")]
    if looked.wrong is not None:
        place: Place = ("source", "path") if document.text("source", "path") else ("source",)
        reason, _, fix = str(looked.wrong).removeprefix("source.path: ").partition("\n")
        message = f"batch {looked.window} cannot be read: {reason}" if looked.window else reason
        return [document.mistake(place, message, fix.strip(), code="source-unreadable")]
    if looked.batch is None:
        return []
    places = dict(read_by_built_in(document)) | {name: place for name, place, _ in reversed(roles(document))}
    mistakes = [
        document.mistake(
            places.get(name, ("schema", "types", name)),
            f"column '{name}' of batch {looked.window}: {wrong}",
            fix,
            code="source-column-unusable",
        )
        for name, wrong, fix in (unusable_columns(case.declaration, looked.batch) if looked.is_new else ())
    ]
    other = other_values(case.declaration, looked.batch) if looked.is_new else None
    if other is not None and other.is_held:
        target = case.declaration.schema_.target
        message = f"column '{target}' of batch {looked.window}: {other.words}; the batch would be held"
        place = ("schema", "target")
        mistakes.append(document.mistake(place, message, other.fix, code="source-other-target-values"))
    for name in looked.missing if looked.is_new else ():
        near = closest(name, looked.batch.extra)
        has = listed((*map(str, looked.batch.frame.columns), *looked.batch.extra))
        mistakes.append(
            document.mistake(
                places.get(name, ("schema", "types", name)),
                f"batch {looked.window} of the source has no column '{name}'",
                f"did you mean '{near}'?" if near else f"its columns are {has}",
                code="source-no-column",
            )
        )
    return mistakes


def named_from_source(mistake: Mistake, looked: Looked) -> Mistake:
    """The mistake of naming an unknown column, with a fix that agrees with the columns the source has."""
    if mistake.code != "column-unknown" or looked.batch is None or not isinstance(mistake.value, str):
        return mistake
    has = {*map(str, looked.batch.frame.columns), *looked.batch.extra} - {*looked.missing}
    if mistake.value in has:
        misspelt = closest(mistake.value, looked.missing)
        fix = f"the source has it: correct '{misspelt}', which the source does not have" if misspelt else ""
        return replace(mistake, fix=fix or "the source has it: declare it under schema.types")
    near = closest(mistake.value, has)
    return replace(mistake, fix=f"did you mean '{near}', as in the source?") if near else mistake


def _first_rows(arrival: Arrival, read: ReadOptions) -> tuple[bytes, bool]:
    """The bytes of the rows that are looked at, and whether these are all."""
    content = arrival.content
    if arrival.suffix == ".parquet" and isinstance(content, Path) and rows_in(content) > _WHOLE:
        return first_rows(content, _FIRST), False
    if arrival.suffix != ".csv":
        return arrival.data, True
    start = start_of(content, _HEAD + 1) if isinstance(content, Path) else content
    if (head := _head(start, read)) != start:
        return head, False
    return start if len(start) <= _HEAD else arrival.data, True


def _head(data: bytes, read: ReadOptions) -> bytes:
    """The first lines of a CSV, up to one that ends outside quotes; all of it where lines show only in reading."""
    if len(data) <= _HEAD or is_packed(data) or read.encoding == "utf-16":
        return data
    end, quote = data.rfind(b"\n", 0, _HEAD) + 1, read.quote.encode()
    while end and quote and data.count(quote, 0, end) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return data[:end] if end else data
