"""A policy with a year's budget, in a shop that lives on: shares are counted in the ledger, over changes of policy."""

from __future__ import annotations

import pytest

from perennial.ledger.entries import Decision
from tests.cli.conftest import Perennial, payloads
from tests.world import World

pytestmark = pytest.mark.timeout(240)


def newest() -> Decision:
    return [p for p in payloads(Decision) if isinstance(p, Decision)][-1]


def test_a_change_of_policy_in_mid_year_is_recorded_and_buys_nothing(settled: World, perennial: Perennial) -> None:
    yearly = {"policy": "five_percent_a_year", "decisions_a_year": 12, "event_decisions_a_year": 3}
    settled.declare(release=yearly)
    settled.month("2024-03")
    assert perennial("run", "shop").code == 0
    march = newest()
    assert (march.policy.name, march.policy.alpha, march.policy.pool) == ("five_percent_a_year", 0.05 / 15, "planned")
    assert march.policy.spent == 0, "the first model had no champion to err about"
    assert "this is number 1 of 12 planned ones in 2024, and 0 % were spent before." in " ".join(march.reasons)
    settled.declare(release={"policy": "balanced"})
    settled.month("2024-04")
    shown = perennial("check", "shop")
    assert "release.policy" in shown.out
    assert perennial("run", "shop").code == 0
    assert (newest().policy.name, newest().policy.alpha, newest().policy.spent) == ("balanced", 0.05, None)
    settled.declare(release=yearly)
    settled.month("2024-05")
    assert perennial("run", "shop").code == 0
    may = newest()
    assert (may.policy.alpha, may.policy.spent) == (0.0, pytest.approx(0.05 + 0.05 / 15))
    assert may.outcome in ("undecided", "keep") and "It can release nothing" in " ".join(may.reasons)
    assert perennial("replay", "shop").code == 0
    assert perennial("replay", "shop", "--deep").code == 0
