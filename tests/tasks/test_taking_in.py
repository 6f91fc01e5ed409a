"""Taking a batch in: what may move a clock, what holds a batch, what a killed run leaves, what a source corrects."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from perennial.clock import write_instant
from perennial.errors import InputError
from perennial.intake.set_aside import rows_aside, waivable_holds
from perennial.ledger.entries import BatchEntry, Waiver
from perennial.ledger.present import replay_clock
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import write
from tests.training.stores import take_in, train_at
from tests.world import World

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
At = Callable[[str], None]


def clock() -> datetime | None:
    return replay_clock(open_workspace(settings()).ledger, "shop")


def with_values(rows: pd.DataFrame, column: str, **values: str) -> pd.DataFrame:
    """Some values of a column replaced, by the row's number: `r5="2204-…"`."""
    rows = rows.astype({column: "object"})
    for row, value in values.items():
        rows.loc[int(row[1:]), column] = value
    return rows


def reasons(batch: BatchEntry) -> dict[str, int]:
    return {each.reason: each.rows for each in batch.quarantine}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """`at("2024-03-05T06:00:00Z")`: when runs were meant to start from now on."""

    def start(text: str) -> None:
        for module in ("as_of", "batches", "validating"):
            monkeypatch.setattr(f"tasks.{module}.scheduled_start", lambda: datetime.fromisoformat(text))

    return start


@pytest.mark.parametrize("time", ["2204-02-10T00:00:00Z", "9999-12-31", "2025-02-10", "0001-01-01"])
@pytest.mark.parametrize("kind", ["replay", "wall"])
def test_a_mistyped_year_is_set_aside_and_moves_no_clock(shop: World, time: str, kind: str) -> None:
    shop.declare(clock=kind)
    rows = shop.month("2024-02")
    write(shop, "2024-02", with_values(rows, "at", r5=time))
    batch = take_in("2024-02")
    assert (batch.status, batch.rows.quarantined) == ("accepted", 1)
    assert {"at: implausibly late", "at: implausibly early"} & set(reasons(batch))
    assert batch.end == write_instant(MARCH)
    assert kind == "wall" or clock() == MARCH
    write(shop, "2024-02", rows)
    corrected = take_in("2024-02")
    assert (corrected.revision, corrected.rows.accepted, corrected.end) == (2, len(rows), write_instant(MARCH))
    assert kind == "wall" or clock() == MARCH


def test_a_run_that_started_late_brings_nothing_into_a_past_that_was_learned_from(shop: World, at: At) -> None:
    """Another run of the use case, scheduled later, had its turn first."""
    shop.declare(clock="wall").month("2024-01")
    at("2024-03-05T06:00:00Z")
    take_in("2024-01")
    train_at(datetime(2024, 3, 5, 6, tzinfo=UTC))
    shop.month("2024-02")
    at("2024-03-02T06:00:00Z")
    assert take_in("2024-02").arrived_at == "2024-03-05T06:00:00.000001Z"


def test_a_corrected_row_takes_the_clock_back(shop: World) -> None:
    rows = shop.month("2024-02")
    write(shop, "2024-02", with_values(rows, "at", r5="2024-06-10T00:00:00Z"))
    assert take_in("2024-02").rows.quarantined == 0, "four months are plausible"
    assert clock() == datetime(2024, 6, 11, tzinfo=UTC)
    write(shop, "2024-02", rows)
    assert take_in("2024-02").arrived_at == write_instant(MARCH)
    assert clock() == MARCH


def test_a_file_without_a_plausible_time_is_refused_before_anything_is_written(shop: World) -> None:
    write(shop, "2024-02", shop.month("2024-02").assign(at="2204-02-10T00:00:00Z"))
    with pytest.raises(InputError, match="2024-02: no row has a readable, plausible time"):
        take_in("2024-02")
    assert clock() == datetime(2024, 2, 1, tzinfo=UTC)


def test_far_rows_of_files_that_are_cut_make_no_window_that_moves_the_clock(
    shop: World, caplog: pytest.LogCaptureFixture
) -> None:
    from tasks.batches import pick_window

    shop.declare(source={"kind": "files", "path": "shop", "batch": "month"})
    rows = shop.month("2024-02")
    write(shop, "2024-02", with_values(rows, "at", r5="9999-12-31", r6="2025-06-10", r7="2204-06-10", r8="0001-01-01"))
    with caplog.at_level("WARNING", "perennial.story"):
        assert pick_window.fn("shop", None) == "0001-01"
    assert "rows after today wait (2204-06, 9999-12)" in caplog.text
    early = take_in("0001-01")
    assert early.status == "held" and "a window far from all others: it ends" in early.held_because[0]
    assert take_in("2024-02").rows.accepted == len(rows) - 4
    late = take_in("2025-06")
    assert late.status == "held" and "begins 457 days after the window before it" in late.held_because[0]
    assert clock() == MARCH
    assert pick_window.fn("shop", None) is None
    from tasks.requeue import validate_again

    assert validate_again.fn("shop", "2025-06").batch == late.batch, "checked again, it is as far as before"


