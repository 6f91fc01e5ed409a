"""When a label counts, on random histories: batches, restatements and label files in any order, trained on at any time.

Each history is recorded twice: in a ledger and tables, and in `Told`, a plain list of labels that results are checked
against.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perennial.clock import write_instant
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.intake.frames import accepted_table, labels_table
from perennial.ledger.entries import ChallengerEntry, Snapshot
from perennial.ledger.ledger import Ledger
from perennial.our_columns import LABEL, LABEL_KNOWN_AT
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.tables import Tables
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration
from tests.extent import part_of
from tests.ledger.payloads import batch, label_batch
from tests.release.payloads import challenger, decision
from tests.world import DECLARATION

WINDOWS = ("2024-01", "2024-02", "2024-03")
ORDERS = tuple("abcdef")
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 12, 31, tzinfo=UTC)

DAYS = st.integers(0, 40)
LABELS = st.integers(0, 1)
ARRIVALS = st.one_of(
    st.tuples(st.just("batch"), st.sampled_from(WINDOWS), st.dictionaries(st.sampled_from(ORDERS), LABELS | st.none())),
    st.tuples(
        st.just("labels"),
        st.dictionaries(st.sampled_from(ORDERS), st.tuples(LABELS, DAYS | st.just(None)), min_size=1),
    ),
)
"""A batch or its restatement, or a label file: order → label, and the day when it is known (None: never)."""
ASKED = st.tuples(st.sampled_from(("train", "decide")), st.just(0) | st.integers(0, 20), st.integers(0, 3))
"""A training or a decision, of a moment so many days back; a decision about one of the challengers there are. With 2
or 3, a training leaves out the one or two newest days, which evaluate its model at once."""
EVENTS = st.tuples(st.integers(0, 25), st.one_of(ARRIVALS, ASKED))
"""Something that happens so many days after what happened before."""
ORDERED = st.dictionaries(st.sampled_from(ORDERS), LABELS | st.none(), min_size=3)
HISTORIES = st.builds(
    lambda rows, before, between, after: [
        (0, ("batch", WINDOWS[0], rows)),
        *before,
        (20, ("train", 0, 0)),
        *between,
        (20, ("decide", 0, 0)),
        *after,
    ],
    ORDERED,
    *[st.lists(EVENTS, min_size=1, max_size=4)] * 3,
)
"""A batch, a training and a decision, with others before, between and after."""


@dataclass(frozen=True)
class OneLabel:
    """window: of the batch it came with, None for one of a label file. arrived, known: when."""

    order: str
    label: int
    known: datetime
    arrived: datetime
    window: str | None
    place: int

    @property
    def counts(self) -> datetime:
        return max(self.known, self.arrived)


@dataclass
class Told:
    """All that arrived: every label, and of each window its revisions, newest last, as (arrived, orders)."""

    labels: list[OneLabel] = field(default_factory=list)
    revisions: dict[str, list[tuple[datetime, int, set[str]]]] = field(default_factory=dict)

    def here(self, as_of: datetime) -> dict[str, int]:
        """Orders of the revisions that count, each with its revision's place."""
        found = {}
        for revisions in self.revisions.values():
            for arrived, place, orders in reversed(revisions):
                if arrived <= as_of:
                    found.update(dict.fromkeys(orders, place))
                    break
        return found

    def labelled(self, as_of: datetime) -> dict[str, int]:
        """Order → the label that wins, of rows that are here."""
        found = {}
        for order, revision in self.here(as_of).items():
            of_order = [each for each in self.labels if each.order == order and each.counts <= as_of]
            current = [each for each in of_order if each.window is None or each.place == revision]
            if current:
                found[order] = max(current, key=lambda e: (e.known, e.arrived, e.window is None, e.place)).label
        return found

    def first(self, order: str, as_of: datetime) -> datetime:
        """Since when any label of the order has counted."""
        return min(each.counts for each in self.labels if each.order == order and each.counts <= as_of)


