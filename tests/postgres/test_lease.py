"""Turns where the ledger is PostgreSQL: held across processes, free when their holder dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest

from perennial.errors import TransientError, TurnLost
from perennial.ledger.entries import DeclarationEntry
from perennial.ledger.ledger import Ledger
from perennial.store import lock
from perennial.store.lease import leased_since, only_one_of_all
from tests.ledger.payloads import declaration
from tests.postgres.test_postgres import execute

pytestmark = [pytest.mark.extended, pytest.mark.timeout(300)]


def hold(url: str, usecase: str, line: Connection) -> None:
    """Take the turn of a use case, report it, keep it until asked to go on."""
    with only_one_of_all(Ledger(url), usecase, "run"):
        line.send("has it")
        line.recv()


@contextmanager
def holder(url: str, usecase: str) -> Iterator[tuple[BaseProcess, Callable[[], None]]]:
    """Another process with the turn, and what ends it."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(url, usecase, theirs), daemon=True)
    process.start()
    try:
        assert ours.poll(60) and ours.recv() == "has it"
        yield process, lambda: ours.send("go on")
    finally:
        process.kill()
        process.join(60)


@contextmanager
def at_notice(does: Callable[[str], None]) -> Iterator[None]:
    """Inside, the first notice that this process waits does something."""

    class Notice(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            does(record.getMessage())

    handler = Notice()
    lock.story.addHandler(handler)
    try:
        yield
    finally:
        lock.story.removeHandler(handler)


def test_the_turn_of_a_killed_process_is_free_at_once(database: str) -> None:
    said: list[str] = []
    with holder(database, "shop") as (process, _):
        assert process.pid is not None

        def kill_it(notice: str) -> None:
            said.append(notice)
            os.kill(process.pid or 0, signal.SIGKILL)

        with at_notice(kill_it), only_one_of_all(Ledger(database), "shop", "run", seconds=120):
            process.join(60)
            assert process.exitcode == -signal.SIGKILL
        holds_it = f"process {process.pid} on {socket.gethostname()}"[:63]
        assert said == [f"shop: waits for its turn (run), up to 2 minutes; {holds_it} is working on it."]


def test_a_process_that_waits_goes_on_when_the_other_ends(database: str) -> None:
    ledger = Ledger(database)
    with (
        holder(database, "shop") as (process, let_go),
        at_notice(lambda _: let_go()),
        only_one_of_all(ledger, "shop", "run", seconds=20),
    ):
        process.join(60)
        assert process.exitcode == 0


def test_who_waited_long_enough_learns_who_is_at_work_and_what_to_do(database: str) -> None:
    ledger = Ledger(database)
    with (
        holder(database, "shop") as (process, _),
        pytest.raises(TransientError) as told,
        only_one_of_all(ledger, "shop", "run", seconds=0),
    ):
        pytest.fail("both had the turn")
    assert str(told.value).startswith(f"shop: process {process.pid} on ")
    assert "Run the same command again when it has finished" in str(told.value)


def test_other_steps_use_cases_and_namespaces_do_not_wait(database: str) -> None:
    ledger = Ledger(database)
    with holder(database, "shop"):
        for usecase, step, namespace in (("shop", "train", ""), ("kiosk", "run", ""), ("shop", "run", "team-a")):
            with only_one_of_all(ledger, usecase, step, seconds=0, namespace=namespace):
                pass


def cut_off(database: str) -> None:
    """End the connections of every turn, as the server does with one that no longer answers."""
    execute(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'process %' AND datname = current_database()",
    )


def test_a_connection_that_is_lost_meanwhile_stops_nothing_and_frees_the_turn(database: str) -> None:
    ledger = Ledger(database)
    with only_one_of_all(ledger, "shop", "run", seconds=0):
        cut_off(database)
        assert ledger.append("shop", declaration(1))[1], "nobody else has the turn"
    with only_one_of_all(ledger, "shop", "run", seconds=5):
        pass


def test_a_turn_that_another_process_took_records_nothing_more(database: str) -> None:
    first, second = Ledger(database), Ledger(database)
    with only_one_of_all(first, "shop", "run", seconds=0):
        first.append("shop", declaration(1))
        cut_off(database)
        with holder(database, "shop"), pytest.raises(TurnLost, match="shop: this run lost its turn") as lost:
            first.append("shop", declaration(2))
        assert lost.value.code == "turn-lost" and lost.value.kind == "transient"
        with pytest.raises(TurnLost):
            first.require_turn("shop")
        assert first.append("kiosk", declaration(1))[1], "other use cases are not concerned"
    assert second.append("shop", declaration(3))[1], "a process without a turn appends as before"
    assert [row.key for row in second.all("shop", DeclarationEntry)] == [declaration(n).key for n in (1, 3)]


def test_since_when_another_process_is_at_work_is_known_while_it_is(database: str) -> None:
    ledger = Ledger(database)
    assert leased_since(ledger, "shop", "run") is None
    with holder(database, "shop") as (process, let_go):
        since = leased_since(ledger, "shop", "run")
        assert since is not None and since.tzinfo is not None
        assert leased_since(ledger, "bikes", "run") is None
        let_go()
        process.join(60)
    assert leased_since(ledger, "shop", "run") is None
