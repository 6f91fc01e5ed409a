"""Where the chains of all use cases end, so that whoever follows many reads only those that grew."""

from __future__ import annotations

from sqlalchemy import func, select

from perennial.ledger.ledger import Ledger
from perennial.ledger.many import every_name
from perennial.ledger.migrations.tables import entries


def ends(ledger: Ledger) -> dict[str, tuple[int, str]]:
    """The last row of each use case's chain: its position and hash. Raises TransientError if the ledger is down.

    It takes three look-ups in an index for each use case, however many rows there are.
    """
    names, rows = every_name(), entries.alias()
    last = select(func.max(rows.c.position)).where(rows.c.usecase == names.c.usecase).scalar_subquery()
    of_chain = (entries.c.usecase == names.c.usecase) & (entries.c.position == last)
    ended = select(entries.c.usecase, entries.c.position, entries.c.hash).select_from(names).join(entries, of_chain)
    with ledger.session() as connection:
        return {row.usecase: (row.position, row.hash) for row in connection.execute(ended)}
