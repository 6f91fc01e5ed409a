"""Champion against challenger: what a person reads off a comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perennial.errors import TerminalError
from perennial.evaluation.comparison import ComparisonFailed, compare, describe
from perennial.evaluation.intervals.ewc import ewc
from perennial.evaluation.judgement import Asked
from perennial.evaluation.paired import paired
from perennial.evaluation.results import MetricResult

BINARY = [
    Asked("log_loss", "primary"),
    Asked("roc_auc", "guard", 0.005),
    Asked("brier", "info"),
    Asked("accuracy", "info"),
]


@dataclass(frozen=True)
class Rows:
    """Labels, two models' predictions and days, as arrays of n rows."""

    y: np.ndarray
    champion: np.ndarray
    challenger: np.ndarray
    day: np.ndarray

    def compared(self, *metrics: Asked) -> dict[str, MetricResult]:
        told = compare(paired(self.y, self.champion, self.challenger, self.day), metrics=metrics or BINARY)
        return {result.name: result for result in told}


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def flights(days: int = 30, rows: int = 200, *, better_by: float = 0.0, seed: int = 0, day_effect: float = 0.0) -> Rows:
    """Rows of days whose models err differently; `better_by` is how much less the challenger errs.

    day_effect: how much a whole day shifts what one model thinks and the other does not.
    """
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), rows)
    truth = rng.normal(-0.5, 1.2, size=day.size)
    y = (rng.random(day.size) < logistic(truth)).astype(float)
    shift = rng.normal(size=(2, days))[:, day] * day_effect
    champion = logistic(truth + rng.normal(size=day.size) * 0.8 + shift[0])
    challenger = logistic(truth + rng.normal(size=day.size) * (0.8 - better_by) + shift[1])
    return Rows(y, champion, challenger, day)


def test_a_better_challenger_is_found_by_every_metric_whatever_its_direction() -> None:
    told = flights(better_by=0.6).compared()
    assert {result.verdict for result in told.values()} == {"better"}
    assert all(result.gain and result.gain > 0 for result in told.values())
    assert told["log_loss"].challenger < told["log_loss"].champion  # type: ignore[operator]
    assert told["roc_auc"].challenger > told["roc_auc"].champion  # type: ignore[operator]
    assert all(result.ci_low > 0 for result in told.values())  # type: ignore[operator]


def test_a_worse_challenger_is_found_too() -> None:
    assert flights(better_by=-0.8).compared()["log_loss"].verdict == "worse"


def test_two_similar_models_are_not_distinguished_and_the_smallest_detectable_gain_is_stated() -> None:
    told = flights().compared()["log_loss"]
    assert told.verdict == "no_difference_shown"
    assert told.se is not None
    assert told.mde == pytest.approx(3.0398 * told.se, rel=1e-4)


def test_regression_in_the_targets_own_unit() -> None:
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(30), 50)
    y = rng.normal(100, 10, size=day.size)
    rows = Rows(y, y + rng.normal(size=day.size) * 4, y + rng.normal(size=day.size) * 2, day)
    told = rows.compared(Asked("mae", "primary"), Asked("rmse", "info"))
    assert told["rmse"].gain == pytest.approx(2, abs=0.2)
    assert told["mae"].gain == pytest.approx(2 * (2 / np.pi) ** 0.5, abs=0.2)
    assert told["mae"].verdict == "better"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), better_by=st.floats(-0.5, 0.5))
def test_swapping_the_models_swaps_the_answer(seed: int, better_by: float) -> None:
    rows = flights(20, 60, better_by=better_by, seed=seed)
    swapped = Rows(rows.y, rows.challenger, rows.champion, rows.day)
    opposite = {"better": "worse", "worse": "better"}
    asked = [Asked("log_loss", "primary"), Asked("roc_auc", "info"), Asked("brier", "info")]
    for one, other in zip(rows.compared(*asked).values(), swapped.compared(*asked).values(), strict=True):
        assert other.gain == pytest.approx(-one.gain, abs=1e-12)  # type: ignore[operator]
        assert other.p_value == pytest.approx(1 - one.p_value, abs=1e-9)  # type: ignore[operator]
        assert (other.ci_low, other.ci_high) == pytest.approx((-one.ci_high, -one.ci_low), abs=1e-12)  # type: ignore[operator]
        assert other.verdict == opposite.get(one.verdict, one.verdict)


