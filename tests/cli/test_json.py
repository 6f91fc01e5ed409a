"""What programs read: stable field names in `--json`, plain text in a pipe, one exit code for each kind of end."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from perennial.ledger.present import current_release
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import Perennial
from tests.staged import begin_stage
from tests.world import World

pytestmark = pytest.mark.timeout(240)

MODEL = {"version", "run_id", "digest"}
INTERVAL = {"se", "df", "ci_low", "ci_high", "p_value"}
DECISION = {
    *("id", "usecase", "batch", "at", "as_of", "trigger", "champion", "challenger", "snapshot", "evaluation"),
    *("metrics", "declaration_digest", "features_digest", "code_version", "policy", "outcome", "reasons", "approvals"),
    *("release_no", "position", "previous_hash", "hash", "slices", "flips", "code", "live", "mixture", "not_recalled"),
    *("bias", "family", "refusal"),
}
METRIC = {
    *("name", "role", "direction", "champion", "challenger", "gain", "ci_low", "ci_high", "p_value", "df", "margin"),
    *("mde", "verdict", "se", "note", "day_t", "row_t", "inflation", "inflation_seen_in"),
    *("at_least", "at_most", "of_challenger", "second", "lower_bound", "own_code"),
}
EVALUATION = {
    *("rows", "clusters", "cluster_by", "labelled_share", "autocorrelation"),
    *("effective_clusters", "largest_cluster_share", "skewness", "first", "last", "digest"),
    "weighted",
}
BATCH = {
    "because",
    "notes",
    "waived",
    *("usecase", "batch", "window", "revision", "table_version", "rows", "quarantine", "status", "digest"),
    *("warnings", "held_because", "extra_columns", "arrived_at", "end", "landing", "declaration_digest"),
}
STATUS = {
    "usecase",
    "release_no",
    "champion",
    "last_batch",
    "last_decision",
    "waited",
    "open_episodes",
    "next_run",
    "reconcile",
} | {
    *(
        "anchors",
        "erasures",
        "learned_erased",
        "candidate",
        "challenger",
        "held",
        "head",
        "labels",
        "open_question",
        "tier_lacks",
        "endorsements",
        "missing_roles",
        "undelivered",
        "failed",
        "frozen",
        "held_by_freeze",
    ),
}


def read(perennial: Perennial, *command: str) -> Any:
    shown = perennial(*command, "--json")
    assert (shown.code, shown.err) == (0, "")
    return json.loads(shown.out)


def test_the_field_names_of_a_decision(settled: World, perennial: Perennial) -> None:
    (listed,) = read(perennial, "decisions", "shop")
    decision = read(perennial, "decision", listed["id"][:6])
    examples = decision.pop("newly_wrong")
    assert decision == listed
    assert set(decision) == DECISION
    assert 0 < len(examples) <= 20
    assert all(set(example) == {"order"} for example in examples)
    assert decision["flips"]["negative"]["ci_low"] <= decision["flips"]["negative"]["share"]
    assert set(decision["trigger"]) == {"kind", "event", "detail"}
    assert decision["champion"] is None
    assert set(decision["challenger"]) == MODEL
    assert set(decision["snapshot"]) == {"table", "version", "rows", "first", "last", "digest"}
    assert set(decision["evaluation"]) == EVALUATION
    assert set(decision["policy"]) == {
        "name",
        "parameters",
        "alpha",
        "pool",
        "spent",
        *("looks", "waits", "refit_weight", "level", "lower_bound"),
    }
    assert [(m["name"], m["role"]) for m in decision["metrics"]] == [
        ("log_loss", "primary"),
        ("brier", "info"),
        ("roc_auc", "info"),
    ]
    for metric in decision["metrics"]:
        assert set(metric) == METRIC
        assert set(metric["day_t"]) == set(metric["row_t"]) == INTERVAL
        better = metric["challenger"] - metric["champion"]
        assert metric["gain"] == pytest.approx(-better if metric["direction"] == "lower" else better)
        assert metric["ci_low"] < metric["gain"] < metric["ci_high"]
    assert decision["outcome"] == "first"
    assert len(decision["previous_hash"]) == len(decision["hash"]) == 64


def test_the_field_names_of_a_fleet(settled: World, perennial: Perennial) -> None:
    fleet = read(perennial, "fleet")
    (row,) = fleet["usecases"]
    assert fleet["causes"] == []
    assert set(row) == {
        *(
            "usecase",
            "state",
            "batch",
            "metric",
            "loss",
            "low",
            "high",
            "reference",
            "rows",
            "age_days",
            "alarms",
            *("why", "held", "held_labels"),
        ),
    }
    assert (row["usecase"], row["state"], row["batch"]) == ("shop", "good", "2024-02")
    assert row["metric"] == "log_loss"
    assert row["loss"] == row["reference"] > 0 and row["rows"] > 0, "where what was just released was evaluated"
    assert read(perennial, "fleet", "--state", "held")["usecases"] == []
    assert set(read(perennial, "fleet", "run", "--dry-run")) == {"would_run", "failed"}
    shown = perennial("fleet", "--sort", "los")
    assert shown.code == 2 and "did you mean 'loss'" in shown.err


def test_the_field_names_of_a_batch(settled: World, perennial: Perennial) -> None:
    january, february = read(perennial, "batches", "shop")
    for batch in (january, february):
        assert set(batch) == BATCH | {"trained"}
        assert set(batch["rows"]) == {"arrived", "accepted", "quarantined", "unlabelled"}
        assert batch["rows"]["arrived"] == batch["rows"]["accepted"] + batch["rows"]["quarantined"]
    assert (january["window"], january["revision"], january["status"]) == ("2024-01", 1, "accepted")
    assert (january["because"], january["trained"], february["trained"]) == ("arrived", [1, 2], [2])
    assert february["rows"] == {"arrived": 580, "accepted": 580, "quarantined": 0, "unlabelled": 20}


def test_the_field_names_of_the_status(settled: World, perennial: Perennial) -> None:
    status = read(perennial, "status", "shop")
    assert set(status) == STATUS
    assert read(perennial, "status") == [status]
    assert set(status["champion"]) == {"version", "serves", "since", "age_days", "release_no", "kind", "reason", "by"}
    assert (status["champion"]["version"], status["champion"]["since"]) == (1, "2024-03-01T00:00:00Z")
    assert set(status["last_batch"]) == BATCH
    assert {"id", "batch", "outcome"} <= set(status["last_decision"])
    assert status["open_episodes"] == []
    assert status["next_run"] is None


def test_a_stage_has_a_release_number_beside_that_of_the_champion(settled: World, perennial: Perennial) -> None:
    workspace = open_workspace(settings())
    live = current_release(workspace.ledger, "shop")
    assert live is not None
    begin_stage(workspace, live.champion.model, 0.1)
    status = read(perennial, "status", "shop")
    assert (status["release_no"], status["champion"]["release_no"], status["champion"]["kind"]) == (2, 1, "first")
    shown = " ".join(perennial("status", "shop").out.split())
    assert re.search(r"champion version 1 since [^(]*\(release 1\)", shown)
    assert re.search(r"candidate version 1 is in a canary of 10 % [^(]*\(release 2\)", shown)


def test_a_shop_that_never_ran_has_a_status_too(world: World, perennial: Perennial) -> None:
    status = read(perennial, "status", "shop")
    assert set(status) == STATUS
    assert (status["champion"], status["last_batch"], status["last_decision"]) == (None, None, None)
    assert "none yet" in perennial("status", "shop").out
    assert read(perennial, "batches", "shop") == read(perennial, "decisions", "shop") == []


def test_a_pipe_gets_plain_text(settled: World, perennial: Perennial) -> None:
    (decision,) = read(perennial, "decisions", "shop")
    for command in (("status",), ("batches", "shop"), ("decisions", "shop"), ("decision", decision["id"]), ("--help",)):
        shown = perennial(*command)
        assert (shown.code, shown.err) == (0, "")
        assert "\x1b" not in shown.out and shown.out.strip()
    assert "first" in perennial("decisions", "shop").out
    text = perennial("decision", decision["id"]).out
    assert "Version 1 is released as the first model" in text and "Version 1 is live since 2024-03-01" in text
    assert "Newly wrong predictions by their key (order), the largest changes first" not in text
    full = perennial(*text.strip().splitlines()[-1].partition(": perennial ")[2].split()).out
    assert "Newly wrong predictions by their key (order), the largest changes first" in full
    assert f"Row {read(perennial, 'decision', decision['id'])['position']} of the ledger" in full


def test_a_mistake_goes_to_standard_error_with_exit_code_2(settled: World, perennial: Perennial) -> None:
    said = (settled.usecases / "shop.yaml").read_text()
    (settled.usecases / "shop.yaml").write_text(said.replace("log_loss", "logloss"))
    for command in (("check", "shop"), ("status", "shop"), ("run", "shop", "--json")):
        shown = perennial(*command)
        assert shown.code == 2
        assert (shown.out == "") == ("--json" not in command)
        assert "did you mean 'log_loss'?" in shown.err
        assert "\x1b" not in shown.err and "Traceback" not in shown.err
