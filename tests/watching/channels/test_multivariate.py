"""The multivariate channel: features that change together, against a principal component analysis of scikit-learn."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from perennial.watching.channels.multivariate import multivariate
from perennial.watching.statistics.pca import fitted_directions, mean_error, read_directions, reconstruction_errors


def rows(seed: int, *, together: float = 0.9, n: int = 6_000) -> pd.DataFrame:
    """Two numbers that go together, whatever the strength each keeps its distribution, and a category."""
    draw = np.random.default_rng(seed)
    cov = [[1, together], [together, 1]]
    both = draw.multivariate_normal([0, 0], cov, n)
    return pd.DataFrame({"a": both[:, 0], "b": both[:, 1], "carrier": draw.choice(["AA", "UA"], n, p=[0.7, 0.3])})


DAYS = np.arange(6_000) * 30 // 6_000


def test_the_errors_are_those_of_scikit_learn() -> None:
    then = rows(0)
    numbers = then.assign(carrier=then["carrier"].map(then["carrier"].value_counts()))
    scaled = StandardScaler().fit_transform(numbers)
    pca = PCA(n_components=0.65).fit(scaled)
    expected = np.linalg.norm(scaled - pca.inverse_transform(pca.transform(scaled)), axis=1)
    assert reconstruction_errors(fitted_directions(then, DAYS), then) == pytest.approx(expected)


def test_features_that_part_are_found_although_each_is_as_before() -> None:
    reference = fitted_directions(rows(0), DAYS)
    same, apart = multivariate(reference, rows(1), 30), multivariate(reference, rows(2, together=0.2), 30)
    assert (same.alarm, same.back) == (False, True)
    assert (apart.alarm, apart.back) == (True, False)
    assert "otherwise than in the champion's evaluation" in apart.words


def test_missing_values_empty_features_and_new_categories_are_read() -> None:
    then = rows(0).assign(empty=np.nan)
    reference = fitted_directions(then, DAYS)
    assert "empty" not in reference.names
    now = rows(1).assign(empty=1.0, carrier="ZZ")
    now.loc[:100, "a"] = np.nan
    assert np.isfinite(reconstruction_errors(reference, now)).all()


def test_too_few_days_are_unknown() -> None:
    few = fitted_directions(rows(0), DAYS // 3)
    assert multivariate(few, rows(1), 7).value is None


def shop(seed: int, months: int) -> pd.DataFrame:
    """Three features that do not depend on each other, so that which of them the directions leave out is chance."""
    draw = np.random.default_rng(seed)
    n = 1_200 * months
    kinds = draw.choice(list("abcd"), n, p=[0.4, 0.3, 0.2, 0.1])
    return pd.DataFrame({"price": draw.gamma(2, 10, n), "visits": draw.normal(size=n), "kind": pd.array(kinds, "str")})


def test_ordinary_months_rarely_ring_although_the_directions_are_arbitrary() -> None:
    alarms = 0
    for seed in range(10):
        months = shop(seed, 5)
        reference = fitted_directions(months[:1_200], np.repeat(np.arange(30), 40))
        later = [months[start : start + 1_200].reset_index(drop=True) for start in range(1_200, 6_000, 1_200)]
        alarms += sum(multivariate(reference, month, 30).alarm for month in later)
    assert alarms <= 2, "of 40; an alarm is outside of 99 % of ordinary months"


def test_ordinary_weeks_rarely_ring_although_an_evaluation_has_only_eight() -> None:
    """4 % of these weeks rang by the quantiles of resampled weeks, which are nearly the same few weeks."""
    alarms = 0
    for seed in range(4):
        rows = shop(seed, 10)  # 300 days of 40 rows
        reference = fitted_directions(rows[:2_240], np.repeat(np.arange(56), 40))
        weeks = [rows[start : start + 280].reset_index(drop=True) for start in range(2_240, 11_760, 280)]
        alarms += sum(multivariate(reference, week, 7).alarm for week in weeks)
    assert alarms <= 2, "of 136; an alarm is outside of 99 % of ordinary weeks"


def test_directions_of_an_earlier_version_are_read_and_new_ones_come_back_as_they_were() -> None:
    made = fitted_directions(rows(0), DAYS)
    stored = json.loads(json.dumps(asdict(made)))
    assert mean_error(read_directions(stored), rows(1)) == mean_error(made, rows(1))
    del stored["folds"]
    assert mean_error(read_directions(stored), rows(1)) == reconstruction_errors(made, rows(1)).mean()
