"""Watching weighted rows: whole weights are repeated rows, and a fresh model learns most from heavy rows."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.evaluation.metrics import load_metric
from perennial.evaluation.metrics.log_loss import log_loss
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import relative
from perennial.watching.channels.calibration import GAP
from perennial.watching.channels.measured import measure
from perennial.watching.shadow import fit_shadow
from perennial.watching.statistics.calibrator import fitted_calibrator
from perennial.watching.statistics.cbpe import estimated
from tests.watching.test_shadow import binary, rows


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "roc_auc"])
def test_an_estimated_loss_of_whole_weights_is_that_of_repeated_rows(metric: str) -> None:
    draw = np.random.default_rng(3)
    scores = np.round(draw.uniform(0.05, 0.95, 300), 2)
    calibrator = fitted_calibrator((draw.random(300) < scores**2).astype(float), scores)
    assert calibrator is not None
    times = draw.integers(1, 5, 300)
    weighted = estimated(load_metric(metric), scores, [calibrator], relative(times.astype(float)))
    repeated = estimated(load_metric(metric), np.repeat(scores, times), [calibrator])
    assert weighted is not None and repeated is not None
    assert weighted[0] == pytest.approx(repeated[0], abs=1e-12)
    of_copies = np.bincount(np.repeat(np.arange(300), times), repeated[1])
    assert weighted[1] / 300 == pytest.approx(of_copies / times.sum(), abs=1e-12)


def test_a_weighted_gap_of_means_has_the_interval_of_its_weighted_days() -> None:
    draw = np.random.default_rng(4)
    day, p = np.repeat(np.arange(20), 30), draw.uniform(0.1, 0.9, 600)
    y, weights = (draw.random(600) < p).astype(float), draw.lognormal(0, 1, 600)
    measured = measure(GAP, y, p, Clusters(day, weights=relative(weights)))
    assert measured.value == pytest.approx(np.average(p - y, weights=weights))
    plain = measure(GAP, y, p, Clusters(day))
    assert measured.interval is not None and plain.interval is not None
    assert measured.interval.se > plain.interval.se, "unequal weights are worth fewer rows"


def test_a_shadow_learns_from_the_rows_that_weigh_most() -> None:
    """Half of the rows show a change and half do not: which half is heavy decides what a fresh model predicts."""
    frame = rows(0)
    champion, unchanged = binary(frame, 2, False)
    _, changed = binary(frame, 2, True)
    half = np.arange(len(frame)) % 2 == 0
    labels = np.where(half, changed, unchanged)

    def loss_after_the_change(heavy: np.ndarray) -> float:
        shadow = fit_shadow(frame, champion, labels, "probability", relative(np.where(heavy, 50.0, 1.0)))
        scored = rows(1)
        before, truth = binary(scored, 3, True)
        return log_loss(truth, shadow.predict(scored, before))[0]

    assert loss_after_the_change(half) < loss_after_the_change(~half) - 0.02
