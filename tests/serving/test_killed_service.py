"""A service that is killed while it answers: what was answered is on disk, once."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from perennial.serving.log.segment import Place as Logged
from perennial.serving.log.segment import finished_segments, read_segment
from tests.serving.running_service import Place, Running, serving

KILLS = int(os.environ.get("PERENNIAL_TEST_KILLS", "5"))
CLIENTS, ANSWERS = 4, 200


def _ask_until_it_dies(
    running: Running, number: int, answered: list[tuple[str, float]], enough: threading.Event
) -> None:
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


@pytest.mark.slow
def test_nothing_that_was_answered_is_lost_or_doubled_when_the_service_is_killed(shop_copy: Place) -> None:
    answered: list[tuple[str, float]] = []
    for _ in range(KILLS):
        of_this: list[tuple[str, float]] = []
        enough = threading.Event()
        with serving(shop_copy) as running, ThreadPoolExecutor(CLIENTS) as clients:
            for number in range(CLIENTS):
                clients.submit(_ask_until_it_dies, running, number, of_this, enough)
            assert enough.wait(120)
            os.killpg(running.process.pid, signal.SIGKILL)
        answered += of_this

    logged: dict[str, float] = {}
    for path in finished_segments(shop_copy.served):
        for position, each in enumerate(read_segment(path)):
            logged[Logged(path.stem, position).id] = each.score[0]
    ids = [each for each, _ in answered]
    assert len(ids) == len(set(ids)) > KILLS * ANSWERS
    assert {each: logged.get(each) for each in ids} == dict(answered)
    # At most the requests that were under way were logged and not answered.
    assert len(logged) - len(ids) <= KILLS * CLIENTS * 3
