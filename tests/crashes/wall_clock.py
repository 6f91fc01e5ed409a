"""A shop on the wall clock, where a command that was killed is run again days later and stands at another moment."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from mlflow import MlflowClient

from perennial.clock import instant, write_instant
from perennial.errors import HeldBack, PerennialError
from perennial.ledger.entries import (
    AliasMoved,
    AliasPutBack,
    Approval,
    BatchEntry,
    ChallengerEntry,
    Cycle,
    Decision,
    DeclarationEntry,
    LabelBatchEntry,
    Release,
    Snapshot,
    Waiver,
)
from perennial.store.registry import ALIAS
from tests.crashes.agreement import assert_readers_see_whole_batches
from tests.crashes.processes import STARTS_AT, Place
from tests.world import World, month_of_rows

LATER = timedelta(days=2)
BATCH = ("landing", "validation_file", "accepted_table", "quarantine_table", "batch_row")
LABELS = ("label_landing", "labels_table", "labels_aside_table", "labels_row")
TRAINING = ("mlflow_run", "mlflow_version", "snapshot_row", "challenger_row")
RELEASE = ("release_row", "alias")
MIRROR = ("release_row", "alias", "refit_alias", "page")
PERSONS = {
    "approve": ("approval_row", *MIRROR),
    "doctor": ("sweep", "alias_moved_row", "alias", "alias_put_back_row", "run_marked_failed"),
    "rollback": MIRROR,
    "waive": ("waiver_row", *BATCH[1:], "page"),
    "requeue": ("declaration_row", *BATCH[1:], "page"),
}
"""The writes of each command of a person, in their order."""

DEARER = [{"expect_column_values_to_be_between": {"column": "price", "min_value": 0, "max_value": 1000}}]


@dataclass
class Shop:
    """Its months, and commands, each at a stated moment. killed: after each write that a step names, in its order."""

    place: Place
    killed: bool
    wrong: dict[str, str] = field(default_factory=dict)
    killed_at: list[str] = field(default_factory=list)

    def declare(self, **changes: Any) -> None:
        """The declaration; `changes` as in `World.declare`."""
        world = World(self.place.usecases)
        world.declare(**{"clock": "wall", "labels": {"path": "late", "known_at": "known_at"}, **changes})
        (self.place.usecases / "late").mkdir(exist_ok=True)

    def step(self, at: str, *command: str, writes: tuple[str, ...] = (), ends: int = 0) -> None:
        """Run a command, first killed after each of its writes, `LATER` each time."""
        now = instant(at)
        for write in writes if self.killed else ():
            code = self._at(now).run(*command, crash_at=f"{write}.after")
            point = f"{at[:10]} {command[0]} {write}"
            self.killed_at += [point] if code == -signal.SIGKILL else []
            self.wrong[point] = self._seen()
            now += LATER
        code = self._at(now).run(*command)
        assert code == ends, f"perennial {' '.join(command)} ended with {code}:\n{self.place.said()}"

    def month(self, name: str) -> None:
        """A month's file, five rows of which cost more than the declaration allows."""
        rows = month_of_rows(name, rows_a_day=20)
        rows.loc[rows.index[:5], "price"] = 900.0
        rows.to_csv(self.place.usecases / "shop" / f"{name}.csv", index=False)

    def late_labels(self, name: str, known_at: str) -> None:
        """Corrected labels of a month, in a file beside it; the last one is not a label."""
        rows = month_of_rows(name, rows_a_day=20)[["order", "returned"]].iloc[50:90]
        rows = rows.assign(returned=1 - rows["returned"], known_at=known_at)
        rows.loc[rows.index[-1], "returned"] = 7
        rows.to_csv(self.place.usecases / "late" / f"{name}.csv", index=False)

    def wants_repair(self) -> None:
        """Leave what `doctor` repairs: an alias that a person moved, a run and a batch of processes that died."""
        workspace = self.place.workspace
        client = MlflowClient(workspace.settings.mlflow_tracking_uri, workspace.settings.mlflow_tracking_uri)
        client.set_registered_model_alias("shop", ALIAS, "1")
        client.create_run(workspace.registry.experiment("shop"), run_name="left by a process that died")

    def _at(self, now: Any) -> Place:
        return Place(self.place.home, self.place.usecases, {**self.place.more, STARTS_AT: write_instant(now)})

    def _seen(self) -> str:
        try:
            assert_readers_see_whole_batches(self.place.workspace, "shop")
        except (AssertionError, PerennialError) as error:
            return str(error) or "an assertion failed"
        return ""


