"""Which node an id names: of every kind, or of one if the id has it as a prefix, such as `release:3`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from perennial.errors import InputError
from perennial.ledger.entries import BatchScored, SegmentCollected
from perennial.lineage.graph import KINDS, Graph, Kind, Ref
from perennial.lineage.hints import examples, unknown_part
from perennial.lineage.key_rows import key_text, row_key
from perennial.lineage.of_key import with_key, with_prediction
from perennial.lineage.recorded import recorded_lineage
from perennial.our_columns import ARM, BATCH, CANDIDATE_FAILED, PREDICTION, PROBABILITIES, RELEASE_NO, SCORED_AT
from perennial.serving.log.segment import place_of
from perennial.serving.looking_up import look_up
from perennial.store.workspace import Workspace
from perennial.usecase.declaration import Declaration

_SHORTENED: tuple[Kind, ...] = ("landing", "labels", "batch", "snapshot", "features", "run", "model", "decision")
"""Kinds whose ids are digests, of which the first digits suffice."""
_DIGITS = re.compile(r"[0-9a-f]{4,}")


@dataclass(frozen=True)
class Named:
    """A node and the graph that it is in."""

    ref: Ref
    graph: Graph


def find(workspace: Workspace, declaration: Declaration, given: str) -> Named:
    """The one node that an id names. Raises InputError for none, or more than one."""
    kind, text = _parted(given)
    graph = recorded_lineage(workspace.ledger, declaration.name)
    named = [Named(ref, graph) for ref in _recorded(graph, text, kind)]
    asked: dict[Kind, Callable[[Workspace, Declaration, Graph, str], Named | None]] = {
        "key": _by_key,
        "prediction": _by_prediction,
    }
    for each, look in asked.items():
        met = look(workspace, declaration, graph, text) if kind in (None, each) else None
        named += [met] if met is not None else []
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(
            f"ID: {given!r} names {len(named)} things of {declaration.name}",
            code="lineage-ambiguous",
            field="ID",
            value=given,
            fix=f"Write which one: {', '.join(str(each.ref) for each in named[:8])}",
        )
    why = unknown_part(graph, declaration.schema_.key, text)
    looked = f"; looked through: {', '.join(KINDS) if kind is None else kind}" if not why else f": {why}"
    raise InputError(
        f"ID: {given!r} names nothing of {declaration.name}{looked}",
        code="lineage-unknown",
        field="ID",
        value=given,
        fix=f"Give a row's key ({','.join(declaration.schema_.key)}), or an id{examples(graph)}. Of the id of a run, "
        "snapshot, decision or prediction, the first four digits suffice. A kind before it narrows: model:3",
    )


def _parted(given: str) -> tuple[Kind | None, str]:
    kind, colon, text = given.partition(":")
    for each in get_args(Kind):
        if colon and text and kind == each:
            return each, text
    return None, given


def _recorded(graph: Graph, text: str, kind: Kind | None) -> list[Ref]:
    """A file of labels often has the name of a batch, so that its name is used only with the kind before it."""
    nodes = [node for node in graph.nodes.values() if kind in (None, node.ref.kind)]
    named = {
        node.ref: (node.ref.id, *(() if kind is None and node.ref.kind == "labels" else node.also)) for node in nodes
    }
    exact = [ref for ref, names in named.items() if text in names]
    if exact or not _DIGITS.match(text):
        return exact
    shortened = [(ref, names) for ref, names in named.items() if ref.kind in _SHORTENED]
    return [ref for ref, names in shortened if any(name.startswith(text) for name in names)]


def _by_key(workspace: Workspace, declaration: Declaration, graph: Graph, text: str) -> Named | None:
    key = row_key(declaration, text)
    grown = with_key(workspace, declaration, graph, key) if key is not None else None
    return Named(key.ref, grown) if key is not None and grown is not None else None


def _by_prediction(workspace: Workspace, declaration: Declaration, graph: Graph, text: str) -> Named | None:
    scoring, mark, of_key = text.partition("#")
    if mark and workspace.ledger.get(declaration.name, BatchScored, scoring) is not None:
        named = _by_key(workspace, declaration, graph, of_key)
        ref = Ref("prediction", f"{scoring}#{named.ref.id if named else ''}")
        return Named(ref, named.graph) if named is not None and ref in named.graph.nodes else None
    row = _served(workspace, declaration.name, text)
    if row is None:
        return None
    ref, texts = Ref("prediction", text), _key_of(row, declaration.schema_.key)
    key = row_key(declaration, key_text(texts)) if texts is not None else None
    grown = with_key(workspace, declaration, graph, key) if key is not None else None
    if grown is None:
        return Named(ref, with_prediction(workspace, declaration.name, graph, row, None))
    return Named(ref, grown if ref in grown.nodes else with_prediction(workspace, declaration.name, grown, row, key))


def _served(workspace: Workspace, usecase: str, prediction: str) -> dict[str, Any] | None:
    """A served prediction as the table has it, also if it is only in the log of the service yet."""
    place = place_of(prediction)
    if place is None:
        return None
    if workspace.ledger.get(usecase, SegmentCollected, place.segment) is not None:
        import pyarrow.compute as pc

        is_it = pc.field(PREDICTION) == prediction
        table = workspace.tables.read(usecase, "predictions", [place.segment], where=is_it)
        rows = table.to_pylist() if table is not None else []
        return rows[0] if rows else None
    try:
        answer = look_up(workspace, prediction)
    except InputError:
        return None
    if answer.usecase != usecase:
        return None
    stage = answer.in_stage
    return {
        **_fields(answer.received),
        PREDICTION: prediction,
        BATCH: place.segment,
        RELEASE_NO: answer.release.release_no,
        SCORED_AT: answer.at,
        PROBABILITIES: answer.score,
        ARM: stage.arm if stage is not None else None,
        CANDIDATE_FAILED: stage.failed if stage is not None else None,
    }


def _fields(received: str) -> dict[str, Any]:
    """The fields of a record; none of one that cannot be read."""
    try:
        fields = json.loads(received)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _key_of(row: dict[str, Any], names: tuple[str, ...]) -> list[str] | None:
    values = [row.get(name) for name in names]
    return None if None in values else [str(value) for value in values]
