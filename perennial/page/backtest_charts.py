"""The charts of a backtest's page, as SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from perennial.page.drawing import BAD, CHALLENGER, CHAMPION, GOOD, QUIET, RULE, STAY, axis_of_batches, drawn, svg


class LossOfLife(NamedTuple):
    """One batch of a life. life: its line. what: its name in the legend, empty for one of many in the background."""

    life: str
    what: str
    batch: str
    loss: float


class GainOfLife(NamedTuple):
    """A life's gain over the declared one, with its 95 % interval."""

    life: str
    gain: float
    low: float
    high: float
    verdict: str


def losses_of_lives(points: Sequence[LossOfLife], title: str, names: Sequence[str], seen: Sequence[str]) -> str:
    """The loss of each life on each batch, or what it has earned by then; batches of `seen` are shaded. SVG."""
    import altair as alt

    shown = [point._asdict() for point in points if point.batch in names and point.what]
    behind = [point._asdict() for point in points if point.batch in names and not point.what]
    named = list(dict.fromkeys(str(row["what"]) for row in shown))
    colours = [CHAMPION, CHALLENGER, QUIET] if len(named) > 2 else [CHAMPION, QUIET]
    x, y = axis_of_batches(names), alt.Y("loss:Q", title=title, scale=alt.Scale(zero=False))
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=named, range=colours),
        legend=alt.Legend(orient="top", labelLimit=400),
    )
    layers = [
        alt.Chart(alt.NamedData("seen"))
        .mark_bar(color=RULE, opacity=0.5)
        .encode(x=x, y=alt.value(0), y2=alt.value(220)),
        alt.Chart(alt.NamedData("behind")).mark_line(color=RULE, strokeWidth=1).encode(x=x, y=y, detail="life:N"),
        alt.Chart(alt.NamedData("shown"), height=220)
        .mark_line(strokeWidth=2, point=True)
        .encode(x=x, y=y, color=colour),
    ]
    return svg(drawn(alt.layer(*layers)), seen=[{"batch": name} for name in seen], behind=behind, shown=shown)


def gains_of_lives(gains: Sequence[GainOfLife], metric: str) -> str:
    """Each life's gain over the declared one with its interval; empty without any. SVG."""
    import altair as alt

    if not gains:
        return ""
    rows = [gain._asdict() for gain in gains]
    verdicts = {"better": GOOD, "worse": BAD, "no_difference_shown": STAY}
    present = [verdict for verdict in verdicts if any(gain.verdict == verdict for gain in gains)]
    words = {"no_difference_shown": "no difference shown"}
    for row in rows:
        row["verdict"] = words.get(str(row["verdict"]), row["verdict"])
    colour = alt.Color(
        "verdict:N",
        title=None,
        scale=alt.Scale(domain=[words.get(each, each) for each in present], range=[verdicts[each] for each in present]),
        legend=alt.Legend(orient="top"),
    )
    y = alt.Y("life:N", title=None, sort=[gain.life for gain in gains], axis=alt.Axis(orient="left", labelLimit=300))
    x = alt.X("gain:Q", title=f"gain in {metric} over the declared life")
    base = alt.Chart(alt.NamedData("rows"), height=24 * len(rows))
    layers = [
        alt.Chart(alt.NamedData("nothing")).mark_rule(color=QUIET, strokeDash=[4, 3]).encode(x="gain:Q"),
        base.mark_rule(strokeWidth=2).encode(y=y, x=x, x2="high:Q", color=colour).transform_calculate(gain="datum.low"),
        base.mark_point(filled=True, size=60).encode(y=y, x=x, color=colour),
    ]
    return svg(drawn(alt.layer(*layers)), rows=rows, nothing=[{"gain": 0}])
