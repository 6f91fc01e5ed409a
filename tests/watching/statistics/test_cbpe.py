"""The estimated loss, against NannyML 0.13.1 on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from perennial.evaluation.metrics import load_metric
from perennial.evaluation.metrics.log_loss import METRIC as LOG_LOSS
from perennial.ledger.entries import Reference
from perennial.watching.channels.estimated_loss import estimated_loss
from perennial.watching.channels.finding import Found
from perennial.watching.statistics.calibrator import Calibrator, fitted_calibrator
from perennial.watching.statistics.cbpe import estimated, expected_auc


def rows(draw: np.random.Generator, n: int, middle: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels and the scores of an overconfident model."""
    z = draw.normal(middle, 1.2, n)
    y = (draw.random(n) < 1 / (1 + np.exp(-z))).astype(np.float64)
    return y, np.clip(1 / (1 + np.exp(-(1.7 * z + 0.4))), 1e-6, 1 - 1e-6)


@pytest.fixture(scope="module")
def samples() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(7)
    return {"reference": rows(draw, 4_000, -1), "same": rows(draw, 2_000, -1), "shifted": rows(draw, 2_000, 0.5)}


@pytest.mark.parametrize(
    ("sample", "metric", "of_nannyml"),
    [
        ("same", "roc_auc", 0.7714048520153578),
        ("same", "accuracy", 0.7352024071919966),
        ("shifted", "roc_auc", 0.7576202372156791),
        ("shifted", "accuracy", 0.6990765647814217),
        # NannyML estimates no log loss: it is computed from its calibrated probabilities.
        ("same", "log_loss", 0.5542662669671662),
        ("shifted", "log_loss", 0.6324376330939876),
    ],
)
def test_the_estimates_are_nannymls(
    samples: dict[str, tuple[np.ndarray, np.ndarray]], sample: str, metric: str, of_nannyml: float
) -> None:
    calibrator = fitted_calibrator(*samples["reference"])
    assert calibrator is not None and calibrator.scores, "an overconfident model is calibrated"
    guess = estimated(load_metric(metric), samples[sample][1], [calibrator])
    assert guess is not None
    value, influence = guess
    assert value == pytest.approx(of_nannyml, abs=1e-6)
    assert influence.sum() == pytest.approx(0, abs=1e-6)


def test_with_certain_labels_the_expected_auc_is_the_auc() -> None:
    draw = np.random.default_rng(0)
    y, scores = (draw.random(500) < 0.3).astype(np.float64), np.round(draw.random(500), 2)
    guess = expected_auc(y, scores)
    assert guess is not None
    assert guess[0] == pytest.approx(roc_auc_score(y, scores))
    assert expected_auc(np.zeros(5), scores[:5]) is None


def test_a_model_that_needs_no_calibration_keeps_its_probabilities() -> None:
    draw = np.random.default_rng(1)
    p = draw.beta(2, 5, 30_000)
    y = (draw.random(p.size) < p).astype(np.float64)
    assert fitted_calibrator(y, p) == Calibrator()
    assert fitted_calibrator(y[:100], p[:100]) is None, "too few rows"


def test_of_many_rows_evenly_spaced_ones_are_calibrated_on(
    samples: dict[str, tuple[np.ndarray, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    y, scores = samples["reference"]
    spaced = np.linspace(0, y.size - 1, 1_000).astype(np.int64)
    expected = fitted_calibrator(y[spaced], scores[spaced])
    monkeypatch.setattr("perennial.watching.statistics.calibrator.MOST_ROWS", 1_000)
    assert fitted_calibrator(y, scores) == expected


def test_several_classes_are_estimated_by_row() -> None:
    draw = np.random.default_rng(2)
    p = draw.dirichlet([2, 1, 1], 5_000)
    y = (p.cumsum(axis=1) < draw.random((5_000, 1))).sum(axis=1).astype(np.float64)
    guess = estimated(LOG_LOSS, p, [Calibrator()] * 3)
    assert guess is not None
    assert guess[0] == pytest.approx(LOG_LOSS.value_and_influence(y, p)[0], abs=0.02)
    assert estimated(load_metric("roc_auc"), p, [Calibrator()] * 3) is None


def test_it_sees_harder_rows_and_no_change_of_concept(samples: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Its words contain what it cannot see."""
    y, scores = samples["reference"]
    calibrator = fitted_calibrator(y, scores)
    assert calibrator is not None
    reference = Reference(metric="log_loss", value=0.554, se=0.01, df=20, rows=4_000, clusters=28)

    def finding(now: np.ndarray, days: int = 20) -> Found:
        codes = np.arange(now.size) * days // now.size
        return estimated_loss(now, codes, reference, metric=LOG_LOSS, calibrators=(calibrator,), tolerance=0.05)

    harder, same = finding(samples["shifted"][1]), finding(samples["same"][1])
    assert (harder.alarm, harder.back) == (True, False)
    assert (same.alarm, same.back) == (False, True)
    assert "related as before" in same.words
    few = finding(samples["same"][1], days=10)
    assert not few.alarm and "15 are needed" in few.words
