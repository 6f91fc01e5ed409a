"""Alembic's entry: run the migrations on the connection that `bring_up_to_date` opened."""

from __future__ import annotations

from alembic import context

from perennial.ledger.migrations.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
