"""Killed after every write of a cycle on the wall clock, and run again days later: the same end state.

On a replay clock a rerun stands at the same moment as the run that was killed. On the wall clock it does not.
"""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from perennial.clock import instant, write_instant
from perennial.errors import PerennialError
from perennial.ledger.entries import (
    BatchEntry,
    ChallengerEntry,
    Cycle,
    Decision,
    LabelBatchEntry,
    Release,
    Snapshot,
)
from tests.crashes.agreement import assert_readers_see_whole_batches, assert_whole
from tests.crashes.processes import STARTS_AT, Place
from tests.world import World, month_of_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LATER = timedelta(days=2)
BATCH = ("landing", "accepted_table", "quarantine_table", "batch_row")
TRAINING = ("mlflow_run", "mlflow_version", "snapshot_row", "challenger_row")
FIRST = ("declaration_row", *BATCH, *TRAINING, "cycle_row")
SECOND = ("label_landing", "labels_table", "labels_row", *BATCH, "decision_row", "release_row", "alias", *TRAINING)


class Quarter:
    """Three months of a shop whose runs start on the second of the next month, or `LATER` after each kill."""

    def __init__(self, folder: Path, *, killed: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.place = Place(folder / "home", folder / "usecases")
        self.killed = killed
        self.wrong: dict[str, str] = {}
        self.killed_at: list[str] = []

    def live(self) -> Quarter:
        """All of it."""
        World(self.place.usecases).declare(clock="wall", labels={"path": "late", "known_at": "known_at"})
        (self.place.usecases / "late").mkdir()
        self._month("2024-01")
        self._run("2024-02-02T06:00:00Z", FIRST)
        self._month("2024-02")
        self._late_labels("2024-01", known_at="2024-02-10T00:00:00Z")
        self._run("2024-03-02T06:00:00Z", SECOND)
        self._month("2024-03")
        self._run("2024-05-02T06:00:00Z", ())
        return self

    def _run(self, at: str, writes: tuple[str, ...]) -> None:
        now = instant(at)
        for write in writes if self.killed else ():
            code = self._at(now).run("run", "shop", crash_at=f"{write}.after")
            self.killed_at += [f"{at[:10]} {write}"] if code == -signal.SIGKILL else []
            self.wrong[f"{at[:10]} {write}"] = self._seen()
            now += LATER
        self._at(now).finish("run", "shop")

    def _at(self, now: datetime) -> Place:
        return Place(self.place.home, self.place.usecases, {STARTS_AT: write_instant(now)})

    def _seen(self) -> str:
        try:
            assert_readers_see_whole_batches(self.place.workspace, "shop")
        except (AssertionError, PerennialError) as error:
            return str(error) or "an assertion failed"
        return ""

    def _month(self, name: str) -> None:
        rows = month_of_rows(name, rows_a_day=20)
        rows.loc[rows.index[:5], "price"] = 900.0  # more than the declaration allows: set aside
        rows.to_csv(self.place.usecases / "shop" / f"{name}.csv", index=False)

    def _late_labels(self, name: str, known_at: str) -> None:
        rows = month_of_rows(name, rows_a_day=20)[["order", "returned"]].iloc[50:90]
        rows.assign(returned=1 - rows["returned"], known_at=known_at).to_csv(
            self.place.usecases / "late" / f"{name}.csv", index=False
        )

    def ends_as(self) -> dict[str, Any]:
        """What happened, without the moments at which it did."""
        ledger = self.place.workspace.ledger

        def all_of(kind: type[Any]) -> list[Any]:
            return [row.payload for row in ledger.all("shop", kind)]

        return {
            "batches": [(b.window, b.revision, b.status, b.rows, b.quarantine, b.end) for b in all_of(BatchEntry)],
            "labels": [(b.file, b.rows, b.refused) for b in all_of(LabelBatchEntry)],
            "snapshots": len(all_of(Snapshot)),
            "challengers": [c.model.version for c in all_of(ChallengerEntry)],
            "decisions": [d.outcome for d in all_of(Decision)],
            "releases": [(r.kind, r.champion.model.version) for r in all_of(Release)],
            "cycles": [c.batch for c in all_of(Cycle)],
        }


@pytest.fixture(scope="module")
def quarters(killable: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Quarter, Quarter]:
    """The same quarter twice, side by side: undisturbed, and killed at every write."""
    folder = tmp_path_factory.mktemp("quarters")
    both = Quarter(folder / "undisturbed", killed=False), Quarter(folder / "killed", killed=True)
    with ThreadPoolExecutor(2) as pool:
        undisturbed, killed = pool.map(Quarter.live, both)
    return undisturbed, killed


def test_what_a_kill_left_is_a_whole_state_for_readers(quarters: tuple[Quarter, Quarter]) -> None:
    assert {point: what for point, what in quarters[1].wrong.items() if what} == {}
    wanted = [*(f"2024-02-02 {write}" for write in FIRST), *(f"2024-03-02 {write}" for write in SECOND)]
    assert quarters[1].killed_at == wanted, "killed at each"


def test_the_quarter_that_was_killed_ends_like_the_other(quarters: tuple[Quarter, Quarter]) -> None:
    undisturbed, killed = (quarter.ends_as() for quarter in quarters)
    assert len(undisturbed["batches"]) == len(undisturbed["cycles"]) == 3
    assert undisturbed["releases"], "a champion was released"
    assert killed == undisturbed


@pytest.mark.parametrize("which", [0, 1], ids=["undisturbed", "killed"])
def test_one_champion_and_no_half_written_version(quarters: tuple[Quarter, Quarter], which: int) -> None:
    assert_whole(quarters[which].place.workspace, "shop")