class History:
    """One history, given to real stores and to `Told`; what was trained and decided on the way."""

    def __init__(self, folder: Path, known_after: int) -> None:
        values = {**DECLARATION, "schema": {**DECLARATION["schema"], "label_known_after": f"{known_after}d"}}
        self.declaration = Declaration.model_validate(values)
        self.types = column_types(self.declaration)
        self.ledger, self.tables = Ledger(f"sqlite:///{folder / 'l.db'}"), Tables(str(folder / "tables"))
        self.known_after, self.now, self.places = timedelta(days=known_after), BEGIN, 0
        self.told, self.settled = Told(), BEGIN - timedelta(days=1)
        self.trained: list[tuple[ChallengerEntry, datetime, dict[str, int]]] = []
        self.until: dict[str, datetime | None] = {}
        self.decided: list[tuple[str, datetime, dict[str, int], int]] = []

    def arrive(self, what: tuple[Any, ...]) -> None:
        # Nothing that arrives belongs to a moment that is settled: `next_moment` of a use case does the same.
        if self.now <= self.settled:
            self.now = self.settled + timedelta(microseconds=1)
        self.places += 1
        if what[0] == "batch":
            self._batch(*what[1:])
        else:
            self._labels(*what[1:])

    def _batch(self, window: str, orders: dict[str, int | None]) -> None:
        elsewhere = {
            order for name, revisions in self.told.revisions.items() if name != window for order in revisions[-1][2]
        }
        rows = {order: label for order, label in orders.items() if order not in elsewhere}
        if not rows:
            return
        at = {order: _happened(window, order) for order in ORDERS}
        revisions = self.told.revisions.setdefault(window, [])
        frame = pd.DataFrame({"order": list(rows), "at": pd.to_datetime([at[order] for order in rows], utc=True)})
        frame = frame.assign(price=1.0, weight=1.0, carrier="post", returned=pd.array(list(rows.values()), "Int64"))
        name = f"b{self.places}"
        table = accepted_table(frame, self.declaration, self.types, name, self.now)
        self.tables.append("shop", "accepted", table, name)
        arrived, revision = write_instant(self.now), len(revisions) + 1
        self.ledger.append("shop", batch(window, batch=name, revision=revision, digest=name, arrived_at=arrived))
        revisions.append((self.now, self.places, set(rows)))
        self.told.labels += [
            OneLabel(order, label, at[order] + self.known_after, self.now, window, self.places)
            for order, label in rows.items()
            if label is not None
        ]

    def _labels(self, labels: dict[str, tuple[int, int | None]]) -> None:
        known = {o: NEVER if day is None else BEGIN + timedelta(days=3 * day) for o, (_, day) in labels.items()}
        frame = pd.DataFrame({"order": list(labels), "returned": [label for label, _ in labels.values()]})
        frame[LABEL_KNOWN_AT] = pd.DatetimeIndex(list(known.values()), dtype="datetime64[us, UTC]")
        types, name = {column: self.types[column] for column in ("order", "returned")}, f"l{self.places}"
        self.tables.append("shop", "labels", labels_table(frame, self.declaration, types, name, self.now), name)
        self.ledger.append("shop", label_batch(name, write_instant(self.now), len(frame)))
        self.told.labels += [
            OneLabel(order, label, known[order], self.now, None, self.places) for order, (label, _) in labels.items()
        ]

    def ask(self, what: str, days_back: int, number: int) -> None:
        as_of = max(BEGIN, self.now - timedelta(days=days_back))
        self.settled = max(self.settled, self.now)
        if what == "train":
            until = self.newest_day(as_of, number - 1) if number > 1 else None
            rows = self.training(as_of, until)
            if not rows:
                return
            model = challenger(f"c{len(self.trained)}", len(self.trained) + 1)
            at = write_instant(as_of)
            values: dict[str, Any] = {
                "snapshot": model.snapshot,
                "as_of": at,
                "batches": known_at(self.ledger, "shop", as_of).batch_ids,
                "label_batches": (),
                "table": "t",
                "until": None if until is None else write_instant(until),
            }
            values |= {"version": 0, "rows": len(rows), "first": at, "last": at, "digest": "d"}
            self.ledger.append("shop", Snapshot.model_validate({**values, "declaration_digest": "d"}))
            self.trained.append((model, as_of, rows))
            self.until[model.challenger] = until
        elif self.trained and self.told.here(as_of):
            model = self.trained[number % len(self.trained)][0]
            position, rows = self._position(), self.evaluating(self.ledger, model, as_of)
            made = decision(f"d{len(self.decided)}", model, 0).model_copy(update={"as_of": write_instant(as_of)})
            self.ledger.append("shop", made)
            self.decided.append((model.challenger, as_of, rows, position))

    def labelled(self, as_of: datetime) -> pd.DataFrame | None:
        known = known_at(self.ledger, "shop", as_of)
        if not known.batches:
            return None
        return read_rows(self.tables, "shop", self.declaration.schema_, known, labelled=True)

    def training(self, as_of: datetime, until: datetime | None) -> dict[str, int]:
        rows = self.labelled(as_of)
        return {} if rows is None else _by_order(rows[rows["at"] < until] if until else rows)

    def newest_day(self, as_of: datetime, days: int) -> datetime | None:
        """The first of so many newest days with labels; None if there is no earlier one."""
        rows = self.labelled(as_of)
        found = [] if rows is None else sorted(set(rows["at"]))
        return None if len(found) <= days else found[-days].to_pydatetime()

    def evaluating(self, ledger: Ledger, model: ChallengerEntry, as_of: datetime) -> dict[str, int]:
        known = known_at(self.ledger, "shop", as_of)
        return _by_order(evaluation_rows(self.tables, ledger, self.declaration, known, model).rows)

    def right_rows(self, model: str, trained_at: datetime, as_of: datetime, after: datetime) -> dict[str, int]:
        """The rows that are right for a decision: labelled, new since `after`, and not learned from.

        after: the newest decision about another model. Of what the training could see, only days that it left out are
        right, in the revision that it saw.
        """
        right, until = self.told.labelled(as_of), self.until[model]
        new = {order: label for order, label in right.items() if self.told.first(order, as_of) > after}
        if until is None:
            return {order: label for order, label in new.items() if self.told.first(order, as_of) > trained_at}
        now, then = self.told.here(as_of), self.told.here(trained_at)
        window = {place: name for name, told in self.told.revisions.items() for _, place, _ in told}
        return {
            order: label
            for order, label in new.items()
            if _happened(window[now[order]], order) >= until
            and (self.told.first(order, as_of) > trained_at or now[order] == then.get(order))
        }

    def _position(self) -> int:
        newest = self.ledger.newest("shop")
        return newest.position if newest else 0


