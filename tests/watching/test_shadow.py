"""The fresh model beside the champion: better where something changed, not better where nothing did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.evaluation.metrics.log_loss import log_loss
from perennial.watching.shadow import fit_shadow


def rows(seed: int, n: int = 4000) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    carrier = draw.choice(["AA", "UA", "DL"], n)
    return pd.DataFrame({"x": draw.normal(0, 1, n), "carrier": pd.array(carrier, "str"), "noise": draw.normal(0, 1, n)})


def true_score(frame: pd.DataFrame, changed: bool) -> np.ndarray:
    score = frame["x"].to_numpy() * (0.2 if changed else 1.0)
    score += np.where(frame["carrier"] == "AA", 1.0 if changed else 0.0, 0.0)
    return score


def binary(frame: pd.DataFrame, seed: int, changed: bool) -> tuple[np.ndarray, np.ndarray]:
    chance = 1 / (1 + np.exp(-true_score(frame, changed)))
    champion = 1 / (1 + np.exp(-true_score(frame, False)))
    return champion, (np.random.default_rng(seed).random(len(frame)) < chance).astype(float)


def saved(changed: bool) -> float:
    """Log loss saved on rows that the shadow was not fitted on."""
    fitted, scored = rows(0), rows(1)
    champion, labels = binary(fitted, 2, changed)
    shadow = fit_shadow(fitted, champion, labels, "probability")
    champion, labels = binary(scored, 3, changed)
    return log_loss(labels, champion)[0] - log_loss(labels, shadow.predict(scored, champion))[0]


def test_it_is_better_after_a_change_and_no_better_without_one() -> None:
    assert saved(changed=True) > 0.05
    assert -0.01 < saved(changed=False) < 0.001


def test_the_same_rows_give_the_same_predictions() -> None:
    frame = rows(0)
    champion, labels = binary(frame, 2, True)
    once, again = (fit_shadow(frame, champion, labels, "probability").predict(frame, champion) for _ in range(2))
    assert np.array_equal(once, again)


@pytest.mark.parametrize(("aim", "power"), [("absolute", 1), ("squared", 2)])
def test_numbers(aim: Any, power: int) -> None:
    fitted, scored = rows(0), rows(1)
    noise = np.random.default_rng(5).normal(0, 0.5, len(fitted))
    shadow = fit_shadow(fitted, true_score(fitted, False), true_score(fitted, True) + noise, aim)
    champion, truth = true_score(scored, False), true_score(scored, True) + noise
    predicted = shadow.predict(scored, champion)
    assert (np.abs(truth - predicted) ** power).mean() < 0.8 * (np.abs(truth - champion) ** power).mean()


def test_classes() -> None:
    frame = rows(0)
    draw = np.random.default_rng(6)
    champion = np.full((len(frame), 3), 1 / 3)
    labels = np.where(frame["carrier"] == "AA", 2, draw.integers(0, 2, len(frame))).astype(float)
    predicted = fit_shadow(frame, champion, labels, "probability").predict(frame, champion)
    assert predicted.shape == champion.shape
    assert np.allclose(predicted.sum(axis=1), 1)
    assert log_loss(labels, predicted)[0] < log_loss(labels, champion)[0] - 0.1


def test_a_value_that_it_never_saw_and_an_empty_column_are_no_failure() -> None:
    frame = rows(0).assign(empty=np.nan, many=[f"id{i}" for i in range(4000)])
    champion, labels = binary(frame, 2, True)
    shadow = fit_shadow(frame, champion, labels, "probability")
    new = frame.assign(carrier=pd.array(["ZZ"] * len(frame), "str"), empty=1.0)
    assert np.isfinite(shadow.predict(new, champion)).all()
