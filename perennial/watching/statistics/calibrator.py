"""The map from a model's probabilities to observed frequencies, if the model needs one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray

SPLITS, TEST_SHARE, BINS, SEED = 10, 0.1, 10, 42
PERFECT_AUC = 0.999
MIN_ROWS = 200
MOST_ROWS = 1_000_000
"""It is fitted on at most this many rows, evenly spaced. Each of the splits holds all of them."""


@dataclass(frozen=True)
class Calibrator:
    """A piecewise linear map, constant beyond its ends; the identity if it has no points."""

    scores: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()

    def __call__(self, scores: FloatArray) -> FloatArray:
        """The calibrated probability of each score, shape (n,)."""
        if not self.scores:
            return np.asarray(scores, dtype=np.float64)
        calibrated: FloatArray = np.interp(scores, self.scores, self.frequencies)
        return calibrated


def fitted_calibrator(y: FloatArray, scores: FloatArray) -> Calibrator | None:
    """The isotonic map of scores to labels if it lowers the calibration error on held-out rows, else the identity.

    y: shape (n,), 0 or 1. scores: shape (n,), of rows that the model was not trained on.
    None below `MIN_ROWS`, or if all labels are the same. Whether calibration helps is decided as NannyML 0.13 does
    (`nannyml/calibration.py`): the ECE in ten bins over ten stratified splits, before and after.
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedShuffleSplit

    if y.size > MOST_ROWS:
        spaced = np.linspace(0, y.size - 1, MOST_ROWS).astype(np.int64)
        y, scores = y[spaced], scores[spaced]
    if y.size < MIN_ROWS or min(y.sum(), y.size - y.sum()) < BINS:
        return None
    if roc_auc_score(y, scores) > PERFECT_AUC:
        return Calibrator()
    isotonic = IsotonicRegression(out_of_bounds="clip")
    truth, before, after = [], [], []
    for train, test in StratifiedShuffleSplit(SPLITS, test_size=TEST_SHARE, random_state=SEED).split(scores, y):
        isotonic.fit(scores[train], y[train])
        truth.append(y[test])
        before.append(scores[test])
        after.append(isotonic.predict(scores[test]))
    held_out = np.concatenate(truth)
    if _ece(held_out, np.concatenate(before)) <= _ece(held_out, np.concatenate(after)):
        return Calibrator()
    isotonic.fit(scores, y)
    return Calibrator(tuple(map(float, isotonic.X_thresholds_)), tuple(map(float, isotonic.y_thresholds_)))


def _ece(y: FloatArray, p: FloatArray) -> float:
    """The expected calibration error in bins of about the same number of rows."""
    order = np.argsort(p)
    gaps = np.array_split((y - p)[order], BINS)
    return float(sum(abs(gap.sum()) for gap in gaps) / y.size)
