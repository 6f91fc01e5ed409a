"""A service and the collecting of its log, killed under load: what was answered is in the table, once."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import httpx
import psutil
import pytest

from perennial.ledger.entries import SegmentCollected
from perennial.our_columns import PREDICTION, SCORE
from perennial.serving.log.segment import SUFFIX, finished_segments
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.crashes.processes import exit_code
from tests.serving.running_service import STARTS_WITHIN, Place, Running, serving, wait_for

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("PERENNIAL_TEST_KILLS", "3"))
"""Of a service, and as many of the collecting: take turns among all its processes, its parent and one worker."""
CLIENTS, ANSWERS = 4, 200


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


@dataclass(frozen=True)
class Collector:
    """A process that collects once it is asked to, and reports each segment that it has committed."""

    process: BaseProcess
    reports: Connection

    def begin(self) -> None:
        """From here on it collects."""
        assert self.reports.recv() == "ready"
        self.reports.send("begin")


def _collector(place: Place) -> Collector:
    context = multiprocessing.get_context("forkserver")
    ours, its_end = context.Pipe()
    process = context.Process(target=_collects, args=(place.environment(), its_end), daemon=True)
    process.start()
    its_end.close()
    return Collector(process, ours)


def _collects(variables: dict[str, str], reports: Connection) -> None:
    """Collect when a message comes, with everything imported before."""
    os.environ.clear()  # what was set when the process that it is forked from was started
    os.environ.update(variables)
    from tasks.collecting import collect_segments

    class Reported(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reports.send(record.getMessage())

    open_workspace(settings()).tables.batches("shop", "predictions")
    tasks = logging.getLogger("perennial.tasks")
    tasks.setLevel(logging.INFO)
    tasks.addHandler(Reported())
    reports.send("ready")
    reports.recv()
    collect_segments.fn()


def _kill_while_it_collects(place: Place, collector: Collector, chance: random.Random) -> str:
    """Let it commit some of the waiting segments, kill it at a random moment of the next; what it left behind."""
    waiting = len(finished_segments(place.served))
    collector.begin()
    began, commits = time.monotonic(), chance.randrange(max(1, waiting))
    for _ in range(commits):
        collector.reports.recv()
    one = (time.monotonic() - began) / commits if commits else 0.1
    time.sleep(chance.uniform(0, 1.2 * one))
    collector.process.kill()
    collector.process.join()
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
    last.begin()
    assert exit_code(last.process, STARTS_WITHIN) == 0
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
