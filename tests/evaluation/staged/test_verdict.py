"""Whether a stage advances, waits or is aborted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perennial.evaluation.staged.evidence import Evidence, Scores, Traffic
from perennial.evaluation.staged.results import Look
from perennial.evaluation.staged.scores import binned, scores_moved
from perennial.evaluation.staged.verdict import look_at

QUIET = Traffic(
    champion_records=5_000, champion_keys=5_000, champion_asked=5_000, candidate_asked=5_000, both_scored=5_000
)


def shadow(traffic: Traffic, *, day: float) -> Look:
    return look_at(
        Evidence(stage="shadow", share=0.0, feedback="none", planned_days=7, elapsed_days=day, traffic=traffic)
    )


@pytest.mark.parametrize("day", [0.0, 3.0, 30.0])
def test_silence_neither_advances_nor_aborts(day: float) -> None:
    look = shadow(Traffic(), day=day)
    assert look.verdict == ("wait" if day < 7 else "not_decidable")
    assert {finding.verdict for finding in look.findings} == {"not_decidable"}


def test_a_stage_without_harm_waits_for_its_time_and_then_advances() -> None:
    assert [shadow(QUIET, day=day).verdict for day in (0.5, 6.9, 7.0, 9.0)] == ["wait", "wait", "advance", "advance"]


@pytest.mark.parametrize(
    ("check", "seen"), [("invalid_predictions", {"invalid": 1}), ("skew", {"recomputed": 100, "differing": 1})]
)
def test_one_record_stops_the_stage_at_once(check: str, seen: dict[str, int]) -> None:
    look = shadow(replace(QUIET, **seen), day=0.01)
    (harm,) = [finding for finding in look.findings if finding.verdict == "harm"]
    assert (look.verdict, harm.check, look.reason) == ("abort", check, harm.sentence)


def test_a_stage_advances_with_the_checks_that_could_not_be_decided_named() -> None:
    assert "1 check could not be decided: skew." in shadow(QUIET, day=7).reason


def test_scores_that_moved_are_information_alone() -> None:
    moved = Scores(np.array([900, 100, 0]), np.array([0, 100, 900]))
    look = look_at(Evidence("shadow", 0.0, "none", 7, 7, QUIET, scores=moved))
    (scores,) = [finding for finding in look.findings if finding.check == "scores"]
    assert (look.verdict, scores.verdict, scores.estimate) == ("advance", "information", 0.9)
    assert "90 % of the candidate's 1,000 scores" in scores.sentence


def test_scores_are_binned_by_the_champions_tenths_or_by_class_without_what_is_missing() -> None:
    champion = np.r_[np.linspace(0, 0.2, 1000), np.nan]
    same = binned(champion, champion)
    assert same is not None and scores_moved(same).estimate == 0 and same.champion.tolist() == [100] * 10
    lifted = binned(champion, champion + 0.1)
    assert lifted is not None and scores_moved(lifted).estimate == pytest.approx(0.5, abs=0.01)
    constant = binned(np.full(5, 0.3), np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert constant is not None and (constant.champion.tolist(), constant.candidate.tolist()) == ([0, 5], [2, 3])
    classes = binned(np.eye(3)[[0, 0, 1, 2]], np.eye(3)[[0, 1, 1, 2]])
    assert classes is not None and "classes" in scores_moved(classes).sentence
    assert (classes.champion.tolist(), classes.candidate.tolist()) == ([2, 1, 1], [1, 2, 1])
    assert binned(np.array([np.inf]), np.array([0.5])) is None


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"differing is 2, more than the 1 of recomputed"):
        Traffic(recomputed=1, differing=2)
    with pytest.raises(ValueError, match="invalid must be at least 0, not -1"):
        Traffic(invalid=-1)
