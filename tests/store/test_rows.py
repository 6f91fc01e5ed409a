"""What was known at a moment: rows of committed batches, each with the label it had by then."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.intake.frames import accepted_table, labels_table
from perennial.ledger.entries import Snapshot
from perennial.ledger.ledger import Ledger
from perennial.our_columns import BATCH, FIRST_KNOWN_AT, KNOWN_AT, LABEL
from perennial.sources.parsing import Parsed
from perennial.store.keys import accepted_in
from perennial.store.known import known_at
from perennial.store.rows import next_label, read_rows
from perennial.store.tables import Tables
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration
from perennial.usecase.reading import load_use_case
from tests.ledger.payloads import batch, label_batch
from tests.world import World


def day(text: str) -> datetime:
    """Midnight of a day, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Shop:
    """A shop's ledger and tables, filled by hand."""

    def __init__(self, ledger: Ledger, tables: Tables, declaration: Declaration) -> None:
        self.ledger, self.tables, self.declaration = ledger, tables, declaration
        self.schema = declaration.schema_
        self.types = column_types(declaration)

    def orders(self, window: str, orders: dict[str, int | None], *, commit: bool = True, **changes: Any) -> None:
        """Accept orders of the 10th of a month, each with its label (known a day later) or None."""
        entry = batch(window, **changes)
        frame = pd.DataFrame(
            {
                "order": list(orders),
                "at": pd.to_datetime([f"{window}-10T00:00:00Z"] * len(orders), utc=True),
                "price": 1.0,
                "weight": 1.0,
                "carrier": "post",
                "returned": pd.array(list(orders.values()), dtype="Int64"),
            }
        )
        arrived = datetime.fromisoformat(entry.arrived_at)
        table = accepted_table(frame, self.declaration, self.types, entry.batch, arrived)
        version = self.tables.append("shop", "accepted", table, entry.batch)
        if commit:
            self.ledger.append("shop", entry.model_copy(update={"table_version": version}))

    def labels(self, name: str, arrived_at: str, labels: dict[str, int], known: str, **changes: Any) -> None:
        """Ingest labels from a separate file, known since `known`."""
        frame = pd.DataFrame(
            {
                "order": list(labels),
                "returned": list(labels.values()),
                "__perennial_label_known_at": pd.to_datetime([known] * len(labels), utc=True),
            }
        )
        types = {column: self.types[column] for column in ("order", "returned")}
        table = labels_table(frame, self.declaration, types, name, day(arrived_at))
        self.tables.append("shop", "labels", table, name)
        self.ledger.append("shop", label_batch(name, f"{arrived_at}T00:00:00Z", len(frame), **changes))

    def seen(self, as_of: str) -> pd.DataFrame:
        """The rows known at a day's midnight, by order."""
        known = known_at(self.ledger, "shop", day(as_of))
        return read_rows(self.tables, "shop", self.schema, known).set_index("order")

    def judging(self, as_of: str, trained: str) -> set[str]:
        """Orders that may evaluate a challenger trained on what was known at a day's midnight."""
        snapshot = Snapshot(
            snapshot=f"s{trained}",
            as_of=f"{trained}T00:00:00Z",
            batches=(),
            label_batches=(),
            table="t",
            version=0,
            rows=1,
            first=f"{trained}T00:00:00Z",
            last=f"{trained}T00:00:00Z",
            digest="d",
            declaration_digest="d",
        )
        self.ledger.append("shop", snapshot)
        challenger: Any = SimpleNamespace(snapshot=snapshot.snapshot, challenger="c")
        known = known_at(self.ledger, "shop", day(as_of))
        found = evaluation_rows(self.tables, self.ledger, self.declaration, known, challenger)
        return set(found.rows["order"])


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Shop:
    declaration = load_use_case("shop", world.usecases).declaration
    return Shop(Ledger(f"sqlite:///{tmp_path / 'l.db'}"), Tables(str(tmp_path / "tables")), declaration)


