"""A service and the collecting of its log, killed under load: what was answered is in the table, once."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from perennial.ledger.entries import SegmentCollected
from perennial.our_columns import PREDICTION, SCORE
from perennial.serving.log.segment import SUFFIX, finished_segments
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.serving.running_service import STARTS_WITHIN, Place, Running, serving, wait_for

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("PERENNIAL_TEST_KILLS", "3"))
"""Of a service, and as many of the collecting: take turns among all its processes, its parent and one worker."""
CLIENTS, ANSWERS = 4, 200

COLLECT = """
import logging, sys
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tasks.collecting import collect_segments
open_workspace(settings()).tables.batches("shop", "predictions")
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.getLogger("perennial.tasks").setLevel(logging.INFO)
print("ready", flush=True)
sys.stdin.readline()
collect_segments.fn()
"""
"""Collects when a line arrives, with everything imported before, and prints a line for each committed segment."""


def _ask(running: Running, number: int, answered: list[tuple[str, float]], enough: threading.Event) -> None:
    """Ask until the service no longer answers."""
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False, timeout=60) as client:
        try:
            for asked in range(1_000_000):
                records = [{"price": 1 + asked % 400, "weight": float(number), "carrier": "post"}] * (1 + asked % 3)
                answer = client.post("/usecases/shop/predict", json=records).json()
                answered += [(each["id"], each["score"]) for each in answer["predictions"]]
                if len(answered) > ANSWERS:
                    enough.set()
        except httpx.TransportError:
            return


def _everything(running: Running) -> None:
    os.killpg(running.process.pid, signal.SIGKILL)


def _its_parent(running: Running) -> None:
    workers = psutil.Process(running.process.pid).children(recursive=True)
    running.process.kill()
    _, left = psutil.wait_procs(workers, STARTS_WITHIN)
    assert not left, "workers end with their parent"


def _one_worker(running: Running) -> None:
    max(psutil.Process(running.process.pid).children(), key=lambda each: each.cpu_times().user).kill()
    wait_for(lambda: _still_answers(running))
    running.process.terminate()


def _still_answers(running: Running) -> bool:
    try:
        return running.predict({"price": 1.0, "weight": 2.0, "carrier": "post"}).status_code == 200
    except httpx.TransportError:
        return False


KILLED: tuple[Callable[[Running], None], ...] = (_everything, _its_parent, _one_worker)


def _collector(place: Place) -> subprocess.Popen[bytes]:
    """A process that collects once it reads a line."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-c", COLLECT], env=place.environment(), **pipes)


def _kill_while_it_collects(place: Place, collector: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Let it commit some of the waiting segments, kill it at a random moment of the next; what it left behind."""
    assert collector.stdin is not None and collector.stdout is not None
    assert collector.stdout.readline() == b"ready\n"
    began, commits = time.monotonic(), chance.randrange(max(1, len(finished_segments(place.served))))
    collector.stdin.write(b"\n")
    collector.stdin.flush()
    for _ in range(commits):
        collector.stdout.readline()
    one = (time.monotonic() - began) / commits if commits else 0.1
    time.sleep(chance.uniform(0, 1.2 * one))
    collector.kill()
    collector.communicate()
    return _left_behind(place)


def _left_behind(place: Place) -> str:
    """How far the segment got at which collecting was killed."""
    workspace = open_workspace(settings(place.environment()))
    committed = {row.key for row in workspace.ledger.all("shop", SegmentCollected)}
    waiting = {path.stem for path in place.served.glob(f"*{SUFFIX}")}
    if waiting & committed:
        return "committed, not removed"
    return "in the table, not committed" if waiting & set(_batches(place)) else "between two segments"


def _batches(place: Place) -> dict[str, int]:
    return open_workspace(settings(place.environment())).tables.batches("shop", "predictions")


@pytest.mark.slow
@pytest.mark.timeout(300 + 60 * KILLS)
def test_nothing_that_was_answered_is_lost_or_doubled_whatever_is_killed(shop_copy: Place) -> None:
    answered: list[tuple[str, float]] = []
    chance, left = random.Random(0), Counter[str]()
    for kill in range(KILLS):
        of_this: list[tuple[str, float]] = []
        enough, collector = threading.Event(), _collector(shop_copy)
        with serving(shop_copy, "--workers", "2") as running, ThreadPoolExecutor(CLIENTS) as clients:
            asking = [clients.submit(_ask, running, number, of_this, enough) for number in range(CLIENTS)]
            assert enough.wait(STARTS_WITHIN)
            left[_kill_while_it_collects(shop_copy, collector, chance)] += 1
            KILLED[kill % len(KILLED)](running)
            assert [each.result(STARTS_WITHIN) for each in asking] == [None] * CLIENTS
        answered += of_this

    last = _collector(shop_copy)
    last.communicate(b"\n", timeout=STARTS_WITHIN)
    assert last.returncode == 0
    log.info("%d kills under load, %d answered; collecting was killed %s", KILLS, len(answered), dict(left))
    assert not list(finished_segments(shop_copy.served))
    tables = open_workspace(settings(shop_copy.environment())).tables
    rows = tables.read("shop", "predictions", list(_batches(shop_copy)), [PREDICTION, SCORE])
    assert rows is not None
    served = [row for row in rows.to_pylist() if row[PREDICTION] is not None]
    logged = {row[PREDICTION]: row[SCORE] for row in served}
    ids = [each for each, _ in answered]
    assert len(served) == len(logged), "no prediction is there twice"
    assert len(ids) == len(set(ids)) > KILLS * ANSWERS
    assert {each: logged.get(each) for each in ids} == dict(answered)
    # At most the requests that were under way, and those that looked whether the service is back, were not counted.
    assert len(logged) - len(ids) <= KILLS * (CLIENTS + 2) * 3
