"""`serve: recall`, from the declaration to what answers: a shop whose customers think otherwise in March and April."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from sklearn.metrics import log_loss

from perennial.clock import instant, write_instant
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.deciding.labelled_rows import EvaluationRows
from perennial.deciding.recall import CannotScore, past_challengers, scorable
from perennial.deciding.replay import replay_deep, replay_sums
from perennial.ledger.entries import BatchFollowed, ChallengerEntry, Cycle, Decision, Release, Served
from perennial.ledger.ledger import Row
from perennial.model.released import load_model
from perennial.our_columns import FIRST_KNOWN_AT, LABEL
from perennial.page.first_screen import facts
from perennial.page.history import history_of
from perennial.release.doctor import examine
from perennial.release.promote import mirror_alias
from perennial.release.words import decision_in_words
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.workspace import Workspace, open_workspace
from tests.places import lead_to
from tests.training.stores import cycle, on_disk
from tests.world import World

pytestmark = pytest.mark.slow

OTHERWISE = ("2024-03", "2024-04")
MONTHS = (*OTHERWISE, "2024-05", "2024-06")
DELETED, BEFORE = 2, "2024-05"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Six cycles. Version 2 is deleted in MLflow before that of May, when version 3 is live alone."""
    folder = tmp_path_factory.mktemp("recall")
    world = World(folder / "usecases", rows_a_day=20)
    world.declaration["model"]["window"] = {"batches": 1}
    world.declare(release={"policy": "newest_unless_worse", "serve": "recall"})
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        for month in ("2024-01", "2024-02", *MONTHS):
            if month == BEFORE:
                uri = settings().mlflow_tracking_uri
                MlflowClient(uri, uri).delete_model_version("shop", str(DELETED))
            world.month(month, flipped=month in OTHERWISE)
            assert isinstance(cycle(), Cycle)
        yield open_workspace(settings())


def decisions(workspace: Workspace) -> dict[str, Row[Decision]]:
    return {row.payload.batch: row for row in workspace.ledger.all("shop", Decision)}


def versions(serves: tuple[Served, ...]) -> list[int]:
    return [each.model.version for each in serves]


def entry_of(workspace: Workspace, row: Row[Decision]) -> ChallengerEntry:
    entry = workspace.ledger.get("shop", ChallengerEntry, row.payload.challenger_id)
    assert entry is not None
    return entry.payload


def rows_of(workspace: Workspace, row: Row[Decision]) -> EvaluationRows:
    past = workspace.ledger.before(row.position)
    known, declaration = known_at(past, "shop", instant(row.payload.as_of)), workspace.use_case("shop").declaration
    return evaluation_rows(workspace.tables, past, declaration, known, entry_of(workspace, row))


def test_an_old_model_is_recalled_when_its_concept_returns_and_is_named(workspace: Workspace) -> None:
    june = decisions(workspace)["2024-06"].payload
    assert june.outcome == "release" and june.mixture is not None and june.mixture.recalled is not None
    weights = {each.model.version: each.weight for each in june.mixture.members}
    assert list(weights) == [5, 4, 3, 1] and weights[5] == 0.5
    assert weights[1] > 0.4, "version 1 was trained in January"
    assert [each.version for each in june.mixture.recalled] == [4, 3, 1]
    assert "version 1 (trained on rows up to 2024-01-30)" in decision_in_words(june)
    released = [row.payload for row in workspace.ledger.all("shop", Release) if row.payload.decision == june.id]
    assert released[0].serves == june.mixture.members and released[0].tested == 4
    assert "It recalls version 4 (trained on rows up to 2024-04-29), version 3" in released[0].reason
    declaration = workspace.use_case("shop").declaration
    why = dict(facts(history_of(workspace.ledger, declaration)))["why"]
    assert why.count("version 1 (trained on rows up to 2024-01-30)") == 1


def test_without_a_return_the_challenger_is_live_alone(workspace: Workspace) -> None:
    april = decisions(workspace)["2024-04"].payload
    assert april.mixture is not None and april.mixture.alone_is_live
    assert versions(april.releases) == [3]


def test_a_batch_is_measured_as_it_was_known_and_before_the_rows_that_decide(workspace: Workspace) -> None:
    """March's losses, computed here from the models and the rows."""
    followed = {row.payload.window: row.payload for row in workspace.ledger.all("shop", BatchFollowed)}
    assert list(followed) == ["2024-02", "2024-03", "2024-04", "2024-05"], "no model was trained before"
    march, declaration = followed["2024-03"], workspace.use_case("shop").declaration
    known = known_at(workspace.ledger, "shop", instant(march.as_of))
    rows = read_rows(workspace.tables, "shop", declaration.schema_, known, labelled=True)
    rows = rows[rows[FIRST_KNOWN_AT] > instant(followed["2024-02"].as_of)]
    entries = {r.payload.challenger: r.payload for r in workspace.ledger.all("shop", ChallengerEntry)}
    assert {entries[name].model.version for name in march.losses} == {1, 2}, "version 3 learned from these rows"
    first = next(each for each in entries.values() if each.model.version == 1)
    predicted = load_model(workspace.registry, "shop", first.model).predict(rows)
    loss = log_loss(rows[LABEL].astype(int), predicted)
    assert march.losses[first.challenger] == pytest.approx(loss, rel=1e-12) and march.rows == len(rows)
    for row in decisions(workspace).values():
        before = [r.payload for r in workspace.ledger.before(row.position).all("shop", BatchFollowed)]
        first_known = rows_of(workspace, row).rows[FIRST_KNOWN_AT].min()
        assert all(instant(each.as_of) < first_known for each in before)


