"""Files of tables that nothing reads go, and nothing that is read changes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from perennial.our_columns import BATCH, ROW
from perennial.settings import settings
from perennial.store import upkeep
from perennial.store.tables import Tables
from perennial.store.upkeep import Unread, remove_unread, unread_files
from perennial.store.workspace import Workspace, open_workspace
from tests.world import World

NOW = datetime.now(UTC)
BATCHES = 25
ALL = {f"b{number}": 2 for number in range(BATCHES)}


def rows(batch: str) -> pa.Table:
    return pa.table({"order": [f"{batch}-1", f"{batch}-2"], BATCH: [batch, batch], ROW: [0, 1]})


@pytest.fixture
def workspace(world: World) -> Workspace:
    """A home whose table of accepted rows got a batch a day, all of them last year."""
    made = open_workspace(settings())
    for batch in ALL:
        made.tables.append("shop", "accepted", rows(batch), batch)
    return made


def table_of(workspace: Workspace) -> Path:
    return Path(workspace.tables.where("shop", "accepted"))


def aged(workspace: Workspace, days: int) -> None:
    """Its files, and what its log has about them, are so old."""
    moment = (NOW - timedelta(days=days)).timestamp()
    for file in table_of(workspace).rglob("*"):
        os.utime(file, (moment, moment))


def test_files_that_were_joined_stay_for_a_week_and_then_go(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unread_files(workspace.tables, "shop", NOW) == []
    monkeypatch.setattr(upkeep, "FILES_KEPT", timedelta(0))
    before = set(table_of(workspace).glob("*.parquet"))
    (unread,) = remove_unread(workspace, "shop", NOW)
    gone = before - set(table_of(workspace).glob("*.parquet"))
    assert unread.data == len(gone) > BATCHES // 2 and unread.bytes > 1000
    assert workspace.tables.batches("shop", "accepted") == ALL
    assert remove_unread(workspace, "shop", NOW) == []


def test_a_file_that_a_killed_run_left_goes_and_one_that_is_being_written_stays(workspace: Workspace) -> None:
    left, fresh = table_of(workspace) / "left.parquet", table_of(workspace) / "fresh.parquet"
    left.write_bytes(b"half"), fresh.write_bytes(b"half")
    os.utime(left, (0, 0))
    assert remove_unread(workspace, "shop", NOW) == [Unread("accepted", data=1, log=0, bytes=4)]
    assert (left.exists(), fresh.exists()) == (False, True)


def test_what_the_log_keeps_does_not_grow_with_the_batches_and_an_old_one_is_still_written_once(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = SimpleNamespace(time=lambda: (NOW - timedelta(days=40)).timestamp())
    with monkeypatch.context() as then:
        then.setattr("perennial.store.tables.time", long_ago)
        for batch in ALL:
            tables.append("shop", "quarantine", rows(batch).slice(2), batch)
            tables.append("shop", "accepted", rows(batch), batch)
    last = json.loads((Path(tables.where("shop", "quarantine")) / "_delta_log" / "_last_checkpoint").read_text())
    assert last["version"] > 10 > last["size"], "actions of a table without rows"
    version = tables.version("shop", "accepted")
    for batch in ("b0", "b24"):
        assert tables.append("shop", "accepted", rows(batch), batch) == version
    tables.append("shop", "accepted", rows("b24").slice(1), "b24")  # as after a run that was killed
    assert tables.batches("shop", "accepted") == ALL | {"b24": 1}


def test_the_log_is_cut_to_what_is_read_and_a_batch_is_still_written_once(workspace: Workspace) -> None:
    log = table_of(workspace) / "_delta_log"
    before = len(list(log.iterdir()))
    aged(workspace, days=29)
    assert unread_files(workspace.tables, "shop", NOW) == []
    aged(workspace, days=31)
    (planned,) = unread_files(workspace.tables, "shop", NOW)
    (removed,) = remove_unread(workspace, "shop", NOW)
    assert (planned.log, planned.data) == (removed.log, 0)
    assert len(list(log.iterdir())) <= before - removed.log + 2, "one checkpoint is new"
    version = workspace.tables.version("shop", "accepted")
    assert workspace.tables.append("shop", "accepted", rows("b3"), "b3") == version
    assert workspace.tables.batches("shop", "accepted") == ALL
    assert Tables(workspace.settings.tables_uri).append("shop", "accepted", rows("new"), "new") == (version or 0) + 1
    assert remove_unread(workspace, "shop", NOW) == []


def test_the_log_of_a_table_from_an_older_perennial_gets_todays_limits(workspace: Workspace) -> None:
    table = workspace.tables.open("shop", "accepted")
    assert table is not None
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 36500 days"})
    aged(workspace, days=40)
    assert remove_unread(workspace, "shop", NOW)
    table = workspace.tables.open("shop", "accepted")
    assert table is not None
    assert table.metadata().configuration["delta.logRetentionDuration"] == "interval 30 days"
    assert workspace.tables.batches("shop", "accepted") == ALL