def _happened(window: str, order: str) -> datetime:
    return datetime.fromisoformat(f"{window}-{4 * ORDERS.index(order) + 1:02d}T00:00:00Z")


def _by_order(rows: pd.DataFrame) -> dict[str, int]:
    return {str(order): int(label) for order, label in zip(rows["order"], rows[LABEL], strict=True)}


@settings(max_examples=part_of(10), suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, st.sampled_from((0, 1, 40)))
def test_no_row_evaluates_what_learned_from_it_or_twice_and_the_future_changes_nothing(
    events: list[tuple[int, tuple[Any, ...]]], known_after: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder), known_after)
        for days, what in events:
            history.now += timedelta(days=days)
            history.ask(*what) if what[0] in ("train", "decide") else history.arrive(what)
        learned = {model.challenger: set(rows) for model, _, rows in history.trained}
        trained_at = {model.challenger: as_of for model, as_of, _ in history.trained}

        for model, as_of, rows in history.trained:
            right = history.told.labelled(as_of)
            if history.until[model.challenger] is None:
                assert rows == right, "the labels that counted by then, and none that came later"
            else:
                assert rows.items() < right.items()
        for place, (name, as_of, rows, _) in enumerate(history.decided):
            assert not learned[name] & set(rows), "a training row evaluates its own model"
            others = [each for each in history.decided[:place] if each[0] != name]
            for other, _, used, _ in others:
                assert not set(used) & set(rows), f"a row evaluates {other} and {name}"
            after = max((at for _, at, _, _ in others), default=BEGIN - timedelta(days=1))
            right = history.right_rows(name, trained_at[name], as_of, after)
            assert rows == right, "every row that is new to it evaluates it"

        models = {model.challenger: model for model, _, _ in history.trained}
        for model, as_of, rows in history.trained:
            assert history.training(as_of, history.until[model.challenger]) == rows, (
                "what arrived later changes what was trained on"
            )
        for name, as_of, rows, position in history.decided:
            # As in a replay: later decisions are left out, later batches and labels are there.
            past = history.ledger.before(position + 1)
            again = history.evaluating(past, models[name], as_of)
            assert again == rows, "what arrived later changes what was decided on"
