"""Counts by day and bin: right for every number, and the same whether counted whole or in parts."""

from __future__ import annotations

import math
import tracemalloc
from bisect import bisect_right

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perennial.watching.statistics.counting import CHUNK, LARGEST, count_numbers, row_days
from perennial.watching.statistics.counts import merged
from perennial.watching.statistics.frames import days_of, grids_of, merged_features
from perennial.watching.statistics.grid import CELLS, TAILS, CategoryGrid, NumberGrid, number_grid
from perennial.watching.statistics.written import counts_table, read_counts, read_grids, written_grids
from tests.watching.counted_inputs import count_inputs

ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=64)


@example([0.0, 1.1125369292536007e-308], [0.0])
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80), st.lists(ANY_NUMBER, max_size=80))
def test_every_value_is_counted_once_in_the_bin_of_its_edges(first: list[float], values: list[float]) -> None:
    grid = number_grid(np.array(first))
    now = np.array(values, dtype=np.float64)
    counts = count_numbers(now, row_days(np.zeros(now.size, dtype=np.int64)), grid)
    assert counts.rows == now.size
    assert np.all(np.diff(grid.edges) > 0)
    assert counts.total.tolist() == np.bincount(grid.bins_of(now), minlength=grid.bins + 1).tolist()
    assert counts.total[-1] == np.isnan(now).sum()
    step = grid.step
    for value, place in zip(now, grid.bins_of(now), strict=True):
        if np.isfinite(value):
            slack = step * 1e-6 + abs(value) * 1e-9
            low = grid.edges[place - 1] if place else -np.inf
            high = grid.edges[place] if place < grid.bins - 1 else np.inf
            assert low - slack <= value <= high + slack


def test_the_edges_are_snapped_to_the_cells() -> None:
    grid = number_grid(np.random.default_rng(0).normal(size=5_000))
    assert grid.starts[0] == 0 and max(grid.starts) < CELLS
    inner = grid.low + grid.step * np.array(grid.starts)
    assert set(inner) <= set(grid.edges.tolist())


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).normal(50, 10, 20_000),
        np.random.default_rng(1).lognormal(0, 2, 20_000),
        np.random.default_rng(1).integers(0, 24, 20_000).astype(float),
        np.where(np.random.default_rng(1).random(20_000) < 0.95, 0.0, 0.3),
    ],
    ids=["normal", "skewed", "hours", "mostly zero"],
)
def test_the_bins_are_fine_where_the_values_are(values: np.ndarray) -> None:
    """No bin mixes more than a tenth of the rows with other values, so tenths can be distinguished."""
    grid = number_grid(values)
    bins = grid.bins_of(values)
    for place in np.unique(bins):
        inside = values[bins == place]
        assert inside.size <= 0.1 * values.size or np.unique(inside).size == 1


