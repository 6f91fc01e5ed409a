"""Indexes for a look at many use cases: the newest row of a kind, and what is held, without reading years of rows."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("usecase_and_kind", "entries", ["usecase", "kind", "id"])
    held = text("""replace(payload, '"status":"held"', '') <> payload""")
    op.create_index("held", "entries", ["kind", "usecase"], sqlite_where=held, postgresql_where=held)
