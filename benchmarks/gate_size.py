"""How often the gate calls two equal models different: every metric at its smallest size, on correlated days.

    python benchmarks/gate_size.py                      # 10,000 comparisons per cell, 2,000 on large days; 15 minutes
    python benchmarks/gate_size.py --repetitions 500    # a quick look

The scores of two models are the truth plus an error of the day and one of the row, drawn independently from the same
distribution, so neither is better. The errors of the day follow an AR(1). Each cell uses the fewest rows that the
metric allows: days grow until half of the draws are decidable, and undecidable draws are repeated. The nominal level is
5 %, one-sided. Intervals are Clopper-Pearson, at 95 % for all cells together.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from scipy.stats import beta

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.evaluation.arrays import FloatArray, IntArray  # noqa: E402
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters  # noqa: E402
from perennial.evaluation.judgement import Asked, GainSums, gain_of, judge  # noqa: E402
from perennial.evaluation.metrics import GROUP_RATIOS, RATES, load_metric  # noqa: E402
from perennial.evaluation.metrics.black_box import black_box  # noqa: E402
from perennial.evaluation.metrics.group_ratio import among  # noqa: E402
from perennial.evaluation.metrics.metric import Metric, Undefined  # noqa: E402
from perennial.evaluation.metrics.value import worth  # noqa: E402

DAYS, ALPHA, MOST = 30, 0.05, 0.07
BINARY = (
    *("log_loss", "brier", "accuracy", "roc_auc", "average_precision", "recall", "precision", "f1"),
    *("precision_at_top", "calibration_slope_error", "mean_calibration_error", "value"),
    *("selection_rate_ratio", "true_positive_rate_ratio", "false_positive_rate_ratio", "false_negative_rate_ratio"),
    "black box",
)
REGRESSION = ("mae", "rmse", "r2")
MULTICLASS = ("log_loss of 3 classes", "accuracy of 3 classes")
DEPENDENCE = ("ρ = 0", "ρ = .2", "ρ = .5", "unbalanced days")
WAYS = ("gate", "points", "row t", "day t", "bootstrap")
BOOTSTRAPPED = ("log_loss", "mae")
RESAMPLES = 199


@dataclass(frozen=True)
class Cell:
    """A metric under one kind of dependence, and the number of comparisons."""

    metric: str
    dependence: str
    repetitions: int


@dataclass(frozen=True)
class Size:
    """How often each method released, with the number of comparisons and the number of rows in the last one."""

    cell: Cell
    rows: int
    compared: int
    released: dict[str, int]


def sizes_of_days(dependence: str, rows_a_day: int, random: np.random.Generator) -> IntArray:
    """Number of rows on each day, shape (DAYS,)."""
    if dependence == "unbalanced days":
        return random.permutation(np.round(np.geomspace(10, 10_000, DAYS)).astype(np.int64))
    return np.full(DAYS, rows_a_day)


def draw(
    metric: str, dependence: str, counts: IntArray, random: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Labels, predictions of two models, and the day of each row."""
    rho = {"ρ = .2": 0.2, "ρ = .5": 0.5}.get(dependence, 0.0)
    day = np.repeat(np.arange(DAYS, dtype=np.int64), counts)
    rows = day.size

    def error(shape: tuple[int, ...] = ()) -> FloatArray:
        of_days = random.normal(size=(DAYS, *shape))
        for each in range(1, DAYS):
            of_days[each] = rho * of_days[each - 1] + (1 - rho**2) ** 0.5 * of_days[each]
        return 0.3 * of_days[day] + 0.4 * random.normal(size=(rows, *shape))

    if metric in REGRESSION:
        truth = random.normal(size=rows)
        return truth + random.standard_t(8, size=rows), truth + error(), truth + error(), day
    if metric in MULTICLASS:
        scores = random.normal(size=(rows, 3))
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        label = (random.random(size=(rows, 1)) > chances.cumsum(axis=1)).sum(axis=1).astype(np.float64)
        models = []
        for _ in range(2):
            moved = np.exp(scores + error((3,)))
            models.append(moved / moved.sum(axis=1, keepdims=True))
        return label, models[0], models[1], day
    score = 1.5 * random.normal(size=rows) - 2.0
    label = (random.random(size=rows) < 1 / (1 + np.exp(-score))).astype(np.float64)
    return label, 1 / (1 + np.exp(-score - error())), 1 / (1 + np.exp(-score - error())), day


def metric_of(name: str, y: FloatArray, day: IntArray, random: np.random.Generator) -> Metric:
    """The metric, cut at 0.3. Groups are redrawn, one with more positives; a hit is worth 10, a false alarm −1.

    The black box is the root of the mean squared error, of which only the value is known.
    """
    if name.endswith("_ratio"):
        group = (random.random(y.size) < 0.3 + 0.4 * y).astype(np.int64)
        return among(group, ("a", "b"), rate=RATES[GROUP_RATIOS.index(name)], cut=0.3)
    if name == "black box":
        return black_box(name, lambda y, p: float(((y - p) ** 2).mean() ** 0.5), ("binary",), "lower", day)
    if name == "value":
        return worth(lambda y, p: np.where(p >= 0.3, np.where(y == 1, 10.0, -1.0), 0.0), ("binary",))
    if name in ("accuracy", "recall", "precision", "f1"):
        return load_metric(f"{name}@0.3")
    return load_metric(name.partition(" ")[0])


