"""`serve: mixture`, from the declaration to what answers: one shop whose customers change their mind in May."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from perennial.clock import instant
from perennial.deciding.evaluation_rows import rows_of_batch
from perennial.deciding.replay import replay_deep, replay_sums
from perennial.ledger.entries import BatchEntry, BatchScored, Cycle, Decision, Release, Served
from perennial.ledger.present import current_release
from perennial.model.released import load_model, load_served
from perennial.our_columns import FIRST_KNOWN_AT, LABEL
from perennial.page.first_screen import facts
from perennial.page.history import history_of
from perennial.release.doctor import examine
from perennial.release.promote import mirror_alias
from perennial.release.rollback import roll_back
from perennial.scoring.batch import predictions_table, scored, scored_entry
from perennial.scoring.made_by import live_models
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.stored_rows import StoredRows
from perennial.store.stream import Parts
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.columns import column_types
from tests.places import lead_to
from tests.training.stores import cycle, on_disk
from tests.world import World

MONTHS = ("2024-01", "2024-02", "2024-03", "2024-04", "2024-05", "2024-06")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Six cycles; in May and June the customers return what they kept before. Everything else follows from them."""
    folder = tmp_path_factory.mktemp("mixture")
    world = World(folder / "usecases", rows_a_day=20)
    world.declaration["model"]["window"] = {"batches": 1}
    world.declare(release={"policy": "newest_unless_worse", "serve": "mixture"})
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        for month in MONTHS:
            world.month(month, flipped=month >= "2024-05")
            assert isinstance(cycle(), Cycle)
        yield open_workspace(settings())


def decisions(workspace: Workspace) -> list[Decision]:
    return [row.payload for row in workspace.ledger.all("shop", Decision)]


def weights(serves: tuple[Served, ...]) -> dict[int, float]:
    return {each.model.version: round(each.weight, 12) for each in serves}


def test_what_was_evaluated_is_what_is_live(workspace: Workspace) -> None:
    first, march, april, may, june = decisions(workspace)
    releases = [row.payload for row in workspace.ledger.all("shop", Release) if row.payload.decision]
    assert [each.serves for each in releases] == [each.releases for each in (first, march, april, may, june)]
    assert weights(releases[0].serves) == {1: 1.0}
    assert weights(releases[1].serves) == {2: 0.5, 1: 0.5}
    assert weights(releases[2].serves) == {3: round(2 / 3, 12), 2: round(1 / 3, 12)}
    assert first.mixture is None and april.live == releases[1].serves
    assert weights(releases[3].serves) == {4: 0.6, 3: 0.4}
    assert all(each.reference is not None for each in releases)


def test_the_challenger_alone_is_live_where_it_is_better_than_the_mixture(workspace: Workspace) -> None:
    june = decisions(workspace)[-1]
    assert june.mixture is not None and june.mixture.alone is not None
    assert weights(june.mixture.members) == {5: 0.625, 4: 0.375}
    assert june.mixture.alone.is_live and june.mixture.alone.against_mixture.verdict == "better"
    assert weights(june.releases) == {5: 1.0}
    assert june.reference is not None
    assert june.reference.value == june.mixture.alone.metrics[0].challenger, (
        "the loss of what is live, not the mixture's"
    )


def test_the_reason_of_a_release_is_that_of_what_is_live(workspace: Workspace) -> None:
    *mixed, june = decisions(workspace)
    alone = "The challenger alone is better than the mixture"
    reasons = [row.payload.reason for row in workspace.ledger.all("shop", Release) if row.payload.decision]
    assert [alone in reason for reason in reasons] == [*(False for _ in mixed), True]
    assert reasons[-1].startswith(june.reasons[0]) and june.prefers_alone in reasons[-1]
    history = history_of(workspace.ledger, workspace.use_case("shop").declaration)
    history = replace(history, releases=[each for each in history.releases if each.decision])  # others roll back
    assert dict(facts(history))["why"].count(alone) == 1, "the page has it once"


def test_every_decision_is_the_same_again_to_the_last_bit(workspace: Workspace) -> None:
    for row in workspace.ledger.all("shop", Decision):
        for again in (
            replay_sums(workspace.ledger, row),
            replay_deep(workspace.ledger, workspace.tables, workspace.registry, row),
        ):
            assert again.exact and again.difference is None