def test_the_order_of_the_rows_does_not_matter_but_that_of_the_days_does() -> None:
    rows = flights(day_effect=0.3)
    mixed = np.random.default_rng(2).permutation(rows.y.size)
    shuffled = Rows(rows.y[mixed], rows.champion[mixed], rows.challenger[mixed], rows.day[mixed])
    one, other = rows.compared()["log_loss"], shuffled.compared()["log_loss"]
    assert other.se == pytest.approx(one.se)
    days_mixed = np.random.default_rng(3).permutation(30)[rows.day]
    third = Rows(rows.y, rows.champion, rows.challenger, days_mixed).compared()["log_loss"]
    assert third.se != pytest.approx(one.se, rel=1e-3)
    assert third.day_t.se == pytest.approx(one.day_t.se)  # type: ignore[union-attr]


def test_row_by_row_would_claim_an_interval_several_times_too_narrow() -> None:
    """Whole days on which one model errs: the median of five samples, since a standard error of 30 days is noisy."""
    ratios = []
    for seed in range(5):
        told = flights(rows=1_000, day_effect=1.0, seed=seed).compared(Asked("log_loss", "primary"))["log_loss"]
        assert told.row_t is not None
        assert told.se is not None
        ratios.append(told.se / told.row_t.se)
    assert np.median(ratios) > 3


def test_the_interval_replays_from_the_stored_sums_and_counts() -> None:
    rows = flights(better_by=0.2, day_effect=0.2)
    told = rows.compared()["log_loss"]
    again = ewc(told.gain or 0.0, np.array(told.sums), np.bincount(rows.day))
    assert again is not None
    assert again.model_dump() == {name: getattr(told, name) for name in again.model_dump()}


def test_the_days_sums_point_the_way_of_the_gain() -> None:
    """A day on which the challenger does badly is below 0 in every metric, so that the skewness means something."""
    rows = flights()
    rows.challenger[rows.day == 4] = 1 - rows.y[rows.day == 4]
    for told in rows.compared().values():
        assert np.argmin(told.sums) == 4


def test_the_row_by_row_interval_is_the_paired_t_test() -> None:
    rows = flights()
    told = rows.compared(Asked("brier", "primary"))["brier"]
    theirs = stats.ttest_rel((rows.y - rows.champion) ** 2, (rows.y - rows.challenger) ** 2, alternative="greater")
    assert told.row_t is not None
    assert told.row_t.df == theirs.df
    assert told.row_t.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


def test_fourteen_days_are_not_enough_but_the_values_are_reported() -> None:
    told = flights(days=14, better_by=0.7).compared()["log_loss"]
    assert (told.verdict, told.note) == ("not_decidable", "14 days of labels; 15 are needed")
    assert told.gain is not None
    assert told.gain > 0
    assert (told.p_value, told.ci_low, told.se, told.mde) == (None, None, None, None)
    assert told.row_t is not None
    assert told.day_t is not None


def test_weeks_are_called_weeks() -> None:
    rows = flights(days=3)
    told = compare(paired(rows.y, rows.champion, rows.challenger, rows.day, cluster_by="week"), metrics=BINARY[:1])
    assert told[0].note == "3 weeks of labels; 15 are needed"


def test_too_few_positives_are_not_decidable_never_a_pass() -> None:
    rows = flights(better_by=0.7)
    rare = Rows(np.where(np.cumsum(rows.y) <= 12, rows.y, 0.0), rows.champion, rows.challenger, rows.day)
    told = rare.compared()["log_loss"]
    assert (told.verdict, told.note) == ("not_decidable", "12 positive rows; 20 are needed")
    assert told.p_value is None


def test_rows_of_one_class_have_no_auc() -> None:
    rows = flights()
    told = Rows(np.zeros(rows.y.size), rows.champion, rows.challenger, rows.day).compared()["roc_auc"]
    assert (told.champion, told.challenger, told.gain, told.day_t) == (None, None, None, None)
    assert (told.verdict, told.note) == ("not_decidable", "all 6,000 rows are of one class")


def test_no_labelled_row_yet_is_an_answer() -> None:
    none = np.zeros(0)
    told = compare(paired(none, none, none, none.astype(np.int64)), metrics=BINARY)
    assert {result.note for result in told} == {"0 days of labels; 15 are needed"}
    assert {result.gain for result in told} == {None}


