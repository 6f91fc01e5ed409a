"""What the Prefect UI shows after some cycles: names, artifacts, and nothing that a data file could smuggle in."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ledger.entries import Decision
from tests.flows.conftest import Lived, ask, living_in, until

SMUGGLED = "<img src=x onerror=alert(1)>"

pytestmark = pytest.mark.slow


class Story(dict[str, list[dict[str, Any]]]):
    """The runs of a backfill and below it, and of single flows after it, by their flow's name, oldest first."""

    home: Lived


@pytest.fixture(scope="module")
def story(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """January, and a February whose file has a column that nobody declared."""
    from flows.backfill import backfill
    from flows.decide import decide
    from flows.ingest import ingest
    from flows.train import train
    from flows.watch import watch

    told = Story()
    with living_in(folder := tmp_path_factory.mktemp("reports")) as shop:
        shop.declare().month("2023-01")
        february = shop.month("2023-02").assign(**{SMUGGLED: 1})
        february.to_csv(shop.usecases / "shop" / "2023-02.csv", index=False)
        state = backfill("shop", return_state=True)
        single = {flow.name: flow("shop", return_state=True) for flow in (ingest, watch, decide, train)}
    told.home = Lived(folder)
    below = [str(state.state_details.flow_run_id)]
    told["backfill"] = [run(below[0])]
    told |= {name: [run(str(state.state_details.flow_run_id))] for name, state in single.items()}
    for _ in range(2):
        found = ask(
            "/flow_runs/filter",
            {"flow_runs": {"parent_flow_run_id": {"any_": below}}, "sort": "START_TIME_ASC"},
        )
        for each in found:
            flow = ask(f"/flows/{each['flow_id']}", method="GET")["name"]
            told.setdefault(flow, []).append(each)
        below = [each["id"] for each in found]
    return told


def run(identity: str) -> dict[str, Any]:
    return dict(ask(f"/flow_runs/{identity}", method="GET"))


def artifact_of(one: dict[str, Any], key: str) -> dict[str, Any]:
    """The one artifact that a flow run left under a key."""
    filters = {"artifacts": {"flow_run_id": {"any_": [one["id"]]}, "key": {"any_": [key]}}}
    (found,) = ask("/artifacts/filter", filters)
    return dict(found)


def test_a_cycle_is_one_run_and_runs_are_called_by_use_case_and_batch(story: Story) -> None:
    names = {flow: [each["name"] for each in runs] for flow, runs in story.items()}
    assert names == {
        "backfill": ["shop-all"],
        "cycle": ["shop-2023-01: no decision", "shop-2023-02: version 1 released as the first"],
        "ingest": ["shop-nothing-new"],
        "watch": ["shop-2023-02"],
        "decide": ["shop-2023-02"],
        "train": ["shop-no-reason"],
    }
    assert {tuple(each["tags"]) for runs in story.values() for each in runs} == {("shop",)}


def test_tasks_are_called_by_what_they_do(story: Story) -> None:
    february = {"flow_runs": {"id": {"any_": [story["cycle"][1]["id"]]}}}

    def all_are_told() -> bool:
        names = {each["name"].rsplit("-", 1)[0] for each in ask("/task_runs/filter", february)}
        return names >= {"land", "validate", "accept", "watch-champion", "compare", "train-next", "finish-cycle"}

    until(all_are_told)  # the server writes task runs every few seconds


def test_a_batch_leaves_an_artifact_that_can_be_read(story: Story) -> None:
    told = artifact_of(story["cycle"][0], "shop-batch")
    assert told["type"] == "markdown"
    assert told["description"] == "Batch 2023-01"
    assert "620 rows arrived" in told["data"]


def test_a_decision_leaves_an_artifact_that_can_be_read(story: Story) -> None:
    (decision,) = story.home.all(Decision)
    told = artifact_of(story["cycle"][1], "shop-decision")
    assert decision.outcome in told["description"]
    assert "better than the naive baseline" in told["data"]
    assert "\n| roc" in told["data"]


def test_a_file_cannot_smuggle_html_into_the_page(story: Story) -> None:
    told = artifact_of(story["cycle"][1], "shop-batch")["data"]
    assert "onerror" in told
    assert "<img" not in told
