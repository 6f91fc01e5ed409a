"""The page's charts: drawn here, once, as SVG, so that the page needs no script and no network.

Colours are the page's own CSS variables, so a chart is light or dark as the page is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from perennial.page.view import BatchLine, GainPoint, LossPoint
from perennial.page.watching import EpisodeLine, Point

WIDTH = 860
_INK = {"#010101": "var(--ink)", "#020202": "var(--rule)", "#030303": "var(--quiet)"}
_PAINT = {
    "#100001": "var(--good)",
    "#100002": "var(--wait)",
    "#100003": "var(--bad)",
    "#100004": "var(--champion)",
    "#100005": "var(--challenger)",
    "#100006": "var(--stay)",
}
GOOD, WAIT, BAD, CHAMPION, CHALLENGER, STAY = _PAINT
INK, RULE, QUIET = _INK
_OUTCOMES = {
    "first": GOOD,
    "release": GOOD,
    "undecided": WAIT,
    "keep": STAY,
    "held": BAD,
    "blocked": BAD,
}


def unchecked_charts() -> AbstractContextManager[None]:
    """Altair checks each part of a chart against its whole schema as it is made: half of the page's time."""
    from altair.utils.schemapi import debug_mode

    return debug_mode(False)


def batches_chart(batches: Sequence[BatchLine]) -> str:
    """Rows of each batch's newest revision: accepted, set aside, held back whole. SVG."""
    import altair as alt

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
    bars = (
        alt.Chart(alt.NamedData("rows"), height=150)
        .mark_bar()
        .encode(
            x=axis_of_batches(list(newest)),
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
    marks = {
        line.window: [*(["held"] if line.status == "held" else []), *([f"rev. {line.revision}"] * (line.revision > 1))]
        for line in newest.values()
    }
    notes = [
        {"batch": line.window, "rows": line.arrived, "mark": ", ".join(marks[line.window])}
        for line in newest.values()
        if marks[line.window]
    ]
    texts = alt.Chart(alt.NamedData("notes")).mark_text(dy=-7, fontSize=12, color="#030303")
    texts = texts.encode(x=axis_of_batches(list(newest)), y="rows:Q", text="mark:N")
    return svg(bars + texts, rows=rows, notes=notes)


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
    import altair as alt

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
    both = ["champion", "challenger"]
    legend = alt.Legend(orient="top")
    colour = alt.Color("who:N", title=None, scale=alt.Scale(domain=both, range=[CHAMPION, CHALLENGER]), legend=legend)
    shape = alt.Shape("who:N", title=None, scale=alt.Scale(domain=both, range=["circle", "diamond"]), legend=legend)
    y = alt.Y("loss:Q", title=metric, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    evaluated = [{"batch": p.batch, "loss": p.reference} for p in losses if p.reference is not None]
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
    drawn = [each for each in episodes if each.last in names]
    bars = [{"first": each.first if each.first in names else names[0], "last": each.last} for each in drawn]
    if bars:
        strip = alt.Chart(alt.NamedData("episodes")).mark_rule(color=BAD, strokeWidth=7, strokeCap="square")
        layers.append(strip.encode(x=axis_of_batches(names, "first"), x2="last:N", y=alt.value(3)))
    return svg(alt.layer(*layers), evaluated=evaluated, champion=champion, challenger=challenger, episodes=bars)


def gains_chart(gains: Sequence[GainPoint], metric: str, names: Sequence[str]) -> str:
    """Each decision's gain with its 95 % interval, coloured by its outcome. SVG."""
    import altair as alt

    rows = [
        {"batch": g.batch, "gain": g.gain, "low": g.low, "high": g.high, "outcome": g.outcome}
        for g in gains
        if g.gain is not None and g.low is not None
    ]
    outcomes = [outcome for outcome in _OUTCOMES if any(row["outcome"] == outcome for row in rows)]
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
    return svg(alt.layer(*layers), rows=rows, nothing=[{"gain": 0}])


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
    return svg(
        alt.layer(limit, line).facet(facet=facet, columns=columns).resolve_scale(y="independent"), width=None, rows=rows
    )


def sparkline(values: Sequence[float], reference: float | None) -> str:
    """A small line of losses without axes, with the reference dashed. Empty below two values. SVG."""
    import altair as alt

    if len(values) < 2:
        return ""
    rows = [{"at": place, "value": value} for place, value in enumerate(values)]
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(zero=False))
    x = alt.X("at:Q", axis=None)
    layers = [alt.Chart(alt.NamedData("rows"), height=36).mark_line(color=CHAMPION).encode(x=x, y=y)]
    if reference is not None:
        rule = alt.Chart(alt.NamedData("reference")).mark_rule(color="#030303", strokeDash=[4, 3])
        layers.append(rule.encode(y="value:Q"))
    return svg(alt.layer(*layers), width=160, rows=rows, reference=[{"value": reference}])


def axis_of_batches(names: Sequence[str], field: str = "batch", axis: Any = None) -> Any:
    """The axis of batches, in their order, with as many names as fit."""
    import altair as alt

    every = max(1, -(-len(names) // 16))
    shown = [name for place, name in enumerate(names) if place % every == 0]
    axis = axis or alt.Axis(values=shown, labelAngle=-40 if len(names) > 8 else 0)
    return alt.X(f"{field}:N", sort=list(names), title=None, scale=alt.Scale(domain=list(names)), axis=axis)


_CONFIG = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "#010101",
        "titleColor": "#010101",
        "tickColor": "#020202",
        "domainColor": "#020202",
        "gridColor": "#020202",
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": "#010101", "labelFontSize": 13, "layout": {"top": {"anchor": "end"}}},
    "axisY": {"orient": "right"},
}
"""Scales and legends stand at the right, beside the newest batch, which is what a phone shows of a chart at first.

Given as it is: each of Altair's own `configure` calls copies and checks the whole chart again."""


def svg(chart: Any, width: int | None = WIDTH, **data: Sequence[Mapping[str, Any]]) -> str:
    """The chart drawn. data: its data by name, which Altair would copy and check value by value.

    width: in pixels; None if the chart has its own.
    """
    import vl_convert

    spec = chart.to_dict(validate=False) | {"config": _CONFIG, "datasets": data}
    svg: str = vl_convert.vegalite_to_svg(spec if width is None else spec | {"width": width})
    for mark, variable in {**_INK, **_PAINT}.items():
        svg = svg.replace(f'"{mark}"', f'"{variable}"')
    return svg[svg.index("<svg") :]
