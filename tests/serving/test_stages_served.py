"""A release in stages as clients and operators see it, over HTTP and afterwards by the ids of the answers."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from perennial.cli.predictions import prediction
from perennial.ledger.entries import Release
from perennial.serving.looking_up import look_up
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.serving.running_service import Place, Running, serving, wait_for
from tests.serving.test_releases_served import RECORD, Asking
from tests.staged import begin_stage

KEYS = [f"order {number}" for number in range(200)]


def _predictions(running: Running, keys: list[str]) -> list[dict[str, Any]]:
    answer = running.predict([{**RECORD, "order": key} for key in keys])
    assert answer.status_code == 200
    return list(answer.json()["predictions"])


def test_a_candidate_goes_from_shadow_to_canary_without_a_failed_request_and_each_answer_is_made_again(
    shop_copy: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tasks.collecting import collect_segments

    workspace = open_workspace(settings(shop_copy.environment()))
    releases = [row.payload for row in workspace.ledger.all("shop", Release)]
    live, former = releases[-1], releases[-2].champion.model
    with serving(shop_copy) as running:
        (before,) = _predictions(running, KEYS[:1])
        assert "arm" not in before and running.ready()["stage"] is None
        with Asking(running) as asking:
            shadow = begin_stage(workspace, former)
            wait_for(lambda: asking.answers[-1][1] == shadow.release_no)
            (in_shadow,) = _predictions(running, KEYS[:1])
            canary = begin_stage(workspace, former, share=0.5)
            wait_for(lambda: asking.answers[-1][1] == canary.release_no)
        assert {status for status, _ in asking.answers} == {200}
        assert (in_shadow["score"], in_shadow["arm"]) == (before["score"], "champion")

        stage = {"kind": "canary", "share": 0.5, "candidate": str(former.version), "wrong": ""}
        assert running.ready()["stage"] == stage and running.ready()["serving"] == canary.release_no
        first, again = _predictions(running, KEYS), _predictions(running, KEYS[::-1])[::-1]
        assert [each["arm"] for each in first] == [each["arm"] for each in again]
        by_arm = {arm: [each for each in first if each["arm"] == arm] for arm in ("champion", "candidate")}
        assert abs(len(by_arm["candidate"]) - 100) < 29, "four standard errors"
        assert {each["score"] for each in by_arm["champion"]} == {before["score"]}
        (candidates,) = {each["score"] for each in by_arm["candidate"]}
        assert candidates != before["score"]
        versions = {str(live.champion.model.version)}, {str(former.version)}
        assert tuple({each["versions"] for each in by_arm[arm]} for arm in by_arm) == versions
        metrics, of = running.client.get("/metrics").text, f'release="{canary.release_no}",usecase="shop"'
        assert f'perennial_predictions_total{{arm="candidate",{of}}} {2 * len(by_arm["candidate"])}.0' in metrics
        assert 'perennial_candidate_loaded{usecase="shop"} 1.0' in metrics

    chosen = by_arm["candidate"][0]["id"]
    logged = look_up(workspace, chosen)
    for name in [each for each in os.environ if each.startswith(("PERENNIAL", "MLFLOW"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PERENNIAL_HOME", str(shop_copy.home))
    monkeypatch.setenv("PERENNIAL_USECASES", str(shop_copy.usecases))
    assert collect_segments.fn() == len(asking.answers) + 2 + 2 * len(KEYS)
    assert look_up(workspace, chosen) == replace(logged, collected=True)
    capsys.readouterr()
    prediction(chosen, replay=True, json=False)
    shown = capsys.readouterr().out
    assert f"the candidate, version {former.version}" in shown and "canary" in shown
    assert shown.count("the same, to the last bit") == 2
    prediction(chosen, replay=True, json=True)
    view = json.loads(capsys.readouterr().out)
    assert view["same"] and (view["score"], view["stage"]["other_score"]) == (candidates, before["score"])
    assert view["stage"]["other_recomputed"] == before["score"]
    assert [each["version"] for each in view["versions"]] == [former.version]