def rows(n: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    price = draw.normal(100, 20, n)
    price[draw.random(n) < 0.1] = np.nan
    carrier = pd.Series(draw.choice(["AA", "UA", "ZZ"], n)).where(draw.random(n) > 0.1)
    at = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(draw.integers(0, 40 * 86_400, n), unit="s")
    return pd.DataFrame({"price": price, "carrier": carrier, "at": at})


def test_parts_add_up_to_the_whole() -> None:
    whole = rows(3_000, 2)
    grids = grids_of(whole[["price", "carrier"]].head(500))
    parts = [whole.iloc[:700], whole.iloc[700:701], whole.iloc[701:]]
    of_parts = merged_features(
        [count_inputs(part[["price", "carrier"]], days_of(part["at"], "UTC"), grids) for part in parts], grids
    )
    at_once = count_inputs(whole[["price", "carrier"]], days_of(whole["at"], "UTC"), grids)
    for name, counts in at_once.items():
        assert of_parts[name].days.tolist() == counts.days.tolist()
        assert (of_parts[name].counts == counts.counts).all()
        assert of_parts[name].others == counts.others
        assert of_parts[name].missing_share == pytest.approx(whole[name].isna().mean())
    assert of_parts["price"].moments.mean == pytest.approx(whole["price"].mean())
    variance = of_parts["price"].moments.squares / (of_parts["price"].moments.n - 1)
    assert variance == pytest.approx(whole["price"].var())


@pytest.mark.parametrize("of_days", [3, 40], ids=["few days", "many days"])
def test_rows_in_the_order_of_their_days_are_counted_as_in_any_other(of_days: int) -> None:
    draw = np.random.default_rng(5)
    days = np.sort(draw.integers(100, 100 + of_days, 50_000))
    values = draw.gamma(1.0, 30.0, days.size)
    values[::17] = np.nan
    values[::1_000], values[::2_999] = -np.inf, -1e4
    grid = number_grid(values[:500])
    ordered, order = count_numbers(values, row_days(days), grid), draw.permutation(days.size)
    shuffled = count_numbers(values[order], row_days(days[order]), grid)
    assert ordered.counts.tolist() == shuffled.counts.tolist()
    rows = [np.bincount(grid.bins_of(values[days == day]), minlength=grid.bins + 1) for day in ordered.days]
    assert ordered.counts.tolist() == np.stack(rows).tolist()


def test_the_moments_do_not_depend_on_the_cores_of_the_machine() -> None:
    """BLAS adds the halves of a long sum on two cores, and all of it on one: their last digits differ."""
    from threadpoolctl import threadpool_limits

    values = np.random.default_rng(0).normal(size=60_000)
    grid, days = number_grid(values), row_days(np.zeros(values.size, dtype=np.int64))
    with threadpool_limits(1):
        on_one = count_numbers(values, days, grid).moments
    assert count_numbers(values, days, grid).moments == on_one
    assert on_one.squares == pytest.approx(values.var() * values.size)


def test_days_are_those_of_the_use_case() -> None:
    at = pd.Series(pd.to_datetime(["2024-01-01T03:00Z", "2024-01-01T12:00Z"]))
    assert days_of(at, "UTC").days.size == 1
    new_york = days_of(at, "America/New_York")
    assert new_york.days.astype("datetime64[D]").astype(str).tolist() == ["2023-12-31", "2024-01-01"]


def test_counts_and_grids_come_back_as_they_were_stored() -> None:
    some = rows(300, 3)
    inputs = some[["price", "carrier"]].assign(empty=np.nan)
    grids = grids_of(inputs)
    assert set(grids) == {"price", "carrier"}
    counts = count_inputs(inputs, days_of(some["at"], "UTC"), grids)
    again = read_counts(counts_table(counts))
    assert read_grids(written_grids(grids)) == grids
    for name, each in counts.items():
        assert (again[name].days == each.days).all() and (again[name].counts == each.counts).all()
        assert again[name].moments == each.moments and again[name].others == each.others


def test_a_feature_that_was_empty_at_first_gets_its_grid_later() -> None:
    """As a column that a source fills only from June on."""
    early, late = rows(100, 4), rows(100, 5)
    before = early[["price"]].assign(price=np.nan)
    counted = count_inputs(before, days_of(early["at"], "UTC"), grids_of(before))
    grids = grids_of(late[["price"]])
    after = count_inputs(late[["price"]], days_of(late["at"], "UTC"), grids)
    both = merged_features([counted, after], grids)["price"]
    assert both.rows == 200
    assert both.total[-1] == 100 + late["price"].isna().sum()


def test_values_that_the_grid_does_not_name_are_still_distinguished_and_the_frequent_ones_named() -> None:
    grid = CategoryGrid(("AA",))
    assert grid.bin_of("AA") == 0
    assert len({grid.bin_of(f"new {number}") for number in range(30)}) > 20
    inputs = pd.DataFrame({"carrier": ["AA", "ZZ", "ZZ", None]})
    at = pd.Series(pd.date_range("2024-01-01", periods=4, freq="h", tz="UTC"))
    counts = count_inputs(inputs, days_of(at, "UTC"), {"carrier": grid})["carrier"]
    assert counts.others == {"ZZ": 2}
    assert merged([counts, counts]).others == {"ZZ": 4}


def plain_counts(values: list[float], days: list[int], grid: NumberGrid) -> dict[int, list[int]]:
    """As the docstrings define it, value by value in Python's own numbers."""
    counted = {day: [0] * (grid.bins + 1) for day in days}
    edges = grid.edges.tolist()
    for value, day in zip(values, days, strict=True):
        cell = (value - (grid.low - grid.step)) * (1 / grid.step)
        if math.isnan(value):
            place = grid.bins
        elif 1 <= cell < CELLS + 1:
            place = TAILS - 1 + bisect_right(grid.starts, int(cell) - 1)
        elif cell < 1:
            place = bisect_right(edges[: TAILS - 1], value)
        else:
            place = TAILS + len(grid.starts) + bisect_right(edges[len(edges) - TAILS + 1 :], value)
        counted[day][place] += 1
    return counted


@st.composite
def values_near_edges(draw: st.DrawFn) -> tuple[NumberGrid, list[float], list[int], int]:
    """A grid; values of any size, missing, infinite, and at its edges; their days; rows per piece."""
    grid = number_grid(np.array(draw(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))))
    edges = st.sampled_from(grid.edges.tolist())
    near = (
        edges
        | edges.map(lambda edge: math.nextafter(edge, -math.inf))
        | st.sampled_from([math.nan, math.inf, -math.inf])
    )
    values = draw(st.lists(ANY_NUMBER | near | st.floats(grid.low, grid.low + grid.step * CELLS), max_size=60))
    days = draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)))
    return grid, values, sorted(days) if draw(st.booleans()) else days, draw(st.sampled_from([1, 7, 64]))


