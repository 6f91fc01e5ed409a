"""One run of a use case at a time, and runs of different use cases side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
import yaml

from perennial.errors import InputError, TransientError
from tests.world import World


@pytest.fixture
def turn(world: World, flows: None) -> Callable[..., Any]:
    kiosk = world.declaration | {"name": "kiosk"}
    (world.usecases / "kiosk.yaml").write_text(yaml.safe_dump(kiosk))
    from tasks.turn import turn

    return turn


def test_runs_of_two_use_cases_go_side_by_side(turn: Callable[..., Any]) -> None:
    both = Barrier(2)

    def run(usecase: str) -> int:
        with turn(usecase):
            return both.wait(60)

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(run, ["shop", "kiosk"])) == [0, 1]


def test_a_second_run_waits_for_the_first_and_shows_why(
    turn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from perennial.store import lock

    happened: list[str] = []
    inside, waiting = Event(), Event()

    def tell(words: str, *values: object) -> None:
        happened.append(words % values)
        waiting.set()

    monkeypatch.setattr(lock.story, "warning", tell)

    def first() -> None:
        with turn("shop"):
            inside.set()
            assert waiting.wait(60)
            happened.append("first ends")

    def second() -> None:
        assert inside.wait(60)
        with turn("shop"):
            happened.append("second begins")

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(first), threads.submit(second)]:
            done.result(120)
    said = "shop: waits for its turn (run), up to 60 minutes; another process is working on it."
    assert happened == [said, "first ends", "second begins"]


def test_who_waited_long_enough_learns_what_to_do(turn: Callable[..., Any]) -> None:
    def second() -> None:
        with turn("shop", seconds=0.1):
            pytest.fail("both had the turn")

    with turn("shop"), ThreadPoolExecutor(1) as other, pytest.raises(TransientError) as told:
        other.submit(second).result(60)
    assert str(told.value).startswith("shop: another process is working on it (run); gave up after waiting for 0 s\n")
    assert "Run the same command again when it has finished" in str(told.value)


def test_a_flow_that_another_one_calls_has_its_turn(turn: Callable[..., Any]) -> None:
    with turn("shop"):
        with turn("shop", seconds=0.1):
            pass
        with pytest.raises(TransientError), ThreadPoolExecutor(1) as other:  # the inner one's end is not the outer's
            other.submit(turn("shop", seconds=0.1).__enter__).result(60)


@pytest.mark.parametrize("name", ["nowhere", "../shop", "a/b"])
def test_an_unknown_name_is_refused_before_anything_is_written(turn: Callable[..., Any], name: str) -> None:
    from perennial.settings import settings

    with pytest.raises(InputError), turn(name):
        pytest.fail("it has a turn")
    assert list(settings().locks.rglob("*.lock")) == []
