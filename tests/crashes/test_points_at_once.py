"""Killed after every write from a training on, where it is decided at once and released as a mixture.

What comes before a training is written in the same way however a challenger is evaluated: see `test_points`.
"""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crashes.agreement import assert_whole, story
from tests.crashes.test_points import EVALUATION, MONEY, TRAINING, Year

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

FROM_TRAINING_ON = [
    *TRAINING,
    "challenger_row",
    "flips_table",
    "decision_row",
    "release_row",
    "alias",
    "cycle_row",
    "page",
]
POINTS = [f"{FROM_TRAINING_ON[0]}.before", *(f"{write}.after" for write in FROM_TRAINING_ON)]


class AtOnce(Year):
    """Two months of a shop: a first release, and one of a mixture, each in the cycle that trained its model."""

    def live(self) -> AtOnce:
        """Both of them; a process is killed in the second."""
        release = {"policy": "newest_unless_worse", "serve": "mixture", "judge": {"newest": "15d"}}
        self._world.declare(evaluation=EVALUATION, release=release)
        (self.place.usecases / "shop.py").write_text(MONEY)
        self._month("2013-01")
        self._step("run", "shop", at=[])
        self._month("2013-02")
        self._step("run", "shop", at=FROM_TRAINING_ON)
        return self


@pytest.fixture(scope="module")
def years(killable: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[AtOnce, AtOnce]:
    """The same two months twice, side by side: undisturbed, and killed at every point."""
    folder = tmp_path_factory.mktemp("years")
    both = AtOnce(folder / "undisturbed", killed=False), AtOnce(folder / "killed", killed=True)
    with ThreadPoolExecutor(2) as pool:
        undisturbed, killed = pool.map(AtOnce.live, both)
    return undisturbed, killed


def test_a_process_killed_at_a_write_leaves_readers_a_whole_state(years: tuple[AtOnce, AtOnce]) -> None:
    _, killed = years
    assert list(killed.ends) == POINTS
    for point, ends in killed.ends.items():
        for end in ends:
            assert end.code == -signal.SIGKILL, f"{point} was not reached: exit code {end.code}"
            assert end.wrong == "", point


def test_the_killed_months_end_like_the_undisturbed_ones(years: tuple[AtOnce, AtOnce]) -> None:
    undisturbed, killed = (story(year.place.workspace, "shop") for year in years)
    versions = [[served["model"]["version"] for served in each["serves"]] for each in undisturbed["release"]]
    assert versions == [[1], [2, 1]]
    trained, decided = undisturbed["challenger"], undisturbed["decision"]
    assert [each["as_of"] for each in decided] == [each["as_of"] for each in trained], "in the cycle of the training"
    for kind, rows in undisturbed.items():
        assert killed[kind] == rows, kind


def test_every_decision_replays_and_nothing_is_left_to_repair(years: tuple[AtOnce, AtOnce]) -> None:
    place = years[1].place
    assert place.run("replay", "shop", "--deep") == 0, place.said()
    for year in years:
        assert_whole(year.place.workspace, "shop")
