"""Lineage as text: one line per thing, and one for many of a kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from perennial.evaluation.figures import counted
from perennial.lineage.graph import KINDS, Kind, Node, Part, Ref

MOST = 4
"""So many things of a kind are listed; of more, the first and the last, and how many there are in between."""
NAMES: dict[Kind, tuple[str, str]] = {
    "landing": ("landing", "landings"),
    "labels": ("file of labels", "files of labels"),
    "batch": ("batch", "batches"),
    "key": ("row", "rows"),
    "snapshot": ("snapshot", "snapshots"),
    "features": ("version of the features", "versions of the features"),
    "run": ("run", "runs"),
    "model": ("model", "models"),
    "decision": ("decision", "decisions"),
    "release": ("release", "releases"),
    "predictions": ("set of predictions", "sets of predictions"),
    "prediction": ("prediction", "predictions"),
}
_LONG = 22
_KIND = max(map(len, NAMES)) + 2


def lines_of(part: Part, *, upwards: bool) -> Iterator[str]:
    """The things of a part, by kind, each with the kinds of what came from it, or what it came from."""
    for kind, group in groupby(part.nodes, key=lambda node: node.ref.kind):
        nodes = list(group)
        shown = nodes if len(nodes) <= MOST else [nodes[0], nodes[-1]]
        for number, node in enumerate(shown):
            if number == 1 and len(nodes) > MOST:
                yield f"{'':{_KIND}}{folded(nodes[1:-1])}"
            beside = _beside(part, node.ref, upwards=upwards)
            yield f"{kind if number == 0 else '':{_KIND}}{short(node.ref.id)}  {node.text}{beside}"


def _beside(part: Part, ref: Ref, *, upwards: bool) -> str:
    if upwards:
        kinds = {edge.target.kind for edge in part.edges if edge.source == ref}
    else:
        kinds = {edge.source.kind for edge in part.edges if edge.target == ref}
    return f" {'→' if upwards else '←'} {', '.join(sorted(kinds, key=KINDS.index))}"


def folded(nodes: Sequence[Node]) -> str:
    """Many things of a kind in words: `... 9 more batches with 241,301 rows`."""
    one, many = NAMES[nodes[0].ref.kind]
    rows = sum(node.rows or 0 for node in nodes)
    of_rows = f" with {rows:,} rows" if rows and nodes[0].ref.kind in ("batch", "predictions") else ""
    return f"... {counted(len(nodes), f'more {one}', f'more {many}')}{of_rows}"


def short(id: str) -> str:
    """An id as people see it: long digests end after their first digits."""
    return id if len(id) <= _LONG or "#" in id else f"{id[:12]}…"
