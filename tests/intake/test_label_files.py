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
    total, one = held.held_because
    assert total.startswith("more rows set aside than 10 % in total (set_aside.total): 20 of 60 rows (33.3 %), most")
    assert total.endswith("correct the file, or change the limit; the next run takes it in"), "a label is not waived"
    assert "5 % for one reason (set_aside.per_reason)" in one and "for example '7')" in one
    open_still = sorted_file(world, [*good(40), *(f"x{number},,2024-06-01" for number in range(60))])
    assert open_still.held_because == ()
    assert len(open_still.good) == 40


def test_the_limits_of_a_label_file_are_those_that_the_declaration_states(world: World) -> None:
    lines = [*good(40), *(f"x{number},7,2024-06-01" for number in range(20))]
    world.declare(set_aside={"total": 0.4, "per_reason": 0.4})
    assert sorted_file(world, lines).held_because == ()
    world.declare(set_aside={"total": 0.4, "per_reason": 0.3})
    (why,) = sorted_file(world, lines).held_because
    assert why.startswith("more rows set aside than 30 % for one reason (set_aside.per_reason)")
    assert sorted_file(world, [*good(3), "x,7,2024-06-01"]).held_because == (), "fewer than ten hold nothing"
    (none_left,) = sorted_file(world, ["x,7,2024-06-01", "y,7,2024-06-01"]).held_because
    assert none_left.startswith("all 2 labels would be set aside, most often returned: ")


def test_a_file_without_a_needed_column_is_held_and_named(world: World) -> None:
    found = sorted_file(world, ["a,1"], header="order,returned")
    assert found.held_because == ("the file has no column 'known'; a label needs 'order', 'returned' and 'known'",)
    assert len(found.good) == 0