def persons(shop: Shop, months: tuple[str, str], day: str, writes: dict[str, tuple[str, ...]] = PERSONS) -> list[str]:
    """Every command of a person: approve, doctor, rollback, waive, requeue; then the batch that doctor swept comes.

    months: the next two. day: `2024-06`, the month in which the first of them has come. The points of all kills.
    """
    first, second = months
    year, month = map(int, day.split("-"))

    def when(later: int, date: int) -> str:
        return f"{year}-{month + later:02d}-{date:02d}T06:00:00Z"

    shop.declare(release={"policy": "hold", "refresh_after": "1d"})
    shop.month(first)
    shop.step(when(0, 2), "run", "shop", ends=HeldBack.exit_code)
    held = shop.place.workspace.ledger.all("shop", Decision)[-1].payload
    assert held.outcome == "held", "the story needs an open question"
    said = ("--by", "Ada", "--reason", "seen")
    moments = {"approve": when(0, 4), "doctor": when(1, 2), "rollback": when(1, 16), "waive": when(2, 2)}
    moments["requeue"] = when(2, 18)
    shop.step(moments["approve"], "approve", held.id[:8], *said, writes=writes["approve"])
    shop.wants_repair()
    shop.month(second)
    crashed = Place(shop.place.home, shop.place.usecases, {**shop.place.more, STARTS_AT: when(1, 1)})
    assert crashed.run("ingest", "shop", crash_at="batch_row.before") == -signal.SIGKILL
    shop.step(moments["doctor"], "doctor", "shop", writes=writes["doctor"])
    shop.step(moments["rollback"], "rollback", "shop", "--reason", "returns went up", writes=writes["rollback"])
    shop.step(moments["waive"], "waive", "shop", "--batch", "2024-01", *said, writes=writes["waive"])
    shop.declare(release={"policy": "hold", "refresh_after": "1d"}, checks=DEARER)
    shop.step(moments["requeue"], "requeue", "shop", writes=writes["requeue"])
    shop.step(when(4, 2), "ingest", "shop")
    return [f"{moments[name][:10]} {name} {write}" for name in moments for write in writes[name]]


def ends_as(place: Place) -> dict[str, Any]:
    """What happened, without the moments at which batches came; what a person did counts from the first attempt."""
    ledger = place.workspace.ledger

    def all_of(kind: type[Any]) -> list[Any]:
        return [row.payload for row in ledger.all("shop", kind)]

    return {
        "declarations": [d.edits for d in all_of(DeclarationEntry)],
        "batches": [
            (b.window, b.revision, b.status, b.rows, b.quarantine, b.end, b.because) for b in all_of(BatchEntry)
        ],
        "labels": [(b.file, b.rows, b.refused) for b in all_of(LabelBatchEntry)],
        "snapshots": len(all_of(Snapshot)),
        "challengers": [c.model.version for c in all_of(ChallengerEntry)],
        "decisions": [d.outcome for d in all_of(Decision)],
        "approvals": [(a.by, a.reason, a.as_of) for a in all_of(Approval)],
        "waivers": [(w.window, w.checks, w.by) for w in all_of(Waiver)],
        "moved": [(m.found, m.release_no) for m in all_of(AliasMoved)],
        "put back": [(m.number, m.restored) for m in all_of(AliasPutBack)],
        "releases": [(r.kind, r.champion.model.version) for r in all_of(Release)],
        "live since": [r.as_of for r in all_of(Release) if r.kind == "rollback"],
        "cycles": [c.batch for c in all_of(Cycle)],
    }
