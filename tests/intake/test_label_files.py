"""Label files get the treatment of batches: what counts, what is set aside and why, when the whole file is held."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from perennial.intake.labels import CONTRADICTS, COPY, SortedLabels, sort_labels
from perennial.sources.parsing import parse
from perennial.usecase.reading import load_use_case
from tests.world import World

JULY = datetime(2024, 7, 1, tzinfo=UTC)


def sorted_file(world: World, lines: list[str], clock: str = "replay", header: str = "order,returned,known") -> Any:
    """What a label file with these lines comes to."""
    schema = {name: value for name, value in world.declaration["schema"].items() if name != "label_known_after"}
    world.declare(schema=schema, labels={"path": "returns", "known_at": "known"}, clock=clock)
    types: Any = {"order": "text", "returned": "number", "known": "timestamp"}
    parsed = parse("\n".join([header, *lines, ""]).encode(), ".csv", types, "UTC", "returned", ".")
    return sort_labels(parsed, load_use_case("shop", world.usecases).declaration, "known", JULY)


def good(count: int) -> list[str]:
    return [f"g{number},{number % 2},2024-06-{number % 28 + 1:02d}" for number in range(count)]


def reasons(found: SortedLabels) -> dict[str, int]:
    return {each.reason: each.rows for each in found.reasons}


def test_labels_that_contradict_each_other_are_all_set_aside_and_of_copies_one_counts(world: World) -> None:
    lines = [*good(60), "a,1,2024-06-01", "a,0,2024-06-01", "b,1,2024-06-01", "b,1,2024-06-01", "b,0,2024-06-02"]
    found = sorted_file(world, lines)
    assert found.held_because == ()
    assert reasons(found) == {CONTRADICTS: 2, COPY: 1}
    assert set(found.set_aside) == {60, 61, 63}, "b is corrected on the 2nd, which contradicts nothing"


def test_what_cannot_be_read_or_meant_is_set_aside_and_never_is_a_moment(world: World) -> None:
    lines = [*good(80), "x,maybe,2024-06-01", "y,1,soon", "z,1,2204-06-01", "n,1,9999-12-31"]
    found = sorted_file(world, lines)
    assert found.held_because == ()
    assert reasons(found) == {
        "known: implausible moment": 1,
        "known: not readable": 1,
        "returned: not readable": 1,
    }
    assert "n" in set(found.good["order"])


def test_on_the_wall_clock_no_label_is_known_after_it_came(world: World) -> None:
    late = "w,1,2024-09-01"
    assert reasons(sorted_file(world, [*good(60), late], clock="wall")) == {"known: implausible moment": 1}
    assert reasons(sorted_file(world, [*good(60), late], clock="replay")) == {}


def test_a_file_whose_remainder_would_be_biased_is_held_and_rows_without_a_label_cost_nothing(world: World) -> None:
    held = sorted_file(world, [*good(40), *(f"x{number},7,2024-06-01" for number in range(20))])
    assert len(held.held_because) == 1
    assert "33.3 % of 60 labels would be set aside, more than 5 %" in held.held_because[0]
    open_still = sorted_file(world, [*good(40), *(f"x{number},,2024-06-01" for number in range(60))])
    assert open_still.held_because == ()
    assert len(open_still.good) == 40


def test_a_file_without_a_needed_column_is_held_and_named(world: World) -> None:
    found = sorted_file(world, ["a,1"], header="order,returned")
    assert found.held_because == ("the file has no column 'known'; a label needs 'order', 'returned' and 'known'",)
    assert len(found.good) == 0