def test_the_label_known_latest_by_then_wins(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 0, "b": 1})
    shop.labels("l1", "2024-02-20", {"a": 1}, "2024-02-15")
    assert shop.seen("2024-02-01")[LABEL].to_dict() == {"a": 0, "b": 1}
    later = shop.seen("2024-03-01")
    assert later[LABEL].to_dict() == {"a": 1, "b": 1}
    assert later.loc["a", KNOWN_AT] == pd.Timestamp("2024-02-15", tz="UTC")
    assert later.loc["a", FIRST_KNOWN_AT] == pd.Timestamp("2024-02-01", tz="UTC"), "known on the 11th, here on the 1st"


def test_of_two_labels_known_at_the_same_moment_the_one_that_arrived_later_wins(shop: Shop) -> None:
    shop.orders("2024-01", {"a": None})
    shop.labels("l1", "2024-02-20", {"a": 1}, "2024-02-15")
    shop.labels("l2", "2024-02-25", {"a": 0}, "2024-02-15")
    assert shop.seen("2024-02-22")[LABEL].to_dict() == {"a": 1}
    assert shop.seen("2024-03-01")[LABEL].to_dict() == {"a": 0}


def test_rows_read_the_same_whether_or_not_late_labels_are_joined(shop: Shop) -> None:
    shop.orders("2024-01", {"b": 0, "ä": 1, "a": None})
    shop.orders("2024-02", {"B": 1, "c": 0})
    moments = ("2024-01-11", "2024-02-01", "2024-03-01")
    alone = [shop.seen(moment) for moment in moments]
    shop.labels("l1", "2024-01-05", {"of another shop": 1}, "2024-01-01")
    for moment, rows in zip(moments, alone, strict=True):
        pd.testing.assert_frame_equal(shop.seen(moment), rows)


def test_a_label_is_invisible_before_it_is_known_and_before_it_arrived(shop: Shop) -> None:
    shop.orders("2024-01", {"a": None})
    shop.labels("l1", "2024-02-05", {"a": 1}, "2024-03-15")
    shop.labels("l2", "2024-04-05", {"a": 0}, "2024-02-02")
    for moment in ("2024-02-01", "2024-03-01"):
        assert shop.seen(moment)[LABEL].isna().all(), moment
    assert shop.seen("2024-03-16")[LABEL].to_dict() == {"a": 1}
    assert shop.seen("2024-05-01")[LABEL].to_dict() == {"a": 1}, "known later, so it wins, whatever arrived last"


def test_the_rows_own_target_is_out_of_reach(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 1})
    assert "returned" not in shop.seen("2024-02-01").columns


def test_rows_without_a_ledger_row_are_invisible(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 1})
    shop.orders("2024-02", {"b": 1}, commit=False)
    assert set(shop.seen("2024-03-01").index) == {"a"}


def test_a_restatement_counts_from_its_arrival_and_the_former_revision_stays_readable(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 1, "b": 0})
    shop.orders("2024-01", {"a": 0}, batch="again", revision=2, digest="other", arrived_at="2024-03-01T00:00:00Z")
    assert shop.seen("2024-02-01")[LABEL].to_dict() == {"a": 1, "b": 0}
    assert shop.seen("2024-03-01")[LABEL].to_dict() == {"a": 0}


def test_a_held_batch_counts_for_nothing(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 1})
    shop.orders("2024-02", {"b": 1}, status="held", held_because=("too few rows",))
    assert set(shop.seen("2024-03-01").index) == {"a"}


def test_a_corrected_label_of_a_training_row_is_not_used_for_evaluation(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 0, "b": 1, "c": None})
    shop.labels("l1", "2024-02-20", {"a": 1, "c": 1}, "2024-02-15")
    shop.orders("2024-02", {"d": 1, "e": None})
    assert shop.judging("2024-03-01", trained="2024-02-01") == {"c", "d"}, "only what was first known after training"
    assert shop.judging("2024-03-01", trained="2024-02-16") == {"c", "d"}, "known by then, and not here"
    assert shop.judging("2024-03-01", trained="2024-02-20") == {"d"}, "the label of c had arrived"
    assert shop.judging("2024-03-01", trained="2024-03-01") == set()


