"""Slices: harm is proven or not, and a slice on which it could not be detected is named."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from perennial.evaluation.metrics import load_group_ratio, load_metric
from perennial.evaluation.metrics.black_box import black_box
from perennial.evaluation.paired import paired
from perennial.evaluation.results import SliceResult
from perennial.evaluation.slices import compare_slices, holm, judge_slices, slices_in_words
from tests.evaluation.groups import sliced_by


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_holm_is_statsmodels(size: int) -> None:
    p_values = (np.random.default_rng(size).random(size) ** 3).tolist()
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def compared(*, harmed: float = 0.0, rows_a_day: int = 400, slices: int = 3, seed: int = 7) -> tuple[SliceResult, ...]:
    """30 days, one column; in slice v0 the challenger's loss is larger by the share `harmed`."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(30), rows_a_day)
    of = random.integers(0, slices, day.size)
    y = random.normal(10, 3, day.size)
    champion = y + random.normal(0, 1, day.size)
    challenger = y + random.normal(0, 1, day.size) * np.where(of == 0, 1 + harmed, 1.0)
    return compare_slices(
        load_metric("mae"), paired(y, champion, challenger, day), [sliced_by("site", [f"v{code}" for code in of])]
    )


def test_harm_on_one_slice_is_found_and_blocks() -> None:
    found = compared(harmed=0.2)
    assert [each.verdict for each in found] == ["worse", "no_difference_shown", "no_difference_shown"]
    status, told = slices_in_words(found)
    assert status == "blocked"
    assert told.startswith("Slices block: 1 of 3 proven worse (Holm's test at 5 %): site v0: gain -0.1")
    assert sum(each.rows for each in found) == 12_000


def test_a_slice_with_few_rows_cannot_be_checked_and_states_the_smallest_detectable_loss() -> None:
    found = compared(rows_a_day=12)
    assert {each.verdict for each in found} == {"not_decidable"}
    assert all("would most likely stay unseen; 0.0" in each.note for each in found)
    assert "3 cannot be checked" in slices_in_words(found)[1]


def test_a_slice_of_few_days_is_no_pass() -> None:
    y = np.zeros(600)
    found = compare_slices(
        load_metric("mae"),
        paired(y, y + 1, y + 2, np.repeat(np.arange(30), 20)),
        [sliced_by("site", ["a"] * 40 + ["b"] * 560)],
    )
    assert [(each.verdict, each.rows) for each in found] == [("not_decidable", 40), ("worse", 560)]
    assert found[0].note == "2 days of labels; 15 are needed"


def test_slices_are_evaluated_again_from_what_is_stored() -> None:
    found = compared(harmed=0.05, slices=8)
    assert judge_slices(found, None) == found
    assert judge_slices([SliceResult.model_validate(each.model_dump(mode="json")) for each in found], None) == found


def test_all_rows_together_may_know_better_that_neighbouring_days_are_alike() -> None:
    found = compared(harmed=0.03, slices=8)
    wider = judge_slices(found, 4.0)
    assert [after.se / before.se for before, after in zip(found, wider, strict=True) if before.se and after.se] == (
        pytest.approx([wider[0].se / found[0].se] * 8)  # type: ignore[operator]
    )
    assert wider[0].se == pytest.approx(2 * wider[0].own_se)  # type: ignore[operator]
    assert wider[0].p_harm >= found[0].p_harm  # type: ignore[operator]


def test_a_metric_that_is_one_number_for_all_rows_is_taken_of_each_slice() -> None:
    random = np.random.default_rng(3)
    day = np.sort(random.integers(0, 20, 3_000))
    y, champion, challenger = random.normal(size=(3, day.size))
    site = sliced_by("site", list(random.choice(["a", "b"], day.size)))
    rows = paired(y, champion, challenger, day)
    one_number = black_box("mae", lambda y, p: float(np.abs(y - p).mean()), ("regression",), "lower", day)
    for mine, plain in zip(
        *(compare_slices(each, rows, [site]) for each in (one_number, load_metric("mae"))), strict=True
    ):
        assert mine.gain == pytest.approx(plain.gain) and mine.own_se == pytest.approx(plain.own_se, rel=0.05)


def test_a_ratio_between_groups_is_taken_of_each_slice() -> None:
    random = np.random.default_rng(3)
    day, group = np.arange(8_000) % 20, random.integers(0, 2, 8_000)
    y, champion, challenger = (random.random((3, day.size)) < 0.5).astype(float)
    site = random.choice(["a", "b"], day.size)
    ratio = load_group_ratio("selection_rate_ratio:sex", ("f", "m"), group)
    (of_a, _) = compare_slices(ratio, paired(y, champion, challenger, day), [sliced_by("site", list(site))])
    alone = load_group_ratio("selection_rate_ratio:sex", ("f", "m"), group[site == "a"])
    assert of_a.champion == pytest.approx(alone.measured(y[site == "a"], champion[site == "a"])[0])


def test_rows_without_a_value_are_in_no_slice() -> None:
    y = np.zeros(600)
    column = sliced_by("site", [None if place % 2 else "a" for place in range(600)])
    found = compare_slices(load_metric("mae"), paired(y, y + 1, y + 2, np.repeat(np.arange(30), 20)), [column])
    assert [(each.value, each.rows) for each in found] == [("a", 300)]
