"""Lineage as a picture: one SVG without script and network, from the data at the top to the predictions below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby

from perennial.lineage.graph import Edge, Kind, Node, Part, Ref
from perennial.lineage.lines import MOST, folded, short

WIDE, HIGH, GAP, BETWEEN, MARGIN, HEADING = 212, 62, 18, 52, 24, 40
_LETTER = 8
"""How wide a letter of the heading is at most."""
_ROWS: tuple[tuple[Kind, ...], ...] = (
    ("landing",),
    ("batch", "labels"),
    ("key",),
    ("snapshot", "features"),
    ("run",),
    ("model",),
    ("decision",),
    ("release",),
    ("predictions", "prediction"),
)
"""The kinds from top to bottom, those beside each other in one row."""
_LETTERS = 33
"""So many letters of a line fit a box; the whole line is in its tooltip."""
_STYLE = """
svg { font: 12px system-ui, sans-serif; background: #fff } text { fill: #1f2328 }
.heading { font-size: 16px; font-weight: 600 }
.quiet { fill: #59636e; font-size: 11px } .id { font-weight: 600 }
rect { fill: #f6f8fa; stroke: #afb8c1 } .many rect { stroke-dasharray: 3 3 }
.this rect { stroke: #0969da; stroke-width: 2.5 }
path { fill: none; stroke: #afb8c1; stroke-width: 1.3 } .mention { stroke-dasharray: 4 4 }
marker path { fill: #afb8c1; stroke: none }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 }
  rect { fill: #161b22; stroke: #3d444d } .this rect { stroke: #4493f8 }
  path { stroke: #3d444d } marker path { fill: #3d444d }
}
"""
_ARROW = (
    '<marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker>'
)


@dataclass(frozen=True)
class Box:
    """A thing, or many of a kind, and its upper left corner. refs: those that it stands for."""

    refs: tuple[Ref, ...]
    title: str
    text: str
    x: int
    y: int

    @property
    def kind(self) -> str:
        """Of what it stands for."""
        return self.refs[0].kind


def picture(usecase: str, node: Node, parts: Sequence[Part]) -> str:
    """The SVG of a thing and of what is on one or both of its sides."""
    heading = f"Lineage of {node.ref.kind} {node.ref.id} of {usecase}"
    boxes = list(_boxes(node, {each.ref: each for part in parts for each in part.nodes} | {node.ref: node}))
    width = max(max(box.x for box in boxes) + WIDE, MARGIN + _LETTER * len(heading)) + MARGIN
    boxes = list(_centred(boxes, width))
    place = {ref: box for box in boxes for ref in box.refs}
    edges = {(place[edge.source], place[edge.target]): edge for part in parts for edge in part.edges}
    height = max(box.y for box in boxes) + HIGH + MARGIN
    title = escape(heading)
    drawn = [f'<text class="heading" x="{MARGIN}" y="{MARGIN + 16}">{title}</text>']
    drawn += [_path(source, target, edge) for (source, target), edge in edges.items() if source != target]
    drawn += [_drawn(box, node.ref) for box in boxes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}"><title>{title}</title><style>{_STYLE}</style><defs>{_ARROW}</defs>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _boxes(node: Node, nodes: dict[Ref, Node]) -> Iterator[Box]:
    """Of many things of a kind, the first, the last and the subject have a box, and the others one together."""
    y = MARGIN + HEADING
    for kinds in _ROWS:
        x = MARGIN
        for kind in kinds:
            things = [each for each in nodes.values() if each.ref.kind == kind]
            middle = [] if len(things) <= MOST else [each for each in things[1:-1] if each.ref != node.ref]
            for each in things:
                if each in middle[1:]:
                    continue
                if middle and each is middle[0]:
                    yield Box(tuple(one.ref for one in middle), kind, folded(middle).removeprefix("... "), x, y)
                else:
                    yield Box((each.ref,), short(each.ref.id), each.text, x, y)
                x += WIDE + GAP
        y += HIGH + BETWEEN if x > MARGIN else 0


def _centred(boxes: Sequence[Box], width: int) -> Iterator[Box]:
    """Each row of boxes in the middle of the picture."""
    for _, row in groupby(boxes, key=lambda box: box.y):
        beside = list(row)
        right = (width - (beside[-1].x + WIDE + MARGIN)) // 2
        yield from (replace(box, x=box.x + right) for box in beside)


def _drawn(box: Box, subject: Ref) -> str:
    name = "this" if subject in box.refs else "many" if len(box.refs) > 1 else "one"
    whole = f"{box.kind} {box.refs[0].id}: {box.text}" if len(box.refs) == 1 else box.text
    lines = ((17, "quiet", box.kind), (34, "id", box.title), (51, "quiet", box.text))
    if len(box.refs) > 1:
        lines = ((17, "quiet", box.kind), (34, "id", f"{len(box.refs):,} more"), (51, "quiet", box.text))
    texts = "".join(
        f'<text class="{style}" x="{box.x + 9}" y="{box.y + down}">{escape(_cut(text))}</text>'
        for down, style, text in lines
    )
    frame = f'<rect x="{box.x}" y="{box.y}" width="{WIDE}" height="{HIGH}" rx="6"/>'
    return f'<g class="{name}"><title>{escape(whole)}</title>{frame}{texts}</g>'


def _path(source: Box, target: Box, edge: Edge) -> str:
    """From the lower side of a box to the upper side of another; between boxes of one kind, from side to side."""
    if source.y == target.y:
        right = source.x < target.x
        x1, x2, y = source.x + (WIDE if right else 0), target.x + (0 if right else WIDE), source.y + HIGH // 2
        line = f"M{x1} {y} L{x2} {y}"
    else:
        x1, y1, x2, y2 = source.x + WIDE // 2, source.y + HIGH, target.x + WIDE // 2, target.y
        bend = (y2 - y1) // 2
        line = f"M{x1} {y1} C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"
    style = "" if edge.passes else ' class="mention"'
    tip = escape(f"{edge.source} {edge.how} {edge.target}")
    return f'<path d="{line}"{style} marker-end="url(#end)"><title>{tip}</title></path>'


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
