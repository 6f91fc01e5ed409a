"""Served predictions of a segment, as the table `predictions` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from perennial.clock import from_microseconds, write_instant
from perennial.identity import digest_bytes
from perennial.intake.frames import arrow_column
from perennial.ledger.entries import SegmentCollected
from perennial.our_columns import (
    ARM,
    BATCH,
    CANDIDATE,
    CANDIDATE_FAILED,
    CANDIDATE_US,
    CHAMPION_US,
    FEATURES,
    OTHER_PROBABILITIES,
    OTHER_SCORE,
    PREDICTION,
    PROBABILITIES,
    RECEIVED,
    RELEASE_NO,
    SCORE,
    SCORED_AT,
    VERSIONS,
)
from perennial.serving.log.segment import Answered, InStage, Place
from perennial.sources.column_type import ColumnType
from perennial.sources.typed_column import read_as
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Served:
    """A served prediction and its position in its segment."""

    position: int
    answered: Answered


def by_usecase(records: Sequence[Answered]) -> dict[str, list[Served]]:
    """The records of a segment by use case, each with its position among all."""
    parted: dict[str, list[Served]] = {}
    for position, answered in enumerate(records):
        parted.setdefault(answered.usecase, []).append(Served(position, answered))
    return parted


def collected_table(
    served: Sequence[Served], segment: str, schema: Schema, types: Mapping[str, ColumnType]
) -> pa.Table:
    """The rows of a use case: the key as far as the record has it, the score, what made it, and the record itself."""
    import pyarrow as pa

    answers = [each.answered for each in served]
    n = len(answers)
    columns: dict[str, Any] = _keys([each.received for each in answers], schema, types)
    if schema.classes:
        columns[PROBABILITIES] = pa.array([list(each.score) for each in answers], pa.list_(pa.float64()))
    else:
        columns[SCORE] = pa.array([each.score[0] for each in answers], pa.float64())
    texts = {
        BATCH: [segment] * n,
        VERSIONS: [each.versions for each in answers],
        FEATURES: [each.features for each in answers],
        PREDICTION: [Place(segment, each.position).id for each in served],
        RECEIVED: [each.received.decode("utf-8", "replace") for each in answers],
    }
    columns |= {name: pa.array(values, pa.string()) for name, values in texts.items()}
    columns[RELEASE_NO] = pa.array([each.release_no for each in answers], pa.int64())
    columns[SCORED_AT] = pa.array([from_microseconds(each.at) for each in answers], pa.timestamp("us", tz="UTC"))
    return pa.table(columns | _of_stages([each.in_stage for each in answers], schema))


def _of_stages(stages: Sequence[InStage | None], schema: Schema) -> dict[str, Any]:
    """The columns of predictions served in a stage, null for others; none if there are no such predictions."""
    import pyarrow as pa

    if not any(stages):
        return {}
    others = [each.other if each else None for each in stages]
    if schema.classes:
        other = {OTHER_PROBABILITIES: pa.array(others, pa.list_(pa.float64()))}
    else:
        other = {OTHER_SCORE: pa.array([each[0] if each else None for each in others], pa.float64())}
    return {
        ARM: pa.array([each.arm if each else None for each in stages], pa.string()),
        CANDIDATE: pa.array([each.candidate if each else None for each in stages], pa.string()),
        **other,
        CANDIDATE_FAILED: pa.array([each.failed if each else None for each in stages], pa.string()),
        CHAMPION_US: pa.array([each.champion_us if each else None for each in stages], pa.int64()),
        CANDIDATE_US: pa.array([each.candidate_us if each else None for each in stages], pa.int64()),
    }


def _keys(received: Sequence[bytes], schema: Schema, types: Mapping[str, ColumnType]) -> dict[str, Any]:
    """The key columns, null where a record has none. They are read as those of a batch are."""
    import pyarrow as pa

    records = [_readable(each) for each in received]
    keys = {}
    for name in schema.key:
        texts = [None if (value := record.get(name)) is None else str(value) for record in records]
        values, _ = read_as(pa.array(texts, pa.string()), types[name], schema.timezone)
        keys[name] = arrow_column(values, types[name])
    return keys


def _readable(received: bytes) -> dict[str, Any]:
    """A record's fields; none of one that cannot be read. Such records were taken before the checker refused them."""
    try:
        fields: dict[str, Any] = msgspec.json.decode(received)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return fields


def collected_entry(served: Sequence[Served], segment: str, table_version: int) -> SegmentCollected:
    """The entry that commits the rows of a use case."""
    answers = [each.answered for each in served]
    return SegmentCollected(
        segment=segment,
        rows=len(answers),
        first_at=write_instant(from_microseconds(min(each.at for each in answers))),
        last_at=write_instant(from_microseconds(max(each.at for each in answers))),
        releases=tuple(sorted({each.release_no for each in answers})),
        digest=digest_bytes(msgspec.msgpack.encode([(each.position, _recorded(each.answered)) for each in served])),
        table_version=table_version,
    )


def _recorded(answered: Answered) -> tuple[Any, ...]:
    """All of a record. Without a stage, what it was before there were stages, so that its digest is too."""
    values = msgspec.structs.astuple(answered)
    return values if answered.in_stage is not None else values[:-1]
