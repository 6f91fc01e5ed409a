"""The service's commands, run with the packages of its image alone."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import httpx

from perennial.processes.ports import free_port
from perennial.serving.log.segment import finished_segments, read_segment
from perennial.serving.served import open_model
from perennial.settings import Settings
from perennial.store.workspace import reading_workspace
from tests.deploy.containers import answers, commands, on_this_machine, only_packages_of, running, stopped
from tests.serving.conftest import TYPES, Keep, fitted, records, trips
from tests.serving.conftest import keep as keep
from tests.serving.test_workers import HGB, release
from tests.serving.test_workers import where as where

KEY = "a-long-random-key-0123456789"


def test_both_ways_run_the_same_program() -> None:
    ways = [{each.split("=")[0] for each in command} for command in commands("service")]
    assert ways[0] - ways[1] == {"--workers"} and ways[1] <= ways[0]


def test_it_waits_for_what_another_part_makes_then_answers_and_ends(
    where: Settings, keep: Keep, tmp_path: Path
) -> None:
    model, inputs = fitted(HGB, "binary", {"max_iter": 5, "random_state": 0})
    folder, digest = keep(model, inputs)
    reading_workspace(where).ledger.append("trips", release(1, digest))
    keys, port, log = tmp_path / "keys", free_port(0, "the service"), tmp_path / "log"
    keys.write_text(sha256(KEY.encode()).hexdigest())
    _, given = commands("service")
    changes = {each: f"--keys={keys}" for each in given if each.startswith("--keys=")} | {
        "--port=8000": f"--port={port}"
    }
    environment = {
        **os.environ,
        "PERENNIAL_HOME": str(where.home),
        "PERENNIAL_USECASES": str(where.usecases),
        "PYTHONPATH": str(only_packages_of("service.lock", tmp_path / "image")),
    }
    address = f"http://127.0.0.1:{port}"
    with running(on_this_machine(given, changes), environment, log) as process:
        state = answers(process, f"{address}/ready", log, 503).json()["usecases"]
        if state:  # the first look has happened
            assert "this installation lacks" in state[0]["wrong"] and "in the same home" in state[0]["wrong"]
        open_model(folder, digest, where.serving, TYPES)
        answers(process, f"{address}/ready", log)
        (record,) = records(trips(1, seed=3))
        record["express"] = float(record["express"])  # declared as a number
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            assert client.post("/usecases/trips/predict", json=record).status_code == 401
            let_in = {"authorization": f"Bearer {KEY}"}
            answer = client.post("/usecases/trips/predict", json=record, headers=let_in).json()
        assert answer["predictions"][0]["score"] == model.pipeline.predict_proba(trips(1, seed=3))[0, 1]
        stopped(process)
        text = log.read_text()
        assert "Traceback" not in text, text
    (segment,) = finished_segments(where.served)
    assert len(list(read_segment(segment))) == 1, "what was answered is on disk and can be collected"
