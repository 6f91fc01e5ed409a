"""Names of the columns that Perennial adds to tables and frames. No column of a user's data has the prefix.

A declaration that names such a column is refused, so every other name is free for users, even `_row`.
"""

from __future__ import annotations

PREFIX = "__perennial_"

BATCH = f"{PREFIX}batch"
"""Id of the batch, label batch or decision that a row belongs to."""
ROW = f"{PREFIX}row"
"""The row's position in its batch as it arrived, from 0."""
ARRIVED_AT = f"{PREFIX}arrived_at"
LABEL_KNOWN_AT = f"{PREFIX}label_known_at"
"""When the label that came with the row became known."""
REASONS = f"{PREFIX}reasons"
"""Why a row was set aside, as a JSON list."""
RAW = f"{PREFIX}raw"
"""A row that was set aside, as a JSON object of the texts that arrived."""
LABEL = f"{PREFIX}label"
"""The label of a row that was known at the requested time."""
KNOWN_AT = f"{PREFIX}known_at"
FIRST_KNOWN_AT = f"{PREFIX}first_known_at"

WINDOW = f"{PREFIX}window"
"""The name of the batch that a scored row belongs to."""
SCORE = f"{PREFIX}score"
"""The probability of the positive class, or the predicted number."""
PROBABILITIES = f"{PREFIX}probabilities"
"""The probability of each declared class, in their order."""
SCORED_AT = f"{PREFIX}scored_at"
RELEASE_NO = f"{PREFIX}release_no"
VERSIONS = f"{PREFIX}versions"
"""The model versions that predicted, with their weights: `3`, or `3 × 0.5 + 4 × 0.5`."""
FEATURES = f"{PREFIX}features"
"""The digest of the features that the champion computed."""

PREDICTION = f"{PREFIX}prediction"
"""The id of a served prediction, which its answer had."""
RECEIVED = f"{PREFIX}received"
"""The record of a served prediction as it was received: JSON."""

ARM = f"{PREFIX}arm"
"""The arm of a prediction served in a stage, by its key: `champion` or `candidate`."""
CANDIDATE = f"{PREFIX}candidate"
"""The model version of the candidate."""
OTHER_SCORE = f"{PREFIX}other_score"
"""What the model that did not answer gave; null if the candidate failed."""
OTHER_PROBABILITIES = f"{PREFIX}other_probabilities"
CANDIDATE_FAILED = f"{PREFIX}candidate_failed"
"""Why the candidate gave no score, so that the live models answered: `raised`, `invalid`, `not-loaded`, `not-tried`."""
CHAMPION_US = f"{PREFIX}champion_us"
"""Microseconds that the live models took for the record."""
CANDIDATE_US = f"{PREFIX}candidate_us"


def is_ours(name: str) -> bool:
    """Whether a column has the reserved prefix, in any capitalisation, because tables are case-insensitive."""
    return name.casefold().startswith(PREFIX)
