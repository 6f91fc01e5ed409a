"""`rollback` and `doctor` on real stores."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing

import pytest
from mlflow import MlflowClient

from perennial.errors import InputError
from perennial.ledger.entries import AliasMoved, AliasPutBack, BatchEntry, Release
from perennial.ledger.present import current_release
from perennial.model.released import load_served
from perennial.store.registry import ALIAS
from tests.crashes.processes import Place
from tests.world import World

pytestmark = pytest.mark.slow


def client(shop: Place) -> MlflowClient:
    """MLflow's own, as a person's notebook has it."""
    uri = shop.workspace.settings.mlflow_tracking_uri
    return MlflowClient(uri, uri)


def versions(shop: Place) -> tuple[int | None, int | None]:
    """(the version that serves by the ledger, the version that the alias names)."""
    release = current_release(shop.workspace.ledger, "shop")
    return release.serves[0].model.version if release else None, shop.workspace.registry.champion("shop")


def test_each_rollback_brings_the_former_champion_back_whole_and_the_alias_follows(shop: Place) -> None:
    releases = [row.payload for row in shop.workspace.ledger.all("shop", Release)]
    served = [release.serves[0].model.version for release in releases]
    assert len(served) >= 3
    assert versions(shop) == (served[-1], served[-1])
    for former in reversed(releases[:-1]):
        live = current_release(shop.workspace.ledger, "shop")
        assert live is not None
        shop.finish("rollback", "shop", "--from", str(live.release_no), "--reason", "returns went up")
        now = current_release(shop.workspace.ledger, "shop")
        assert now is not None
        assert now.serves == former.serves
        assert (now.features_digest, now.snapshot, now.reference) == (
            former.features_digest,
            former.snapshot,
            former.reference,
        )
        assert (now.kind, now.restores, now.reason) == ("rollback", former.release_no, "returns went up")
        assert versions(shop) == (former.serves[0].model.version,) * 2
        page = (shop.home / "pages" / "shop.html").read_text(encoding="utf-8")
        assert f"Version {former.serves[0].model.version} is live" in page, "the page shows it at once"
        load_served(shop.workspace.registry, "shop", now)
    live = current_release(shop.workspace.ledger, "shop")
    assert live is not None
    further = ("rollback", "shop", "--from", str(live.release_no), "--reason", "once more")
    assert shop.run(*further) == InputError.exit_code
    assert "there is no previous champion to roll back to" in shop.said()
    assert shop.workspace.ledger.verify("shop")
    assert versions(shop) == (served[0], served[0])


def test_an_alias_that_was_moved_by_hand_is_put_back_and_that_is_on_record(shop: Place) -> None:
    serving, _ = versions(shop)
    client(shop).set_registered_model_alias("shop", ALIAS, "1")
    assert shop.run("doctor", "shop", "--dry-run") == 1
    assert versions(shop) == (serving, 1)
    shop.finish("doctor", "shop")
    assert versions(shop) == (serving, serving)
    (moved,) = [row.payload for row in shop.workspace.ledger.all("shop", AliasMoved)]
    assert moved.found == 1
    (back,) = [row.payload for row in shop.workspace.ledger.all("shop", AliasPutBack)]
    assert (back.number, back.restored) == (moved.number, serving)
    shop.finish("doctor", "shop", "--dry-run")


def test_a_deleted_alias_is_put_back(shop: Place) -> None:
    serving, _ = versions(shop)
    client(shop).delete_registered_model_alias("shop", ALIAS)
    shop.finish("doctor", "shop")
    assert versions(shop) == (serving, serving)


def test_rows_of_an_interrupted_ingest_are_swept_and_come_again(shop: Place) -> None:
    file = shop.usecases / "shop" / "2013-06.csv"
    try:
        arrived = len(World(shop.usecases, rows_a_day=20).month("2013-06"))
        assert shop.run("ingest", "shop", crash_at="batch_row.before") == -signal.SIGKILL
        tables, ledger = shop.workspace.tables, shop.workspace.ledger
        committed = {row.payload.batch for row in ledger.all("shop", BatchEntry)}
        (stray,) = set(tables.batches("shop", "accepted")) - committed
        shop.finish("doctor", "shop")
        assert set(tables.batches("shop", "accepted")) == committed
        shop.finish("ingest", "shop")
        assert tables.batches("shop", "accepted")[stray] == arrived
        newest = ledger.all("shop", BatchEntry)[-1].payload
        assert (newest.batch, newest.rows.accepted) == (stray, arrived)
        shop.finish("doctor", "shop", "--dry-run")
    finally:
        file.unlink(missing_ok=True)


def test_a_run_that_a_dead_process_left_running_is_marked_as_failed(shop: Place) -> None:
    run = client(shop).create_run(shop.workspace.registry.experiment("shop"))
    shop.finish("doctor", "shop")
    found = client(shop).get_run(run.info.run_id)
    assert found.info.status == "FAILED"
    assert found.data.tags["perennial.reason"].startswith("interrupted")


def test_a_broken_chain_is_reported_and_nothing_is_repaired(shop: Place) -> None:
    serving, _ = versions(shop)
    client(shop).set_registered_model_alias("shop", ALIAS, "1")
    file = shop.workspace.ledger.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DROP TRIGGER entries_no_update")
        database.execute("UPDATE entries SET payload = replace(payload, 'returned', 'kept') WHERE position = 1")
    assert shop.run("doctor", "shop") == 1
    assert "row 1 of the ledger (declaration" in shop.said()
    assert "restore the ledger from a backup" in shop.said()
    assert versions(shop) == (serving, 1), "the ledger is not to be believed, so nothing follows it"
    assert shop.workspace.ledger.all("shop", AliasMoved) == ()
