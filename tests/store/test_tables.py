"""A batch's rows come into a table once; a column keeps its type; the log holds no value of the data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from perennial.content import digest_rows
from perennial.errors import InputError, TableUnreadable, TransientError
from perennial.our_columns import ARRIVED_AT, BATCH
from perennial.store.rows import content
from perennial.store.stream import Parts
from perennial.store.tables import SMALL_FILES, Tables


def rows(batch: str, values: list[float], **more: Any) -> pa.Table:
    """A table of one number column, with `_batch`."""
    return pa.table({"value": pa.array(values, pa.float64()), **more, "__perennial_batch": [batch] * len(values)})


def values_of(table: pa.Table | None) -> list[float]:
    """The numbers of a table, sorted."""
    assert table is not None
    return sorted(table.column("value").to_pylist())


def test_appending_a_batch_twice_is_appending_it_once(tables: Tables) -> None:
    first = tables.append("shop", "accepted", rows("a", [1.0, 2.0]), "a")
    assert tables.append("shop", "accepted", rows("a", [1.0, 2.0]), "a") == first
    assert tables.batches("shop", "accepted") == {"a": 2}


def test_appending_no_rows_twice_is_one_version_too(tables: Tables) -> None:
    tables.append("shop", "quarantine", rows("a", [1.0]), "a")
    once = tables.append("shop", "quarantine", rows("b", [1.0]).slice(0, 0), "b")
    assert tables.append("shop", "quarantine", rows("b", [1.0]).slice(0, 0), "b") == once
    tables.append("shop", "quarantine", rows("b", [2.0]), "b")
    assert tables.batches("shop", "quarantine") == {"a": 1, "b": 1}


def test_readers_get_the_batches_they_name_and_no_other(tables: Tables) -> None:
    tables.append("shop", "accepted", rows("a", [1.0]), "a")
    tables.append("shop", "accepted", rows("b", [2.0]), "b")
    assert values_of(tables.read("shop", "accepted", ["b"])) == [2.0]
    assert values_of(tables.read("shop", "accepted", [])) == []
    assert tables.read("shop", "labels", ["b"]) is None
    assert tables.version("shop", "labels") is None


def test_the_newest_batches_are_read_without_the_files_of_others(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.store.tables.SMALL_FILES", 100)  # as if each batch were large
    batches = [f"{number:02d}" for number in range(25)]
    for batch in batches:
        tables.append("shop", "accepted", rows(batch, [1.0]), batch)
    table = tables.open("shop", "accepted")
    assert table is not None
    added = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    (oldest,) = [each["path"] for each in added if each[f"min.{BATCH}"] == batches[0]]
    (Path(tables.where("shop", "accepted")) / oldest).unlink()
    assert values_of(tables.read("shop", "accepted", batches[1:])) == [1.0] * 24
    with pytest.raises(TableUnreadable):
        tables.read("shop", "accepted", batches)


def test_of_a_batch_only_rows_with_the_asked_values_are_read(tables: Tables) -> None:
    for batch in ("a", "b"):
        tables.append("shop", "predictions", rows(batch, [1.0, 2.0, 3.0], id=["x", "it's", "z"]), batch)
    these = pc.field("id").isin(["it's", "z", "unknown"])
    assert values_of(tables.read("shop", "predictions", ["b"], ["value", "id"], these)) == [2.0, 3.0]
    assert values_of(tables.read("shop", "predictions", ["a", "b"], where=these)) == [2.0, 2.0, 3.0, 3.0]


def test_a_swept_batch_can_come_again(tables: Tables) -> None:
    tables.append("shop", "accepted", rows("a", [1.0]), "a")
    tables.append("shop", "accepted", rows("b", [2.0, 3.0]), "b")
    tables.sweep("shop", "accepted", "b")
    assert tables.batches("shop", "accepted") == {"a": 1}
    tables.append("shop", "accepted", rows("b", [2.0, 3.0]), "b")
    assert tables.batches("shop", "accepted") == {"a": 1, "b": 2}
    tables.append("shop", "accepted", rows("b", [2.0, 3.0]), "b")
    assert tables.count("shop", "accepted", "b") == 2


def test_another_type_is_refused_with_the_column_named_and_nothing_written(tables: Tables) -> None:
    before = tables.append("shop", "accepted", rows("a", [1.0], size=["large"]), "a")
    with pytest.raises(InputError, match=r"column 'size' is .*string.* in the table and int64 in this batch"):
        tables.append("shop", "accepted", rows("b", [2.0], size=[7]), "b")
    assert tables.version("shop", "accepted") == before
    assert tables.batches("shop", "accepted") == {"a": 1}


def test_a_new_column_is_taken_up_and_is_null_before(tables: Tables) -> None:
    tables.append("shop", "accepted", rows("a", [1.0]), "a")
    tables.append("shop", "accepted", rows("b", [2.0], colour=["red"]), "b")
    found = tables.read("shop", "accepted", ["a", "b"])
    assert found is not None
    assert sorted(zip(found["value"].to_pylist(), found["colour"].to_pylist(), strict=True)) == [
        (1.0, None),
        (2.0, "red"),
    ]


def test_the_log_holds_no_value_of_the_data(tables: Tables, tmp_path: Path) -> None:
    for number in range(12):  # beyond a checkpoint
        name = f"b{number:02d}"
        tables.append("shop", "accepted", rows(name, [1.5], person=[f"Ada Lovelace {number}"], born=[18151210]), name)
    tables.sweep("shop", "accepted", "b03")
    log = tmp_path / "tables" / "shop" / "accepted" / "_delta_log"
    written = b"".join(path.read_bytes() for path in sorted(log.iterdir()))
    added = [json.loads(line)["add"] for path in log.glob("*.json") for line in path.open() if '"add"' in line]
    assert {name for each in added for name in json.loads(each["stats"])["minValues"]} == {BATCH}
    assert b"Lovelace" not in written and b"18151210" not in written
    checkpoint = pq.read_table(max(log.glob("*.checkpoint.parquet"))).to_pylist()
    assert not any(word in str(checkpoint) for word in ("Lovelace", "18151210", "1.5"))


def test_a_batch_is_read_after_old_versions_were_vacuumed(tables: Tables, tmp_path: Path) -> None:
    tables.append("shop", "accepted", rows("a", [1.0]), "a")
    tables.append("shop", "accepted", rows("b", [2.0]), "b")
    table = DeltaTable(tables.where("shop", "accepted"))
    table.optimize.compact()
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert values_of(tables.read("shop", "accepted", ["a"])) == [1.0]
    assert tables.append("shop", "accepted", rows("a", [1.0]), "a") == tables.version("shop", "accepted")


def test_a_column_that_comes_later_changes_no_digest_of_earlier_rows(tables: Tables) -> None:
    def digest() -> str:
        read = tables.read("shop", "accepted", ["a"])
        assert read is not None
        return digest_rows(content(read.to_pandas()), ["value"])

    times = pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    tables.append("shop", "accepted", rows("a", [1.0], **{ARRIVED_AT: times}), "a")
    before = digest()
    tables.append("shop", "accepted", rows("b", [2.0], **{ARRIVED_AT: times, "colour": pa.array(["red"])}), "b")
    assert digest() == before


def test_many_small_batches_lie_in_few_files_and_each_reads_as_before(tables: Tables) -> None:
    names = [f"b{number:03d}" for number in range(100)]
    for place, name in enumerate(names):
        # A column that comes later must not disturb the files joined before it.
        more = {"late": pa.array([place], pa.int64())} if place > 60 else {}
        tables.append("shop", "accepted", rows(name, [float(place)], **more), name)
    table = DeltaTable(tables.where("shop", "accepted"))
    assert len(table.file_uris()) < SMALL_FILES
    assert values_of(tables.read("shop", "accepted", names)) == [float(place) for place in range(100)]
    for place in (0, 31, 32, 60, 61, 99):
        one = tables.read("shop", "accepted", [names[place]])
        assert one is not None and one.column("late").to_pylist() == ([place] if place > 60 else [None])
        assert values_of(one) == [float(place)]
    version = tables.version("shop", "accepted")
    assert tables.append("shop", "accepted", rows("b007", [7.0]), "b007") == version, "it is still known as written"
    tables.sweep("shop", "accepted", "b007")
    assert values_of(tables.read("shop", "accepted", names)) == [float(place) for place in range(100) if place != 7]


def test_small_batches_do_not_write_a_large_one_again(tables: Tables) -> None:
    tables.append("shop", "accepted", rows("large", [float(place) for place in range(100_000)]), "large")
    large = DeltaTable(tables.where("shop", "accepted")).file_uris()
    for number in range(30):
        tables.append("shop", "accepted", rows(f"b{number}", [1.0]), f"b{number}")
    files = DeltaTable(tables.where("shop", "accepted")).file_uris()
    assert set(large) < set(files) and len(files) < SMALL_FILES
    read = tables.read("shop", "accepted", ["large", "b7", "b29"])
    assert read is not None and read.num_rows == 100_002


def test_joining_files_leaves_large_ones_alone(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perennial.store.tables.WHOLE_FILE", 100)
    for number in range(40):
        tables.append("shop", "accepted", rows(f"b{number}", [1.0]), f"b{number}")
    assert len(DeltaTable(tables.where("shop", "accepted")).file_uris()) == 40


@pytest.mark.parametrize("former", [None, "a"])
def test_a_batch_that_another_machine_writes_meanwhile_is_written_once(tmp_path: Path, former: str | None) -> None:
    other = Tables(str(tmp_path))
    if former:
        other.append("shop", "accepted", rows(former, [1]), former)

    def meanwhile(usecase: str) -> None:
        other.append(usecase, "accepted", rows("b", [2, 3]), "b")

    with pytest.raises(TransientError, match="another writer was faster"):
        Tables(str(tmp_path), in_turn=meanwhile).append("shop", "accepted", rows("b", [2, 3]), "b")
    assert other.batches("shop", "accepted") == {**({former: 1} if former else {}), "b": 2}


def test_rows_that_another_machine_writes_meanwhile_are_not_swept(tmp_path: Path) -> None:
    other = Tables(str(tmp_path))
    other.append("shop", "accepted", rows("a", [1]), "a")

    def meanwhile(usecase: str) -> None:
        other.append(usecase, "accepted", rows("b", [2, 3]), "b")

    Tables(str(tmp_path), in_turn=meanwhile).sweep("shop", "accepted", "b")
    assert other.batches("shop", "accepted") == {"a": 1, "b": 2}


def test_parts_are_written_a_few_at_a_time_and_a_killed_run_leaves_none_of_them(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.store.tables._ROWS_TOGETHER", 3)
    whole = rows("b", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])

    def until_killed() -> Iterator[pa.Table]:
        yield from (whole.slice(place, 2) for place in (0, 2, 4))
        raise KeyboardInterrupt

    tables.append("shop", "accepted", rows("a", [1.0]), "a")
    with pytest.raises(KeyboardInterrupt):
        tables.append("shop", "accepted", Parts(whole.schema, 7, until_killed), "b")
    assert 0 < tables.count("shop", "accepted", "b") < 7, "some of them are there, and no entry names them"
    parts = Parts(whole.schema, 7, lambda: (whole.slice(place, 2) for place in (0, 2, 4, 6)))
    version = tables.append("shop", "accepted", parts, "b")
    assert tables.append("shop", "accepted", parts, "b") == version, "asked twice, written once"
    assert values_of(tables.read("shop", "accepted", ["b"])) == values_of(whole)
    none = Parts(whole.schema, 0, lambda: iter(()))
    assert tables.append("shop", "quarantine", none, "b") == tables.append("shop", "quarantine", none, "b")


def test_a_batch_that_another_machine_writes_between_two_commits_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.store.tables._ROWS_TOGETHER", 2)
    other, whole = Tables(str(tmp_path)), rows("b", [1.0, 2.0, 3.0, 4.0])

    def parts() -> Iterator[pa.Table]:
        yield from (whole.slice(0, 2), whole.slice(2, 1))
        other.append("shop", "accepted", whole, "b")
        yield whole.slice(3, 1)

    with pytest.raises(TransientError, match="another writer was faster"):
        other.append("shop", "accepted", Parts(whole.schema, 4, parts), "b")
    assert values_of(other.read("shop", "accepted", ["b"])) == values_of(whole)
