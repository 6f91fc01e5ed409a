"""Groups of persons: values are those of fairlearn, intervals count clusters, and too few rows prove nothing."""

from __future__ import annotations

from dataclasses import replace

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
from sklearn import metrics as sklearn

from perennial.evaluation.bias.gate import bias_reason, worse_treated
from perennial.evaluation.bias.markdown import bias_as_markdown
from perennial.evaluation.bias.measures import Rows
from perennial.evaluation.bias.outcomes import Selection, outcomes
from perennial.evaluation.bias.report import Groups, bias_of, represented
from perennial.evaluation.bias.results import RATES, SELECTION_RATE, Bias, GroupBias, GroupMeasure
from perennial.evaluation.bias.verdicts import judge_bias
from perennial.evaluation.bias.words import gated, summary, verdict
from perennial.evaluation.metrics import load_metric
from perennial.evaluation.metrics.black_box import black_box
from perennial.evaluation.paired import Clusters
from perennial.evaluation.weights import relative

DAYS = 30
NAMES = ("a", "b", "c")


def rows_of(
    y: np.ndarray,
    p: np.ndarray,
    day: np.ndarray,
    selection: Selection,
    metric: str = "brier",
    weights: np.ndarray | None = None,
) -> Rows:
    meant = outcomes(selection, y, p, binary=metric == "brier")
    return Rows(meant, y, p, Clusters(day, weights=relative(weights)), load_metric(metric))


def drawn(seed: int, sizes: tuple[int, ...], rates: tuple[float, ...]) -> tuple[np.ndarray, ...]:
    """Labels, predictions of 0.9 for those that are selected and 0.1 for the others, groups and days."""
    random = np.random.default_rng(seed)
    group = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    y = (random.random(group.size) < 0.3).astype(float)
    p = np.where(random.random(group.size) < np.array(rates)[group], 0.9, 0.1)
    return y, p, group, np.arange(group.size) % DAYS


def report(
    seed: int = 0,
    sizes: tuple[int, ...] = (3_000, 2_000, 1_000),
    rates: tuple[float, ...] = (0.4, 0.4, 0.4),
    live: tuple[float, ...] | None = None,
    gate: bool = True,
    gated: tuple[str, ...] = (SELECTION_RATE,),
) -> Bias:
    y, p, group, day = drawn(seed, sizes, rates)
    chosen = Selection(above=0.5)
    other = rows_of(y, drawn(seed, sizes, live)[1], day, chosen) if live else None
    groups = Groups("group", tuple(NAMES[: len(sizes)]), group, {"a": 0.5})
    return bias_of(rows_of(y, p, day, chosen), other, [groups], selected="", ratio=0.8, gate=gate, gated=gated)


def of(group: GroupBias, name: str = SELECTION_RATE) -> GroupMeasure:
    measure = group.measure(name)
    assert measure is not None
    return measure


