"""The page's charts: drawn here, once, as SVG, so that the page needs no script and no network.

Colours are the page's own CSS variables, so a chart is light or dark as the page is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from perennial.page.drawing import (
    BAD,
    CHALLENGER,
    CHAMPION,
    GOOD,
    STAY,
    WAIT,
    WIDTH,
    Drawn,
    axis_of_batches,
    drawn,
    svg,
)
from perennial.page.view import BatchLine, GainPoint, LossPoint
from perennial.page.watching import EpisodeLine, Point

_OUTCOMES = {
    "first": GOOD,
    "release": GOOD,
    "undecided": WAIT,
    "keep": STAY,
    "held": BAD,
    "blocked": BAD,
}


def batches_chart(batches: Sequence[BatchLine]) -> str:
    """Rows of each batch's newest revision: accepted, set aside, held back whole. SVG."""
    newest = {line.window: line for line in batches}
    rows = [
        {"batch": line.window, "rows": number, "what": what}
        for line in newest.values()
        for what, number in (
            ("held back", line.arrived if line.status == "held" else 0),
            ("set aside", line.aside),
            ("accepted", line.accepted),
        )
    ]
    marks = {
        line.window: [*(["held"] if line.status == "held" else []), *([f"rev. {line.revision}"] * (line.revision > 1))]
        for line in newest.values()
    }
    notes = [
        {"batch": line.window, "rows": line.arrived, "mark": ", ".join(marks[line.window])}
        for line in newest.values()
        if marks[line.window]
    ]
    return svg(_batches_drawn(tuple(newest)), rows=rows, notes=notes)


@lru_cache(maxsize=16)
def _batches_drawn(names: tuple[str, ...]) -> Drawn:
    import altair as alt

    bars = (
        alt.Chart(alt.NamedData("rows"), height=150)
        .mark_bar()
        .encode(
            x=axis_of_batches(names),
            y=alt.Y("rows:Q", title="rows", axis=alt.Axis(tickCount=4)),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["accepted", "set aside", "held back"], range=[CHAMPION, WAIT, BAD]),
                legend=alt.Legend(orient="top"),
            ),
            order=alt.Order("what:N"),
        )
    )
    texts = alt.Chart(alt.NamedData("notes")).mark_text(dy=-7, fontSize=12, color="#030303")
    texts = texts.encode(x=axis_of_batches(names), y="rows:Q", text="mark:N")
    return drawn(bars + texts)


def losses_chart(
    losses: Sequence[LossPoint],
    gains: Sequence[GainPoint],
    metric: str,
    names: Sequence[str],
    episodes: Sequence[EpisodeLine] = (),
) -> str:
    """The losses of champion (circles) and challenger (diamonds) with 95 % intervals, and the reference. SVG.

    Episodes are bars along the top, from the batch that opened one to the batch that closed it.
    """
    champion = [{"batch": p.batch, "loss": p.value, "low": p.low, "high": p.high, "who": "champion"} for p in losses]
    challenger = [
        {
            "batch": g.batch,
            "loss": g.challenger,
            "low": g.challenger if g.challenger_low is None else g.challenger_low,
            "high": g.challenger if g.challenger_high is None else g.challenger_high,
            "who": "challenger",
        }
        for g in gains
        if g.challenger is not None
    ]
    evaluated = [{"batch": p.batch, "loss": p.reference} for p in losses if p.reference is not None]
    shown = [each for each in episodes if each.last in names]
    bars = [{"first": each.first if each.first in names else names[0], "last": each.last} for each in shown]
    chart = _losses_drawn(metric, tuple(names), bool(bars))
    return svg(chart, evaluated=evaluated, champion=champion, challenger=challenger, episodes=bars)