def compare_once(cell: Cell, counts: IntArray, random: np.random.Generator) -> dict[str, bool] | None:
    """Whether each method would release on one draw. None if the draw is not decidable."""
    y, champion, challenger, day = draw(cell.metric, cell.dependence, counts, random)
    metric = metric_of(cell.metric, y, day, random)
    try:
        before, influence_before = metric.value_and_influence(y, champion)
        after, influence_after = metric.value_and_influence(y, challenger)
    except Undefined:
        return None
    if metric.undecidable(y, champion, challenger):
        return None
    paired = gain_of(metric.direction, influence_before, influence_after)
    found = judge(
        Asked(metric.name, "primary"),
        GainSums(
            direction=metric.direction,
            champion=before,
            challenger=after,
            sums=sums_of_clusters(paired, day, DAYS),
            counts=counts,
            sum_of_squares=float((paired**2).sum()),
        ),
    )
    assert found.p_value is not None and found.gain is not None and found.row_t and found.day_t
    said = {
        "gate": found.p_value < ALPHA,
        "points": found.gain > 0,
        "row t": found.row_t.p_value < ALPHA,
        "day t": found.day_t.p_value < ALPHA,
    }
    if cell.metric in BOOTSTRAPPED and cell.dependence != "unbalanced days":
        weights = random.multinomial(y.size, np.full(y.size, 1 / y.size), size=RESAMPLES)
        gains = found.gain + weights @ paired / y.size
        said["bootstrap"] = bool(np.quantile(gains, ALPHA) > 0)
    return said


def rows_a_day(cell: Cell) -> int:
    """The fewest rows per day at which half of the draws are decidable."""
    random = np.random.default_rng(3)
    rows = 4
    while sum(compare_once(cell, np.full(DAYS, rows), random) is not None for _ in range(20)) < 10:
        rows = round(rows * 1.15) + 1
    return rows


def measure(cell: Cell) -> Size:
    """Run all comparisons of a cell."""
    random = np.random.default_rng(crc32(f"{cell.metric} {cell.dependence}".encode()))
    least = 0 if cell.dependence == "unbalanced days" else rows_a_day(cell)
    released = dict.fromkeys(WAYS, 0)
    compared, rows = 0, 0
    while compared < cell.repetitions:
        counts = sizes_of_days(cell.dependence, least, random)
        said = compare_once(cell, counts, random)
        if said is None:
            continue
        compared, rows = compared + 1, int(counts.sum())
        for way, release in said.items():
            released[way] += release
    return Size(cell, rows, compared, released)


def between(hits: int, of: int, cells: int) -> tuple[float, float]:
    """The Clopper-Pearson interval of a share, at 95 % for all cells together (Bonferroni)."""
    miss = 0.025 / cells
    low = float(beta.ppf(miss, hits, of - hits + 1)) if hits else 0.0
    return low, float(beta.ppf(1 - miss, hits + 1, of - hits)) if hits < of else 1.0


def table(found: list[Size]) -> str:
    """All cells as a markdown table, without selection."""
    lines = [
        "| metric | days | rows | comparisons | gate, % (interval) | points | row t | day t | bootstrap |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    for size in found:
        low, high = between(size.released["gate"], size.compared, len(found))
        above = " **above**" if low > MOST else ""
        shares = [f"{100 * size.released[way] / size.compared:.1f}" for way in WAYS]
        if size.cell.metric not in BOOTSTRAPPED or size.cell.dependence == "unbalanced days":
            shares[-1] = "–"
        lines.append(
            f"| {size.cell.metric} | {size.cell.dependence} | {size.rows:,} | {size.compared:,} | "
            f"{shares[0]} ({100 * low:.1f} to {100 * high:.1f}){above} | {' | '.join(shares[1:])} |"
        )
    return "\n".join(lines)


def picture(found: list[Size], path: Path) -> None:
    """Draw the gate and the common methods, with one column per kind of dependence."""
    import altair as alt

    ways = ["gate", "day t", "row t"]
    values = [
        {"metric": s.cell.metric, "days": s.cell.dependence, "way": way, "share": 100 * s.released[way] / s.compared}
        for s in found
        for way in ways
    ]
    points = alt.Chart(alt.Data(values=values), width=170).mark_point(filled=True, size=45)
    drawn = points.encode(
        x=alt.X("share:Q", title="released, % of equal models"),
        y=alt.Y("metric:N", title=None),
        color=alt.Color("way:N", title=None, scale=alt.Scale(domain=ways)),
        shape=alt.Shape("way:N", title=None, scale=alt.Scale(domain=ways)),
        column=alt.Column("days:N", title=None, sort=list(DEPENDENCE)),
    )
    drawn.save(str(path))


def main() -> None:
    """Measure every cell on all cores and print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repetitions", type=int, default=10_000)
    repetitions: int = asked.parse_args().repetitions
    names = (*BINARY, *REGRESSION, *MULTICLASS)
    few = min(repetitions, 2_000)
    cells = [
        Cell(name, dependence, few if dependence == "unbalanced days" else repetitions)
        for dependence in reversed(DEPENDENCE)
        for name in names
    ]
    at: Callable[[Size], tuple[int, int]] = lambda s: (names.index(s.cell.metric), DEPENDENCE.index(s.cell.dependence))  # noqa: E731
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = []
        for size in pool.map(measure, cells):
            found.append(size)
            print(f"{size.cell.metric}, {size.cell.dependence}: {size.released}", file=sys.stderr, flush=True)
    found.sort(key=at)
    print(table(found))
    picture(found, Path(__file__).with_name("gate_size.svg"))


if __name__ == "__main__":
    main()
