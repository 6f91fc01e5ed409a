"""Draws what a channel does to a stream, for the pages here: `.venv/bin/python docs/watching/drawings.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import altair as alt  # noqa: E402
from watched_streams import CHANGE_DAY, REFERENCE_DAYS, Stream, stream  # noqa: E402
from watching import gaps  # noqa: E402

from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.metrics.log_loss import log_loss  # noqa: E402
from perennial.evaluation.paired import Clusters  # noqa: E402
from perennial.ledger.entries import Reading, Reference  # noqa: E402
from perennial.watching.channels.level import level  # noqa: E402
from perennial.watching.channels.measured import reference_of  # noqa: E402
from perennial.watching.channels.unseen import usual_share  # noqa: E402
from perennial.watching.e_sr import spread  # noqa: E402
from perennial.watching.gap_statistic import course  # noqa: E402

WIDTH, HEIGHT = 640, 150
STATISTIC, SHARE = "statistic, days", "share of rows"
BLUE, ORANGE, GREY = "#1f6feb", "#d9730d", "#8b949e"


def reference(whole: Stream) -> Reference:
    """The loss of the days before the release."""
    before = whole.day < REFERENCE_DAYS
    found = reference_of(
        load_metric("log_loss"), whole.labels[before], whole.predicted[before], Clusters(whole.day[before])
    )
    assert found is not None
    return found


def gap() -> alt.VConcatChart:
    """A change of 10 % on day 120: the loss by day, and the statistic."""
    whole = stream("correlated", 7, days=240, change="+10 %")
    rows = np.flatnonzero(whole.day >= REFERENCE_DAYS)
    day, labels, predicted = whole.day[rows] - REFERENCE_DAYS, whole.labels[rows], whole.predicted[rows]
    shares, first = gaps(whole, rows, day, labels, predicted, reference(whole))
    statistic = course(shares[first:], sd=spread(shares[:first]))
    mean, influence = log_loss(labels, predicted)
    losses = pd.DataFrame({"day": np.arange(240), "log loss": np.bincount(day, mean + influence) / np.bincount(day)})
    days = pd.DataFrame({"day": np.arange(first, 240), "statistic, days": statistic.statistic})
    change = alt.Chart(pd.DataFrame({"day": [CHANGE_DAY]})).mark_rule(strokeDash=[4, 4], color=GREY).encode(x="day:Q")
    axis = alt.X("day:Q", title="day since the release")
    above = (
        alt.Chart(losses)
        .mark_line(color=BLUE)
        .encode(x=axis, y=alt.Y("log loss:Q", title="champion's log loss", scale=alt.Scale(zero=False)))
    )
    below = alt.Chart(days).mark_line(color=ORANGE).encode(x=axis, y=alt.Y("statistic, days:Q", title=STATISTIC))
    limit = alt.Chart(pd.DataFrame({"y": [365]})).mark_rule(color=GREY).encode(y=alt.Y("y:Q", title=STATISTIC))
    return alt.vconcat(
        (above + change).properties(width=WIDTH, height=HEIGHT),
        (below + limit + change).properties(width=WIDTH, height=HEIGHT),
    )


def of_level() -> alt.LayerChart:
    """A season without a change: the loss of the newest 28 days with its interval, the reference and the threshold."""
    whole = stream("season", 3, days=364)
    base, metric = reference(whole), load_metric("log_loss")
    points = []
    for end in range(28, 365, 7):
        some = (whole.day >= REFERENCE_DAYS + end - 28) & (whole.day < REFERENCE_DAYS + end)
        codes = whole.day[some] - whole.day[some][0]
        found = level(whole.labels[some], whole.predicted[some], Clusters(codes), base, metric=metric, tolerance=0.25)
        if found.loss is not None:
            points.append((end, found.loss.value, found.loss.ci_low, found.loss.ci_high))
    frame = pd.DataFrame(points, columns=["day", "loss", "low", "high"])
    lines = pd.DataFrame({"y": [base.value, 1.25 * base.value], "line": ["reference", "reference + tolerance"]})
    axis = alt.X("day:Q", title="day since the release")
    band = (
        alt.Chart(frame)
        .mark_area(opacity=0.25, color=BLUE)
        .encode(x=axis, y=alt.Y("low:Q", title="log loss of 28 days", scale=alt.Scale(zero=False)), y2="high:Q")
    )
    line = alt.Chart(frame).mark_line(color=BLUE).encode(x=axis, y="loss:Q")
    rules = (
        alt.Chart(lines)
        .mark_rule()
        .encode(y="y:Q", color=alt.Color("line:N", scale=alt.Scale(range=[GREY, ORANGE]), title=None))
    )
    return (band + line + rules).properties(width=WIDTH, height=HEIGHT)


def of_unseen() -> alt.LayerChart:
    """Two years of months of which a fifth is always new; from month 15 on two fifths are."""
    draw, past, rows = np.random.default_rng(0), list[Reading](), []
    for month in range(1, 25):
        share = float(draw.uniform(0.16, 0.24)) + (0.2 if month >= 15 else 0.0)
        usual = usual_share(past, 30.0)
        rows.append((month, share, usual.share + max(0.05, usual.spread)))
        past.append(Reading(channel="unseen", value=share, threshold=None, age_days=30, words=""))
    frame = pd.DataFrame(rows, columns=["month", "share of rows", "threshold"])
    bars = (
        alt.Chart(frame)
        .mark_bar(color=BLUE)
        .encode(x="month:O", y=alt.Y("share of rows:Q", title=SHARE, axis=alt.Axis(format="%")))
    )
    limit = (
        alt.Chart(frame)
        .mark_line(color=ORANGE, interpolate="step")
        .encode(x="month:O", y=alt.Y("threshold:Q", title=SHARE))
    )
    return (bars + limit).properties(width=WIDTH, height=HEIGHT)


def main() -> None:
    """Write one SVG for each page."""
    for name, chart in (("gap", gap()), ("level", of_level()), ("unseen", of_unseen())):
        chart.save(str(HERE / f"{name}.svg"))


if __name__ == "__main__":
    main()
