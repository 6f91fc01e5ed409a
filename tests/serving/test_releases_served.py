"""Which release answers: the live one, a newer one within seconds, a pinned one, and the old one if a load fails."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil

from perennial.ledger.entries import Release
from perennial.release.rollback import roll_back
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.serving.running_service import Place, Running, serving, wait_for

RECORD = {"price": 250.0, "weight": 2.25, "carrier": "bike"}


class Asking:
    """A client that asks some fifty times a second in a thread, and keeps what it was answered."""

    def __init__(self, running: Running) -> None:
        self._running, self._stopped = running, threading.Event()
        self.answers: list[tuple[int, Any]] = []
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Asking:
        self._thread.start()
        wait_for(lambda: self.answers)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self._running.port}", trust_env=False, timeout=60) as client:
            while not self._stopped.wait(0.02):
                response = client.post("/usecases/shop/predict", json=RECORD)
                self.answers.append((response.status_code, response.json().get("release")))


def _live_no(place: Place) -> int:
    return open_workspace(settings(place.environment())).ledger.all("shop", Release)[-1].payload.release_no


def _score(running: Running) -> float:
    score: float = running.predict(RECORD).json()["predictions"][0]["score"]
    return score


def test_a_rollback_is_served_without_a_restart_and_no_request_in_between_fails(shop_copy: Place) -> None:
    before = _live_no(shop_copy)
    with serving(shop_copy) as running:
        was = _score(running)
        with Asking(running) as asking:
            ledger = open_workspace(settings(shop_copy.environment())).ledger
            roll_back(ledger, "shop", datetime.now(UTC), "it went bad")
            wait_for(lambda: asking.answers[-1][1] == before + 1)
        assert {status for status, _ in asking.answers} == {200}
        releases = [release for _, release in asking.answers]
        assert releases == sorted(releases) and set(releases) == {before, before + 1}
        assert _score(running) != was
        state = running.ready()
        assert (state["serving"], state["wanted"], state["wrong"]) == (before + 1, before + 1, "")

    with serving(shop_copy, "--release", str(before)) as pinned:
        assert pinned.predict(RECORD).json()["release"] == before and _score(pinned) == was


def test_while_a_released_model_is_damaged_the_old_one_answers_and_ready_has_the_reason(shop_copy: Place) -> None:
    workspace = open_workspace(settings(shop_copy.environment()))
    releases = [row.payload for row in workspace.ledger.all("shop", Release)]
    former = releases[-2].serves[0].model
    with serving(shop_copy) as running:
        was = running.predict(RECORD).json()
        # Another test may have served this model from the home that this one is a copy of.
        shutil.rmtree(workspace.settings.serving / former.digest, ignore_errors=True)
        damaged = [path for path in workspace.registry.folder("shop", former).rglob("*.skops") if path.is_file()]
        whole = damaged[0].read_bytes()
        damaged[0].write_bytes(whole[:-100])
        roll_back(workspace.ledger, "shop", datetime.now(UTC), "it went bad")
        wait_for(lambda: running.ready()["wrong"])

        state = running.ready()
        assert (state["serving"], state["wanted"]) == (was["release"], was["release"] + 1)
        assert "model bytes changed" in state["wrong"] and "restore them from a backup" in state["wrong"]
        metrics = running.client.get("/metrics").text
        assert f'perennial_serving_release{{usecase="shop"}} {was["release"]}.0' in metrics
        assert f'perennial_wanted_release{{usecase="shop"}} {was["release"] + 1}.0' in metrics
        now = running.predict(RECORD).json()
        assert (now["release"], now["predictions"][0]["score"]) == (was["release"], was["predictions"][0]["score"])

        damaged[0].write_bytes(whole)  # restored from a backup
        wait_for(lambda: running.ready()["serving"] == was["release"] + 1)
        assert running.ready()["wrong"] == ""


def test_several_workers_give_the_same_answers_and_each_reports_the_counts_of_all(shop_copy: Place) -> None:
    with serving(shop_copy) as alone:
        expected = _score(alone)
    with serving(shop_copy, "--workers", "2") as running:
        for _ in range(20):
            # Each of these is a new connection, which either worker may take.
            with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False, timeout=60) as client:
                answer = client.post("/usecases/shop/predict", json=RECORD).json()
                assert answer["predictions"][0]["score"] == expected
        wait_for(lambda: _scored(running) == 20)
        first, _ = _workers(running)
        first.kill()
        wait_for(lambda: _answered_again(running))
        assert _scored(running) >= 20, "what the killed worker had counted is not forgotten"


def _scored(running: Running) -> float:
    """Of the shop, by the worker that a new connection reaches."""
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False, timeout=60) as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("perennial_predictions_total{"))


def _workers(running: Running) -> list[psutil.Process]:
    children = psutil.Process(running.process.pid).children()
    return [each for each in children if each.is_running() and "spawn_main" in str(each.cmdline())]


def _answered_again(running: Running) -> bool:
    """Whether both workers live, and one was asked."""
    with suppress(httpx.TransportError, psutil.Error):
        return len(_workers(running)) == 2 and _scored(running) > 0
    return False


def test_a_release_that_was_never_made_is_refused_at_the_start(released_shop: Place) -> None:
    refused = released_shop.command("serve", "shop", "--release", "99", "--port", "0")
    assert refused.code == 2
    assert "shop has no release 99" in refused.err and "Traceback" not in refused.err
