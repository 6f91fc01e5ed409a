"""`perennial run flights`, killed ten times at random moments and run again each time.

The batches are weeks, so that most of a run, and most kills, are writes and not the fit.
"""

from __future__ import annotations

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from perennial.ledger.entries import Cycle
from tests.crashes.agreement import assert_readers_see_whole_batches, assert_whole, story
from tests.crashes.processes import LONG, Place, exit_code

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

FLIGHTS = Path(__file__).parents[2] / "usecases" / "flights.yaml"
WEEKS = 4
KILLS = 10
SIDE_BY_SIDE = 2


@dataclass
class Sufferer:
    """Homes that are filled with the first weeks of flights, one after the other, and the kills along the way."""

    folder: Path
    usecases: Path
    seed: int
    homes: list[Place] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)

    def suffer(self, kills: int, run_seconds: float) -> Sufferer:
        """Be killed so often, at moments drawn from a run's length; then come to the end of the last home's weeks."""
        draw = random.Random(self.seed)
        while len(self.kills) < kills:
            if not self.homes or finished(self.homes[-1]):
                self.homes.append(Place(self.folder / f"home{len(self.homes)}", self.usecases))
            seconds = draw.uniform(0, run_seconds)
            process = self.homes[-1].start("run", "flights")
            code = exit_code(process, seconds)
            if code is None:
                process.kill()
                self.kills.append(seconds)
                assert exit_code(process, LONG) in (-signal.SIGKILL, 0)
                if (self.homes[-1].home / "ledger.db").exists():
                    assert_readers_see_whole_batches(self.homes[-1].workspace, "flights")
            else:
                assert code == 0, self.homes[-1].said()
        while not finished(self.homes[-1]):
            self.homes[-1].finish("run", "flights")
        return self


def weekly(folder: Path) -> Path:
    """The folder, with the demo's declaration in it, its batches cut by week and their row count to match."""
    said = yaml.safe_load(FLIGHTS.read_text())
    said["source"]["batch"] = "week"
    counts = [check for check in said["checks"] if "expect_table_row_count_to_be_between" in check]
    counts[0]["expect_table_row_count_to_be_between"] = {"min_value": 1000, "max_value": 9000}
    folder.mkdir()
    (folder / "flights.yaml").write_text(yaml.safe_dump(said))
    (folder / "flights.py").write_text(FLIGHTS.with_suffix(".py").read_text())
    return folder


def finished(place: Place) -> bool:
    """Whether all weeks that are wanted have had their cycle."""
    return (place.home / "ledger.db").exists() and len(place.workspace.ledger.all("flights", Cycle)) == WEEKS


def test_random_kills_lose_and_double_nothing(killable: None, tmp_path: Path) -> None:
    usecases = weekly(tmp_path / "usecases")
    undisturbed = Place(tmp_path / "undisturbed", usecases)
    assert undisturbed.run("status", "flights") == 0, "the process that all are forked from is warm"
    begin = time.monotonic()
    for _ in range(WEEKS):
        undisturbed.finish("run", "flights")
    run_seconds = (time.monotonic() - begin) / WEEKS
    expected = story(undisturbed.workspace, "flights")
    assert (len(expected["batch"]), len(expected["challenger"]), len(expected["decision"])) == (WEEKS, 1, 1)

    sufferers = [Sufferer(tmp_path / str(seed), usecases, seed) for seed in range(SIDE_BY_SIDE)]
    for sufferer in sufferers:
        sufferer.folder.mkdir()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        suffered = list(pool.map(lambda each: each.suffer(KILLS // SIDE_BY_SIDE, run_seconds), sufferers))

    assert sum(len(each.kills) for each in suffered) == KILLS
    for place in [home for each in suffered for home in each.homes]:
        assert_whole(place.workspace, "flights")
        assert story(place.workspace, "flights") == expected
