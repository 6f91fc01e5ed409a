"""Lineage as plain JSON, in the field names of `--json`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from perennial.lineage.graph import Node, Part


def node_view(node: Node) -> dict[str, Any]:
    """One thing. rows: how many rows it stands for, null where it stands for none."""
    return {"kind": node.ref.kind, "id": node.ref.id, "text": node.text, "rows": node.rows, "facts": dict(node.facts)}


def part_view(part: Part) -> dict[str, Any]:
    """One side of a thing: how many of each kind, all of them, and what came from what."""
    edges = [
        {"from": str(edge.source), "to": str(edge.target), "how": edge.how, "passes": edge.passes}
        for edge in part.edges
    ]
    counts = Counter(node.ref.kind for node in part.nodes)
    return {"counts": dict(counts), "nodes": [node_view(node) for node in part.nodes], "edges": edges}
