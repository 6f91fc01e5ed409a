"""Served predictions are moved into the tables once, whatever happens on the way."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from msgspec import structs

from perennial.errors import InputError, TerminalError
from perennial.ledger.entries import SegmentCollected
from perennial.our_columns import (
    ARM,
    CANDIDATE,
    CANDIDATE_FAILED,
    CANDIDATE_US,
    CHAMPION_US,
    OTHER_SCORE,
    PREDICTION,
    RECEIVED,
    RELEASE_NO,
    SCORE,
    SCORED_AT,
)
from perennial.serving.log.segment import SUFFIX, Answered, InStage, SegmentWriter
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.world import World

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("PERENNIAL_TEST_KILLS", "5"))
NOON = 1_709_294_400_000_000
"""2024-03-01 12:00 UTC in microseconds."""


def _answered(order: object, score: float, usecase: str = "shop") -> Answered:
    record = {"price": 1.5} if order is None else {"order": order, "price": 1.5}
    return Answered(usecase, NOON, 3, "4", "digest", (score,), json.dumps(record).encode())


def _segment(name: str, *answered: Answered) -> Path:
    writer = SegmentWriter(settings().served, name)
    writer.append(list(answered))
    writer.close()
    return writer.path


def _collect() -> int:
    from tasks.collecting import collect_segments

    return collect_segments.fn()


def _collect_at(home: dict[str, str]) -> None:
    """In a separate process, which knows the home by its environment."""
    os.environ.update(home)
    _collect()


def test_a_segment_becomes_rows_with_their_key_release_and_record_and_is_removed(world: World) -> None:
    left = _segment("s-1", _answered("a", 0.1), _answered(7, 0.30000000000000004), _answered(None, 1e-300))
    assert _collect() == 3
    workspace = open_workspace(settings())
    (row,) = workspace.ledger.all("shop", SegmentCollected)
    assert (row.payload.segment, row.payload.rows, row.payload.releases) == ("s-1", 3, (3,))
    table = workspace.tables.read("shop", "predictions", ["s-1"])
    assert table is not None
    rows = sorted(table.to_pylist(), key=lambda each: each[PREDICTION])
    assert [each["order"] for each in rows] == ["a", "7", None]
    assert [each[SCORE] for each in rows] == [0.1, 0.30000000000000004, 1e-300]
    assert [each[PREDICTION] for each in rows] == ["s-1-0", "s-1-1", "s-1-2"]
    assert json.loads(rows[0][RECEIVED]) == {"order": "a", "price": 1.5} and rows[0][RELEASE_NO] == 3
    assert rows[0][SCORED_AT].isoformat() == "2024-03-01T12:00:00+00:00"
    assert not left.exists()
    assert _collect() == 0


def test_a_record_that_is_no_json_by_now_is_collected_without_its_key(world: World) -> None:
    answered = _answered("a", 0.1)
    loose = (b'{"order":"b","price":1,"carrier":"\\ud800"}', b'{"order":"b","price":1,"returned":NaN}')
    _segment("s-1", answered, *(structs.replace(answered, received=each) for each in loose))
    assert _collect() == 3
    table = open_workspace(settings()).tables.read("shop", "predictions", ["s-1"])
    assert table is not None
    rows = sorted(table.to_pylist(), key=lambda each: each[PREDICTION])
    assert [each["order"] for each in rows] == ["a", None, None]
    assert [each[RECEIVED] for each in rows[1:]] == [each.decode() for each in loose]


def test_predictions_of_a_stage_add_columns_to_the_table_which_earlier_rows_lack(world: World) -> None:
    _segment("s-1", _answered("a", 0.1))
    assert _collect() == 1
    tables = open_workspace(settings()).tables
    without = tables.read("shop", "predictions", ["s-1"])
    assert without is not None and ARM not in without.column_names
    staged = [
        structs.replace(_answered(order, 0.2), in_stage=InStage("candidate", "5", other, failed, 40, 50))
        for order, other, failed in (("a", (0.3,), None), ("b", None, "raised"))
    ]
    _segment("s-2", *staged, _answered("c", 0.4))
    assert _collect() == 3
    table = tables.read("shop", "predictions", ["s-1", "s-2"])
    assert table is not None
    rows = sorted(table.to_pylist(), key=lambda each: each[PREDICTION])
    columns = (SCORE, ARM, CANDIDATE, OTHER_SCORE, CANDIDATE_FAILED, CHAMPION_US, CANDIDATE_US)
    assert [tuple(row[name] for name in columns) for row in rows] == [
        (0.1, None, None, None, None, None, None),
        (0.2, "candidate", "5", 0.3, None, 40, 50),
        (0.2, "candidate", "5", None, "raised", 40, 50),
        (0.4, None, None, None, None, None, None),
    ]


def test_a_segment_that_is_collected_already_is_only_removed(world: World) -> None:
    """As after a kill between the ledger's row and the removal."""
    left = _segment("s-1", _answered("a", 0.1))
    kept = left.read_bytes()
    _collect()
    left.write_bytes(kept)
    assert _collect() == 0
    assert not left.exists()
    assert open_workspace(settings()).tables.count("shop", "predictions", "s-1") == 1