@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_fairlearns(weighted: bool) -> None:
    random = np.random.default_rng(3)
    group, y = random.integers(0, 3, 2_000), (random.random(2_000) < 0.4).astype(float)
    p = (0.2 * y + 0.1 * group / 2 + 0.7 * random.random(2_000)).round(3)
    weights = random.random(2_000) + 0.1 if weighted else None
    rows = rows_of(y, p, np.arange(2_000) % DAYS, Selection(above=0.5), weights=weights)
    bias = bias_of(rows, None, [Groups("g", NAMES, group)], selected="", ratio=0.8, gate=True, gated=RATES)
    every = {
        SELECTION_RATE: fairlearn.selection_rate,
        "true_positive_rate": fairlearn.true_positive_rate,
        "false_positive_rate": fairlearn.false_positive_rate,
        "false_negative_rate": fairlearn.false_negative_rate,
    }
    shares = {name: {"sample_weight": weights} for name in every} if weighted else None
    theirs = fairlearn.MetricFrame(
        metrics=every, y_true=y, y_pred=p >= 0.5, sensitive_features=group, sample_params=shares
    )
    (column,) = bias.columns
    for code, each in enumerate(column.groups):
        for name in every:
            assert of(each, name).value == pytest.approx(theirs.by_group[name][code], abs=1e-12)
            alone = np.where(group == code, 1, 0)
            two = fairlearn.MetricFrame(
                metrics=every, y_true=y, y_pred=p >= 0.5, sensitive_features=alone, sample_params=shares
            )
            assert of(each, name).others == pytest.approx(two.by_group[name][0], abs=1e-12)
            assert of(each, name).change == pytest.approx(two.by_group[name][1] / two.by_group[name][0], abs=1e-12)
        loss = sklearn.brier_score_loss(y[group == code], p[group == code], sample_weight=_at(weights, group == code))
        assert of(each, "loss").value == pytest.approx(loss, abs=1e-12)
    lowest = min(float(each.of_highest or 0) for each in column.groups)
    parity = fairlearn.demographic_parity_ratio(y, p >= 0.5, sensitive_features=group, sample_weight=weights)
    assert lowest == pytest.approx(parity, abs=1e-12)
    for name in RATES:
        ratio = of(column.groups[2], name).change
        smallest = {
            SELECTION_RATE: fairlearn.selection_rate_ratio,
            "true_positive_rate": fairlearn.true_positive_rate_ratio,
            "false_positive_rate": fairlearn.false_positive_rate_ratio,
            "false_negative_rate": fairlearn.false_negative_rate_ratio,
        }[name](y, p >= 0.5, sensitive_features=alone, sample_weight=weights)
        assert ratio is not None and min(ratio, 1 / ratio) == pytest.approx(smallest, abs=1e-12)