def test_a_biased_remainder_is_held_until_a_person_or_the_declaration_allows_it(shop: World) -> None:
    from tasks.batches import accept
    from tasks.requeue import validate_again

    shop.declare(checks=[])
    rows = shop.month("2024-02")
    thousands = rows.assign(price=[f"{12 * price:,.2f}" for price in rows["price"]])
    write(shop, "2024-02", thousands)
    held = take_in("2024-02")
    assert (held.status, held.rows.accepted) == ("held", 0)
    total, one = held.held_because
    assert total.startswith("more rows set aside than 10 % in total (set_aside.total): ")
    assert one.startswith("more rows set aside than 5 % for one reason (set_aside.per_reason): ")
    assert "most often price: not a number" in total and "for example '1," in total
    assert clock() == datetime(2024, 2, 1, tzinfo=UTC), "a held batch moves no clock"

    names = tuple(each.reason for each in waivable_holds(held))
    ledger = open_workspace(settings()).ledger
    ledger.append("shop", Waiver(window="2024-02", landing=held.landing, checks=names, by="Ada", reason="test"))
    waived = accept.fn("shop", validate_again.fn("shop", "2024-02"))
    assert (waived.status, waived.because, waived.revision) == ("accepted", "waived", 2)

    shop.declare(set_aside={"total": "100%", "per_reason": "100%"})
    write(shop, "2024-03", thousands.assign(order=rows["order"] + "b", at=rows["at"].str.replace("-02-", "-03-")))
    assert take_in("2024-03").status == "accepted"


def test_of_exact_copies_one_counts_and_of_rows_that_contradict_none(shop: World) -> None:
    rows = shop.month("2024-02").assign(note=lambda r: [f"n{i}" for i in range(len(r))])
    copies = pd.concat([rows, rows.head(60), rows.head(5)], ignore_index=True)
    other = rows.iloc[[70, 71]].assign(note="another note")
    write(shop, "2024-02", pd.concat([copies, other], ignore_index=True))
    batch = take_in("2024-02")
    assert batch.status == "accepted", "copies are no errors, however many"
    assert reasons(batch) == {"copy of another row": 65, "order: not unique in the batch": 4}
    assert batch.rows.accepted == len(rows) - 2
    aside = {each.row: each.reasons for each in rows_aside(open_workspace(settings()).tables, "shop", batch)}
    assert aside[len(rows)] == ("copy of row 1",) and aside[len(rows) + 62] == ("copy of row 3",)
    assert aside[70] == aside[len(copies)] == ("order: not unique in the batch",)


@pytest.mark.parametrize("point", ["accepted", "all"])
def test_a_run_killed_before_its_commit_is_repeated_weeks_later(shop: World, at: At, point: str) -> None:
    from tasks import validating
    from tasks.batches import land, validate

    shop.declare(clock="wall")
    rows = shop.month("2024-02")
    landing = land.fn("shop", "2024-02")
    shop.declare(set_aside={"total": 1, "per_reason": 1})
    at("2024-02-20T06:00:00Z")
    if point == "accepted":
        with pytest.MonkeyPatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
            patch.setattr(validating, "quarantine_table", _killed)
            validate.fn("shop", "2024-02", landing)
    else:
        assert 0 < validate.fn("shop", "2024-02", landing).rows.quarantined < len(rows)
    at("2024-03-05T06:00:00Z")
    batch = take_in("2024-02")
    assert (batch.status, batch.rows.accepted, batch.rows.quarantined) == ("accepted", len(rows), 0)
    tables = open_workspace(settings()).tables
    assert tables.count("shop", "accepted", batch.batch) == len(rows)
    assert tables.count("shop", "quarantine", batch.batch) == 0


def test_rows_of_a_killed_run_are_gone_where_their_batch_is_held_in_the_end(shop: World) -> None:
    """Another batch brought the same keys before the rerun."""
    from tasks.batches import land, validate

    rows = shop.month("2024-02")
    left = validate.fn("shop", "2024-02", land.fn("shop", "2024-02"))
    tables = open_workspace(settings()).tables
    assert tables.count("shop", "accepted", left.batch) == len(rows)
    write(shop, "2024-03", shop.month("2024-03").assign(order=rows["order"]).dropna())
    assert take_in("2024-03").status == "accepted"
    batch = take_in("2024-02")
    assert (batch.batch, batch.status) == (left.batch, "held")
    assert tables.count("shop", "accepted", batch.batch) == tables.count("shop", "quarantine", batch.batch) == 0


def _killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_a_corrected_source_of_the_newest_batches_is_taken_in_by_a_plain_run(shop: World) -> None:
    from tasks.batches import pick_window, restated_window, windows_to_do

    rows = shop.month("2024-02")
    take_in("2024-02")
    assert pick_window.fn("shop", None) is None and restated_window.fn("shop") is None
    write(shop, "2024-02", with_values(rows, "price", r3="499"))
    assert pick_window.fn("shop", None) == restated_window.fn("shop") == "2024-02"
    assert "2024-02" in windows_to_do.fn("shop", None, None)
    shop.declare(look_back=0)
    assert pick_window.fn("shop", None) is None and restated_window.fn("shop") is None
    shop.declare(look_back=1)
    write(shop, "2024-01", pd.read_csv(shop.usecases / "shop" / "2024-01.csv").head(9))
    assert restated_window.fn("shop") == "2024-02", "January is no longer looked at"
    batch = take_in("2024-02")
    assert (batch.revision, batch.because) == (2, "restated")
    assert restated_window.fn("shop") is None
    assert json.loads(batch.model_dump_json())["arrived_at"] == write_instant(MARCH)


def test_a_run_lists_the_files_of_its_source_once(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.batches import pick_window

    shop.month("2024-02")
    listings: list[str] = []
    scandir = os.scandir

    def listed(path: str | Path = ".") -> Iterator[os.DirEntry[str]]:
        listings.append(str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", listed)
    assert pick_window.fn("shop", None) == "2024-02"
    assert take_in("2024-02").status == "accepted"
    assert listings.count(str(shop.usecases / "shop")) == 1