def test_what_came_later_changes_no_weight(workspace: Workspace) -> None:
    declaration = workspace.use_case("shop").declaration
    for row in decisions(workspace).values():
        judging, entry = rows_of(workspace, row), entry_of(workspace, row)
        then, now = (
            past_challengers(ledger, declaration, entry, judging)
            for ledger in (workspace.ledger.before(row.position), workspace.ledger)
        )
        assert then == now


def test_a_deleted_version_is_left_out_and_named(workspace: Workspace) -> None:
    may = decisions(workspace)[BEFORE].payload
    assert may.mixture is not None and may.not_recalled is not None
    assert [each.version for each in may.not_recalled] == [DELETED]
    assert versions(may.mixture.members) == [4, 3, 1]
    assert "Version 2 is not recalled: it is no longer in MLflow under its name." in may.reasons
    newest = workspace.ledger.all("shop", BatchFollowed)[-1].payload
    assert list(newest.not_measured.values()) == ["it is no longer in MLflow under its name"]


def test_every_decision_is_the_same_again_to_the_last_bit(workspace: Workspace) -> None:
    for row in decisions(workspace).values():
        sums = replay_sums(workspace.ledger, row)
        assert sums.exact and sums.difference is None
        deep = replay_deep(workspace.ledger, on_disk(workspace.tables), workspace.registry, row)
        mixture = row.payload.mixture
        if row.payload.challenger.version == DELETED or (mixture and DELETED in versions(mixture.members)):
            assert deep.difference is not None and deep.difference.field == "models", "it is gone"
        else:
            assert deep.exact and deep.difference is None


def test_mlflow_names_every_member(workspace: Workspace) -> None:
    mirror_alias(workspace.ledger, workspace.registry, "shop")
    assert workspace.registry._aliases("shop") == {"champion": 5, "member_2": 4, "member_3": 3, "member_4": 1}
    assert not examine(workspace.ledger, workspace.tables, workspace.registry, "shop", "2024-07-01T00:00:00Z")


def test_a_model_that_cannot_predict_todays_rows_is_not_recalled(workspace: Workspace) -> None:
    declaration = workspace.use_case("shop").declaration
    row = decisions(workspace)["2024-06"]
    judging, model = rows_of(workspace, row), row.payload.challenger
    assert scorable(workspace.registry, declaration, model, judging)
    lacking = replace(judging, rows=judging.frame.drop(columns="price"), _predicted={})
    with pytest.raises(CannotScore, match="price"):
        scorable(workspace.registry, declaration, model, lacking)
    schema = declaration.schema_.model_copy(update={"task": "regression"})
    other = declaration.model_copy(update={"schema_": schema})
    with pytest.raises(CannotScore, match="trained for the task binary"):
        scorable(workspace.registry, other, model, judging)


def test_at_once_the_days_before_those_that_evaluate_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A return is seen in its first month: the challenger itself has learned from that month's first half."""
    world = World(tmp_path / "usecases", rows_a_day=20)
    world.declaration["model"]["window"] = {"batches": 1}
    release = {"policy": "newest_unless_worse", "serve": "recall", "judge": {"newest": "15d"}}
    world.declare(release=release, triggers={"on_new_batch": True, "on_drift": False})
    lead_to(monkeypatch, tmp_path)
    for month, flipped in (("2024-01", False), ("2024-02", True), ("2024-03", False)):
        world.month(month, flipped=flipped)
        assert isinstance(cycle(), Cycle)
    workspace = open_workspace(settings())
    march = decisions(workspace)["2024-03"]
    assert march.payload.mixture is not None
    weights = {each.model.version: each.weight for each in march.payload.mixture.members}
    assert weights[3] == 0.5 and weights[1] > 0.45, "version 2 was trained in February"
    judging = rows_of(workspace, march)
    assert judging.since is not None
    part = next(
        row.payload
        for row in workspace.ledger.all("shop", BatchFollowed)
        if row.payload.until == write_instant(judging.since)
    )
    schema = workspace.use_case("shop").declaration.schema_
    rows = read_rows(workspace.tables, "shop", schema, known_at(workspace.ledger, "shop", instant(part.as_of)))
    rows = rows[(rows[FIRST_KNOWN_AT] > instant(decisions(workspace)["2024-02"].payload.as_of))]
    rows = rows[rows[schema.time] < judging.since]
    assert part.rows == len(rows) and not set(rows["order"]) & set(judging.rows["order"])
    again = replay_deep(workspace.ledger, workspace.tables, workspace.registry, march)
    assert again.exact and again.difference is None
