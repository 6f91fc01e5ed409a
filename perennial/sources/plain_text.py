"""Values that were read, as the texts that their file has for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.batch_rows import BatchRows


def as_in_file(batch: BatchRows, column: str) -> pd.Series:
    """The values of a column as texts: what arrived if it could not be read, otherwise the value that was read from it.

    In a column that is not written plainly (1.234,50 €) it is always the text that arrived. None for missing values.
    """
    import pandas as pd

    values = batch.column(column)
    plain = [None if pd.isna(value) else plain_text(value) for value in values]
    texts = pd.Series(plain, index=values.index, dtype="object")
    if column in batch.unreadable:
        unreadable = batch.unreadable[column]
        texts = texts.where(unreadable.isna(), unreadable)
    if column in batch.written:
        texts = pd.Series(batch.written[column].to_pylist(), index=values.index, dtype="object")
    return texts


def plain_text(value: object) -> str:
    """As it would be written in a file: whole numbers without a decimal point, booleans in lower case.

    >>> plain_text(9.0), plain_text(9.5), plain_text(True)
    ('9', '9.5', 'true')
    """
    import numpy as np

    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
