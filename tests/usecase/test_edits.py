"""An edit of a declaration is reported before the run, and one that breaks the history is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from perennial.cli.checking import check
from perennial.errors import InputError
from perennial.ledger.entries import DeclarationEntry
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.edits import edits, refuse_new_identity
from tests.world import World

OLD: dict[str, Any] = {
    "schema": {"key": ["id"], "target": "late"},
    "checks": [],
    "evaluation": {"cluster_by": "day"},
    "watch": {"a": 1},
}


def test_each_edit_shows_what_it_restarts() -> None:
    new = {**OLD, "checks": [{"expect_x": {}}], "evaluation": {"cluster_by": "week"}, "watch": {"a": 2}}
    found = {edit.field: edit.restarts for edit in edits(OLD, new)}
    assert found == {
        "checks": "data checks, from the next batch",
        "evaluation.cluster_by": "a new comparison history",
        "watch.a": "nothing: it applies from the next run",
    }


@pytest.mark.parametrize(("field", "value"), [("key", ["other"]), ("target", "gone"), ("weight", "exposure")])
def test_another_key_target_or_weight_is_refused(field: str, value: object) -> None:
    new = {**OLD, "schema": {**OLD["schema"], field: value}}
    with pytest.raises(InputError, match=rf"(?s)schema\.{field}.*new name"):
        refuse_new_identity("shop", edits(OLD, new))


def test_check_shows_an_edit_before_the_run_and_the_run_records_it(
    home: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.training.stores import take_in

    world.declare().month("2024-01")
    take_in("2024-01")
    world.declare(evaluation={"primary": "brier"}).month("2024-02")
    check("shop", json=True)
    told = {edit["field"]: edit for edit in json.loads(capsys.readouterr().out)["edits"]}
    assert (told["evaluation.primary"]["old"], told["evaluation.primary"]["new"]) == ("log_loss", "brier")

    take_in("2024-02")
    newest = open_workspace(settings()).ledger.all("shop", DeclarationEntry)[-1].payload
    assert {edit.field: edit.restarts for edit in newest.edits} == {f: e["restarts"] for f, e in told.items()}


def test_a_new_target_is_refused_before_anything_is_written(home: Path, world: World) -> None:
    from tests.training.stores import take_in

    world.declare().month("2024-01")
    take_in("2024-01")
    rows = open_workspace(settings()).ledger.verify("shop")
    world.declaration["schema"]["target"] = "paid"
    world.declare().month("2024-02")
    for attempt in (lambda: check("shop", json=True), lambda: take_in("2024-02")):
        with pytest.raises(InputError, match=r"schema\.target: was 'returned', is 'paid'"):
            attempt()
    assert open_workspace(settings()).ledger.verify("shop") == rows
