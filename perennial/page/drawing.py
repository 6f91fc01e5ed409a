"""How a chart becomes SVG: colours, the axis of batches, and the drawing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

Drawn = Mapping[str, Any]
"""A chart as a specification of Vega-Lite, without its data: the same for all members of a fleet, so made once."""

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


def unchecked_charts() -> AbstractContextManager[None]:
    """Altair checks each part of a chart against its whole schema as it is made: half of the page's time."""
    from altair.utils.schemapi import debug_mode

    return debug_mode(False)


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


def drawn(chart: Any) -> Drawn:
    """A chart of named data as a specification, which takes as long to make as the SVG."""
    spec: Drawn = chart.to_dict(validate=False)
    return spec


def svg(chart: Drawn, width: int | None = WIDTH, **data: Sequence[Mapping[str, Any]]) -> str:
    """The SVG of a chart. data: its data by name, which Altair would copy and check value by value.

    width: in pixels; None if the chart has its own.
    """
    import vl_convert

    spec = {**chart, "config": _CONFIG, "datasets": data}
    svg: str = vl_convert.vegalite_to_svg(spec if width is None else spec | {"width": width})
    for mark, variable in {**_INK, **_PAINT}.items():
        svg = svg.replace(f'"{mark}"', f'"{variable}"')
    return svg[svg.index("<svg") :]
