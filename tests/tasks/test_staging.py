"""A candidate from its decision to all keys, or away again, on the batches that it scores beside the champion."""

from __future__ import annotations

from dataclasses import replace

from perennial.alerting.notices import notices
from perennial.deciding.replay import Replayed
from perennial.ledger.entries import BatchEntry, BatchScored, Cycle, Decision, Episode, Release, StageLooked
from perennial.release.stages_replay import replay_look
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tasks.staging import outcome_of_looks
from tests.training.stores import cycle, on_disk
from tests.world import World

STAGED = {"policy": "newest_unless_worse", "stages": [{"shadow": "7d"}, "full"]}


def _lived(world: World, months: int, flipped_from: int = 99) -> Workspace:
    """The shop after so many months, each with one cycle. Two features are named as the models of a stage are."""
    world.declare(features={"numeric": ["price", "weight", "champion"], "categorical": ["carrier", "candidate"]})
    for number in range(1, months + 1):
        rows = world.month(f"2024-{number:02d}", flipped=number >= flipped_from)
        rows["champion"], rows["candidate"] = 1, "none"
        rows.to_csv(world.usecases / "shop" / f"2024-{number:02d}.csv", index=False)
        cycle()
    return open_workspace(settings())


def _kinds(workspace: Workspace) -> list[tuple[str, str, int]]:
    releases = [row.payload for row in workspace.ledger.all("shop", Release)]
    return [(each.kind, each.stage, each.champion.model.version) for each in releases]


def _replayed(workspace: Workspace) -> list[Replayed]:
    """With the rows in memory, and with those on disk."""
    ledger, tables = workspace.ledger, workspace.tables
    return [
        replay_look(ledger, each, "shop", row, lambda past, release: (0, 0))
        for row in ledger.all("shop", StageLooked)
        for each in (tables, on_disk(tables))
    ]


def test_a_candidate_that_does_no_harm_becomes_the_champion_after_its_shadow(world: World) -> None:
    world.declare(release=STAGED)
    workspace = _lived(world, 4)
    ledger = workspace.ledger
    first, second = ("first", "full", 1), ("stage", "shadow", 1)
    assert _kinds(workspace) == [first, second, ("release", "full", 2), ("stage", "shadow", 2)], "the next one follows"
    (looked,) = ledger.all("shop", StageLooked)
    look = looked.payload.look
    assert look.verdict == "advance" and looked.payload.release_no == 2
    assert ledger.all("shop", Release)[2].payload.look == looked.key
    by_check = {each.check: each for each in look.findings}
    scored = [row.payload for row in ledger.all("shop", BatchScored) if row.payload.of == "candidate"]
    assert by_check["traffic"].n == scored[-1].rows > 0
    assert by_check["log_loss"].n and by_check["log_loss"].low is not None, "labels came with the batch"
    assert workspace.registry.champion("shop") == 2
    waits = [row.payload.waits for row in ledger.all("shop", Cycle)]
    assert "no challenger" not in waits[-1], "the next challenger is decided about once the candidate is the champion"
    assert [(each.numbers > 10, each.difference) for each in _replayed(workspace)] == [(True, None)] * 2
    assert by_check["scores"].n == 2 * scored[-1].rows
    without = looked.payload.model_copy(
        update={"look": look.model_copy(update={"findings": tuple(e for e in look.findings if e.check != "scores")})}
    )
    earlier = replay_look(ledger, workspace.tables, "shop", replace(looked, payload=without), lambda *_: (0, 0))
    assert earlier.difference is None, "a look that an earlier version recorded, which did not count scores"


def test_a_candidate_that_is_proven_worse_is_taken_away_with_an_episode(world: World) -> None:
    """It learned and was evaluated while the concept was turned round, which then turned back."""
    model = {**world.declaration["model"], "window": {"batches": 1}}
    world.declare(release=STAGED, model=model)
    for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
        world.month(month, flipped=month >= "2024-03")
        cycle()
    workspace = open_workspace(settings())
    kind, stage, champion = _kinds(workspace)[-1]
    assert (kind, stage) == ("stage", "shadow")
    world.month("2024-05")
    cycle()
    assert _kinds(workspace)[-1] == ("abort", "full", champion)
    newest = workspace.ledger.all("shop", BatchEntry)[-1].payload
    assert outcome_of_looks("shop", newest) == "version 3 was taken out of a shadow; "
    (episode,) = [row.payload for row in workspace.ledger.all("shop", Episode) if row.payload.channel == "stage"]
    look = workspace.ledger.all("shop", StageLooked)[-1].payload.look
    assert [each.severity for each in notices(workspace.ledger, "shop") if each.channel == "stage"] == ["page"]
    assert look.verdict == "abort" and episode.detail == look.reason and "log_loss" in look.reason
    assert workspace.registry.champion("shop") == champion
    assert [each.difference for each in _replayed(workspace)] == [None] * 2


def test_nothing_is_decided_and_nobody_is_released_while_a_candidate_is_in_a_stage(world: World) -> None:
    world.declare(release={"policy": "newest_unless_worse", "stages": [{"shadow": "60d"}, "full"]})
    workspace = _lived(world, 4)
    ledger = workspace.ledger
    assert _kinds(workspace)[-1] == ("stage", "shadow", 1)
    assert len(ledger.all("shop", Decision)) == 2
    assert "version 2 is in a shadow since" in ledger.all("shop", Cycle)[-1].payload.waits
    assert ledger.all("shop", StageLooked)[-1].payload.look.verdict == "wait"
    assert not ledger.all("shop", Episode)
