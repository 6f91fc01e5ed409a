"""What a service answered during a stage: both models' predictions of each record, by the arm of its key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.staged.evidence import ArmLabels, Labelled, Traffic, Values
from perennial.ledger.entries import Release, SegmentCollected
from perennial.ledger.ledger import Ledger
from perennial.our_columns import (
    ARM,
    ARRIVED_AT,
    CANDIDATE_FAILED,
    CANDIDATE_US,
    CHAMPION_US,
    LABEL,
    OTHER_PROBABILITIES,
    OTHER_SCORE,
    PREDICTION,
    PREFIX,
    RELEASE_NO,
    SCORE,
)
from perennial.scoring.stored import score_column, stacked
from perennial.store.rows import labels_of
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd

CHAMPION, CANDIDATE = "champion", "candidate"
BY_CHAMPION, BY_CANDIDATE = f"{PREFIX}by_champion", f"{PREFIX}by_candidate"
"""The columns of the predictions of both models: rows may have columns of any other name."""
SLOW_MS = 100.0
"""From here an answer is slow, for either model."""
_NOT_ASKED = ("not-loaded", "not-tried")


@dataclass(frozen=True)
class ServedRows:
    """Records that were answered in a stage.

    frame: one row each, with the key columns (null if the record had none), `ARM` by the key, the predictions of both
    models as `BY_CHAMPION` and `BY_CANDIDATE` (null if the candidate gave none), and the microseconds of each.
    """

    frame: pd.DataFrame
    key: list[str]

    @property
    def both(self) -> pd.DataFrame:
        """The records that both models scored."""
        return self.frame[self.frame[[BY_CHAMPION, BY_CANDIDATE]].notna().all(axis=1)]

    @property
    def by_key(self) -> pd.DataFrame:
        """The first answer to each key that both models scored."""
        return self.both.dropna(subset=self.key).drop_duplicates(self.key)[[*self.key, ARM, BY_CHAMPION, BY_CANDIDATE]]

    def counts(self, *, in_canary: bool) -> Traffic:
        """The counts of `Traffic`, without what only the values of predictions show."""
        frame, failed = self.frame, self.frame[CANDIDATE_FAILED]
        asked = ~failed.isin(_NOT_ASKED)
        arms = {arm: frame[frame[ARM] == arm] for arm in (CHAMPION, CANDIDATE)} if in_canary else {}
        slow = SLOW_MS * 1000
        return Traffic(
            champion_records=len(arms[CHAMPION]) if arms else len(frame),
            candidate_records=len(arms[CANDIDATE]) if arms else 0,
            champion_keys=self._keys(arms[CHAMPION] if arms else frame),
            candidate_keys=self._keys(arms[CANDIDATE]) if arms else 0,
            champion_asked=len(frame),
            candidate_asked=int(asked.sum()),
            both_scored=int((asked & failed.isna()).sum()),
            candidate_failed=int((failed == "raised").sum()),
            invalid=int((failed == "invalid").sum()),
            champion_slow=int((frame[CHAMPION_US] >= slow).sum()),
            candidate_slow=int((asked & (frame[CANDIDATE_US] >= slow)).sum()),
            slow_ms=SLOW_MS,
        )

    def _keys(self, rows: pd.DataFrame) -> int:
        """Distinct keys; a record without one counts by itself."""
        whole = rows[self.key].notna().all(axis=1)
        return len(rows[whole].drop_duplicates(self.key)) + int((~whole).sum())


def served_rows(
    tables: Tables, ledger: Ledger, declaration: Declaration, release: Release
) -> tuple[ServedRows | None, list[str]]:
    """What was answered by the release that began a stage, and the digests of its segments; None without any."""
    segments = [row.payload for row in ledger.all(declaration.name, SegmentCollected)]
    mine = [each for each in segments if release.release_no in each.releases]
    key, own = list(declaration.schema_.key), score_column(declaration.schema_)
    other = OTHER_SCORE if own == SCORE else OTHER_PROBABILITIES
    columns = [*key, PREDICTION, RELEASE_NO, ARM, own, other, CANDIDATE_FAILED, CHAMPION_US, CANDIDATE_US]
    names = [each.segment for each in mine]
    table = tables.read(declaration.name, "predictions", names, columns) if names else None
    if table is None or ARM not in table.column_names:
        return None, []
    frame = table.to_pandas()
    frame = frame[(frame[RELEASE_NO] == release.release_no) & frame[ARM].notna()].sort_values(PREDICTION)
    answered = (frame[ARM] == CANDIDATE) & frame[CANDIDATE_FAILED].isna()
    frame[BY_CHAMPION] = frame[own].where(~answered, frame[other])
    frame[BY_CANDIDATE] = frame[other].where(~answered, frame[own])
    frame.loc[frame[CANDIDATE_FAILED].notna(), BY_CANDIDATE] = None
    digests = [each.digest for each in mine]
    return (ServedRows(frame.drop(columns=[own, other]), key) if len(frame) else None), digests


def labels_of_arms(rows: pd.DataFrame, declaration: Declaration, as_of: datetime) -> Labelled | None:
    """How many answered keys of each arm have a label, and which, by the local day of the event; None without any.

    rows: accepted rows of answered keys with `ARM` and `LABEL`. Those whose label is not due yet are left out.
    """
    schema = declaration.schema_
    due = np.maximum(rows[schema.time] + schema.label_known_after, rows[ARRIVED_AT]) <= as_of
    rows = rows[due | rows[LABEL].notna()]
    if rows.empty:
        return None
    known = rows[LABEL].notna()
    labels = np.zeros(len(rows))
    labels[known.to_numpy()] = labels_of(rows[known], schema)
    codes, days = _day_codes(rows, declaration)

    def arm(name: str) -> ArmLabels:
        mine = (rows[ARM] == name).to_numpy()
        of_label = mine & known.to_numpy()
        return ArmLabels(
            rows=np.bincount(codes[mine], minlength=days),
            labelled=np.bincount(codes[of_label], minlength=days),
            label_sum=np.bincount(codes[of_label], weights=labels[of_label], minlength=days).astype(np.float64),
        )

    return Labelled(champion=arm(CHAMPION), candidate=arm(CANDIDATE))


def values_of_arms(rows: pd.DataFrame, labels: np.ndarray, value: Metric, declaration: Declaration) -> Values:
    """What each labelled key was worth by the prediction that it was given, more being better.

    rows: one row per key with `ARM` and both predictions. labels: shape (n,). value: the declared one, per row.
    """
    in_arm = (rows[ARM] == CANDIDATE).to_numpy()
    champion, candidate = stacked(rows[BY_CHAMPION]), stacked(rows[BY_CANDIDATE])
    given = np.where(in_arm.reshape(-1, *[1] * (champion.ndim - 1)), candidate, champion)
    mean, influence = value.value_and_influence(labels, given)
    sign = 1.0 if value.direction == "higher" else -1.0
    return Values(sign * (influence + mean), in_arm, _day_codes(rows, declaration)[0])


def _day_codes(rows: pd.DataFrame, declaration: Declaration) -> tuple[np.ndarray, int]:
    """The local day of each row's event, shape (n,), numbered from 0 in time order, and how many days there are."""
    schema = declaration.schema_
    codes, days = rows[schema.time].dt.tz_convert(schema.timezone).dt.date.factorize(sort=True)
    return codes.astype(np.int64), len(days)
