"""Results of comparisons, made from a gain and its standard error as a comparison makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perennial.evaluation.intervals.mde import minimal_detectable_effect
from perennial.evaluation.intervals.student_t import lower_bound, student_t
from perennial.evaluation.judgement import gain_of
from perennial.evaluation.results import MetricResult


def primary_of(gain: float | None = None, se: float = 0.001, **fields: Any) -> MetricResult:
    """A decidable primary log loss with 4 degrees of freedom; keywords override."""
    df = fields.pop("df", 4.0)
    told: dict[str, Any] = {
        "name": "log_loss",
        "role": "primary",
        "direction": "lower",
        "champion": 0.4,
        "challenger": None if gain is None else 0.4 - gain,
        "gain": gain,
        "margin": None,
        "verdict": "not_decidable" if gain is None else "no_difference_shown",
        "ci_low": None,
        "ci_high": None,
        "p_value": None,
        "df": None,
        "se": None,
        "mde": None,
    }
    if gain is not None:
        interval = student_t(gain, se, df)
        told |= interval.model_dump() | {"mde": minimal_detectable_effect(se, df)}
        told["lower_bound"] = lower_bound(gain, se, df, 0.05)
        assert gain_of("lower", told["champion"], told["challenger"]) == pytest.approx(gain)
    return MetricResult.model_validate(told | fields)


@pytest.fixture
def metric_result() -> Callable[..., MetricResult]:
    """As `primary_of`."""
    return primary_of
