"""What is wrong with an id that names nothing, and ids of the same use case that do."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.lineage.graph import Graph, Kind
from perennial.lineage.key_rows import texts_of

_SHOWN: tuple[Kind, ...] = ("batch", "model", "decision", "release", "predictions")
_MOST = 5


def unknown_part(graph: Graph, key: Sequence[str], text: str) -> str:
    """Which part of a composed id is unknown, in words; empty if it is not composed. key: the names of its columns."""
    whole, mark, of_key = text.partition("#")
    if mark:
        if whole not in _ids(graph, "predictions"):
            return f"no predictions are named '{whole}'{_known(_ids(graph, 'predictions'))}"
        return f"predictions '{whole}' are there, and none of them is for the key '{of_key}'"
    name, mark, number = text.partition("/")
    if mark and number.isdigit():
        revisions = [each.partition("/")[2] for each in _ids(graph, "batch") if each.partition("/")[0] == name]
        if not revisions:
            return f"no batch is named '{name}'{_known([each.partition('/')[0] for each in _ids(graph, 'batch')])}"
        return f"batch '{name}' has no revision {number}{_known(revisions)}"
    if mark and number == "candidate":
        releases = _ids(graph, "release")
        return (
            f"release {name} has no candidate" if name in releases else f"there is no release {name}{_known(releases)}"
        )
    if len(key) > 1 and "," in text and texts_of(text, len(key)) is None:
        return f"a key has {len(key)} values ({', '.join(key)}), and {text.count(',') + 1} are given"
    return ""


def examples(graph: Graph) -> str:
    """The newest id of some kinds: ` such as batch:2024-04/1, model:3`; empty before there is any."""
    newest = [f"{kind}:{ids[-1]}" for kind in _SHOWN if (ids := _ids(graph, kind))]
    return f" such as {', '.join(newest)}" if newest else ""


def _ids(graph: Graph, kind: Kind) -> list[str]:
    return [ref.id for ref in graph.nodes if ref.kind == kind]


def _known(ids: Sequence[str]) -> str:
    newest = list(dict.fromkeys(ids))[-_MOST:]
    return f"; known: {', '.join(newest)}" if newest else ""
