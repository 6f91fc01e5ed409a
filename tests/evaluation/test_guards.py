"""Guards: what stops a release that looks good on the primary metric."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perennial.evaluation.guards import guard
from perennial.evaluation.results import MetricResult

Make = Callable[..., MetricResult]


def auc(make: Make, gain: float | None, se: float, margin: float | None = 0.005, **fields: object) -> MetricResult:
    return make(gain, se, name="roc_auc", role="guard", margin=margin, **fields)


@pytest.mark.parametrize(
    ("gain", "se", "margin", "status", "words"),
    [
        (0.001, 0.001, 0.005, "passed", "Guard roc_auc passes: not worse by more than 0.00500"),
        (-0.001, 0.001, 0.005, "passed", "passes"),  # proven worse or not, less than the margin
        (-0.004, 0.001, 0.005, "blocked", "Guard roc_auc blocks: it may be worse by more than 0.00500"),
        (-0.020, 0.001, 0.005, "blocked", "blocks"),
        (0.0, 0.00124, 0.005, "passed", "not worse by more than"),  # 4.03 standard errors: tested as it stands
        (0.0, 0.00126, 0.005, "passed", "is under 4 standard errors of 0.00126"),  # 3.97: falls back
        (0.0, 0.002, 0.005, "passed", "is under 4 standard errors of 0.00200"),  # 2.5: falls back
        (-0.003, 0.002, 0.005, "passed", "only what is proven worse at 5 %; this is not"),
        (-0.006, 0.002, 0.005, "blocked", "proven worse at 5 %; this is (gain -0.00600"),
        (-0.001, 0.001, None, "passed", "it has no margin"),
        (-0.01, 0.001, None, "blocked", "it has no margin"),
        (0.0, 0.0, 0.005, "passed", "passes"),
    ],
)
def test_a_guard_passes_or_blocks_and_names_the_rule(
    metric_result: Make, gain: float, se: float, margin: float | None, status: str, words: str
) -> None:
    found = guard([auc(metric_result, gain, se, margin)])
    assert found.status == status
    assert words in found.sentences[0]


def test_falling_back_shares_the_error_among_the_guards(metric_result: Make) -> None:
    """t = −3 with 4 df has p = .02: proven worse for one guard at 5 %, not for three at 1.67 %."""
    worse = auc(metric_result, -0.006, 0.002)
    fine = [metric_result(0.001, 0.001, name=name, role="guard", margin=0.1) for name in ("brier", "accuracy")]
    assert guard([worse]).status == "blocked"
    shared = guard([worse, *fine])
    assert shared.status == "passed"
    assert "proven worse at 1.67 %" in shared.sentences[0]


def test_what_cannot_be_decided_does_not_pass_silently(metric_result: Make) -> None:
    unknown = auc(metric_result, None, 0.0, note="12 positive rows; 20 are needed")
    found = guard([unknown, auc(metric_result, 0.001, 0.001)])
    assert found.status == "undecided"
    assert found.sentences[0] == "Guard roc_auc cannot be decided: 12 positive rows; 20 are needed."


def test_one_blocking_guard_is_enough(metric_result: Make) -> None:
    unknown = auc(metric_result, None, 0.0, note="12 positive rows; 20 are needed")
    found = guard([auc(metric_result, 0.001, 0.001), unknown, auc(metric_result, -0.02, 0.001)])
    assert found.status == "blocked"
    assert len(found.sentences) == 3


def test_only_guards_guard(metric_result: Make) -> None:
    assert guard([metric_result(-1.0, 0.001), metric_result(-1.0, 0.001, role="info")]).status == "passed"
