"""Names of the columns that Perennial adds to tables and frames. No column of a user's data has the prefix.

`perennial check` refuses a declaration that names such a column, so every other name is the user's, `_row` as well.
"""

from __future__ import annotations

PREFIX = "__perennial_"

BATCH = f"{PREFIX}batch"
"""Id of the batch, label batch or decision that a row belongs to."""
ROW = f"{PREFIX}row"
"""The row's place in its batch as it arrived, from 0."""
ARRIVED_AT = f"{PREFIX}arrived_at"
LABEL_KNOWN_AT = f"{PREFIX}label_known_at"
"""When the label that came with the row became known."""
REASONS = f"{PREFIX}reasons"
"""Why a row was set aside, as a JSON list."""
RAW = f"{PREFIX}raw"
"""A row that was set aside, as a JSON object of the texts that arrived."""
LABEL = f"{PREFIX}label"
"""The label that was known for a row at the moment asked for."""
KNOWN_AT = f"{PREFIX}known_at"
FIRST_KNOWN_AT = f"{PREFIX}first_known_at"


def is_ours(name: str) -> bool:
    """Whether a column has the reserved prefix, however capitalised: tables do not tell cases apart."""
    return name.casefold().startswith(PREFIX)
