"""The level channel: when a champion that became worse is reported."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perennial.evaluation.metrics import load_metric
from perennial.evaluation.paired import Clusters
from perennial.ledger.entries import Day, Reference
from perennial.watching.channels.level import LevelFinding, level, since_release
from perennial.watching.channels.measured import reference_of
from perennial.watching.season import Season


def batch(
    seed: int, *, days: int = 30, rows: int = 100, spoilt: float = 0.0
) -> tuple[np.ndarray, np.ndarray, Clusters]:
    """Labels, the champion's probabilities and days. spoilt: share of rows whose label is a coin's."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), rows)
    p = 1 / (1 + np.exp(-rng.normal(0, 3, size=day.size)))
    y = (rng.random(day.size) < np.where(rng.random(day.size) < spoilt, 0.5, p)).astype(float)
    return y, p, Clusters(day)


def held_against(seed: int, *, metric: str = "log_loss", tolerance: float = 0.25, **kind: float) -> LevelFinding:
    reference = reference_of(load_metric(metric), *batch(seed + 1_000))
    assert reference is not None
    return level(*batch(seed, **kind), reference, metric=load_metric(reference.metric), tolerance=tolerance)  # type: ignore[arg-type]


def test_an_unchanged_champion_raises_no_alarm_in_a_hundred_batches() -> None:
    found = [held_against(seed) for seed in range(100)]
    assert not any(finding.alarm for finding in found)
    assert sum(finding.back for finding in found) >= 95


@pytest.mark.parametrize("metric", ["log_loss", "brier", "accuracy", "roc_auc"])
def test_a_champion_that_went_bad_is_found_whatever_the_metrics_direction(metric: str) -> None:
    found = held_against(3, metric=metric, tolerance=0.1, spoilt=0.5)
    assert found.alarm
    assert not found.back
    assert found.worsening is not None
    assert found.worsening > 0
    assert found.words.startswith("The champion is proven worse than where it was evaluated, by more than the 10 %")
    assert "3,000 rows of 30 days" in found.words


def test_a_champion_that_became_better_is_back() -> None:
    """A lower loss is better, a higher AUC is better: neither is an alarm."""
    spoilt = {metric: reference_of(load_metric(metric), *batch(1, spoilt=0.5)) for metric in ("log_loss", "roc_auc")}
    for reference in spoilt.values():
        assert reference is not None
        found = level(*batch(2), reference, metric=load_metric(reference.metric), tolerance=0.1)
        assert found.worsening is not None
        assert found.worsening < 0
        assert (found.alarm, found.back) == (False, True)


def test_the_alarm_is_welchs_lower_bound_above_the_tolerance() -> None:
    y, p, day = batch(5, spoilt=0.3)
    reference = reference_of(load_metric("brier"), *batch(6))
    assert reference is not None
    told = level(y, p, day, reference, metric=load_metric(reference.metric), tolerance=0.25)
    assert told.loss is not None
    row = (y - p) ** 2
    days = row.reshape(30, 100).mean(axis=1)
    cosines = np.cos(np.pi * np.outer(np.arange(1, 5), np.arange(30) + 0.5) / 30) * (2 / 30) ** 0.5
    se = float(((cosines @ days) ** 2).mean() / 30) ** 0.5
    both = se**2 + reference.se**2
    df = both**2 / (se**4 / 4 + reference.se**4 / reference.df)
    expected = row.mean() - reference.value - stats.t.ppf(0.975, df) * both**0.5
    assert told.lower_bound is not None
    assert told.lower_bound == pytest.approx(expected)
    assert told.threshold == pytest.approx(0.25 * reference.value)
    assert told.alarm == (told.lower_bound > told.threshold)
    assert told.loss.ci_high - told.loss.ci_low == pytest.approx(2 * stats.t.ppf(0.975, 4) * se)
    assert told.loss.reference == reference.value


def test_more_uncertainty_in_the_evaluation_means_fewer_alarms() -> None:
    sure = reference_of(load_metric("log_loss"), *batch(8))
    assert sure is not None
    unsure = sure.model_copy(update={"se": sure.value})
    bad = batch(7, spoilt=0.6)
    assert level(*bad, sure, metric=load_metric(sure.metric), tolerance=0.25).alarm
    assert not level(*bad, unsure, metric=load_metric(unsure.metric), tolerance=0.25).alarm


