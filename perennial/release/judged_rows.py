"""The rows of a stage: batches that both models scored, with their labels; in memory, or on disk if there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from perennial.clock import instant
from perennial.ledger.entries import BatchScored
from perennial.our_columns import BATCH, FIRST_KNOWN_AT, LABEL, PREFIX
from perennial.release.served_evidence import BY_CANDIDATE, BY_CHAMPION
from perennial.scoring.stored import score_column
from perennial.store.batch_rows import stream_of_rows
from perennial.store.bounded import Bounds
from perennial.store.known import Known
from perennial.store.rows import read_rows
from perennial.store.stored_rows import StoredRows, in_memory, kept_rows, query_stream
from perennial.store.stream import Stream, listed, quoted
from perennial.store.tables import Tables
from perennial.store.whole_types import WholeTypes
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PLACE, _OF_CANDIDATE = f"{PREFIX}place", f"{PREFIX}of_candidate"
"""Which of the scored batches, and whether by the candidate: see `_on_disk`."""


@dataclass(frozen=True)
class StageRows:
    """What a stage's evidence is read from.

    batches: scored since the stage began. known: what counts now. since: the beginning of the stage.
    """

    tables: Tables
    declaration: Declaration
    batches: tuple[BatchScored, ...]
    known: Known
    since: datetime

    @property
    def _key(self) -> list[str]:
        return list(self.declaration.schema_.key)

    @cached_property
    def _arrived(self) -> tuple[str, ...]:
        """Ids of the accepted batches that arrived since the stage began."""
        return tuple(batch.batch for batch in self.known.batches if instant(batch.arrived_at) > self.since)

    @cached_property
    def _bounds(self) -> Bounds | None:
        """None if all rows may be in memory as a whole."""
        bounds, arrived = self.tables.bounds, set(self._arrived)
        accepted = sum(batch.rows.accepted for batch in self.known.batches if batch.batch in arrived)
        scored = sum(each.rows for each in self._scored_twice if each.of is None)
        if bounds is None or max(accepted, scored) <= bounds.rows:
            return None
        # Reading with late labels, a join and a sort go on at the same time.
        return replace(bounds, memory=bounds.memory // 3)

    @property
    def _scored_twice(self) -> list[BatchScored]:
        """What both models made of the batches that both scored."""
        both = {each.batch for each in self.batches if each.of is not None and each.rows}
        return [each for each in self.batches if each.batch in both and each.rows]

    @cached_property
    def scored(self) -> pd.DataFrame | StoredRows | None:
        """Keys with the predictions of both models, `BY_CHAMPION` and `BY_CANDIDATE`; None without any.

        Of a key that was scored with several batches, the first one counts. Raises OutOfMemory, DiskFull.
        """
        scorings, column = self._scored_twice, score_column(self.declaration.schema_)
        if not scorings:
            return None
        names = [each.key for each in scorings]
        stream = self.tables.stream(self.declaration.name, "predictions", names, [*self._key, BATCH, column])
        if stream is None:
            return None
        if self._bounds is not None:
            return _on_disk(self._bounds, self._key, column, scorings, stream)
        frame = stream.table().to_pandas()
        place = frame[BATCH].map({name: place for place, name in enumerate(names)}).sort_values(kind="stable")
        frame, of_candidate = frame.drop(columns=BATCH).loc[place.index], place.map(lambda at: bool(scorings[at].of))
        parts = [
            frame[mine].drop_duplicates(self._key).rename(columns={column: arm})
            for arm, mine in ((BY_CHAMPION, ~of_candidate), (BY_CANDIDATE, of_candidate))
        ]
        return parts[0].merge(parts[1], on=self._key)

    def judged(self, served: pd.DataFrame | None) -> pd.DataFrame | StoredRows | None:
        """Rows that both models scored and whose label became known since the stage began; None without any.

        served: the first answer to each key, which counts before its batch; None without any. A label that was known
        before is left out: the candidate may have been trained on it. Raises OutOfMemory, DiskFull.
        """
        import pandas as pd

        scored = self.scored
        parts: list[pd.DataFrame | StoredRows] = [p for p in (served, scored) if p is not None and len(p)]
        if not self._arrived or not parts:
            return None
        beside: pd.DataFrame | StoredRows = parts[0]
        if len(parts) > 1 and isinstance(scored, StoredRows):
            beside = _first_answers(in_memory(beside), scored, self._key)
        elif len(parts) > 1:
            beside = pd.concat(parts, ignore_index=True).drop_duplicates(self._key)
        rows = self._beside(beside, labelled=True)
        return rows if len(rows) else None

    def answered(self, served: pd.DataFrame) -> pd.DataFrame | None:
        """The accepted rows of some answers, with or without a label; None without any. served: by key."""
        return in_memory(self._beside(served, labelled=False)) if self._arrived else None

    @cached_property
    def _rows(self) -> pd.DataFrame:
        declaration = self.declaration
        return read_rows(self.tables, declaration.name, declaration.schema_, self.known, only=self._arrived)

    def _beside(self, other: pd.DataFrame | StoredRows, labelled: bool) -> pd.DataFrame | StoredRows:
        """The rows that arrived and whose key is among the others, with what these know of it, in key order."""
        if self._bounds is None:
            rows = self._rows
            return (rows[self._are_judged(rows)] if labelled else rows).merge(in_memory(other), on=self._key)
        declaration, types = self.declaration, WholeTypes()
        tables = replace(self.tables, bounds=self._bounds)

        def keeps(part: pa.Table) -> pa.Array:
            import pyarrow as pa

            return pa.array(self._are_judged(part.select([FIRST_KNOWN_AT, LABEL]).to_pandas()))

        arrived = stream_of_rows(
            *(tables, declaration.name, declaration.schema_, self.known, self._arrived, types),
            keeps=keeps if labelled else None,
        )
        query = f"SELECT * FROM arrived JOIN other USING ({listed(self._key)})"
        joined = query_stream(self._bounds, query, arrived=arrived, other=_stream(other))
        return kept_rows(self._bounds, joined, self._key, types)

    def _are_judged(self, rows: pd.DataFrame) -> pd.Series:
        return (rows[FIRST_KNOWN_AT] > self.since) & rows[LABEL].notna()


def _on_disk(
    bounds: Bounds, key: Sequence[str], column: str, scorings: Sequence[BatchScored], stream: Stream
) -> StoredRows:
    """`StageRows.scored` of a stream of stored predictions. column: of the predictions."""
    import pyarrow as pa

    names = pa.table(
        {
            BATCH: [each.key for each in scorings],
            _PLACE: range(len(scorings)),
            _OF_CANDIDATE: [each.of is not None for each in scorings],
        }
    )
    score, first = quoted(column), f"arg_min({quoted(column)}, {_PLACE})"
    query = f"""
        SELECT {listed(key)}, {first} FILTER (NOT {_OF_CANDIDATE}) AS {BY_CHAMPION},
               {first} FILTER ({_OF_CANDIDATE}) AS {BY_CANDIDATE}
        FROM stored JOIN names USING ({BATCH}) GROUP BY {listed(key)}
        HAVING count({score}) FILTER (NOT {_OF_CANDIDATE}) > 0 AND count({score}) FILTER ({_OF_CANDIDATE}) > 0
    """
    return kept_rows(bounds, query_stream(bounds, query, stored=stream, names=names), key, WholeTypes())


def _first_answers(served: pd.DataFrame, scored: StoredRows, key: Sequence[str]) -> StoredRows:
    """The predictions that were served, and those of all other keys from their batches."""
    query = f"FROM served UNION ALL BY NAME (FROM scored ANTI JOIN served USING ({listed(key)}))"
    joined = query_stream(scored.bounds, query, served=_stream(served), scored=_stream(scored))
    return kept_rows(scored.bounds, joined, key, WholeTypes())


def _stream(rows: pd.DataFrame | StoredRows) -> Stream | pa.Table:
    import pyarrow as pa

    if not isinstance(rows, StoredRows):
        return pa.Table.from_pandas(rows, preserve_index=False)
    return rows.stream()
