"""The lineage of one row, exactly, from the tables: its batch, and the models, decisions, predictions that it is in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from perennial.clock import instant, write_instant
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.evaluation.figures import enumerated
from perennial.ledger.declaration_history import recorded
from perennial.ledger.entries import (
    BatchEntry,
    BatchScored,
    ChallengerEntry,
    Decision,
    LabelBatchEntry,
    SegmentCollected,
    Snapshot,
)
from perennial.ledger.ledger import Ledger
from perennial.lineage.graph import Edge, Graph, Node, Ref
from perennial.lineage.key_rows import KeyTables, RowKey, key_tables, set_aside
from perennial.lineage.recorded import arm_ref, batch_ref
from perennial.our_columns import BATCH, PREDICTION, RELEASE_NO, SCORED_AT
from perennial.serving.looking_up import is_candidates, score_in
from perennial.store.known import Known, known_at
from perennial.store.rows import read_rows
from perennial.store.workspace import Workspace
from perennial.training.rows import inside, sampled_rows
from perennial.usecase.declaration import Declaration


def with_key(workspace: Workspace, declaration: Declaration, graph: Graph, key: RowKey) -> Graph | None:
    """The graph with a row's node, or None if no row and no prediction has this key."""
    ledger, tables, usecase = workspace.ledger, workspace.tables, declaration.name
    batches = {row.payload.batch: row.payload for row in ledger.all(usecase, BatchEntry)}
    labels = [r.payload.batch for r in ledger.all(usecase, LabelBatchEntry) if r.payload.status == "accepted"]
    taken = [batch.batch for batch in batches.values() if batch.status == "accepted"]
    of_key = key_tables(tables, usecase, key, taken, labels)
    aside = set_aside(tables, usecase, declaration.schema_.key, key, list(batches))
    edges = [Edge(Ref("labels", each), key.ref, "labelled") for each in _batches_in(of_key, "labels")]
    accepted = _batches_in(of_key, "accepted")
    edges += [Edge(batch_ref(batches[each]), key.ref, "accepted") for each in accepted]
    if not accepted:  # of an accepted row, a batch that set it aside is no origin: nothing of it is used
        edges += [Edge(batch_ref(batches[each]), key.ref, f"set aside: {why}") for each, why in aside.items()]
    predicted = list(_predictions(workspace, declaration, key))
    if not edges and not predicted:
        return None
    if accepted:
        edges += [Edge(key.ref, Ref("snapshot", each), "trained in") for each in _trained(ledger, of_key, usecase)]
        edges += [Edge(key.ref, Ref("decision", each), "evaluated in") for each in _evaluated(ledger, of_key, usecase)]
    state = "accepted" if accepted else "set aside" if aside else "in no batch"
    if accepted and aside:
        state += f", set aside by {enumerated([batches[each].key for each in aside])}"
    columns = ", ".join(declaration.schema_.key)
    node = Node(key.ref, f"row by {columns}, {state}", dict(zip(declaration.schema_.key, key.texts, strict=True)))
    graph = graph.with_more([node], edges)
    for row in predicted:
        graph = with_prediction(workspace, usecase, graph, row, key)
    return graph


def with_prediction(workspace: Workspace, usecase: str, graph: Graph, row: dict[str, Any], key: RowKey | None) -> Graph:
    """The graph with the node of one prediction. row: as in the table. key: None if the record has none."""
    ref = prediction_ref(row, key)
    scored = workspace.ledger.get(usecase, BatchScored, row[BATCH])
    candidate = is_candidates(row) if scored is None else scored.payload.of is not None
    made_by = arm_ref(row[RELEASE_NO], candidate=candidate)
    at, score = write_instant(row[SCORED_AT]), list(score_in(row))
    facts = {"scored_at": at, "release_no": row[RELEASE_NO], "score": score, "stored": row[BATCH]}
    node = Node(ref, f"made by release {made_by.id} at {at}", facts)
    edges = [Edge(made_by, ref, "predicted")]
    if scored is not None:
        batch = workspace.ledger.get(usecase, BatchEntry, _key_of(workspace.ledger, usecase, scored.payload.batch))
        if batch is not None:
            edges.append(Edge(batch_ref(batch.payload), ref, "scored in"))
    if key is not None:
        edges.append(Edge(key.ref, ref, "predicted for", passes=False))
    return graph.with_more([node], edges)


def prediction_ref(row: dict[str, Any], key: RowKey | None) -> Ref:
    """The id of an answer; for a scored batch, its predictions and the key: `0f3a…@3#2024-03-00012`."""
    return Ref("prediction", row.get(PREDICTION) or f"{row[BATCH]}#{key.ref.id if key else ''}")


def _key_of(ledger: Ledger, usecase: str, batch: str) -> str:
    return next(row.key for row in ledger.all(usecase, BatchEntry) if row.payload.batch == batch)


def _batches_in(of_key: KeyTables, name: Any) -> list[str]:
    table = of_key.held[name]
    return sorted(set(table[BATCH].to_pylist())) if table is not None else []


def _predictions(workspace: Workspace, declaration: Declaration, key: RowKey) -> Iterator[dict[str, Any]]:
    ledger, usecase = workspace.ledger, declaration.name
    names = [row.key for kind in (BatchScored, SegmentCollected) for row in ledger.all(usecase, kind)]
    table = workspace.tables.read(usecase, "predictions", names, where=key.matches)
    yield from table.to_pylist() if table is not None else []


def _trained(ledger: Ledger, of_key: KeyTables, usecase: str) -> Iterator[str]:
    """The snapshots that hold the row, once each."""
    rows = {row.key: row for row in ledger.all(usecase, Snapshot)}
    holding: dict[str, None] = {}
    for each in ledger.all(usecase, ChallengerEntry):
        snapshot = rows[each.payload.snapshot]
        declaration, _ = recorded(ledger, usecase, each.payload.declaration_digest)
        declaration = declaration.racing_as(each.payload.rival) if each.payload.rival else declaration
        known = known_at(ledger.before(snapshot.position), usecase, instant(snapshot.payload.as_of))
        if _is_in(of_key, declaration, known, snapshot.payload):
            holding[snapshot.key] = None
    yield from holding


def _is_in(of_key: KeyTables, declaration: Declaration, known: Known, snapshot: Snapshot) -> bool:
    schema = declaration.schema_
    rows = read_rows(of_key, declaration.name, schema, known, labelled=True)
    if snapshot.until is not None:
        until = instant(snapshot.until)
        rows = rows[rows[schema.time] < until]
        before = tuple(b for b in known.batches if b.start is None or instant(b.start) < until)
        known = replace(known, as_of=until, batches=before)
    rows = inside(declaration.model.window, rows, rows[schema.time], known)
    return not sampled_rows(rows, declaration, snapshot.sampled).empty


def _evaluated(ledger: Ledger, of_key: KeyTables, usecase: str) -> Iterator[str]:
    """The decisions whose evaluation rows hold the row."""
    for row in ledger.all(usecase, Decision):
        decision, then = row.payload, ledger.before(row.position)
        challenger = then.get(usecase, ChallengerEntry, decision.challenger_id)
        if challenger is None:
            continue
        declaration, _ = recorded(ledger, usecase, decision.declaration_digest)
        known = known_at(then, usecase, instant(decision.as_of))
        if len(evaluation_rows(of_key, then, declaration, known, challenger.payload).rows):
            yield row.key
