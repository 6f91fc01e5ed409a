"""A canary whose keys a service answers: what was answered is the evidence, by arm and with the labels that follow."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from perennial.cli.planning import plan_stages
from perennial.clock import instant
from perennial.evaluation.staged.results import Finding, Look
from perennial.ledger.entries import Release, StageLooked
from perennial.ledger.present import current_release
from perennial.release.stage_evidence import stage_evidence
from perennial.release.stages_replay import replay_look
from perennial.serving.answering import Asked, answer_all, records_in
from perennial.serving.live import Live, open_live
from perennial.serving.log.writing import ServedLog
from perennial.serving.skew import candidates_again
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tasks.collecting import collect_segments
from tests.training.stores import cycle, on_disk
from tests.world import World

CANARY = {"policy": "newest_unless_worse", "stages": [{"canary": "50%", "for": "7d"}, "full"]}
NOTHING = "def worth(labels, predictions):\n    return (predictions >= 0.3) * (2 * labels - 1.0)\n"


@pytest.fixture
def canary(world: World) -> World:
    """A shop whose version 2 is in a canary."""
    world.declare(release=CANARY)
    return _begun(world)


def _begun(world: World) -> World:
    for month in ("2024-01", "2024-02", "2024-03"):
        world.month(month)
        cycle()
    live = current_release(open_workspace(settings()).ledger, "shop")
    assert live is not None and live.stage == "canary"
    return world


def _answered(rows: pd.DataFrame, candidate: Any = None, every: int = 1) -> None:
    """What a service answers to every so-manieth row. candidate: its scorer, if not the model's."""
    workspace = open_workspace(settings())
    release = current_release(workspace.ledger, "shop")
    assert release is not None
    live: Live = open_live(workspace, "shop", release, workspace.settings.serving)
    if candidate is not None:
        assert live.candidate is not None
        live = dataclasses.replace(live, candidate=dataclasses.replace(live.candidate, models=(candidate(live),)))
    log = ServedLog(workspace.settings.served, lambda: "20240401T000000-0123456789ab")
    body = rows.iloc[::every].drop(columns="returned").to_dict("records")
    for first in range(0, len(body), 100):
        whole, received = records_in(msgspec.json.encode(body[first : first + 100]))
        answer_all(live, [Asked(live.checker.decode(whole), received)], log, 1_712_000_000_000_000)
    log.close()
    collect_segments.fn()


def _look(workspace: Workspace) -> tuple[Look, dict[str, Finding]]:
    ledger = workspace.ledger
    row = ledger.all("shop", StageLooked)[-1]
    again = partial(candidates_again, workspace, "shop")
    for tables in (workspace.tables, on_disk(workspace.tables)):
        assert replay_look(ledger, tables, "shop", row, again).difference is None
    return row.payload.look, {each.check: each for each in row.payload.look.findings}


@pytest.mark.parametrize(("serve", "released"), [("single", {2: 1.0}), ("mixture", {2: 0.5, 1: 0.5})])
def test_answers_of_both_arms_and_their_labels_are_looked_at(
    world: World, serve: str, released: dict[int, float]
) -> None:
    """A mixture is the candidate as a whole: it answers its keys, is computed again, and gets further, as one model."""
    world.declare(release={**CANARY, "serve": serve})
    _answered(_begun(world).month("2024-04"))
    cycle()
    workspace = open_workspace(settings())
    look, checks = _look(workspace)
    assert look.verdict == "advance", look.reason
    champion, candidate = checks["sample_ratio"].counts[::-1]
    assert champion + candidate == 1200 and abs(champion - 600) < 90
    assert checks["failures"].verdict == checks["feedback"].verdict == checks["sample_ratio"].verdict == "passed"
    assert checks["skew"].verdict == "passed" and checks["skew"].n == 300
    scores = checks["scores"]
    assert scores.verdict == "information" and scores.estimate is not None and 0 < scores.estimate < 1
    assert scores.n == sum(scores.counts) == 2 * checks["traffic"].n, "each record, by both models"
    assert checks["log_loss"].n > 1100 and checks["log_loss"].low is not None
    full = workspace.ledger.all("shop", Release)[2].payload
    assert {each.model.version: each.weight for each in full.serves} == released
    assert sum(each.weight for each in full.evaluated) == 1


