"""Rows of a large batch that may have a twin: another row with the same key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Keys = Callable[[], Iterator[pd.DataFrame]]

HASHES = 2**26
"""Hashes of rows that are in memory at a time."""


def twins_in(keys: Keys, rows: int) -> npt.NDArray[np.int64]:
    """The numbers of the rows whose key has the hash of another row's key. All other keys are there once.

    keys: reads the keys without nulls, on the rows' numbers, part by part, as often as needed. rows: about how many
    there are. Keys in order, as most are, are recognised without a hash. Other hashes are compared with those of the
    same remainder, so that as many are in memory as may be.
    """
    import numpy as np

    from perennial.content_in_parts import in_order

    columns = list(next(keys()).columns)
    if in_order([partial(_column, keys, name) for name in columns]):
        return np.empty(0, dtype=np.int64)
    passes = max(1, -(-rows // HASHES))
    twice = np.concatenate([_twice(keys, remainder, passes) for remainder in range(passes)])
    if not twice.size:
        return np.empty(0, dtype=np.int64)
    return np.concatenate([part.index.to_numpy(dtype=np.int64)[np.isin(_hashes(part), twice)] for part in keys()])


def _column(keys: Keys, name: str) -> Iterator[pd.Series]:
    return (part[name] for part in keys())


def _twice(keys: Keys, remainder: int, passes: int) -> npt.NDArray[np.uint64]:
    """The hashes with a remainder that are there more than once."""
    import numpy as np

    of_parts = map(_hashes, keys())
    hashes = np.concatenate([each[each % passes == remainder] for each in of_parts])
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def _hashes(keys: pd.DataFrame) -> npt.NDArray[np.uint64]:
    import pandas as pd

    floats = keys.select_dtypes("float")
    plain = keys.assign(**{name: floats[name] + 0.0 for name in floats})  # -0.0 is 0.0, but has another hash
    return pd.util.hash_pandas_object(plain, index=False).to_numpy()