def test_on_disk_part_by_part_every_decision_is_the_same_to_the_last_bit(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.store.stored_rows.PART", 100)
    for row in workspace.ledger.all("shop", Decision):
        again = replay_deep(workspace.ledger, on_disk(workspace.tables), workspace.registry, row)
        assert again.exact and again.difference is None
    assert not list(settings().spill.glob("*"))


def test_on_disk_part_by_part_a_batch_is_scored_the_same_to_the_last_bit(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.store.stored_rows.PART", 100)
    monkeypatch.setattr("perennial.scoring.batch.CHUNK", 90)
    entry = workspace.ledger.all("shop", BatchScored)[-1].payload
    release = next(r.payload for r in workspace.ledger.all("shop", Release) if r.payload.release_no == entry.release_no)
    batch = workspace.ledger.all("shop", BatchEntry)[-1].payload
    declaration, at = workspace.use_case("shop").declaration, instant(entry.scored_at)
    known = known_at(workspace.ledger, "shop", instant(batch.arrived_at))
    rows = rows_of_batch(on_disk(workspace.tables), declaration, known, batch)
    predicted = scored(load_served(workspace.registry, "shop", release), rows, declaration.schema_, None)
    assert scored_entry(predicted, batch, live_models(release), at, entry.table_version) == entry
    assert len(entry.serves) == 2 and isinstance(rows, StoredRows)
    again = predictions_table(predicted, batch, live_models(release), at, column_types(declaration))
    assert isinstance(again, Parts) and len(list(again.parts())) > 3
    # Rows that are there already are not written again.
    assert workspace.tables.append("shop", "predictions", again, entry.key) == entry.table_version


def test_on_disk_the_watch_of_a_batch_has_the_same_findings(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.health import watch_champion

    batch = workspace.ledger.all("shop", BatchEntry)[-1].payload
    in_memory = watch_champion.fn("shop", batch)
    monkeypatch.setattr("perennial.store.stored_rows.PART", 100)
    monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", "1")
    assert watch_champion.fn("shop", batch) == in_memory


def test_a_member_that_was_changed_is_seen_by_replay(workspace: Workspace) -> None:
    row = workspace.ledger.all("shop", Decision)[-1]
    mixture = row.payload.mixture
    assert mixture is not None
    other = mixture.model_copy(update={"members": mixture.members[::-1]})
    changed = row.payload.model_copy(update={"mixture": other})
    again = replay_sums(workspace.ledger, type(row)(**{**vars(row), "payload": changed}))
    assert again.difference is not None


def test_the_loss_that_is_watched_and_compared_is_that_of_the_mixture(workspace: Workspace) -> None:
    """On April's labels versions 2 and 1 answer together: their mean and its loss, computed here from the models."""
    march, april = decisions(workspace)[1:3]
    release = workspace.ledger.all("shop", Release)[1].payload
    schema = workspace.use_case("shop").declaration.schema_
    rows = read_rows(
        workspace.tables, "shop", schema, known_at(workspace.ledger, "shop", instant(april.as_of)), labelled=True
    )
    rows = rows[rows[FIRST_KNOWN_AT] > instant(march.as_of)]
    models = [load_model(workspace.registry, "shop", each.model) for each in release.serves]
    loss = log_loss(rows[LABEL].astype(int), np.mean([model.predict(rows) for model in models], axis=0))
    assert april.metrics[0].champion == pytest.approx(loss, rel=1e-12)
    cycles = {row.payload.as_of: row.payload for row in workspace.ledger.all("shop", Cycle)}
    watched = cycles[april.as_of].health.loss
    assert watched is not None and watched.value == pytest.approx(loss, rel=1e-12)


def test_mlflow_names_every_member_and_a_rollback_restores_all_of_them(workspace: Workspace) -> None:
    ledger, registry = workspace.ledger, workspace.registry
    assert examine_is_clean(workspace)
    done = roll_back(ledger, "shop", instant(decisions(workspace)[-1].as_of), "returns doubled")
    assert weights(done.row.payload.serves) == {4: 0.6, 3: 0.4}
    mirror_alias(ledger, registry, "shop")
    live = current_release(ledger, "shop")
    assert live is not None and live.tested == 2
    assert registry._aliases("shop") == {"champion": 4, "member_2": 3}, "version 5 was live before, alone"
    assert examine_is_clean(workspace)


def examine_is_clean(workspace: Workspace) -> bool:
    return not examine(workspace.ledger, workspace.tables, workspace.registry, "shop", "2024-07-01T00:00:00Z")
