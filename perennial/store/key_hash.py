"""A number from each row's key: the same in any file layout, in any order and on any engine.

Every column of the key gives 64 bits: an integer itself, a number its IEEE bits, a boolean 0 or 1, a time its
microseconds since 1970, and a text its FNV-1a hash over UTF-8. They are combined one after another by the finalizer of
SplitMix64, so that keys that follow one another give numbers that do not.
Sources: Fowler, Noll, Vo & Eastlake, The FNV Non-Cryptographic Hash Algorithm (draft-eastlake-fnv), FNV-1a with 64
bits; Steele, Lea & Flood (2014), Fast Splittable Pseudorandom Number Generators, with Stafford's variant 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = npt.NDArray[np.uint64]

_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_GAMMA, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def key_hashes(rows: pa.Table, key: Sequence[str], seed: int) -> Hashes:
    """Uniformly distributed 64 bits per row, shape (n,). rows: with the columns of the key, never null."""
    hashes = np.full(rows.num_rows, _mixed(np.array([seed % 2**64], dtype=np.uint64))[0])
    for name in key:
        hashes = _mixed(hashes ^ _bits(rows[name]))
    return hashes


def _mixed(bits: Hashes) -> Hashes:
    mixed: Hashes = bits + _GAMMA
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


def _bits(column: pa.ChunkedArray) -> Hashes:
    """The 64 bits of each value, shape (n,)."""
    import pyarrow as pa

    types, kind = pa.types, column.type
    if types.is_timestamp(kind):
        return _view(column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()))
    if types.is_boolean(kind) or types.is_integer(kind):
        return _view(column.cast(pa.int64()))
    if types.is_floating(kind):
        floats: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy() + 0.0  # -0.0 equals 0.0
        return floats.view(np.uint64)
    return _fnv(column.cast(pa.large_string()).combine_chunks())


def _view(column: pa.ChunkedArray) -> Hashes:
    integers: npt.NDArray[np.int64] = column.to_numpy()
    return integers.view(np.uint64)


def _fnv(texts: Any) -> Hashes:
    """FNV-1a of texts of any length, a byte of every text at a time."""
    hashes = np.full(len(texts), _FNV_OFFSET)
    _, offsets, letters = texts.buffers()
    if letters is None:
        return hashes
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    octets = np.frombuffer(letters, dtype=np.uint8)
    starts, lengths = ends[:-1], np.diff(ends)
    places = np.argsort(-lengths, kind="stable")
    longer = np.searchsorted(-lengths[places], -np.arange(lengths.max(initial=0)), side="left")
    for byte, count in enumerate(longer.tolist()):
        rows = places[:count]
        hashes[rows] = (hashes[rows] ^ octets[starts[rows] + byte]) * _FNV_PRIME
    return hashes
