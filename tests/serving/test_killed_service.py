"""A service and the collecting of its log, killed under load: what was answered is in the table, once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from perennial.our_columns import PREDICTION, SCORE
from perennial.serving.log.segment import finished_segments
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.serving.running_service import STARTS_WITHIN, Place, Running, serving, wait_for

KILLS = int(os.environ.get("PERENNIAL_TEST_KILLS", "3"))
"""Of a service, and as many of the collecting: take turns among all its processes, its parent and one worker."""
CLIENTS, ANSWERS = 4, 200

COLLECT = "from tasks.collecting import collect_segments; print('begin', flush=True); print(collect_segments.fn())"


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


def _collect(place: Place) -> subprocess.Popen[bytes]:
    """A process that is about to collect."""
    command = [sys.executable, "-c", COLLECT]
    process = subprocess.Popen(command, env=place.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begin\n"
    return process


@pytest.mark.slow
@pytest.mark.timeout(300 + 60 * KILLS)
def test_nothing_that_was_answered_is_lost_or_doubled_whatever_is_killed(shop_copy: Place) -> None:
    answered: list[tuple[str, float]] = []
    chance = random.Random(0)
    for kill in range(KILLS):
        of_this: list[tuple[str, float]] = []
        enough = threading.Event()
        with serving(shop_copy, "--workers", "2") as running, ThreadPoolExecutor(CLIENTS) as clients:
            asking = [clients.submit(_ask, running, number, of_this, enough) for number in range(CLIENTS)]
            assert enough.wait(STARTS_WITHIN)
            KILLED[kill % len(KILLED)](running)
            assert [each.result(STARTS_WITHIN) for each in asking] == [None] * CLIENTS
        answered += of_this
        collecting = _collect(shop_copy)
        time.sleep(chance.uniform(0, 0.4))
        collecting.kill()
        collecting.communicate()

    last = _collect(shop_copy)
    last.communicate(timeout=STARTS_WITHIN)
    assert last.returncode == 0
    assert not list(finished_segments(shop_copy.served))
    tables = open_workspace(settings(shop_copy.environment())).tables
    rows = tables.read("shop", "predictions", list(tables.batches("shop", "predictions")), [PREDICTION, SCORE])
    assert rows is not None
    served = [row for row in rows.to_pylist() if row[PREDICTION] is not None]
    logged = {row[PREDICTION]: row[SCORE] for row in served}
    ids = [each for each, _ in answered]
    assert len(served) == len(logged), "no prediction is there twice"
    assert len(ids) == len(set(ids)) > KILLS * ANSWERS
    assert {each: logged.get(each) for each in ids} == dict(answered)
    # At most the requests that were under way, and those that looked whether the service is back, were not counted.
    assert len(logged) - len(ids) <= KILLS * (CLIENTS + 2) * 3
