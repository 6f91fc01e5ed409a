"""The digest of `content`, with a part of one column in memory at a time: for rows that are in key order already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from perennial.content import Content, ascends, content_of, length_of, little_endian

if TYPE_CHECKING:
    import pandas as pd

    ColumnParts = Callable[[], Iterator[pd.Series]]


def digest_parts(rows: int, columns: Mapping[tuple[str, str], ColumnParts], key: Sequence[str]) -> str | None:
    """As `digest_columns`; None if the rows are not in key order, or two of them have the same key.

    columns: ("rows" or "beside", name) → reads the column part by part. It is read up to five times.
    """
    if not in_order([columns["rows", name] for name in key]):
        return None
    total = hashlib.sha256(rows.to_bytes(8, "little"))
    for (of, name), parts in sorted(columns.items()):
        for chunk in _column(of, name, parts):
            total.update(chunk)
    return total.hexdigest()


def in_order(key: Sequence[ColumnParts]) -> bool:
    """Whether each row's key comes after that of the row before, so that all are different. key: of each column."""
    import pandas as pd

    if not key:
        return False
    before: list[pd.Series] = [pd.Series(dtype="object")] * len(key)
    for part in zip(*(parts() for parts in key), strict=True):
        joined = [pd.concat([last, each]) if len(last) else each for last, each in zip(before, part, strict=True)]
        if len(joined[0]) > 1 and not ascends(len(joined[0]), [content_of("key", each) for each in joined]):
            return False
        before = [each.iloc[-1:] for each in joined]
    return True


def _column(of: str, name: str, parts: ColumnParts) -> Iterator[Any]:
    """The bytes of a column, each section after its length."""
    nulls = [np.empty(0, dtype=np.bool_)]
    kind, letters, types = "nothing", None, list[npt.DTypeLike]()
    for content in _contents(name, parts):
        nulls.append(content.null)
        kind = kind if content.kind == "nothing" else content.kind
        types += [each.dtype for each in content.numbers[len(types) :]]
        if content.texts is not None:
            letters = (letters or 0) + len(content.letters)
    for text in (of, name, kind):
        yield length_of(len(text.encode())) + text.encode()
    null = np.concatenate(nulls)
    bits = np.packbits(null).tobytes()
    yield length_of(len(bits)) + bits
    for place, kind_of_number in enumerate(types):
        yield length_of(8 * null.size)
        for content in _contents(name, parts):
            there = len(content.numbers) > place
            numbers = content.numbers[place] if there else np.zeros(content.null.size, kind_of_number)
            yield little_endian(numbers)
    if letters is not None:
        yield length_of(8 * null.size)
        for content in _contents(name, parts):
            yield little_endian(content.lengths)
        yield length_of(letters)
        for content in _contents(name, parts):
            yield content.letters


def _contents(name: str, parts: ColumnParts) -> Iterator[Content]:
    return (content_of(name, part) for part in parts() if len(part))
