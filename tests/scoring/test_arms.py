"""The arm of a row: the same in a request and in a batch, sticky, and as large as its share."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from perennial.ledger.entries import Candidate, ModelRef, PlannedStage
from perennial.scoring.arms import arm_of, key_text
from perennial.sources.column_type import ColumnType

KINDS: tuple[ColumnType, ...] = ("text", "integer", "number", "boolean", "timestamp")


def _candidate(share: float, decision: str = "d") -> Candidate:
    stages = (PlannedStage(kind="canary" if share else "shadow", share=share, days=7),)
    model = ModelRef(version=2, run_id="r", digest="d")
    given = {"challenger": "c", "features_digest": "f", "feedback": "none", "at": 0, "since": "2024-06-01T00:00:00Z"}
    return Candidate.model_validate({"model": model, "decision": decision, "stages": stages, **given})


def test_a_key_is_the_same_text_whether_a_record_or_a_batch_has_it() -> None:
    at = datetime(2024, 3, 1, 6, 30, tzinfo=UTC)
    record = ("a,b", 7, 1.5, True, at)
    batch = pd.DataFrame({"a": ["a,b"], "b": [7], "c": [1.5], "d": [True], "e": [pd.Timestamp(at)]})
    (row,) = batch.itertuples(index=False)
    assert key_text(record, KINDS) == key_text(tuple(row), KINDS)
    numpy = ("a,b", np.int64(7), np.float64(1.5), np.bool_(True), at)
    assert key_text(numpy, KINDS) == key_text(record, KINDS)
    assert key_text((0.0, 3), ("number", "number")) == key_text((-0.0, 3.0), ("number", "number"))


def test_different_keys_are_different_texts_and_one_with_a_missing_part_has_none() -> None:
    two: tuple[ColumnType, ...] = ("text", "text")
    assert key_text(("a", "b,c"), two) != key_text(("a,b", "c"), two)
    assert key_text(("1",), ("text",)) != key_text((1,), ("number",))
    assert (
        key_text(("a", None), two) is key_text((float("nan"),), ("number",)) is key_text((pd.NaT,), KINDS[-1:]) is None
    )


def test_a_share_is_kept_as_it_grows_and_another_candidate_gets_other_keys() -> None:
    keys = [f"key {number}" for number in range(4_000)]
    arms = {share: [arm_of(key, _candidate(share)) for key in keys] for share in (0.0, 0.1, 0.5)}
    assert set(arms[0.0]) == {"champion"}
    taken = {share: {key for key, arm in zip(keys, arms[share], strict=True) if arm == "candidate"} for share in arms}
    # Four standard errors around the share.
    assert abs(len(taken[0.1]) - 400) < 76 and abs(len(taken[0.5]) - 2_000) < 127
    assert taken[0.1] < taken[0.5]
    others = {key for key in keys if arm_of(key, _candidate(0.1, "e")) == "candidate"}
    assert abs(len(others & taken[0.1]) - 40) < 26
