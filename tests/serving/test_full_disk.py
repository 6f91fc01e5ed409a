"""A log that cannot be written: nothing is answered, `/ready` has the reason, and it goes on once there is room."""

from __future__ import annotations

import errno
import json
import os
import resource
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from perennial.errors import DiskFull
from perennial.serving.answering import UNLOGGED, Asked, answer_all, as_json
from perennial.serving.live import Live
from perennial.serving.log.segment import read_segment
from perennial.serving.log.writing import ServedLog
from perennial.serving.protocols import mlflow_answer, tensors_answer
from perennial.settings import settings
from tests.bad_input.test_disk import files_up_to
from tests.serving.running_service import Place, Running, serving, wait_for

RECORD = {"price": 99.5, "weight": 2.25, "carrier": "post"}


def _logged(place: Place) -> int:
    return sum(1 for path in place.served.glob("*.served") for _ in read_segment(path))


def _limit(running: Running, size: int) -> None:
    """No file of the service grows beyond `size` bytes; the system then reports the same as on a full disk."""
    _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_requests_are_refused_while_the_disk_is_full_and_answered_once_it_is_not(shop_copy: Place) -> None:
    """Once with a segment that is full, and from the start, with a segment that cannot even be begun."""
    with serving(shop_copy) as running:
        process = psutil.Process(running.process.pid)
        for kept, size in enumerate((10, 100)):
            _limit(running, size)
            for _ in range(20):
                response = running.predict([RECORD, RECORD])
                assert (response.status_code, response.json()["error"]["code"]) == (503, "disk-full")
                assert "cannot be logged" in response.json()["error"]["message"]
            files = process.num_fds()
            ready = running.client.get("/ready")
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            assert "a prediction cannot be logged: " in ready.json()["log"]["wrong"]
            assert running.client.get("/v2/models/shop/ready").status_code == 503
            assert running.client.get("/health").status_code == 200, "it needs no restart"
            assert running.predict(RECORD).status_code == 503
            assert process.num_fds() <= files and len(list(shop_copy.served.iterdir())) <= 1
            assert _logged(shop_copy) == kept, "nothing is half written"

            _limit(running, resource.RLIM_INFINITY)
            wait_for(lambda: running.client.get("/ready").status_code == 200)
            assert running.client.get("/ready").json()["log"] == {"wrong": ""}
            assert running.predict(RECORD).status_code == 200
            assert _logged(shop_copy) == kept + 1


def test_a_declaration_can_prefer_answers_to_the_log_and_then_each_has_a_warning(live: Live, log: ServedLog) -> None:
    asked, cheap = Asked(live.checker.check([RECORD]), [b" " * 1000]), replace(live, log="best_effort")
    with files_up_to(200):
        with pytest.raises(DiskFull, match="cannot be logged"):
            answer_all(live, [asked], log, 0)
        (unlogged,) = answer_all(cheap, [asked], log, 0)
    prediction = json.loads(as_json(unlogged))["predictions"][0]
    assert prediction["id"] is None and prediction["warnings"] == [UNLOGGED] and 0 < prediction["score"] < 1
    assert mlflow_answer(unlogged)["ids"] == [None]
    assert tensors_answer(unlogged, None)["outputs"][1]["data"] == [""]

    (logged,) = answer_all(cheap, [asked], log, 0)
    prediction = json.loads(as_json(logged))["predictions"][0]
    assert prediction["id"] == "s-1-0" and prediction["warnings"] == []


def test_a_declaration_can_have_each_prediction_synced_before_its_answer(
    live: Live, log: ServedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, synced = Asked(live.checker.check([RECORD]), [b"{}"]), replace(live, log="synced")
    answer_all(synced, [asked], log, 0)

    def fails(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", fails)
        with pytest.raises(DiskFull, match="Input/output error"):
            answer_all(synced, [asked], log, 0)
        answer_all(live, [asked], log, 0)
    assert len(list(read_segment(_segment()))) == 2, "one that could not be synced does not count"


def test_what_is_written_to_look_for_room_is_no_record(
    live: Live, log: ServedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process may be killed before it is taken back."""
    answer_all(live, [Asked(live.checker.check([RECORD]), [b"{}"])], log, 0)
    writer = log._writer
    assert writer is not None
    with monkeypatch.context() as killed:
        killed.setattr(os, "ftruncate", lambda *_: None)
        writer.try_room(10_000)
    assert _segment().stat().st_size > 10_000 and len(list(read_segment(_segment()))) == 1


def _segment() -> Path:
    (path,) = settings().served.glob("*.served")
    return path