@given(values_near_edges())
def test_counts_and_moments_are_those_of_a_plain_computation(
    drawn: tuple[NumberGrid, list[float], list[int], int],
) -> None:
    grid, values, days, piece = drawn
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("perennial.watching.statistics.counting.CHUNK", piece)  # so that few values are many pieces
        counts = count_numbers(np.array(values, dtype=float), row_days(np.array(days, dtype=np.int64)), grid)
    assert dict(zip(counts.days.tolist(), counts.counts.tolist(), strict=True)) == plain_counts(values, days, grid)
    known = [value for value in values if abs(value) < LARGEST]
    moments = counts.moments
    assert (moments.n, moments.least, moments.most) == (
        len(known),
        min(known, default=math.inf),
        max(known, default=-math.inf),
    )
    if known:
        largest, mean = max(map(abs, known)), math.fsum(known) / len(known)
        assert moments.mean == pytest.approx(mean, rel=1e-12, abs=1e-13 * largest)
        squares = math.fsum((value - mean) ** 2 for value in known)
        assert moments.squares == pytest.approx(squares, rel=1e-10, abs=1e-13 * largest**2 * len(known))


def test_whole_numbers_that_no_float_holds_are_counted_as_the_nearest() -> None:
    whole = [2**53 + 1, 2**53 + 3, 2**60 + 1, -(2**62), 7, None]
    inputs = pd.DataFrame({"number": pd.array(whole, dtype="Int64")})
    grid = number_grid(np.array([2.0**53, 2.0**53 + 4096, 2.0**53 + 8192]))
    counts = count_inputs(inputs, row_days(np.zeros(len(whole), dtype=np.int64)), {"number": grid})["number"]
    values = [math.nan if each is None else float(each) for each in whole]
    assert counts.counts.tolist() == [plain_counts(values, [0] * len(whole), grid)[0]]


@pytest.mark.parametrize("ordered", [True, False], ids=["in the order of their days", "in any order"])
def test_counting_more_rows_takes_no_more_memory(ordered: bool) -> None:
    draw = np.random.default_rng(7)

    def taken(pieces: int) -> int:
        values = draw.gamma(2.0, 40.0, CHUNK * pieces)
        values[::20], values[::1_000] = np.nan, -1e6
        days = draw.integers(0, 30, values.size)
        of_rows = row_days(np.sort(days) if ordered else days)
        assert len(of_rows.pieces) == pieces  # made once for all features
        tracemalloc.start()
        try:
            count_numbers(values, of_rows, grid)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    grid = number_grid(draw.gamma(2.0, 40.0, 1_000))
    few = taken(2)
    assert few > 8 * CHUNK
    assert taken(20) < 1.1 * few