def test_a_restated_batch_evaluates_nobody_who_learned_from_the_former_revision(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 0, "b": 1, "c": None})
    again: dict[str, Any] = {"batch": "again", "revision": 2, "digest": "other", "arrived_at": "2024-02-20T00:00:00Z"}
    shop.orders("2024-01", {"a": 1, "c": 1, "new": 0}, **again)
    assert shop.judging("2024-03-01", trained="2024-02-01") == {"c", "new"}, "a was learned from with another label"


def test_a_held_label_file_counts_for_nothing(shop: Shop) -> None:
    shop.orders("2024-01", {"a": None})
    shop.labels("l1", "2024-02-05", {"a": 1}, "2024-02-02", status="held")
    assert shop.seen("2024-03-01")[LABEL].isna().all()


def test_when_the_next_label_counts_is_known_from_what_is_stored(shop: Shop) -> None:
    def upcoming(as_of: str) -> datetime | None:
        return next_label(shop.tables, "shop", shop.schema, known_at(shop.ledger, "shop", day(as_of)))

    assert upcoming("2024-01-01") is None
    shop.orders("2024-01", {"a": None, "b": None})
    assert upcoming("2024-02-01") is None
    shop.labels("l1", "2024-02-05", {"a": 1}, "2024-03-15")
    shop.labels("l2", "2024-02-05", {"b": 1}, "9999-12-31")
    assert upcoming("2024-02-05") == day("2024-03-15")
    assert upcoming("2024-03-15") is None, "9999-12-31 is never"


def keyed(keys: Any, index: Any = None) -> Parsed:
    """A batch with these keys alone."""
    return Parsed(pd.DataFrame({"order": keys}, index=index), {}, (), ())


def test_a_key_that_another_window_brought_before_is_found(shop: Shop) -> None:
    shop.orders("2024-01", {"a": 0, "b": 1})
    known = known_at(shop.ledger, "shop", day("2024-03-01"))
    batch = keyed(["b", "x", "a"], index=[5, 6, 7])
    found = accepted_in(shop.tables, "shop", shop.schema, known, "2024-02", batch)
    assert found is not None
    assert found.to_dict() == {5: "2024-01", 7: "2024-01"}
    assert accepted_in(shop.tables, "shop", shop.schema, known, "2024-01", batch) is None, "a restatement may repeat"


def test_keys_are_found_in_any_order_of_letters(shop: Shop) -> None:
    keys = ["\U0001f600", "\uffff", "é", "z", "Z", "10", "9", ""]
    shop.orders("2024-01", dict.fromkeys(keys, 0))
    known = known_at(shop.ledger, "shop", day("2024-03-01"))
    for some in (keys, keys[:2], keys[2:5], keys[5:]):
        found = accepted_in(shop.tables, "shop", shop.schema, known, "2024-02", keyed(some))
        assert found is not None and list(found) == ["2024-01"] * len(some)


@pytest.mark.parametrize(
    ("keys", "met"),
    [
        (pd.array([7, 9], "Int64"), {0: "2024-01"}),
        ([7.0, None], {0: "2024-01"}),
    ],
)
def test_a_key_is_found_whatever_the_type_of_the_batchs_numbers(keys: Any, met: dict[int, str], shop: Shop) -> None:
    shop.orders("2024-01", {"a": 0})
    known = known_at(shop.ledger, "shop", day("2024-03-01"))
    before = pa.table({"order": pa.array([5, 7, 8], pa.int64()), BATCH: pa.array([known.batch_ids[0]] * 3)})
    shop.tables.append("numbered", "accepted", before, known.batch_ids[0])
    found = accepted_in(shop.tables, "numbered", shop.schema, known, "2024-02", keyed(keys))
    assert found is not None and found.to_dict() == met
