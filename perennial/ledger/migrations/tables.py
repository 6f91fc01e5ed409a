"""The ledger's table, as the newest migration leaves it."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, text

metadata = MetaData()
HELD = """replace(payload, '"status":"held"', '') <> payload"""
"""In SQL: the row's state is held. No text in a payload looks like this, since JSON escapes quotes in texts."""

entries = Table(
    "entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("usecase", String(63), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("key", String(255), nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Column("payload", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("usecase", "kind", "key", name="one_row_a_key"),
    UniqueConstraint("usecase", "previous_hash", name="one_successor_a_row"),
    UniqueConstraint("usecase", "position", name="one_row_a_position"),
    Index("kind_and_key", "kind", "key", postgresql_ops={"key": "varchar_pattern_ops"}),
    Index("usecase_and_kind", "usecase", "kind", "id"),
    Index("held", "kind", "usecase", sqlite_where=text(HELD), postgresql_where=text(HELD)),
)
