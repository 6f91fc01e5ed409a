"""A batch whose dates come next only with day and month the other way round is held, or refused if it has no place."""

from __future__ import annotations

from datetime import date

import pytest

from perennial.errors import InputError
from tests.training.stores import take_in
from tests.world import World, month_of_rows

pytestmark = pytest.mark.usefixtures("home")


def week(world: World, first: int, form: str) -> str:
    """A file of seven days of March 2024 in one form of dates, by its name."""
    name = f"week-{date(2024, 3, first).isocalendar().week}"
    rows = month_of_rows("2024-03", rows_a_day=4)
    days = rows["at"].str[8:10].astype(int)
    rows = rows[days.between(first, first + 6)]
    rows = rows.assign(at=[date.fromisoformat(at[:10]).strftime(form) + at[10:19] for at in rows["at"]])
    rows.to_csv(world.usecases / "shop" / f"{name}.csv", index=False)
    return name


def test_a_week_in_the_other_order_is_held_with_both_readings_and_may_be_waived(world: World) -> None:
    source = {"kind": "files", "path": "shop", "batch": "file", "read": {"day_first": True}}
    world.declare(source=source)
    for name in ("2024-01", "2024-02"):
        rows = month_of_rows(name, rows_a_day=4)
        rows.to_csv(world.usecases / "shop" / f"{name}.csv", index=False)
        assert take_in(name).status == "accepted"
    assert take_in(week(world, 1, "%d/%m/%Y")).status == "accepted"
    held = take_in(week(world, 8, "%m/%d/%Y"))
    assert held.status == "held"
    first, *_ = held.held_because
    assert first.startswith("dates in another order: dates like '03/")
    assert "with day_first: false" in first
    assert "Write the file like the ones before, or its dates as 2024-12-31" in first
    with pytest.raises(
        InputError, match=r"no row has a readable, plausible time.*dates in another order.*day_first: false"
    ):
        take_in(week(world, 15, "%m/%d/%Y"))
    assert take_in(week(world, 8, "%d/%m/%Y")).status == "accepted"
