"""Lineage of what was served in a stage, and of labels and rows that were corrected."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from perennial.clock import instant
from perennial.ledger.entries import ChallengerEntry
from perennial.lineage.named import Named
from perennial.serving.log.segment import Answered, InStage, SegmentWriter
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.lineage.test_lineage import named, names
from tests.places import lead_to
from tests.staged import begin_stage
from tests.training.stores import take_in, train_at
from tests.world import World, copied

SEGMENT = "20240601T000000-0123456789ab"


@pytest.mark.parametrize("collected", [False, True])
def test_an_answer_in_a_stage_came_from_the_model_of_its_arm(
    lived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collected: bool
) -> None:
    copied(lived, tmp_path)
    lead_to(monkeypatch, tmp_path)
    workspace = open_workspace(settings())
    newest = workspace.ledger.all("shop", ChallengerEntry)[-1].payload
    staged = begin_stage(workspace, newest.model, 0.5, challenger=newest.challenger)
    number = staged.release_no
    assert newest.model.version not in [each.model.version for each in staged.serves]
    _answer(workspace, number, str(newest.model.version))
    if collected:
        from tasks.collecting import collect_segments

        assert collect_segments.fn() == 2
    live, candidate = named(workspace, f"{SEGMENT}-0"), named(workspace, f"{SEGMENT}-1")
    models = {f"model:{each.model.version}" for each in staged.serves}
    assert _of(live, "release") >= {f"release:{number}", f"release:{number - 1}"}
    assert models <= _of(live, "model") and f"model:{newest.model.version}" not in _of(live, "model")
    assert _of(candidate, "release") == {f"release:{number}/candidate"}
    assert _of(candidate, "model") == {f"model:{newest.model.version}"}
    assert _of(candidate, "decision") == {"decision:0123456789abcdef"}, "which this ledger lacks"
    assert _of(live, "key") == {"key:2024-04-00007"}
    sources = {(edge.source.kind, edge.passes) for edge in live.graph.edges if edge.target == live.ref}
    assert sources == {("release", True), ("key", False)}, "the record of the request was scored, not the batch's row"


def _answer(workspace: Workspace, release_no: int, candidate: str) -> None:
    writer = SegmentWriter(workspace.settings.served, SEGMENT)
    for arm in ("champion", "candidate"):
        stage = InStage(arm, candidate, (0.4,), None, 9, 9)
        record = b'{"order": "2024-04-00007"}'
        writer.append([Answered("shop", 0, release_no, candidate, "f", (0.5,), record, stage)])
    writer.close()


def _of(asked: Named, kind: str) -> set[str]:
    return {name for name in names(asked, upwards=True) if name.startswith(f"{kind}:")}


def test_corrected_labels_and_restated_rows_keep_what_was_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(monkeypatch, tmp_path)
    world = World(tmp_path / "usecases", rows_a_day=6).declare(labels={"path": "late", "known_at": "known_at"})
    (world.usecases / "late").mkdir()
    rows = world.month("2024-01")
    late = rows[["order", "returned"]].iloc[:5].assign(known_at="2024-01-20T00:00:00Z")
    late["returned"] = 1 - late["returned"]
    late.to_csv(world.usecases / "late" / "2024-01.csv", index=False)
    challenger = train_at(instant(take_in("2024-01").arrived_at))
    corrected, last = rows["order"].iloc[0], rows.loc[rows["at"] >= "2024-01-31", "order"].iloc[0]
    workspace = open_workspace(settings())
    before = named(workspace, corrected)
    assert {"labels", "batch", "landing"} == {name.partition(":")[0] for name in names(before, upwards=True)}
    assert len(_of(before, "landing")) == 2, "the rows' and the labels'"
    assert f"snapshot:{challenger.snapshot}" in names(before, upwards=False)
    assert names(named(workspace, last), upwards=False) == set(), "its label was not known yet"

    pd.concat([rows.iloc[:-1], rows.iloc[-1:].assign(price=1.0)]).to_csv(
        world.usecases / "shop" / "2024-01.csv", index=False
    )
    take_in("2024-01")
    after = named(workspace, corrected)
    assert _of(after, "batch") == {"batch:2024-01/1", "batch:2024-01/2"}
    assert str(named(workspace, "2024-01").ref) == "batch:2024-01/2"
    assert named(workspace, "labels:2024-01").ref.kind == "labels"
    assert named(workspace, "2024-01/2").graph.down(named(workspace, "2024-01/2").ref).nodes == ()
    assert f"snapshot:{challenger.snapshot}" in names(named(workspace, "2024-01/1"), upwards=False)
