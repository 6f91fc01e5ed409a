"""An undecided challenger that waits: looked at again with all days since its training, until patience ends."""

from __future__ import annotations

from datetime import datetime

from perennial.clock import instant
from perennial.ledger.entries import Decision
from perennial.ledger.present import waiting_challenger
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.training.stores import decide_at, take_in, train_at
from tests.world import World


def test_it_waits_with_all_its_days_and_then_makes_room(world: World) -> None:
    world.rows_a_day = 12
    world.declare(release={"policy": "balanced", "patience": "75d", "refresh_after": "365d"})
    ends: dict[str, datetime] = {}

    def month(name: str) -> Decision | None:
        world.month(name)
        ends[name] = instant(take_in(name).arrived_at)
        ledger = open_workspace(settings()).ledger
        return decide_at(ends[name], name) if waiting_challenger(ledger, "shop") else None

    def release(decision: Decision | None) -> None:
        from tasks.deciding import release

        assert decision is not None
        release.fn("shop", decision.id)

    month("2024-01")
    train_at(ends["2024-01"])
    release(month("2024-02"))
    second = train_at(ends["2024-02"])
    first_look, second_look, third_look = month("2024-03"), month("2024-04"), month("2024-05")
    assert first_look and second_look and third_look
    looks = (first_look, second_look, third_look)
    assert {look.challenger_id for look in looks} == {second.challenger}
    assert [look.outcome for look in looks[:2]] == ["undecided"] * 2, "two months more of the same: little to see"
    assert [look.policy.waits for look in looks] == [True, True, False]
    assert [round(t * 75) for t in third_look.policy.looks] == [31, 61, 75]
    assert [look.evaluation.clusters for look in looks] == [31, 61, 92]  # the last day's labels come a day later
    assert round(sum(look.policy.alpha or 0 for look in looks), 12) == 0.05
    assert waiting_challenger(open_workspace(settings()).ledger, "shop") is None