@lru_cache(maxsize=16)
def _losses_drawn(metric: str, names: tuple[str, ...], has_episodes: bool) -> Drawn:
    import altair as alt

    both = ["champion", "challenger"]
    legend = alt.Legend(orient="top")
    colour = alt.Color("who:N", title=None, scale=alt.Scale(domain=both, range=[CHAMPION, CHALLENGER]), legend=legend)
    shape = alt.Shape("who:N", title=None, scale=alt.Scale(domain=both, range=["circle", "diamond"]), legend=legend)
    y = alt.Y("loss:Q", title=metric, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    layers = [
        alt.Chart(alt.NamedData("evaluated"))
        .mark_tick(color="#030303", size=18, xOffset=-4)
        .encode(x=axis_of_batches(names), y=y),
    ]
    for who, offset in (("champion", -4), ("challenger", 4)):
        base = alt.Chart(alt.NamedData(who), height=200)
        layers += [
            base.mark_rule(strokeWidth=2, xOffset=offset)
            .encode(x=axis_of_batches(names), y=y, y2="high:Q", color=colour)
            .transform_calculate(loss="datum.low"),
            base.mark_point(filled=True, size=50, xOffset=offset).encode(
                x=axis_of_batches(names), y=y, color=colour, shape=shape
            ),
        ]
    if has_episodes:
        strip = alt.Chart(alt.NamedData("episodes")).mark_rule(color=BAD, strokeWidth=7, strokeCap="square")
        layers.append(strip.encode(x=axis_of_batches(names, "first"), x2="last:N", y=alt.value(3)))
    return drawn(alt.layer(*layers))


def gains_chart(gains: Sequence[GainPoint], metric: str, names: Sequence[str]) -> str:
    """Each decision's gain with its 95 % interval, coloured by its outcome. SVG."""
    rows = [
        {"batch": g.batch, "gain": g.gain, "low": g.low, "high": g.high, "outcome": g.outcome}
        for g in gains
        if g.gain is not None and g.low is not None
    ]
    outcomes = [outcome for outcome in _OUTCOMES if any(row["outcome"] == outcome for row in rows)]
    return svg(_gains_drawn(metric, tuple(names), tuple(outcomes)), rows=rows, nothing=[{"gain": 0}])


@lru_cache(maxsize=16)
def _gains_drawn(metric: str, names: tuple[str, ...], outcomes: tuple[str, ...]) -> Drawn:
    import altair as alt

    colour = alt.Color(
        "outcome:N",
        title=None,
        scale=alt.Scale(domain=outcomes, range=[_OUTCOMES[outcome] for outcome in outcomes]),
        legend=alt.Legend(orient="top"),
    )
    shape = alt.Shape("outcome:N", title=None, scale=alt.Scale(domain=outcomes))
    base = alt.Chart(alt.NamedData("rows"), height=200)
    y = alt.Y("gain:Q", title=f"gain in {metric}", axis=alt.Axis(tickCount=5))
    layers = [
        alt.Chart(alt.NamedData("nothing")).mark_rule(color="#030303", strokeDash=[4, 3]).encode(y="gain:Q"),
        base.mark_rule(strokeWidth=2)
        .encode(x=axis_of_batches(names), y=y, y2="high:Q", color=colour)
        .transform_calculate(gain="datum.low"),
        base.mark_point(filled=True, size=60).encode(x=axis_of_batches(names), y=y, color=colour, shape=shape),
    ]
    return drawn(alt.layer(*layers))


def courses_chart(points: Sequence[Point], names: Sequence[str], columns: int = 2) -> str:
    """Small multiples: each name's statistic on each batch, and its threshold as a dashed line. SVG."""
    import altair as alt

    rows = [{"name": p.name, "batch": p.batch, "value": p.value, "threshold": p.threshold} for p in points]
    at_its_end = {"condition": {"test": f"datum.value === {json.dumps(names[-1])}", "value": "right"}, "value": "left"}
    x = axis_of_batches(names, axis=alt.Axis(values=[names[0], names[-1]], labelAngle=0, labelAlign=at_its_end))
    of_rows = alt.Chart(alt.NamedData("rows"), width=WIDTH / columns - 70, height=70)
    y = alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3))
    line = of_rows.mark_line(color=CHAMPION, point=alt.OverlayMarkDef(color=CHAMPION, size=18)).encode(x=x, y=y)
    limit = of_rows.mark_line(color=BAD, strokeDash=[4, 3], interpolate="step").encode(x=x, y="threshold:Q")
    header = alt.Header(title=None, labelColor="#010101", labelFontSize=13, labelAnchor="start")
    order = list(dict.fromkeys(p.name for p in points))
    facet = alt.Facet("name:N", title=None, header=header, sort=order)
    chart = alt.layer(limit, line).facet(facet=facet, columns=columns).resolve_scale(y="independent")
    return svg(drawn(chart), width=None, rows=rows)


def sparkline(values: Sequence[float], reference: float | None) -> str:
    """A small line of losses without axes, with the reference dashed. Empty below two values. SVG."""
    if len(values) < 2:
        return ""
    rows = [{"at": place, "value": value} for place, value in enumerate(values)]
    chart = _line_drawn(reference is not None)
    return svg(chart, width=160, rows=rows, reference=[{"value": reference}])


@lru_cache(maxsize=2)
def _line_drawn(has_reference: bool) -> Drawn:
    import altair as alt

    y = alt.Y("value:Q", axis=None, scale=alt.Scale(zero=False))
    x = alt.X("at:Q", axis=None)
    layers = [alt.Chart(alt.NamedData("rows"), height=36).mark_line(color=CHAMPION).encode(x=x, y=y)]
    if has_reference:
        rule = alt.Chart(alt.NamedData("reference")).mark_rule(color="#030303", strokeDash=[4, 3])
        layers.append(rule.encode(y="value:Q"))
    return drawn(alt.layer(*layers))