def test_the_same_model_twice_differs_in_nothing() -> None:
    rows = flights()
    told = Rows(rows.y, rows.champion, rows.champion.copy(), rows.day).compared()
    assert (told["log_loss"].verdict, told["log_loss"].p_value) == ("no_difference_shown", 0.5)
    assert told["log_loss"].note == "the two models predict the same"
    assert told["roc_auc"].verdict == "non_inferior"


def test_a_difference_of_rounding_is_no_difference() -> None:
    rows = flights()
    told = Rows(rows.y, rows.champion, rows.champion * (1 - 1e-13), rows.day).compared()["brier"]
    assert told.gain != 0
    assert told.verdict == "no_difference_shown"


@pytest.mark.parametrize(
    ("better_by", "margin", "verdict"),
    [
        (0.05, 0.05, "non_inferior"),  # a little better, not proven so
        (-0.5, 0.1, "non_inferior"),  # proven worse, but by less than the margin
        (-0.5, 0.001, "worse"),
        (-0.02, 0.0001, "no_difference_shown"),
        (0.6, 0.02, "better"),
    ],
)
def test_what_a_margin_makes_of_a_guard(better_by: float, margin: float, verdict: str) -> None:
    rows = flights(better_by=better_by)
    assert rows.compared(Asked("roc_auc", "guard", margin))["roc_auc"].verdict == verdict


@pytest.mark.parametrize(
    ("model", "value", "message"),
    [
        ("champion", np.nan, "the champion's predictions are missing or infinite for 3 of 6,000 rows"),
        ("challenger", np.inf, "the challenger's predictions are missing or infinite for 3 of 6,000 rows"),
        ("challenger", 1.25, r"the challenger's predictions are not probabilities .* for 3 of 6,000 rows"),
        ("y", np.nan, "3 of 6,000 labels are missing or infinite"),
        ("y", 2.0, "3 of 6,000 labels are neither 0 nor 1"),
    ],
)
def test_a_gap_in_predictions_fails_the_comparison_and_names_the_model(model: str, value: float, message: str) -> None:
    rows = flights()
    getattr(rows, model)[[5, 70, 900]] = value
    with pytest.raises(ComparisonFailed, match=message) as failure:
        rows.compared()
    assert isinstance(failure.value, TerminalError)
    assert "the challenger is not released" in str(failure.value)


def test_arrays_of_unlike_length_are_a_mistake() -> None:
    rows = flights()
    with pytest.raises(ValueError, match="must have the same length"):
        Rows(rows.y, rows.champion[:-1], rows.challenger, rows.day).compared()


def test_a_day_without_rows_is_a_mistake_in_the_numbering() -> None:
    rows = flights()
    with pytest.raises(ValueError, match="cluster 7 has no rows"):
        Rows(rows.y, rows.champion, rows.challenger, np.where(rows.day == 7, 8, rows.day)).compared()


def test_the_evaluation_describes_its_rows() -> None:
    rows = flights(days=20, rows=50, day_effect=0.5)
    told = compare(paired(rows.y, rows.champion, rows.challenger, rows.day), metrics=BINARY)
    names = [f"2013-02-{day + 1:02d}" for day in range(20)]
    evaluation = describe(
        told,
        np.full(20, 50),
        names,
        cluster_by="day",
        labelled_share=0.98,
        first="2013-02-01T05:00:00Z",
        last="2013-02-20T23:00:00Z",
        digest="d",
    )
    assert (evaluation.rows, evaluation.clusters, set(evaluation.cluster_rows)) == (1_000, 20, {50})
    assert evaluation.cluster_names == tuple(names)
    sums = np.array(told[0].sums)
    deviation = sums - sums.mean()
    expected = (deviation[1:] * deviation[:-1]).sum() / (deviation**2).sum()
    assert evaluation.autocorrelation == pytest.approx(expected)
    assert evaluation.largest_cluster_share == pytest.approx(np.abs(sums).max() / np.abs(sums).sum())
    assert evaluation.skewness is not None
    with pytest.raises(ValueError, match="20 clusters have 19 names"):
        describe(told, np.full(20, 50), names[:-1], cluster_by="day", labelled_share=1, first="", last="", digest="")
