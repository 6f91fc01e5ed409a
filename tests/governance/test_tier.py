"""Risk tiers: a release that lacks something is held with the list, and replays; two persons under `high`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perennial.deciding.replay import replay_deep, replay_sums
from perennial.deciding.requirements import held_for
from perennial.errors import HeldBack
from perennial.governance.tier import TWO_PERSONS, lacking, refuse_lacking, required
from perennial.ledger.entries import Cycle, Decision
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, open_question
from perennial.release.approvals import Person, endorse
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.test_dossier import RISK, STATED
from tests.places import lead_to
from tests.release.payloads import challenger, decision
from tests.release.test_approvals import LASTS, NOW
from tests.training.stores import cycle
from tests.world import World

COMPLETE: dict[str, Any] = {**STATED, "risk_items": [RISK]}
ROLES = {"owner": ("anna",), "risk": ("ben",)}
TOP = {"top": "10%"}
STAGES = [{"shadow": "7d"}, "full"]


def declared(folder: Path, governance: dict[str, Any], **changes: Any) -> World:
    world = World(folder / "usecases", rows_a_day=20)
    world.declare(governance=governance, description="Will it be returned?", **changes)
    return world


@pytest.mark.parametrize(
    ("governance", "stages", "lacks"),
    [
        ({}, [], []),
        ({"risk": "minimal"}, [], []),
        ({**COMPLETE, "risk": "limited"}, [], []),
        ({**COMPLETE, "risk": "limited", "owner": ""}, [], ["owner (governance.owner)"]),
        (
            {**COMPLETE, "risk": "limited", "risk_items": [{**RISK, "measured_by": {"channel": "gap"}}]},
            [],
            ["a measure of the risk 'harm' (channel gap is gone)"],
        ),
        (
            {**COMPLETE, "risk": "high"},
            [],
            [
                "stages (release.stages)",
                "groups of persons (governance.protected or governance.bias.no_groups)",
                "two roles that approve (governance.approvers)",
            ],
        ),
        ({**COMPLETE, "risk": "high", "approvers": ROLES, "protected": ["carrier"], "selected": TOP}, STAGES, []),
        ({**COMPLETE, "risk": "high", "approvers": ROLES, "bias": {"no_groups": "machines"}}, STAGES, []),
    ],
)
def test_what_each_tier_requires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, governance: dict[str, Any], stages: list[Any], lacks: list[str]
) -> None:
    lead_to(monkeypatch, tmp_path)
    declared(tmp_path, governance, release={"stages": stages})
    case, ledger = open_workspace(settings()).use_case("shop"), Ledger(f"sqlite:///{tmp_path}/l.db")
    assert lacking(ledger, case.declaration) == lacks
    high = governance.get("risk") == "high"
    assert required(ledger, case.declaration) == [*lacks, *([TWO_PERSONS] if high else [])]
    if lacks:
        with pytest.raises(HeldBack, match="Nothing was approved"):
            refuse_lacking(ledger, case.declaration)
    else:
        refuse_lacking(ledger, case.declaration)


def test_only_what_would_be_released_is_held() -> None:
    for outcome in ("first", "release", "held"):  # held by the policy or the gate of groups
        taken = decision("d", challenger("c", 1), 0).model_copy(update={"outcome": outcome})
        held = held_for(taken, ["an owner"])
        assert (held.outcome, held.held_for) == ("held", ("an owner",))
        assert held.reasons == (*taken.reasons, "The risk tier requires: an owner.")
        assert held_for(taken, []) == taken
    for outcome in ("keep", "undecided", "blocked"):
        taken = decision("d", challenger("c", 1), 0).model_copy(update={"outcome": outcome})
        assert held_for(taken, ["an owner"]) == taken


def test_a_held_release_replays_and_goes_live_once_all_is_stated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(monkeypatch, tmp_path)
    world = declared(tmp_path, {"risk": "limited"})
    for month in ("2024-01", "2024-02"):
        world.month(month)
        assert isinstance(cycle(), Cycle)
    workspace = open_workspace(settings())
    ledger = workspace.ledger
    (row,) = ledger.all("shop", Decision)
    assert row.payload.outcome == "held" and row.payload.held_for is not None
    assert "purpose" in row.payload.reasons[-1] and current_release(ledger, "shop") is None
    assert open_question(ledger, "shop") == row.payload
    assert replay_sums(ledger, row).difference is None
    assert replay_deep(ledger, workspace.tables, workspace.registry, row).difference is None
    world.declare(governance={**COMPLETE, "risk": "limited"})
    declaration = open_workspace(settings()).use_case("shop").declaration
    refuse_lacking(ledger, declaration)
    done = endorse(ledger, row.payload, {}, Person("anna", "stated"), "all is stated", as_of=NOW, now=NOW, lasts=LASTS)
    assert done.made is not None and done.made.payload.kind == "first"
