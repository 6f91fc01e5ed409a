"""An error after something was written states what was, and never denies what did happen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from perennial.cli.approving import follow_release
from perennial.cli.live import naming_what_is_live
from perennial.errors import (
    HeldBack,
    InputError,
    ModelUnloadable,
    PerennialError,
    RegistryDown,
    RegistryRefused,
    ReleaseLost,
    Unfinished,
    on_record,
)
from perennial.ledger.entries import AliasMoved, AliasPutBack, Approval, Recorded, Release
from perennial.ledger.ledger import Ledger
from perennial.release.doctor import examine
from perennial.release.promote import approve, mirror_alias, release_decided
from perennial.release.rollback import roll_back
from perennial.settings import settings
from perennial.store.registry import Registry
from perennial.store.tables import Tables
from perennial.store.workspace import Workspace
from tests.release.payloads import challenger, decision
from tests.release.test_promote import NOW, released, serving
from tests.world import World

DENIAL = re.compile(r"nothing (more )?(was|is|has been)|not (released|changed|recorded|made)", re.IGNORECASE)


@dataclass
class Failing:
    """A registry that raises at one call. named: the version that its alias names."""

    at: str
    error: PerennialError
    named: int | None = 1

    def champion(self, usecase: str) -> int | None:
        self._asked("champion")
        return self.named

    def point_champion(self, usecase: str, model: Any) -> None:
        self._asked("point_champion")
        self.named = model.version

    def point_beside(self, usecase: str, model: Any) -> None:
        self._asked("point_beside")

    def folder(self, usecase: str, model: Any) -> Path:
        raise ModelUnloadable("there are no files of it here")

    def unfinished(self, usecase: str) -> list[str]:
        return []

    def deleted_runs(self, usecase: str, runs: list[str]) -> dict[str, str]:
        return {}

    def _asked(self, call: str) -> None:
        if call == self.at:
            raise self.error


class Overtaken(Ledger):
    """A ledger in which somebody else releases just before we do."""

    def append(self, usecase: str, payload: Recorded) -> Any:
        if isinstance(payload, Release) and payload.decision == "dheld":
            super().append(usecase, payload.model_copy(update={"decision": "other", "reason": "it was first"}))
        return super().append(usecase, payload)


@pytest.fixture
def ledger(world: World, home: Path) -> Ledger:
    """Versions 1 and 2 were released in the shop's own home."""
    home.mkdir()
    ledger = Ledger(settings().database_url)
    released(ledger, 1, 2)
    return ledger


def rolled_back(ledger: Ledger, registry: Registry) -> None:
    row = roll_back(ledger, "shop", NOW, "it went bad").row.payload
    place = Workspace(settings())
    place.__dict__.update(ledger=ledger, registry=registry)
    follow_release(place, "shop", f"release {row.release_no} is recorded: {row.versions} is live by the ledger")


def undone_repaired(ledger: Ledger, registry: Registry) -> None:
    model = challenger("c3", 3)
    ledger.append("shop", model)
    ledger.append("shop", decision("d3", model, 2))
    _mended(ledger, registry, "the release was interrupted")


def alias_repaired(ledger: Ledger, registry: Registry) -> None:
    _mended(ledger, registry, "MLflow's alias points to version 1")


def cycle_released(ledger: Ledger, registry: Registry) -> None:
    model = challenger("c3", 3)
    said = decision("d3", model, 2)
    with naming_what_is_live("shop"):
        ledger.append("shop", model)
        ledger.append("shop", said)
        release_decided(ledger, said)
        mirror_alias(ledger, registry, "shop")


def _mended(ledger: Ledger, registry: Registry, what: str) -> None:
    tables = Tables(settings().tables_uri)
    (found,) = [each for each in examine(ledger, tables, registry, "shop", "2024-04-01T00:00:00Z") if what in each.what]
    assert found.mend is not None
    found.mend()


CASES: dict[str, tuple[Callable[[Ledger, Registry], None], str, tuple[int, int]]] = {
    "a rollback": (rolled_back, r"Release 3 is recorded: version 1 is live by the ledger\.", (3, 1)),
    "a cycle": (cycle_released, r"Live: version 3 of shop, as release 3\.", (3, 3)),
    "a release repaired": (undone_repaired, r"Release 3 is recorded: version 3 is live by the ledger\.", (3, 3)),
    "an alias repaired": (alias_repaired, r"It is recorded that MLflow's alias pointed to version 1\.", (2, 2)),
}


@pytest.mark.parametrize("kind", [RegistryDown, RegistryRefused])
@pytest.mark.parametrize("at", ["point_champion", "point_beside"])
@pytest.mark.parametrize("case", CASES)
def test_a_registry_that_fails_after_the_row_is_reported_with_what_is_recorded(
    ledger: Ledger, case: str, at: str, kind: type[PerennialError]
) -> None:
    act, told, live = CASES[case]
    registry = Failing(at, kind("the model registry did not point the alias"), named=2 if case == "a rollback" else 1)
    with pytest.raises(PerennialError, match="did not point the alias") as caught:
        act(ledger, cast(Registry, registry))
    assert re.search(told, str(caught.value)), str(caught.value)
    assert not DENIAL.search(str(caught.value))
    assert serving(ledger) == live
    if case != "a cycle":
        assert isinstance(caught.value, Unfinished)
        again = "again once that is fixed" if kind is RegistryRefused else "run the same command again. It"
        assert again in str(caught.value)
    if case == "an alias repaired":
        assert (len(ledger.all("shop", AliasMoved)), ledger.all("shop", AliasPutBack)) == (1, ())


def test_a_page_that_cannot_be_made_after_a_rollback_is_reported_with_the_release(ledger: Ledger, world: World) -> None:
    (world.usecases / "shop.yaml").write_text("name: [")
    with pytest.raises(Unfinished, match=r"Release 3 is recorded: version 1 is live") as caught:
        rolled_back(ledger, cast(Registry, Failing("never", RegistryDown(""), named=2)))
    assert not DENIAL.search(str(caught.value))
    assert serving(ledger) == (3, 1)


def test_an_overtaken_approval_is_reported_with_the_approval(ledger: Ledger) -> None:
    model = challenger("cheld", 7)
    held = decision("dheld", model, 2).model_copy(update={"outcome": "held"})
    ledger.append("shop", model)
    ledger.append("shop", held)
    with pytest.raises(ReleaseLost, match="The approval by Ada is recorded") as caught:
        approve(Overtaken(settings().database_url), held, "Ada", "seen", NOW)
    assert "run the same command again" not in str(caught.value), "that would not help"
    assert len(ledger.all("shop", Approval)) == 1


@pytest.mark.parametrize("outcome", ["keep", "held"])
def test_an_approval_that_reports_no_change_changed_nothing(ledger: Ledger, outcome: str) -> None:
    model = challenger("cheld", 7)
    held = decision("dheld", model, 1).model_copy(update={"outcome": outcome})
    ledger.append("shop", model)
    ledger.append("shop", held)
    rows = ledger.verify("shop")
    with pytest.raises((HeldBack, InputError), match=r"Nothing was changed\."):
        approve(ledger, held, "Ada", "seen", NOW)
    assert ledger.verify("shop") == rows


def test_a_gate_that_refuses_after_the_write_stays_a_gate() -> None:
    with (
        pytest.raises(HeldBack, match=r"a gate refused\n  The waiver by Ada is recorded\.") as caught,
        on_record("the waiver by Ada is recorded"),
    ):
        raise HeldBack("a gate refused")
    assert caught.value.exit_code == 3