def _at(weights: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if weights is None else weights[rows]


def test_a_proven_difference_not_proven_and_too_few_rows() -> None:
    groups = report(sizes=(4_000, 2_000, 40), rates=(0.4, 0.2, 0.2)).columns[0].groups
    assert [of(each).verdict for each in groups] == ["not_proven", "difference_proven", "cannot_be_checked"]
    assert verdict(of(groups[2])).startswith("cannot be checked: ")
    proven = of(groups[1])
    assert proven.ci_high is not None and proven.ci_high < 0.8 and proven.p_value is not None and proven.p_value < 0.05
    # The first group's ratio is over 1, which excludes what is looked for, however little could have been proven.
    assert (of(groups[0]).ci_low or 0) > 1
    even = report(sizes=(4_000, 2_000, 20)).columns[0].groups
    assert [of(each).verdict for each in even] == ["not_proven", "not_proven", "cannot_be_checked"]
    assert of(even[1]).smallest == pytest.approx(0.7, abs=0.05)


def test_a_group_of_which_nobody_is_selected_is_proven_only_if_it_is_large_enough() -> None:
    large, small = (of(report(sizes=(4_000, size), rates=(0.3, 0.0)).columns[0].groups[1]) for size in (1_000, 20))
    assert (large.change, large.ci_low, large.verdict) == (0.0, 0.0, "difference_proven")
    assert small.verdict == "cannot_be_checked"


def test_rows_that_move_together_prove_less() -> None:
    """Whole days of one group are selected or not: thirty of them are no thousand rows."""
    random = np.random.default_rng(1)
    group, day = np.repeat([0, 1], [3_000, 1_000]), np.arange(4_000) % DAYS
    by_day = (random.random((2, DAYS)) < np.array([[0.5], [0.3]]))[group, day]
    y, p = np.zeros(4_000), np.where(by_day, 0.9, 0.1)
    columns = bias_of(
        rows_of(y, p, day, Selection(above=0.5)),
        None,
        [Groups("group", NAMES[:2], group)],
        selected="",
        ratio=0.8,
        gate=True,
    ).columns
    clustered = of(columns[0].groups[1])
    alone = of(report(sizes=(3_000, 1_000), rates=(0.5, 0.3)).columns[0].groups[1])
    assert (clustered.own_se or 0) > 3 * (alone.own_se or 1)
    assert (clustered.verdict, alone.verdict) == ("cannot_be_checked", "difference_proven")


def test_what_is_missing_is_unknown_with_its_reason() -> None:
    y, p, group, day = drawn(0, (500, 500, 5), (0.4, 0.4, 0.4))
    group[:7] = -1
    y[group == 1] = 0
    bias = bias_of(
        rows_of(y, p, day, Selection(above=0.5)), None, [Groups("g", NAMES, group)], selected="", ratio=0.8, gate=True
    )
    (column,) = bias.columns
    assert column.unknown_rows == 7
    assert of(column.groups[1], "false_negative_rate").verdict == "unknown"
    assert column.groups[2].measures == () and "fewer than 10 rows" in column.groups[2].note
    nobody = bias_of(
        rows_of(y, p * 0, day, Selection(above=0.5)),
        None,
        [Groups("g", NAMES, group)],
        selected="",
        ratio=0.8,
        gate=True,
    )
    assert of(nobody.columns[0].groups[0]).note == "nobody of the others is selected"
    of_ten_days = rows_of(y, p, day % 10, Selection(above=0.5))
    short = bias_of(of_ten_days, None, [Groups("g", NAMES, group)], selected="", ratio=0.8, gate=True)
    assert verdict(of(short.columns[0].groups[0])) == "cannot be checked: 10 days of labels; 15 are needed"


def test_a_metric_that_is_one_number_for_all_rows_has_a_loss_of_each_group() -> None:
    y, p, group, day = drawn(0, (2000, 2000), (0.4, 0.4))
    plain = rows_of(y, p, day, Selection(above=0.5))
    codes = plain.clusters.codes
    one_number = black_box("brier", lambda y, p: float(np.mean((y - p) ** 2)), ("binary",), "lower", codes)

    def loss(rows: Rows) -> GroupMeasure:
        bias = bias_of(rows, None, [Groups("g", NAMES[:2], group)], selected="", ratio=0.8, gate=True)
        return of(bias.columns[0].groups[0], "loss")

    made = [loss(plain), loss(replace(plain, metric=one_number))]
    assert made[0].value == pytest.approx(made[1].value) and made[0].own_se == pytest.approx(made[1].own_se, rel=0.05)


def test_the_gate_holds_what_is_worse_than_the_live_model_only() -> None:
    rates = (0.4, 0.2, 0.4)
    assert bias_reason(report(rates=rates))[0]
    assert not bias_reason(report(rates=rates, gate=False))[0]
    assert not bias_reason(report())[0]
    assert bias_reason(report(rates=rates, live=(0.4, 0.4, 0.4)))[0]
    alike = report(rates=rates, live=(0.4, 0.1, 0.4))
    assert worse_treated(alike) == [] and not bias_reason(alike)[0]
    assert "none of which the live model selects more often" in bias_reason(alike)[1]


def test_other_proven_differences_are_named_and_hold_nothing() -> None:
    holds, sentence = bias_reason(report(sizes=(4_000, 2_000, 1_000)))
    assert not holds and sentence.endswith("Other differences are proven for group a (representation).")


EVERY = (*RATES, "calibration", "loss")


def missed(seed: int, sizes: tuple[int, ...], misses: tuple[float, ...]) -> tuple[Rows, np.ndarray]:
    """Rows of which half are wanted, and of those a share of each group is not selected; of the others, a fifth is."""
    random = np.random.default_rng(seed)
    group = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    y = (random.random(group.size) < 0.5).astype(float)
    p = np.where(random.random(group.size) < np.where(y == 1, 1 - np.array(misses)[group], 0.2), 0.9, 0.1)
    return rows_of(y, p, np.arange(group.size) % DAYS, Selection(above=0.5)), group


def of_missed(
    gated: tuple[str, ...], small: int = 1_500, live: tuple[float, ...] | None = None, misses: float = 0.5
) -> Bias:
    sizes = (3_000, small)
    rows, group = missed(0, sizes, (0.2, misses))
    other = missed(0, sizes, live)[0] if live else None
    groups = Groups("group", NAMES[:2], group)
    return bias_of(rows, other, [groups], selected="", ratio=0.8, gate=True, gated=gated)


def test_a_gated_error_rate_is_compared_by_its_ratio_and_holds() -> None:
    plain, bias = of_missed((SELECTION_RATE,)), of_missed(("false_negative_rate",))
    (other, worse), before = bias.columns[0].groups, plain.columns[0].groups[1]
    rate, difference = of(worse, "false_negative_rate"), of(before, "false_negative_rate")
    assert rate.value == difference.value and difference.limit is None and not difference.is_ratio
    assert rate.change == pytest.approx(2.5, abs=0.2) and (rate.limit, rate.worse) == (1.25, "higher")
    assert rate.verdict == "difference_proven" and (rate.ci_low or 0) > 1.25
    assert of(other, "false_negative_rate").verdict == "not_proven", "its rate is far lower"
    holds, sentence = bias_reason(bias)
    assert holds and sentence.startswith(
        "Groups: a false negative rate over 1.25 times the others' is proven for group b, false negative rate (ratio 2."
    )
    assert "Other differences are proven" in sentence
    few = of(of_missed(("false_negative_rate",), small=60, misses=0.3).columns[0].groups[1], "false_negative_rate")
    assert few.verdict == "cannot_be_checked" and "only a ratio over " in few.note
    assert few.smallest is not None and few.smallest > (few.harm or 0) == pytest.approx(1 / 0.6)


def test_holm_is_over_all_groups_and_gated_measures() -> None:
    alone, both = of_missed(("loss",)), of_missed(EVERY)
    for name in EVERY:
        assert {each.is_ratio for _, group in both.groups for each in [of(group, name)]} == {name in RATES}
    ps = [of(group, name).p_value or 0 for _, group in both.groups for name in EVERY]
    assert len(ps) == 12 and sum(p < 0.05 for p in ps) == 3
    least = max(of(group, "loss").p_value or 0 for _, group in alone.groups)
    assert max(of(group, "loss").p_value or 0 for _, group in both.groups) >= least
    assert judge_bias(Bias.model_validate_json(both.model_dump_json())) == both
    assert "these measures" in summary(both) and len(gated(both)) == 10
    assert "| limit |" in bias_as_markdown(both) and "| limit |" not in bias_as_markdown(of_missed((SELECTION_RATE,)))


def test_loss_and_calibration_are_gated_by_their_difference() -> None:
    for name in ("loss", "calibration"):
        (_, group) = of_missed((name,), misses=0.8).groups[1]
        each = of(group, name)
        assert each.verdict == "difference_proven" and not each.is_ratio and each.limit
        assert abs(each.change or 0) > each.limit > 0 and each.harm == pytest.approx(2 * each.limit)
        fair = of(of_missed((name,), live=(0.2, 0.8), misses=0.8).groups[1][1], name)
        assert fair.live == each.change


def test_what_the_live_model_gets_as_wrong_holds_nothing() -> None:
    name = "false_negative_rate"
    assert bias_reason(of_missed((name,), live=(0.2, 0.3)))[0]
    as_bad = of_missed((name,), live=(0.2, 0.6))
    assert worse_treated(as_bad) == [] and "none of which the live model treats better" in bias_reason(as_bad)[1]


def test_each_rate_has_its_interval() -> None:
    (_, group), *_ = report(sizes=(4_000, 2_000, 40), rates=(0.4, 0.2, 0.0)).groups[2:]
    rate = of(group)
    assert rate.value == 0.0 == rate.value_low and rate.value_high is not None and 0.05 < rate.value_high < 0.15
    for _, each in report().groups:
        assert (of(each).value_low or 1) < 0.4 < (of(each).value_high or 0)
        assert of(each, "mean_prediction").value_low is None


def test_two_groups_have_the_same_verdict_on_the_same_difference() -> None:
    one, other = report(sizes=(3_000, 400), rates=(0.5, 0.4)).columns[0].groups
    for mine in one.measures:
        theirs = other.measure(mine.name)
        if mine.name in (SELECTION_RATE, "representation") or theirs is None or mine.change is None:
            continue
        assert theirs.change == pytest.approx(-mine.change) and theirs.harm == pytest.approx(mine.harm)


def test_a_report_is_computed_again_from_what_it_keeps() -> None:
    bias = report(rates=(0.4, 0.25, 0.4))
    unjudged = Bias.model_validate_json(bias.model_dump_json())
    assert judge_bias(unjudged) == bias


def test_shares_of_the_population() -> None:
    (first, *others) = report(sizes=(4_000, 2_000, 1_000)).columns[0].groups
    share = of(first, "representation")
    assert (share.others, share.verdict) == (0.5, "difference_proven")
    assert share.change == pytest.approx(4 / 7 - 0.5) and all(not each.measure("representation") for each in others)


def test_a_group_of_the_population_without_any_row_is_proven_to_be_missing() -> None:
    codes, day = np.repeat([0, 1, -1], [600, 300, 50]), np.arange(950) % DAYS
    groups = Groups("g", ("a", "b"), codes, {"a": 0.5, "b": 0.33, "c": 0.17})
    (column,) = represented([groups, Groups("other", ("x",), codes * 0)], Clusters(day))
    assert (column.by, column.unknown_rows, [each.rows for each in column.groups]) == ("g", 50, [600, 300, 0])
    shares = [of(each, "representation") for each in column.groups]
    assert [each.verdict for each in shares] == ["difference_proven", "not_proven", "difference_proven"]
    assert [each.change for each in shares] == pytest.approx([2 / 3 - 0.5, 1 / 3 - 0.33, -0.17])
    nobody = represented([replace(groups, codes=codes * 0 - 1)], Clusters(day))
    assert all(each.measures == () for each in nobody[0].groups)
    shown = bias_as_markdown(report().model_copy(update={"training": (column,)}))
    assert "Shares of the training rows" in shown and "| g c | representation |" in shown


def test_small_groups_are_left_out_of_new_yorks_ratio_and_not_of_four_fifths() -> None:
    column = report(sizes=(4_000, 2_000, 60), rates=(0.4, 0.4, 0.9)).columns[0]
    small = column.groups[2]
    assert small.impact_ratio is None and small.of_highest == 1.0
    assert max(each.impact_ratio or 0 for each in column.groups) == 1.0
    assert max(each.of_highest or 0 for each in column.groups[:2]) < 0.6


@pytest.mark.parametrize(
    ("selection", "selected", "deserved"),
    [
        (Selection(above=20.0), [0, 1, 1], [1, 0, 1]),
        (Selection(below=20.0), [1, 0, 0], [0, 1, 0]),
        (Selection(top=0.3), [0, 0, 1], None),
        (Selection(bottom=0.5), [1, 1, 0], None),
    ],
)
def test_who_is_selected_by_a_regression(selection: Selection, selected: list[int], deserved: list[int] | None) -> None:
    meant = outcomes(selection, np.array([25.0, 1.0, 20.0]), np.array([10.0, 20.0, 30.0]), binary=False)
    assert meant.selected.tolist() == selected
    assert (None if meant.deserved is None else meant.deserved.tolist()) == deserved


def test_who_is_selected_by_a_class() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6]])
    meant = outcomes(Selection(classes=(1, 2)), np.array([2.0, 0.0]), p, binary=False)
    assert (meant.selected.tolist(), meant.score.tolist()) == ([0, 1], [0.5, pytest.approx(0.9)])
    assert meant.deserved is not None and meant.deserved.tolist() == [1, 0]


def test_names_of_groups_are_shown_literally() -> None:
    y, p, group, day = drawn(0, (500, 500), (0.4, 0.4))
    groups = Groups("<b>", ("a|b", "`c`"), group)
    bias = bias_of(rows_of(y, p, day, Selection(above=0.5)), None, [groups], selected="x", ratio=0.8, gate=True)
    text = bias_as_markdown(bias)
    assert "<b>" not in text and "a\\|b" in text
