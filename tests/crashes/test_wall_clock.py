"""Killed after the writes of a cycle on the wall clock, and run again days later: the same end state.

On a replay clock a rerun stands at the same moment as the run that was killed. On the wall clock it does not.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crashes.agreement import assert_whole
from tests.crashes.processes import Place
from tests.crashes.wall_clock import BATCH, LABELS, RELEASE, TRAINING, Shop, ends_as, persons
from tests.extent import ALL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FIRST = ("declaration_row", *BATCH, *TRAINING, "cycle_row") if ALL else ("batch_row", "mlflow_version")
SECOND = (
    ("landing", *LABELS, *BATCH[1:], "decision_row", *RELEASE, *TRAINING) if ALL else ("decision_row", "release_row")
)
BOTH = pytest.mark.parametrize("which", [0, 1], ids=["undisturbed", "killed"])


def quarter(shop: Shop) -> Shop:
    """Three months whose runs start on the second of the next month."""
    shop.declare()
    shop.month("2024-01")
    shop.step("2024-02-02T06:00:00Z", "run", "shop", writes=FIRST)
    shop.month("2024-02")
    shop.late_labels("2024-01", known_at="2024-02-10T00:00:00Z")
    shop.step("2024-03-02T06:00:00Z", "run", "shop", writes=SECOND)
    shop.month("2024-03")
    shop.step("2024-05-02T06:00:00Z", "run", "shop")
    return shop


def shops(folder: Path) -> tuple[Shop, Shop]:
    """One that is left alone, and one that is killed."""
    undisturbed, killed = (Place(folder / name / "home", folder / name / "usecases") for name in ("quiet", "killed"))
    for place in (undisturbed, killed):
        place.home.parent.mkdir(parents=True, exist_ok=True)
    return Shop(undisturbed, killed=False), Shop(killed, killed=True)


@pytest.fixture(scope="module")
def quarters(killable: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Shop]:
    """The same quarter twice, side by side: undisturbed, and killed at the writes."""
    with ThreadPoolExecutor(2) as pool:
        undisturbed, killed = pool.map(quarter, shops(tmp_path_factory.mktemp("quarters")))
    return undisturbed, killed


@pytest.fixture(scope="module")
def asked(quarters: tuple[Shop, Shop], tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Shop, list[str]]:
    """After the undisturbed quarter, in two copies of it: what people ask for; and every point of a kill."""
    both = shops(tmp_path_factory.mktemp("asked"))
    for shop in both:
        shutil.copytree(quarters[0].place.home, shop.place.home)
        shutil.copytree(quarters[0].place.usecases, shop.place.usecases)
    with ThreadPoolExecutor(2) as pool:
        _, points = pool.map(lambda shop: persons(shop, ("2024-04", "2024-05"), "2024-06"), both)
    return *both, points


def test_what_a_kill_left_is_a_whole_state_for_readers(quarters: tuple[Shop, Shop]) -> None:
    assert {point: what for point, what in quarters[1].wrong.items() if what} == {}
    wanted = [*(f"2024-02-02 run {write}" for write in FIRST), *(f"2024-03-02 run {write}" for write in SECOND)]
    assert quarters[1].killed_at == wanted, "killed at each"


def test_the_quarter_that_was_killed_ends_like_the_other(quarters: tuple[Shop, Shop]) -> None:
    undisturbed, killed = (ends_as(quarter.place) for quarter in quarters)
    assert len(undisturbed["batches"]) == len(undisturbed["cycles"]) == 3
    assert undisturbed["releases"], "a champion was released"
    assert killed == undisturbed


@BOTH
def test_one_champion_and_no_half_written_version(quarters: tuple[Shop, Shop], which: int) -> None:
    assert_whole(quarters[which].place.workspace, "shop")


@pytest.mark.long
def test_what_a_killed_command_of_a_person_left_is_a_whole_state(asked: tuple[Shop, Shop, list[str]]) -> None:
    _, killed, points = asked
    assert {point: what for point, what in killed.wrong.items() if what} == {}
    assert killed.killed_at == points, "killed at each"


@pytest.mark.long
def test_a_persons_command_that_is_repeated_days_after_a_kill_has_the_effect_of_one(
    asked: tuple[Shop, Shop, list[str]],
) -> None:
    undisturbed, killed = ends_as(asked[0].place), ends_as(asked[1].place)
    assert [kind for kind, _ in undisturbed["releases"]][-2:] == ["release", "rollback"]
    assert len(undisturbed["approvals"]) == len(undisturbed["waivers"]) == len(undisturbed["moved"]) == 1
    revisions = [(window, because) for window, revision, *_, because in undisturbed["batches"] if revision == 2]
    assert revisions == [("2024-01", "waived"), *((f"2024-0{month}", "requeued") for month in (2, 3, 4))]
    assert killed == undisturbed


@pytest.mark.long
@BOTH
def test_nothing_is_lost_doubled_or_left_to_repair_after_them(asked: tuple[Shop, Shop, list[str]], which: int) -> None:
    assert_whole(asked[:2][which].place.workspace, "shop")