def test_between_tolerance_and_proof_nothing_opens_and_nothing_closes() -> None:
    reference = reference_of(load_metric("log_loss"), *batch(8))
    assert reference is not None
    unsure = reference.model_copy(update={"se": reference.value})
    found = level(*batch(7, spoilt=0.6), unsure, metric=load_metric(unsure.metric), tolerance=0.25)
    assert (found.alarm, found.back) == (False, False)
    assert "which may be chance" in found.words


def test_fourteen_days_say_nothing_however_bad_they_are() -> None:
    found = held_against(4, days=14, spoilt=1.0)
    assert (found.alarm, found.back, found.loss) == (False, False, None)
    assert found.words.startswith("The level is unknown: 14 days of labels; 15 are needed (log_loss ")


@pytest.mark.parametrize(
    ("metric", "y", "p", "reason"),
    [
        ("log_loss", 0.0, 0.5, "0 positive rows; 20 are needed"),
        ("roc_auc", 1.0, 0.5, "all 300 rows are of one class"),
        ("log_loss", 1.0, np.nan, "300 labels or predictions are not finite"),
    ],
)
def test_what_cannot_be_measured_is_unknown(metric: str, y: float, p: float, reason: str) -> None:
    reference = Reference(metric=metric, value=0.4, se=0.01, df=4, rows=100, clusters=30)
    found = level(
        np.full(300, y),
        np.full(300, p),
        Clusters(np.repeat(np.arange(30), 10)),
        reference,
        metric=load_metric(reference.metric),
        tolerance=0.25,
    )
    assert (found.alarm, found.back, found.loss) == (False, False, None)
    assert reason in found.words


def test_a_batch_without_labels_is_unknown() -> None:
    reference = Reference(metric="mae", value=3, se=0.1, df=4, rows=100, clusters=30)
    none = np.zeros(0)
    weeks = Clusters(none.astype(np.int64), "week")
    found = level(none, none, weeks, reference, metric=load_metric(reference.metric), tolerance=0.25)
    assert found.words == "The level is unknown: 0 weeks of labels; 15 are needed."


def test_too_few_days_are_no_reference() -> None:
    assert reference_of(load_metric("log_loss"), *batch(1, days=14)) is None


def days(losses: np.ndarray, start: str = "2024-01-01") -> tuple[Day, ...]:
    first = np.datetime64(start)
    return tuple(Day(day=str(first + n), loss=float(x), gap=0.0, labelled=9, rows=9) for n, x in enumerate(losses))


def test_many_small_batches_prove_what_no_single_one_does() -> None:
    """A reference with a wide interval: a month proves nothing, ten months at half as much again do."""
    reference = Reference(metric="mae", value=100.0, se=8.0, df=30, rows=100, clusters=31)
    draw = np.random.default_rng(0)
    losses = 160 + 60 * draw.normal(size=300)
    one, ten = (since_release(days(losses[:n]), reference, season_known=False) for n in (30, 300))
    assert one is not None and ten is not None
    assert one[1] < 25 < ten[1], "the lower bound is above the tolerance only over all days"
    assert since_release(days(losses), reference, season_known=True) is None
    assert since_release(days(losses[:20]), reference, season_known=False) is None


def test_the_season_of_a_year_ago_changes_the_reference_not_the_alarm_for_decay() -> None:
    """A loss that is a half higher every summer: no alarm where last summer shows it, one where it does not."""
    reference = reference_of(load_metric("log_loss"), *batch(8))
    assert reference is not None
    summer = Season(factor=1.5, se=0.05, days=60)
    bad = batch(7, spoilt=0.12)
    plain, seasonal = (
        level(*bad, reference, metric=load_metric("log_loss"), tolerance=0.1, season=season)
        for season in (None, summer)
    )
    assert plain.alarm and not seasonal.alarm
    assert "for the season by 60 days of the year before" in seasonal.words
    assert level(*batch(7, spoilt=0.6), reference, metric=load_metric("log_loss"), tolerance=0.1, season=summer).alarm
    auc = reference_of(load_metric("roc_auc"), *batch(8))
    assert auc is not None
    finding = level(*batch(7), auc, metric=load_metric("roc_auc"), tolerance=0.1, season=summer)
    assert "season" not in finding.words, "the season of a loss does not apply to a metric that is no loss"