def test_a_candidate_that_raises_on_some_rows_is_taken_away_before_any_label(canary: World) -> None:
    from tasks.staging import look_at_stage

    def raising(live: Live) -> Any:
        @dataclasses.dataclass(frozen=True)
        class Raising:
            def score(self, columns: Any) -> np.ndarray:
                if any(weight > 3 for weight in columns["weight"]):
                    raise ArithmeticError("too heavy")
                return np.full(len(columns["weight"]), 0.5)

        assert live.candidate is not None
        return live.candidate.models[0].scored_by(Raising())

    _answered(canary.month("2024-04"), raising)
    workspace = open_workspace(settings())
    now = workspace.ledger.all("shop", Release)[-1].payload
    made = look_at_stage.fn("shop", pd.Timestamp(now.as_of).to_pydatetime())
    assert made is not None and made.kind == "abort" and made.champion.model.version == 1
    look, checks = _look(workspace)
    assert checks["failures"].verdict == "harm" and checks["failures"].n > 0, look.reason


def test_where_the_prediction_decides_who_gets_a_label_only_the_split_by_value_counts(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Orders that the model calls risky are not sent, so nobody learns whether they come back."""
    (world.declare().usecases / "shop.py").write_text(NOTHING)
    evaluation = {"primary": "log_loss", "metrics": {"worth": {"function": "shop.py:worth"}}}
    world.declare(release={**CANARY, "feedback": "labels"}, evaluation=evaluation)
    rows = _begun(world).month("2024-04")
    _answered(rows)
    cycle()
    look, checks = _look(open_workspace(settings()))
    assert "log_loss" not in checks and "feedback is declared as labels" in checks["paired_comparison"].sentence
    assert checks["value"].low is not None and checks["value"].n > 1000, look.reason
    capsys.readouterr()
    plan_stages("shop", json=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Canary of 50 % of the keys, 7 days: a candidate that fails twice as often" in printed, printed
    assert "compared by this value, since feedback is labels" in printed
    assert "Values are not compared in 7 days; 15 are needed." in printed
    assert "loss of worth share found by keys" in printed, printed


@pytest.mark.parametrize("stage", [{"shadow": "7d"}, {"canary": "50%", "for": "7d"}])
def test_the_evidence_of_a_stage_weighs_rows_and_counts_keys(world: World, stage: dict[str, str]) -> None:
    """The comparison of the models is weighted; the value per key of a canary is not, as the docs have it."""
    (world.declare().usecases / "shop.py").write_text(NOTHING)
    world.declare(
        schema={**world.declaration["schema"], "weight": "items"},
        release={**CANARY, "stages": [stage, "full"], "feedback": "labels" if "canary" in stage else "none"},
        evaluation={"primary": "log_loss", "metrics": {"worth": {"function": "shop.py:worth"}}},
    )
    items: dict[str, int] = {}
    for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
        rows = world.month(month)
        rows["items"] = 1 + np.arange(len(rows)) % 7
        rows.to_csv(world.usecases / "shop" / f"{month}.csv", index=False)
        items |= dict(zip(rows["order"], rows["items"], strict=True))
        if month == "2024-04" and "canary" in stage:
            _answered(rows.drop(columns="items"))
        cycle()
        if "shadow" in stage and open_workspace(settings()).ledger.all("shop", StageLooked):
            break
    workspace = open_workspace(settings())
    looked = workspace.ledger.all("shop", StageLooked)[-1].payload
    began = workspace.ledger.get("shop", Release, str(looked.release_no))
    assert began is not None
    as_of = instant(looked.as_of)
    evidence = stage_evidence(workspace.tables, workspace.ledger, "shop", began.payload, as_of).evidence
    pairs = evidence.pairs
    assert pairs is not None
    newest = np.array([each for order, each in sorted(items.items()) if order.startswith(month)], dtype=np.float64)
    weights = newest[: pairs.y.size] / newest[: pairs.y.size].mean()  # its last day has no labels yet
    assert pairs.clusters.weights == pytest.approx(weights)
    if "canary" in stage:
        assert evidence.values is not None and set(evidence.values.value.round(9)) <= {-1.0, 0.0, 1.0}
        return
    champion, candidate = (log_loss(pairs.y, p, sample_weight=weights) for p in (pairs.champion, pairs.challenger))
    _, checks = _look(workspace)
    assert checks["log_loss"].estimate == pytest.approx(champion - candidate)
    unweighted = log_loss(pairs.y, pairs.champion) - log_loss(pairs.y, pairs.challenger)
    assert checks["log_loss"].estimate != pytest.approx(unweighted)
