"""What a stage does to answers: in a shadow nothing, in a canary the share of its keys, and failures never show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from perennial.ledger.entries import Release
from perennial.scoring.arms import arm_of, key_text
from perennial.serving.answering import Answer, Asked, answer_all, as_json
from perennial.serving.arms import MOST_CALLS
from perennial.serving.following import Follower
from perennial.serving.live import Live, open_live
from perennial.serving.log.segment import Answered, read_segment
from perennial.serving.log.writing import ServedLog
from perennial.serving.measuring import Measures
from perennial.serving.protocols import mlflow_answer, tensors_answer
from perennial.serving.scorers.scorer import Columns, Scorer
from perennial.serving.slots import Slot
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.serving.running_service import Place
from tests.staged import in_stage

N = 400


@pytest.fixture(scope="module")
def workspace(released_shop: Place) -> Workspace:
    return open_workspace(settings(released_shop.environment()))


@pytest.fixture(scope="module")
def live(workspace: Workspace) -> Live:
    """The live release without a stage."""
    release = workspace.ledger.all("shop", Release)[-1].payload
    return open_live(workspace, "shop", release, workspace.settings.serving)


def _staged(workspace: Workspace, live: Live, share: float = 0.0) -> Live:
    """The model of the former release is the candidate."""
    former = workspace.ledger.all("shop", Release)[-2].payload.champion.model
    assert former.digest != live.release.champion.model.digest
    return open_live(workspace, "shop", in_stage(live.release, former, share), workspace.settings.serving)


class _Log:
    """A log whose segment can be read."""

    def __init__(self, folder: Any) -> None:
        self._folder = folder
        self.log = ServedLog(folder, lambda: "s-1")

    def read(self) -> list[Answered]:
        self.log.close()
        return list(read_segment(self._folder / "s-1.served"))


@pytest.fixture
def log(tmp_path: Any) -> Iterator[_Log]:
    kept = _Log(tmp_path / "served")
    yield kept
    kept.log.close()


def _records(keys: Sequence[object]) -> list[dict[str, Any]]:
    draw = np.random.default_rng(0)
    n = len(keys)
    prices, carriers = draw.gamma(2, 40, n).tolist(), draw.choice(["post", "van", "bike"], n).tolist()
    return [
        {"price": price, "weight": 2.0, "carrier": carrier, **({} if key is None else {"order": key})}
        for key, price, carrier in zip(keys, prices, carriers, strict=True)
    ]


def _asked(live: Live, records: list[dict[str, Any]]) -> Asked:
    return Asked(live.checker.check(records), [msgspec.json.encode(record) for record in records])


def _answered(live: Live, records: list[dict[str, Any]], log: _Log) -> Answer:
    (answer,) = answer_all(live, [_asked(live, records)], log.log, 0)
    return answer


def test_a_shadow_changes_no_bit_of_an_answer_and_logs_both_scores(workspace: Workspace, live: Live, log: _Log) -> None:
    records, staged = _records([f"k{number}" for number in range(N)]), _staged(workspace, live)
    without, answer = _answered(live, records, log), _answered(staged, records, log)
    assert_array_equal(answer.scores, without.scores)
    assert staged.candidate is not None
    candidates = staged.candidate.score(answer.checked)
    assert not (candidates == answer.scores).all()
    logged = log.read()
    assert [each.in_stage for each in logged[:N]] == [None] * N
    for each, score, other in zip(logged[N:], without.scores.tolist(), candidates.tolist(), strict=True):
        kept = each.in_stage
        assert kept is not None and (kept.arm, kept.failed, kept.other) == ("champion", None, (other,))
        assert each.score == (score,) and each.versions == live.versions != kept.candidate
        assert kept.champion_us > 0 and kept.candidate_us > 0


def test_a_canary_answers_its_keys_with_the_candidates_bits_and_each_key_keeps_its_arm(
    workspace: Workspace, live: Live, log: _Log
) -> None:
    records, staged = _records([f"k{number}" for number in range(N)]), _staged(workspace, live, 0.5)
    answer = _answered(staged, records, log)
    arms, candidate = answer.arms, staged.release.candidate
    assert arms is not None and candidate is not None and staged.candidate is not None
    assert abs(arms.by_candidate.sum() - N / 2) < 4 * np.sqrt(N) / 2
    both = staged.served.score(answer.checked), staged.candidate.score(answer.checked)
    assert_array_equal(answer.scores, np.where(arms.by_candidate, both[1], both[0]))
    expected = [arm_of(key_text([record["order"]], ["text"]) or "", candidate) for record in records]
    assert arms.arms == expected
    for row in (0, 1, 2, 3):
        alone = _answered(staged, [{**records[row], "price": 1.0}], log)
        assert alone.arms is not None and alone.arms.arms == [expected[row]]

    version = {"champion": live.versions, "candidate": str(candidate.model.version)}
    native = msgspec.json.decode(as_json(answer))
    assert (native["release"], native["versions"]) == (staged.release.release_no, live.versions)
    assert [(each["arm"], each["versions"]) for each in native["predictions"]] == [
        (arm, version[arm]) for arm in expected
    ]
    assert mlflow_answer(answer)["arms"] == expected
    tensors = {each["name"]: each["data"] for each in tensors_answer(answer, None)["outputs"]}
    assert tensors["arm"] == expected and tensors["versions"] == [version[arm] for arm in expected]
    for each, arm in zip(log.read(), expected, strict=False):
        assert each.in_stage is not None and each.in_stage.arm == arm and each.versions == version[arm]
        assert (each.features == "f") == (arm == "candidate")


def test_a_record_without_a_key_has_an_arm_by_its_bytes(workspace: Workspace, live: Live, log: _Log) -> None:
    staged = _staged(workspace, live, 0.5)
    records = _records([None] * N)
    first, again = _answered(staged, records, log).arms, _answered(staged, records[::-1], log).arms
    assert first is not None and again is not None
    assert list(first.arms) == list(again.arms)[::-1] and set(first.arms) == {"champion", "candidate"}


class _Failing:
    """Raises for prices above a limit, alone or among others, and gives NaN for those below another."""

    def __init__(self, scorer: Scorer, high: float, low: float) -> None:
        self._scorer, self._high, self._low = scorer, high, low
        self.calls = 0

    def score(self, columns: Columns) -> np.ndarray:
        self.calls += 1
        prices = np.array(columns["price"])
        if (prices > self._high).any():
            raise ZeroDivisionError("too dear")
        return np.where(prices < self._low, np.nan, self._scorer.score(columns))


def _with_failing(staged: Live, high: float, low: float = -1.0) -> tuple[Live, _Failing]:
    assert staged.candidate is not None
    (model,) = staged.candidate.models
    failing = _Failing(model.scorer, high, low)
    return replace(staged, candidate=replace(staged.candidate, models=(model.scored_by(failing),))), failing


def test_where_a_candidate_fails_the_live_models_answer_and_it_is_logged_and_counted(
    workspace: Workspace, live: Live, log: _Log, tmp_path: Path
) -> None:
    records = _records([f"k{number}" for number in range(N)])
    prices = np.array([record["price"] for record in records])
    high, low = float(np.sort(prices)[-6]), float(np.sort(prices)[4])
    staged, _ = _with_failing(_staged(workspace, live, 0.999), high, low)
    answer = _answered(staged, records, log)
    arms = answer.arms
    assert arms is not None
    expected = ["raised" if price > high else "invalid" if price < low else None for price in prices]
    assert list(arms.failed) == expected and expected.count("raised") == 5 and expected.count("invalid") == 4
    failed = np.array([why is not None for why in expected])
    assert not arms.by_candidate[failed].any() and np.isfinite(answer.scores).all()
    assert_array_equal(answer.scores[failed], live.served.score(answer.checked)[failed])
    for each, why in zip(log.read(), expected, strict=True):
        assert each.in_stage is not None and each.in_stage.failed == why
        assert (each.in_stage.other is None) == (why is not None)
        if why is not None:
            assert each.versions == live.versions

    follower = Follower(workspace, lambda: (), workspace.settings.serving)
    measures = Measures(follower, Slot(tmp_path), lambda: datetime(2024, 6, 1, tzinfo=UTC))
    measures.scored(answer)
    text, of = measures.text().decode(), f'release="{staged.release.release_no}",usecase="shop"'
    assert f'perennial_candidate_failures_total{{kind="raised",{of}}} 5.0' in text
    assert f'perennial_candidate_failures_total{{kind="invalid",{of}}} 4.0' in text
    for model, scored in (("champion", N), ("candidate", N - 9)):
        assert f'perennial_stage_score_count{{model="{model}",{of}}} {scored}.0' in text
        in_arm = arms.arms.count(model)
        assert (f'perennial_predictions_total{{arm="{model}",{of}}} {in_arm}.0' in text) == (in_arm > 0)
    assert arms.arms.count("candidate") > 0.9 * N


def test_a_candidate_that_always_fails_is_not_asked_without_end(workspace: Workspace, live: Live, log: _Log) -> None:
    staged, failing = _with_failing(_staged(workspace, live), high=-1.0)
    answer = _answered(staged, _records([f"k{number}" for number in range(2 * MOST_CALLS)]), log)
    assert answer.arms is not None and set(answer.arms.failed) == {"raised", "not-tried"}
    assert failing.calls == MOST_CALLS


def test_a_candidate_that_cannot_be_loaded_leaves_the_live_models_as_they_are(
    workspace: Workspace, live: Live, log: _Log
) -> None:
    lost = live.release.champion.model.model_copy(update={"digest": "other"})
    staged = open_live(workspace, "shop", in_stage(live.release, lost, 0.5), workspace.settings.serving)
    assert staged.candidate is None and "bytes changed" in staged.candidate_wrong
    records = _records([f"k{number}" for number in range(20)])
    answer = _answered(staged, records, log)
    assert_array_equal(answer.scores, _answered(live, records, log).scores)
    assert answer.arms is not None and set(answer.arms.failed) == {"not-loaded"}
