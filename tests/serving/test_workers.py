"""What a serving worker loads: its artefacts, and neither the registry's client nor scikit-learn and pandas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.ledger.entries import ModelRef, Reference, Release, Served
from perennial.serving.following import Follower
from perennial.serving.served import open_model
from perennial.settings import Settings, settings
from perennial.store.workspace import reading_workspace
from tests.serving.conftest import NUMBERS, TEXT, TYPES, Keep, fitted, records, trips
from tests.staged import in_stage

HGB = "sklearn.ensemble.HistGradientBoostingClassifier"
WORKER = """
import asyncio, json, sys
from perennial.access.access import Access
from perennial.processes.service import Serving, new_name, service
from perennial.serving.slots import ServicePlace
from perennial.settings import settings

async def main(body):
    place = ServicePlace(settings().measured, new_name())
    app = service(Serving(("trips",), "127.0.0.1", 1, measured=place.folder), settings(), Access())
    app._follower.look()
    answer = []
    async def receive(): return {"type": "http.request", "body": body}
    async def send(message): answer.append(message)
    await app({"type": "http", "path": "/usecases/trips/predict", "method": "POST", "headers": []}, receive, send)
    return json.loads(answer[1]["body"])

answer = asyncio.run(main(sys.stdin.buffer.read()))
heavy = sorted({"pandas", "sklearn", "mlflow", "pyarrow"} & set(sys.modules))
print(json.dumps({"answer": answer, "heavy": heavy}))
"""
DECLARED = f"""name: trips
source: {{kind: files, path: data, batch: month}}
schema: {{key: [id], time: at, target: late, task: binary, timezone: UTC, label_known_after: 1d}}
features: {{numeric: {json.dumps(NUMBERS)}, categorical: {json.dumps(TEXT)}}}
model: {{estimator: {HGB}}}
evaluation: {{primary: log_loss}}
"""


def release(number: int, digest: str) -> Release:
    return Release(
        release_no=number,
        kind="release",
        serves=(Served(model=ModelRef(version=number, run_id="r", digest=digest), challenger="c", weight=1.0),),
        stage="full",
        as_of="2024-01-01T00:00:00Z",
        reason="better",
        decision="d",
        restores=None,
        reference=Reference(metric="log_loss", value=0.5, se=0.01, df=20, rows=10, clusters=5),
        snapshot="s",
        features_digest="f",
        declaration_digest="d",
    )


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    (home / "usecases").mkdir(parents=True)
    (home / "usecases" / "trips.yaml").write_text(DECLARED)
    return settings({"PERENNIAL_HOME": str(home), "PERENNIAL_USECASES": str(home / "usecases")})


def test_a_worker_answers_without_registry_scikit_learn_and_pandas(where: Settings, keep: Keep) -> None:
    model, inputs = fitted(HGB, "binary", {"max_iter": 5, "random_state": 0})
    folder, digest = keep(model, inputs)
    open_model(folder, digest, where.home / "serving", TYPES)
    reading_workspace(where).ledger.append("trips", release(1, digest))

    (record,) = records(trips(1, seed=3))
    record["express"] = float(record["express"])  # declared as a number
    env = {**os.environ, "PERENNIAL_HOME": str(where.home), "PERENNIAL_USECASES": str(where.usecases)}
    ran = subprocess.run(
        [sys.executable, "-c", WORKER], input=json.dumps(record).encode(), env=env, capture_output=True, check=False
    )

    assert ran.returncode == 0, ran.stderr.decode()
    said = json.loads(ran.stdout)
    expected = model.pipeline.predict_proba(trips(1, seed=3))[0, 1]
    assert said["answer"]["predictions"][0]["score"] == expected
    assert said["heavy"] == []


def test_another_process_is_asked_once_for_missing_artefacts(where: Settings, keep: Keep) -> None:
    """What it makes is loaded without the registry; if it makes nothing, the worker looks for the model itself."""
    workspace, cache = reading_workspace(where), where.home / "serving"
    model, inputs = fitted(HGB, "binary", {"max_iter": 5, "random_state": 0})
    folder, digest = keep(model, inputs)
    workspace.ledger.append("trips", release(1, digest))
    asked: list[tuple[tuple[str, int], ...]] = []

    def make(releases: tuple[tuple[str, int], ...]) -> None:
        asked.append(releases)
        if releases == (("trips", 1),):
            open_model(folder, digest, cache, TYPES)

    follower = Follower(workspace, lambda: ("trips",), cache, make=make)
    follower.look()
    follower.look()
    assert asked == [(("trips", 1),)]
    assert [(each.serving, each.wrong) for each in follower.states] == [(1, "")]

    workspace.ledger.append("trips", release(2, "0" * 64))
    follower.look()
    follower.look()
    assert asked == [(("trips", 1),), (("trips", 2),)]
    (state,) = follower.states
    assert (state.serving, state.wanted) == (1, 2)
    assert state.wrong


def test_a_candidate_that_cannot_be_loaded_is_shown_tried_again_and_leaves_the_live_model_serving(
    where: Settings, keep: Keep
) -> None:
    workspace, cache = reading_workspace(where), where.home / "serving"
    champion, candidate = (keep(*fitted(HGB, "binary", {"max_iter": trees, "random_state": 0})) for trees in (5, 3))
    open_model(*champion, cache, TYPES)
    live = release(1, champion[1])
    workspace.ledger.append("trips", live)
    workspace.ledger.append("trips", in_stage(live, ModelRef(version=9, run_id="r", digest=candidate[1]), 0.25))

    follower = Follower(workspace, lambda: ("trips",), cache)
    follower.look()
    (state,) = follower.states
    assert (state.serving, state.wanted, state.wrong) == (2, 2, "") and state.is_ready
    assert state.stage is not None and (state.stage.kind, state.stage.share) == ("canary", 0.25)
    assert state.stage.candidate == "9" and state.stage.wrong
    before = follower.live("trips")

    open_model(*candidate, cache, TYPES)
    for _ in range(4):
        follower.look()
    (state,) = follower.states
    assert state.stage is not None and state.stage.wrong == "" and state.serving == 2
    after = follower.live("trips")
    assert before is not None and after is not None and after.candidate is not None
    assert before.candidate is None and after.served is before.served
