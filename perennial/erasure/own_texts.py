"""Texts that only the erased rows have, by which their traces are found in reports, logs and models."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from perennial.erasure.landed import LandedRows, read_options_of
from perennial.erasure.tabled import rows_of
from perennial.our_columns import RAW, RECEIVED, is_ours
from perennial.sources.delimited import text_table
from perennial.sources.opened import UnreadableBatch
from perennial.sources.read_options import ReadOptions
from perennial.sources.workbook import sheet_table
from perennial.store.landing import Landing, suffix_of
from perennial.store.tables import Name
from perennial.store.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from perennial.erasure.keys import Keys

SHORTEST = 4
"""Characters of a text that is looked for; shorter ones stand everywhere."""
DIGITS = 6
"""Digits of a number that is looked for."""
_MOMENT = re.compile(r"\d{4}-?\d\d-?\d\d([T ].*)?")
MASK = "[erased]"


@dataclass(frozen=True)
class OwnTexts:
    """Texts in a fixed order, and how they are found in other texts."""

    texts: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.texts)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The texts as whole words, also as HTML, JSON and addresses write them."""
        spelled = {each for text in self.texts for each in _spellings(text)}
        return re.compile(rf"(?<!\w)(?:{_any_of(spelled)})(?!\w)")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The texts that are no numbers: the only ones that a category can be."""
        return tuple(text for text in self.texts if not _is_number(text))

    def renamed(self, text: str, number: int) -> str:
        """The other text with another word for each quoted value that is one of `words`; all else stays."""
        spelled = {spelling: word for word in self.words for spelling in _spellings(word)}
        whole = rf'(?<=")(?:{_any_of(spelled)})(?=\\*")'
        return re.sub(whole, lambda match: self.name_of(spelled[match[0]], number), text)

    def name_of(self, word: str, number: int) -> str:
        """Another word for one of `words`, each a different one; any other word as it is. number: of the erasure."""
        return f"[erased {number}.{self.words.index(word) + 1}]" if word in self.words else word

    def inside(self, text: str) -> bool:
        """Whether one of the texts is in another text."""
        return bool(self.texts) and self.pattern.search(text) is not None

    def removed(self, text: str) -> str:
        """The other text with a mask instead of each; JSON stays JSON."""
        try:
            value = json.loads(text) if text[:1] in "[{" else None
        except ValueError:
            value = None
        if isinstance(value, dict | list):
            return json.dumps(self.removed_from(value), ensure_ascii=False)
        return self.pattern.sub(MASK, text)

    def removed_from(self, value: Any) -> Any:
        """A JSON value with a mask instead of each text, and null instead of a number that is one."""
        if isinstance(value, dict):
            return {self.pattern.sub(MASK, name): self.removed_from(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.removed_from(part) for part in value]
        if isinstance(value, str):
            return self.pattern.sub(MASK, value)
        return None if isinstance(value, int | float) and repr(value) in self.texts else value


def _any_of(texts: Iterable[str]) -> str:
    """A pattern of any of them, the longest first."""
    return "|".join(map(re.escape, sorted(texts, key=lambda each: (-len(each), each))))


def _spellings(text: str) -> set[str]:
    written = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return {*written, json.dumps(json.dumps(text))[3:-3], html.escape(text), quote(text)}


def own_texts(
    workspace: Workspace, keys: Keys, landed: Sequence[LandedRows], in_tables: Mapping[Name, Mapping[str, int]]
) -> OwnTexts:
    """Every text of the rows that no other landed or accepted row has, and nothing that the declaration names.

    landed, in_tables: where the rows are; bytes may be gone because their retention is over. Moments are left out, and
    short texts and numbers, which prove nothing about a person.
    """
    landing, usecase = workspace.landing, keys.declaration.name
    read_as = read_options_of(landing, workspace.ledger, keys.declaration)
    which = {each.name: each.which for each in landed}
    own = {value for key in keys.wanted for value in key if value} if landed or in_tables else set()
    for name, mask in which.items():
        table = _as_texts(landing, usecase, name, read_as(name))
        own |= _texts(table.filter(mask)) if table is not None and mask is not None else set()
    for place, batches in in_tables.items():
        stored = workspace.tables.read(usecase, place, list(batches))
        own |= _texts_in_table(stored.filter(rows_of(keys, place, stored))) if stored is not None else set()
    declared = keys.declaration.model_dump_json()
    own = {text for text in own if _tells(text) and text not in declared}
    if not own:
        return OwnTexts(())
    for name in landing.names(usecase):
        table = _as_texts(landing, usecase, name, read_as(name))
        own -= _others(table, which.get(name), own) if table is not None else set()
    accepted = workspace.tables.read(usecase, "accepted", list(workspace.tables.batches(usecase, "accepted")))
    if accepted is not None:
        own -= _others(_text_columns(accepted), rows_of(keys, "accepted", accepted), own)
    return OwnTexts(tuple(sorted(own)))


def _text_columns(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    return table.select(
        [field.name for field in table.schema if pa.types.is_string(field.type) and not is_ours(field.name)]
    )


def _texts_in_record(arrived: str) -> set[str]:
    """The values of a record; none of one that cannot be read."""
    try:
        record = json.loads(arrived)
    except ValueError:
        return set()
    return {str(value) for value in record.values() if value} if isinstance(record, dict) else set()


def _texts_in_table(table: pa.Table) -> set[str]:
    """The texts of declared columns, and of rows as they arrived."""
    texts = _texts(_text_columns(table))
    for name in (RAW, RECEIVED):
        for arrived in table[name].to_pylist() if name in table.column_names else ():
            texts |= _texts_in_record(arrived or "")
    return texts


def _tells(text: str) -> bool:
    if _MOMENT.fullmatch(text):
        return False
    if _is_number(text):
        return sum(each.isdigit() for each in text) >= DIGITS
    return len(text.strip()) >= SHORTEST


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+.,\d\s]+([eE][-+]?\d+)?", text) is not None


def _as_texts(landing: Landing, usecase: str, name: str, read: ReadOptions) -> pa.Table | None:
    """All columns, declared or not, as texts; None for bytes that are no table."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    data = landing.as_stored(usecase, name)
    try:
        if suffix_of(name) == ".csv":
            return text_table(data, nulls=False, read=read)
        table = sheet_table(data, read) if suffix_of(name) == ".xlsx" else pq.read_table(io.BytesIO(data))
    except (UnreadableBatch, pa.ArrowException, OSError):
        return None
    columns = {}
    for place, column in enumerate(table.columns):
        try:
            columns[str(place)] = pc.cast(column, pa.string())
        except pa.ArrowNotImplementedError:
            columns[str(place)] = pa.array(map(str, column.to_pylist()), pa.string())
    return pa.table(columns)


def _texts(table: pa.Table) -> set[str]:
    return {text for column in table.columns for text in column.unique().to_pylist() if text}


def _others(table: pa.Table, which: pa.BooleanArray | None, own: set[str]) -> set[str]:
    """Those of `own` that other rows of a table have."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rest = table if which is None else table.filter(pc.invert(which))
    values = pa.array(sorted(own), pa.string())
    return {
        text
        for column in rest.columns
        for text in column.filter(pc.is_in(column, value_set=values)).unique().to_pylist()
    }