def test_one_that_is_still_written_to_waits(world: World) -> None:
    writer = SegmentWriter(settings().served, "s-1")
    writer.append([_answered("a", 0.1)])
    assert _collect() == 0 and writer.path.exists()
    writer.close()
    assert _collect() == 1


def test_what_cannot_be_collected_stays_and_keeps_no_other_from_it(world: World) -> None:
    damaged = _segment("s-1", _answered("a", 0.1), _answered("b", 0.2))
    data = bytearray(damaged.read_bytes())
    data[50] ^= 1
    damaged.write_bytes(bytes(data))
    unknown = _segment("s-2", _answered("a", 0.1, usecase="kiosk"))
    good = _segment("s-3", _answered("a", 0.1))
    with pytest.raises(TerminalError, match=r"s-1.* is damaged"):
        _collect()
    assert damaged.exists() and unknown.exists() and not good.exists()
    assert open_workspace(settings()).tables.count("shop", "predictions", "s-3") == 1
    damaged.unlink()
    with pytest.raises(InputError, match="kiosk"):
        _collect()


@pytest.mark.slow
@pytest.mark.timeout(300 + 20 * KILLS)
def test_collecting_that_is_killed_at_any_moment_goes_on_where_it_was(world: World) -> None:
    """Processes that only collect, each with two new segments, killed at moments over the time that this takes."""
    context, chance = multiprocessing.get_context("forkserver"), random.Random(0)
    logged: dict[str, float] = {}
    here = {name: value for name, value in os.environ.items() if name.startswith("PERENNIAL")}
    workspace, left = open_workspace(settings()), Counter[str]()
    takes = 0.0
    for kill in range(-2, KILLS):
        for number in (1, 2):
            name = f"s-{kill + 2:04d}-{number}"
            _segment(name, *(_answered(at, kill + at / 10) for at in range(3)))
            logged |= {f"{name}-{at}": kill + at / 10 for at in range(3)}
        began, process = time.monotonic(), context.Process(target=_collect_at, args=(here,), daemon=True)
        process.start()
        process.join(takes * chance.uniform(0, 1) if kill >= 0 else None)
        # The first two are not killed: one waits for the imports of all, and the next shows how long collecting takes.
        takes = takes if kill >= 0 else time.monotonic() - began
        process.kill()
        process.join()
        waiting = {path.stem for path in settings().served.glob(f"*{SUFFIX}")}
        stored = waiting & set(workspace.tables.batches("shop", "predictions"))
        committed = {row.key for row in workspace.ledger.all("shop", SegmentCollected)}
        left["committed, not removed" if waiting & committed else "stored, not committed" if stored else "neither"] += 1
    log.info("collecting was killed %d times: %s", KILLS, dict(left))
    _collect()
    assert not list(settings().served.iterdir())
    table = workspace.tables.read("shop", "predictions", list(workspace.tables.batches("shop", "predictions")))
    assert table is not None
    assert sorted(zip(*(table.column(name).to_pylist() for name in (PREDICTION, SCORE)), strict=True)) == sorted(
        logged.items()
    )
    assert sum(row.payload.rows for row in workspace.ledger.all("shop", SegmentCollected)) == len(logged)
