"""Turns where the ledger is PostgreSQL: held across processes, free when their holder dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest

from perennial.errors import TransientError
from perennial.ledger.ledger import Ledger
from perennial.store.lease import leased_since, only_one_of_all
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
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(url, usecase, theirs), daemon=True)
    process.start()
    try:
        assert ours.poll(60) and ours.recv() == "has it"
        yield process, lambda: ours.send("go on")
    finally:
        process.kill()
        process.join(60)


def test_the_turn_of_a_killed_process_is_free_at_once(database: str) -> None:
    said: list[str] = []
    with holder(database, "shop") as (process, _):
        assert process.pid is not None

        def kill_it(who: str) -> None:
            said.append(who)
            os.kill(process.pid or 0, signal.SIGKILL)

        with only_one_of_all(Ledger(database), "shop", "run", seconds=20, waits=kill_it):
            process.join(60)
            assert process.exitcode == -signal.SIGKILL
        assert said == [f"process {process.pid} on {socket.gethostname()}"[:63]]


def test_a_process_that_waits_goes_on_when_the_other_ends(database: str) -> None:
    ledger = Ledger(database)
    with (
        holder(database, "shop") as (process, let_go),
        only_one_of_all(ledger, "shop", "run", seconds=20, waits=lambda _: let_go()),
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
        for usecase, step in (("shop", "train"), ("kiosk", "run"), ("team-a/shop", "run")):
            with only_one_of_all(ledger, usecase, step, seconds=0):
                pass


def test_a_connection_that_is_lost_meanwhile_stops_nothing_and_frees_the_turn(database: str) -> None:
    ledger = Ledger(database)
    with only_one_of_all(ledger, "shop", "run", seconds=0):
        execute(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'process %' AND datname = current_database()",
        )
    with only_one_of_all(ledger, "shop", "run", seconds=5):
        pass


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
