"""Lineage as a graph: what came from what. Pure: it knows no store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

Kind = Literal[
    "landing",
    "labels",
    "batch",
    "key",
    "snapshot",
    "features",
    "run",
    "model",
    "decision",
    "release",
    "predictions",
    "prediction",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""From the data to the predictions, which is also the order in which nodes are shown."""


class Ref(NamedTuple):
    """Names a node.

    >>> str(Ref("model", "3"))
    'model:3'
    """

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Node:
    """A thing that came from others. also: its other names. facts: what is known of it, as plain JSON values.

    text: the same in a few words. rows: how many rows it stands for, where it stands for rows.
    """

    ref: Ref
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    rows: int | None = None


@dataclass(frozen=True)
class Edge:
    """`target` came from `source`. how: in words, from the source to the target.

    passes: whether what `source` came from is in `target` too. A champion that a decision compared with is not.
    """

    source: Ref
    target: Ref
    how: str
    passes: bool = True


@dataclass(frozen=True)
class Part:
    """The part of a graph on one side of a node: the nodes in the order of `KINDS`, and the edges among them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Graph:
    """All nodes by their names, and all edges."""

    nodes: Mapping[Ref, Node]
    edges: tuple[Edge, ...]

    def with_more(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> Graph:
        """The same with further nodes and edges."""
        return Graph({**self.nodes, **{node.ref: node for node in nodes}}, (*self.edges, *edges))

    def up(self, ref: Ref) -> Part:
        """Everything that a node came from."""
        return self._reach(ref, {edge.target: [] for edge in self.edges}, upwards=True)

    def down(self, ref: Ref) -> Part:
        """Everything that came from a node."""
        return self._reach(ref, {edge.source: [] for edge in self.edges}, upwards=False)

    def _reach(self, ref: Ref, leaving: dict[Ref, list[Edge]], *, upwards: bool) -> Part:
        for edge in self.edges:
            leaving[edge.target if upwards else edge.source].append(edge)
        met: set[Ref] = set()
        taken: dict[Edge, None] = {}
        expanded, waiting = {ref}, [ref]
        while waiting:
            for edge in leaving.get(waiting.pop(), ()):
                taken[edge] = None
                beyond = edge.source if upwards else edge.target
                met.add(beyond)
                if edge.passes and beyond not in expanded:
                    expanded.add(beyond)
                    waiting.append(beyond)
        place = {each: number for number, each in enumerate(self.nodes)}
        order = sorted(met, key=lambda each: (KINDS.index(each.kind), place[each]))
        return Part(tuple(self.nodes[each] for each in order), tuple(taken))
