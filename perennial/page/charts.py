"""The page's charts: drawn here, once, as SVG, so that the page needs no script and no network.

Colours are the page's own CSS variables, so a chart is light or dark as the page is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perennial.page.view import BatchLine, GainPoint, LossPoint

WIDTH = 860
_INK = {"#010101": "var(--ink)", "#020202": "var(--rule)", "#030303": "var(--quiet)"}
_PAINT = {
    "#100001": "var(--good)",
    "#100002": "var(--wait)",
    "#100003": "var(--bad)",
    "#100004": "var(--champion)",
    "#100005": "var(--challenger)",
}
_GOOD, _WAIT, _BAD, _CHAMPION, _CHALLENGER = _PAINT
_OUTCOMES = {
    "first": _GOOD,
    "release": _GOOD,
    "undecided": _WAIT,
    "keep": _WAIT,
    "held": _BAD,
    "blocked": _BAD,
}


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
        alt.Chart(alt.Data(values=rows), height=150)
        .mark_bar()
        .encode(
            x=_batches(list(newest)),
            y=alt.Y("rows:Q", title="rows", axis=alt.Axis(tickCount=4)),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["accepted", "set aside", "held back"], range=[_CHAMPION, _WAIT, _BAD]),
                legend=alt.Legend(orient="top"),
            ),
            order=alt.Order("what:N"),
        )
    )
    revised = [
        {"batch": line.window, "rows": line.arrived, "said": f"revision {line.revision}"}
        for line in newest.values()
        if line.revision > 1
    ]
    told = alt.Chart(alt.Data(values=revised)).mark_text(dy=-7, fontSize=12, color="#030303")
    return _svg(bars + told.encode(x=_batches(list(newest)), y="rows:Q", text="said:N"))


def losses_chart(losses: Sequence[LossPoint], gains: Sequence[GainPoint], metric: str, names: Sequence[str]) -> str:
    """The champion's loss with its 95 % interval, the challenger's beside it, and the reference. SVG."""
    import altair as alt

    champion = [
        {"batch": p.batch, "loss": p.value, "low": p.low, "high": p.high, "who": "champion, 95 % interval"}
        for p in losses
    ]
    challenger = [
        {"batch": g.batch, "loss": g.challenger, "who": "challenger"} for g in gains if g.challenger is not None
    ]
    colour = alt.Color(
        "who:N",
        title=None,
        scale=alt.Scale(domain=["champion, 95 % interval", "challenger"], range=[_CHAMPION, _CHALLENGER]),
        legend=alt.Legend(orient="top"),
    )
    y = alt.Y("loss:Q", title=metric, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    base = alt.Chart(alt.Data(values=champion), height=200)
    judged = [{"batch": p.batch, "loss": p.reference} for p in losses if p.reference is not None]
    layers = [
        alt.Chart(alt.Data(values=judged))
        .mark_tick(color="#030303", size=18, xOffset=-4)
        .encode(x=_batches(names), y=y),
        base.mark_rule(strokeWidth=2, xOffset=-4)
        .encode(x=_batches(names), y=y, y2="high:Q", color=colour)
        .transform_calculate(loss="datum.low"),
        base.mark_point(filled=True, size=45, xOffset=-4).encode(x=_batches(names), y=y, color=colour),
        alt.Chart(alt.Data(values=challenger))
        .mark_point(shape="diamond", size=45, strokeWidth=2, xOffset=4)
        .encode(x=_batches(names), y=y, color=colour),
    ]
    return _svg(alt.layer(*layers))


def gains_chart(gains: Sequence[GainPoint], metric: str, names: Sequence[str]) -> str:
    """Each decision's gain with its 95 % interval, coloured by its outcome. SVG."""
    import altair as alt

    rows = [
        {"batch": g.batch, "gain": g.gain, "low": g.low, "high": g.high, "outcome": g.outcome}
        for g in gains
        if g.gain is not None and g.low is not None
    ]
    said = [outcome for outcome in _OUTCOMES if any(row["outcome"] == outcome for row in rows)]
    colour = alt.Color(
        "outcome:N",
        title=None,
        scale=alt.Scale(domain=said, range=[_OUTCOMES[outcome] for outcome in said]),
        legend=alt.Legend(orient="top"),
    )
    shape = alt.Shape("outcome:N", title=None, scale=alt.Scale(domain=said))
    base = alt.Chart(alt.Data(values=rows), height=200)
    y = alt.Y("gain:Q", title=f"gain in {metric}", axis=alt.Axis(tickCount=5))
    layers = [
        alt.Chart(alt.Data(values=[{"gain": 0}])).mark_rule(color="#030303", strokeDash=[4, 3]).encode(y="gain:Q"),
        base.mark_rule(strokeWidth=2)
        .encode(x=_batches(names), y=y, y2="high:Q", color=colour)
        .transform_calculate(gain="datum.low"),
        base.mark_point(filled=True, size=60).encode(x=_batches(names), y=y, color=colour, shape=shape),
    ]
    return _svg(alt.layer(*layers))


def _batches(names: Sequence[str]) -> Any:
    """The axis of batches, in their order, with as many names as fit."""
    import altair as alt

    every = max(1, -(-len(names) // 16))
    shown = [name for place, name in enumerate(names) if place % every == 0]
    axis = alt.Axis(values=shown, labelAngle=-40 if len(names) > 8 else 0)
    return alt.X("batch:N", sort=list(names), title=None, scale=alt.Scale(domain=list(names)), axis=axis)


def _svg(chart: Any) -> str:
    import vl_convert

    drawn = chart.properties(width=WIDTH).configure(background="transparent").configure_view(stroke=None)
    drawn = drawn.configure_axis(
        labelColor="#010101",
        titleColor="#010101",
        tickColor="#020202",
        domainColor="#020202",
        gridColor="#020202",
        labelFontSize=13,
        titleFontSize=13,
        titleFontWeight="normal",
    ).configure_legend(labelColor="#010101", labelFontSize=13)
    svg: str = vl_convert.vegalite_to_svg(drawn.to_dict())
    for mark, variable in {**_INK, **_PAINT}.items():
        svg = svg.replace(f'"{mark}"', f'"{variable}"')
    return svg[svg.index("<svg") :]
