"""One look at many use cases: no question takes longer because there are years of rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from perennial.identity import canonical_json
from perennial.ledger.entries import KIND_OF, BatchEntry, LabelBatchEntry, Recorded
from perennial.ledger.migrations.tables import HELD, entries

Payloads = dict[str, dict[type[Recorded], list[Mapping[str, Any]]]]
"""Use case → kind → payloads as JSON values. Validating each would take longer than all the rest."""

_BATCH: ColumnElement[str] = literal_column(f"'{KIND_OF[BatchEntry]}'")
_LABELS: ColumnElement[str] = literal_column(f"'{KIND_OF[LabelBatchEntry]}'")
_DIGITS = "0123456789"


@dataclass(frozen=True)
class BatchesNow:
    """The batches and label files of a use case that count now, as JSON values.

    last: the newest revision of the window that arrived last; a new revision of an earlier one does not make that the
    last. held: those whose newest revision is held, in the order in which they were held. held_labels: the label files
    whose newest entry is held, likewise.
    """

    last: Mapping[str, Any] | None = None
    held: tuple[Mapping[str, Any], ...] = ()
    held_labels: tuple[Mapping[str, Any], ...] = ()


def newest_and_every(
    connection: Connection, newest: Collection[type[Recorded]], every: Collection[type[Recorded]]
) -> Payloads:
    """Of some kinds the newest row of each use case, of others every row."""
    kinds = {KIND_OF[kind]: kind for kind in (*newest, *every)}
    names = every_name()
    ends = union_all(*(_ends(names, KIND_OF[kind]) for kind in newest))
    read = select(entries.c.usecase, entries.c.kind, entries.c.payload)
    rows = [
        *connection.execute(read.where(entries.c.id.in_(ends)).order_by(entries.c.id)),
        *connection.execute(read.where(entries.c.kind.in_([KIND_OF[kind] for kind in every])).order_by(entries.c.id)),
    ]
    payloads: Payloads = {}
    for usecase, kind, payload in rows:
        payloads.setdefault(usecase, {}).setdefault(kinds[kind], []).append(json.loads(payload))
    return payloads


def batches_now(connection: Connection) -> dict[str, BatchesNow]:
    """Use case → the batches that count now."""
    last = {row.usecase: json.loads(row.payload) for row in connection.execute(_last_batches())}
    held: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(held_now()):
        held.setdefault(row.usecase, []).append(json.loads(row.payload))
    labels = _held_labels(connection)
    return {
        name: BatchesNow(last.get(name), tuple(held.get(name, ())), tuple(labels.get(name, ())))
        for name in {*last, *held, *labels}
    }


def _held_labels(connection: Connection) -> dict[str, list[Mapping[str, Any]]]:
    """Use case → its held label files. Only entries that followed a held one are read, up to the next of its file."""
    newest: dict[str, list[Mapping[str, Any]]] = {}
    for row in connection.execute(ever_held_labels()).all():
        payload = json.loads(row.payload)
        of_file = canonical_json({"file": payload["file"]})[1:-1]
        later = select(entries.c.id).where(
            entries.c.usecase == row.usecase,
            entries.c.kind == _LABELS,
            entries.c.id > row.id,
            func.replace(entries.c.payload, of_file, "") != entries.c.payload,  # LIKE ignores case in SQLite
        )
        if connection.execute(later.limit(1)).first() is None:
            newest.setdefault(row.usecase, []).append(payload)
    return newest


def ever_held_labels() -> Select[tuple[int, str, str]]:
    """Every entry of a label file that was held. The index `held` finds them."""
    is_held: ColumnElement[bool] = literal_column(HELD)
    read = select(entries.c.id, entries.c.usecase, entries.c.payload)
    return read.where(entries.c.kind == _LABELS, is_held).order_by(entries.c.id)


def held_now() -> Select[tuple[str, str]]:
    """The held batches of which there is no newer revision. The index `held` finds them."""
    following = entries.alias()
    window = _window(entries.c.key)
    revision = cast(func.substr(entries.c.key, func.length(window) + 1), Integer)
    newer = select(following.c.id).where(
        following.c.usecase == entries.c.usecase,
        following.c.kind == _BATCH,
        following.c.key == window.concat(cast(revision + 1, String)),
    )
    is_held: ColumnElement[bool] = literal_column(HELD)
    wanted = (entries.c.kind == _BATCH, is_held, ~newer.exists())
    return select(entries.c.usecase, entries.c.payload).where(*wanted).order_by(entries.c.id)


def _last_batches() -> Select[tuple[str, str]]:
    """The newest revision of the window whose first revision is the newest of a use case."""
    first, revised = entries.alias(), entries.alias()
    of_last = _ends(every_name(), KIND_OF[BatchEntry], "%/1").subquery()
    newest = (
        select(func.max(revised.c.id))
        .where(
            revised.c.usecase == first.c.usecase,
            revised.c.kind == _BATCH,
            revised.c.id >= first.c.id,
            _window(revised.c.key) == _window(first.c.key),
        )
        .scalar_subquery()
    )
    ids = select(newest).select_from(first).where(first.c.id.in_(select(of_last.c.id)))
    return select(entries.c.usecase, entries.c.payload).where(entries.c.id.in_(ids))


def every_name() -> CTE:
    """The names of the use cases, and null. Each is the smallest one after the former: an index has it at once.

    Source: https://wiki.postgresql.org/wiki/Loose_indexscan
    """
    rows = entries.alias()
    names = select(func.min(entries.c.usecase).label("usecase")).cte("names", recursive=True)
    following = select(func.min(rows.c.usecase)).where(rows.c.usecase > names.c.usecase).scalar_subquery()
    return names.union_all(select(following).where(names.c.usecase.is_not(None)))


def _ends(names: CTE, kind: str, *of_key: str) -> Select[tuple[int]]:
    """The id of each use case's newest row of a kind. of_key: only of those whose key is like this."""
    mine = entries.alias()
    of_one = (mine.c.usecase == names.c.usecase, mine.c.kind == kind, *map(mine.c.key.like, of_key))
    end = select(func.max(mine.c.id)).where(*of_one).correlate(names).scalar_subquery()
    return select(end.label("id")).select_from(names)


def _window(key: ColumnElement[str]) -> ColumnElement[str]:
    """Of a key `window/revision` all but the revision."""
    return func.rtrim(key, _DIGITS)
