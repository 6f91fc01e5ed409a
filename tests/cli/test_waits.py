"""A command that has to wait for another one shows what it waits for, on standard error."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from threading import Event

import pytest

from perennial.cli.noted import STORY
from perennial.ledger.entries import ChallengerEntry, Release
from perennial.settings import settings
from perennial.store.lock import only_one
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial
from tests.world import World

pytestmark = pytest.mark.slow


class Heard(logging.Handler):
    """Sets an event at the first notice."""

    def __init__(self) -> None:
        super().__init__()
        self.event = Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.event.set()


@contextmanager
def at_work(steps: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Another one works on these steps until the first notice that somebody waits."""
    held, heard = Event(), Heard()

    def works() -> None:
        with steps():
            held.set()
            assert heard.event.wait(60)

    STORY.addHandler(heard)
    try:
        with ThreadPoolExecutor(1) as other:
            done = other.submit(works)
            assert held.wait(60)
            yield
            heard.event.set()
            done.result(60)
    finally:
        STORY.removeHandler(heard)


def waits(what: str) -> str:
    return f"{what}, up to 10 minutes; another process is working on it."


@pytest.mark.parametrize(
    "command",
    [
        ("doctor", "shop"),
        ("maintain", "shop"),
        ("resume", "shop", "--by", "Ada", "--reason", "a try"),
        ("retain", "shop"),
    ],
    ids=lambda command: command[0],
)
def test_a_command_shows_what_it_waits_for(settled: World, perennial: Perennial, command: tuple[str, ...]) -> None:
    with at_work(lambda: open_workspace(settings()).undisturbed("shop")):
        shown = perennial(*command)
    notice = waits("shop: waits for its turn (run)")
    assert shown.err.splitlines().count(notice) == 1, shown
    assert notice not in shown.out


def test_a_rollback_shows_that_it_waits_for_the_first_page(settled: World, perennial: Perennial) -> None:
    ledger = open_workspace(settings()).ledger
    first, waiting = ledger.all("shop", Release)[0].payload, ledger.all("shop", ChallengerEntry)[-1].payload
    part = first.serves[0].model_copy(update={"model": waiting.model})
    second = {"release_no": 2, "kind": "release", "challenger": waiting.challenger, "serves": (part,)}
    ledger.append("shop", first.model_copy(update=second))
    with at_work(lambda: only_one(settings().locks, "all", "index")):
        shown = perennial("rollback", "shop", "--reason", "a try")
    assert shown.code == 0, shown.err
    assert shown.err.splitlines() == [waits("all: waits for its turn (index)")]
