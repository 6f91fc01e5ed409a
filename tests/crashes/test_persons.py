"""A person's approval or refusal is killed with -9 before and after its row, then given again: it counts once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perennial.ledger.entries import Approval, Decision, Endorsement, Refusal, Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import open_question, wants_release
from perennial.release.approvals import Person, endorse, refuse
from tests.release.test_approvals import held

ROLES = {"owner": ("anna",), "risk": ("ben",)}


def answer(what: str, url: str, name: str, crash_at: str) -> None:
    """Approve or refuse in this process, which dies at a point."""
    os.environ["PERENNIAL_CRASH_AT"] = crash_at
    ledger, now = Ledger(url), datetime(2024, 4, 1, tzinfo=UTC)
    waiting, person = ledger.all("shop", Decision)[0].payload, Person(name, "environment")
    if what == "approve":
        endorse(ledger, waiting, ROLES, person, "seen", as_of=now, now=now, lasts=timedelta(days=14))
    else:
        refuse(ledger, waiting, ROLES, person, "too soon", now)


def run(what: str, url: str, name: str, crash_at: str = "") -> int | None:
    process = multiprocessing.get_context("forkserver").Process(target=answer, args=(what, url, name, crash_at))
    process.start()
    process.join(240)
    return process.exitcode


@pytest.mark.slow
@pytest.mark.parametrize("write", ["endorsement_row", "approval_row", "release_row", "refusal_row"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_an_approval_or_refusal_that_is_killed_counts_once(tmp_path: Path, write: str, side: str) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger, waiting = held(url)
    refuses = write == "refusal_row"
    last = "refuse" if refuses else "approve"
    assert run("approve", url, "anna") == 0
    assert run(last, url, "ben", f"{write}.{side}") == -signal.SIGKILL
    assert run(last, url, "ben") == 0
    ledger.verify("shop")
    assert [row.payload.by for row in ledger.all("shop", Endorsement)] == (["anna"] if refuses else ["anna", "ben"])
    assert len(ledger.all("shop", Approval)) == len(ledger.all("shop", Release)) == (not refuses)
    assert len(ledger.all("shop", Refusal)) == refuses
    assert open_question(ledger, "shop") is None and wants_release(ledger, waiting) is not refuses
