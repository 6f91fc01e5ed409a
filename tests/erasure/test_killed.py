"""An erasure is killed with -9 before and after each of its writes, then run again: as if nothing had happened."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from perennial.ledger.entries import Erased
from tests.crashes.processes import Place
from tests.crashes.test_points import OF_ERASURES
from tests.erasure.conftest import ASKED, OF_THE_PERSON
from tests.erasure.search import files_with
from tests.world import copied

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_a_killed_erasure_goes_on_and_ends_as_one_that_was_not_killed(known_person: Path, tmp_path: Path) -> None:
    ended = {}
    for name in ("undisturbed", "killed"):
        copied(known_person, tmp_path / name)
        place = Place(tmp_path / name / "home", tmp_path / name / "usecases")
        for point in [f"{each}.{side}" for each in OF_ERASURES for side in ("before", "after")]:
            if name == "killed":
                assert place.run(*ASKED, crash_at=point) == -signal.SIGKILL, f"{point} was not reached: {place.said()}"
        place.finish(*ASKED)
        ended[name] = [row.payload for row in place.workspace.ledger.all("shop", Erased)]
        assert files_with(place.home, OF_THE_PERSON) == []
        place.finish("replay", "shop", "--deep")
        place.finish("doctor", "shop")
    assert ended["killed"] == ended["undisturbed"] and len(ended["killed"]) == 1


def test_a_killed_retention_goes_on_and_ends_as_one_that_was_not_killed(known_person: Path, tmp_path: Path) -> None:
    ended = {}
    for name in ("undisturbed", "killed"):
        copied(known_person, tmp_path / name)
        declaration = tmp_path / name / "usecases" / "shop.yaml"
        declaration.write_text(declaration.read_text() + "retention: {landing: 20d, quarantine: 20d}\n")
        place = Place(tmp_path / name / "home", tmp_path / name / "usecases")
        writes = ("erasure_begun", "erased_table", "erased_versions", "erased_landing", "erased_row", "erasure_ended")
        for point in [f"{each}.{side}" for each in writes for side in ("before", "after")]:
            if name == "killed":
                assert place.run("retain", "shop", crash_at=point) == -signal.SIGKILL, f"{point}: {place.said()}"
        place.finish("retain", "shop")
        ended[name] = [row.payload for row in place.workspace.ledger.all("shop", Erased)]
    assert ended["killed"][0] == ended["undisturbed"][0]
