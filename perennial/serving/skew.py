"""Training–serving skew: served predictions computed again, and their records compared with a batch's rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.clock import instant
from perennial.ledger.entries import Release, SegmentCollected
from perennial.ledger.ledger import Ledger
from perennial.our_columns import (
    ARM,
    BATCH,
    CANDIDATE_FAILED,
    PREDICTION,
    RECEIVED,
    RELEASE_NO,
)
from perennial.scoring.arms import Arm
from perennial.serving.live import Live, open_live
from perennial.serving.looking_up import is_candidates, other_in, recomputed_all, score_in
from perennial.serving.request import BadRecords
from perennial.serving.request import shown as shown_value
from perennial.store.stored_rows import StoredRows, parts_of, rows_at
from perennial.store.workspace import Workspace
from perennial.watching.served_again import FieldCompared, ServedAgain

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 300
"""So many predictions are computed again, and so many records compared, at most."""
SEGMENTS = 40
"""From so many segments, at most: each holds what one worker answered within a minute."""
KEPT_DAYS = 90
"""A batch is compared with what was served within so many days before the newest served prediction."""

_SHORT = [PREDICTION, RELEASE_NO, ARM, CANDIDATE_FAILED]
"""What is read of every prediction, to sample some."""

Row = dict[str, Any]


def new_segments(workspace: Workspace, usecase: str, after: int) -> list[SegmentCollected]:
    """What was collected since the ledger's row `after`."""
    return [row.payload for row in workspace.ledger.all(usecase, SegmentCollected) if row.position > after]


def served_again(
    workspace: Workspace, usecase: str, new: Sequence[SegmentCollected], batch: pd.DataFrame | StoredRows
) -> ServedAgain:
    """Compare a sample of the live models' predictions in `new` with the pipelines, and records with a batch's rows.

    Those that a candidate gave are evidence about its stage instead.

    batch: accepted rows with their key columns, of which rows served earlier are compared too.
    Raises ModelUnloadable, RegistryDown.
    """
    names = sampled([each.segment for each in new], SEGMENTS)
    rows = _sample(workspace, usecase, names, lambda row: not is_candidates(row))
    of_releases = [_compared(workspace, live, served) for live, served in _by_release(workspace, usecase, rows)]
    recomputed = sum(again for again, _ in of_releases)
    return ServedAgain(
        served=sum(each.rows for each in new),
        recomputed=recomputed,
        differing=tuple(id for _, differing in of_releases for id in differing),
        refused=len(rows) - recomputed,
        fields=_fields(workspace, usecase, batch),
    )


def candidates_again(workspace: Workspace, usecase: str, ledger: Ledger, release: Release) -> tuple[int, int]:
    """Of a sample of what the candidate of a stage gave: how many were computed again, and how many have other bits.

    ledger: as it is or was. Raises ModelUnloadable, RegistryDown.
    """
    segments = [row.payload for row in ledger.all(usecase, SegmentCollected)]
    names = [each.segment for each in segments if release.release_no in each.releases]

    def given(row: Row) -> bool:
        return row[RELEASE_NO] == release.release_no and row.get(ARM) is not None and row[CANDIDATE_FAILED] is None

    rows = _sample(workspace, usecase, sampled(names, SEGMENTS), given)
    if not rows:
        return 0, 0
    live = open_live(workspace, usecase, release, workspace.settings.serving)
    recomputed, differing = _compared(workspace, live, rows, "candidate")
    return recomputed, len(differing)


def _compared(workspace: Workspace, live: Live, rows: Sequence[Row], of: Arm = "champion") -> tuple[int, list[str]]:
    """How many rows of a release were computed again, and the ids of those that got other bits.

    of: whose scores, in a stage whoever answered. A record that the declaration does not take any more is left out.
    """
    again, differing = 0, []
    for row, score in zip(rows, _recomputed(workspace, live, rows, of), strict=True):
        if score is not None:
            again += 1
            given = score_in(row) if is_candidates(row) == (of == "candidate") else other_in(row)
            differing += [] if given is not None and _bits(score) == _bits(given) else [row[PREDICTION]]
    return again, differing


def sampled(names: Iterable[str], most: int) -> list[str]:
    """At most `most` of the names, always the same ones.

    >>> sampled(["a", "b", "c"], 2) == sampled(["c", "b", "a"], 2)
    True
    """
    return sorted(names, key=lambda name: blake2b(name.encode(), digest_size=8).digest())[:most]


def _sample(workspace: Workspace, usecase: str, segments: list[str], wanted: Callable[[Row], bool]) -> list[Row]:
    """A sample of the wanted rows of segments, of which only these are read whole. wanted: by `_SHORT` columns."""
    table = workspace.tables.read(usecase, "predictions", segments, _SHORT)
    ids = [row[PREDICTION] for row in table.to_pylist() if wanted(row)] if table is not None else []
    return _rows(workspace, usecase, segments, sampled(ids, SAMPLE))


def _rows(workspace: Workspace, usecase: str, segments: list[str], ids: list[str]) -> list[Row]:
    """The predictions with these ids, in their order."""
    import pyarrow.compute as pc

    these = pc.field(PREDICTION).isin(ids)
    table = workspace.tables.read(usecase, "predictions", segments, where=these) if ids else None
    by_id = {row[PREDICTION]: row for row in table.to_pylist()} if table is not None else {}
    return [by_id[id] for id in ids if id in by_id]


def _by_release(workspace: Workspace, usecase: str, rows: Sequence[Row]) -> list[tuple[Live, list[Row]]]:
    """The rows of each release, with the release as it is served."""
    parted: dict[int, list[Row]] = {}
    for row in rows:
        parted.setdefault(row[RELEASE_NO], []).append(row)
    lives = []
    for number, of_release in sorted(parted.items()):
        known = workspace.ledger.get(usecase, Release, str(number))
        assert known is not None, "a prediction is answered by a release of the ledger"
        lives.append((open_live(workspace, usecase, known.payload, workspace.settings.serving), of_release))
    return lives


def _recomputed(workspace: Workspace, live: Live, rows: Sequence[Row], of: Arm) -> list[tuple[float, ...] | None]:
    """None for a record that the declaration does not take any more."""
    try:
        return list(recomputed_all(workspace, live, [row[RECEIVED] for row in rows], of))
    except BadRecords:
        if len(rows) == 1:
            return [None]
        half = len(rows) // 2
        return [each for part in (rows[:half], rows[half:]) for each in _recomputed(workspace, live, part, of)]


def _bits(score: tuple[float, ...]) -> bytes:
    return np.asarray(score, dtype=np.float64).tobytes()


def _fields(workspace: Workspace, usecase: str, batch: pd.DataFrame | StoredRows) -> tuple[FieldCompared, ...]:
    """Of records served within `KEPT_DAYS` whose key the batch has."""
    key = list(workspace.use_case(usecase).declaration.schema_.key)
    entries = [row.payload for row in workspace.ledger.all(usecase, SegmentCollected)]
    newest = max(instant(each.last_at) for each in entries)
    recent = [each.segment for each in entries if newest - instant(each.last_at) <= timedelta(days=KEPT_DAYS)]
    keys = workspace.tables.read(usecase, "predictions", recent, [*key, PREDICTION, BATCH])
    if keys is None or not len(batch):
        return ()
    served_as: dict[tuple[Any, ...] | None, list[tuple[str, str]]] = {}
    for each, id, segment in zip(
        _keys(keys.to_pydict(), key), keys.column(PREDICTION).to_pylist(), keys.column(BATCH).to_pylist(), strict=True
    ):
        served_as.setdefault(each, []).append((id, segment))
    matches: dict[str, tuple[int, str]] = {}
    of_batch = chain.from_iterable(_keys(part[key].to_dict("list"), key) for part in parts_of(batch, key))
    for place, each in enumerate(of_batch):
        matches |= {id: (place, segment) for id, segment in served_as.get(each, ())}
    wanted = set(sampled({segment for _, segment in matches.values()}, SEGMENTS))
    ids = sampled((id for id, (_, segment) in matches.items() if segment in wanted), SAMPLE)
    rows = _rows(workspace, usecase, sorted(wanted), ids)
    compared: list[FieldCompared] = []
    for live, served in _by_release(workspace, usecase, rows):
        records = _checked(live, served)
        places = np.array([matches[row[PREDICTION]][0] for row, _ in records], dtype=np.int64)
        values = {name: [columns[name] for _, columns in records] for name in live.features}
        beside = rows_at(batch, places, [name for name in live.features if name in batch])
        compared += field_differences(values, {name: beside[name].tolist() for name in beside.columns})
    return _summed(compared)


def _keys(columns: Mapping[str, list[Any]], key: Sequence[str]) -> list[tuple[Any, ...] | None]:
    """None for a row without a whole key."""
    whole = zip(*(map(_plain, columns[name]) for name in key), strict=True)
    return [None if None in each else each for each in whole]


def _checked(live: Live, rows: Sequence[Row]) -> list[tuple[Row, dict[str, Any]]]:
    """Each row with the typed values of its record; without those that the declaration does not take any more."""
    kept = []
    for row in rows:
        try:
            checked = live.checker.decode(b"[" + row[RECEIVED].encode() + b"]")
        except BadRecords:
            continue
        kept.append((row, {name: values[0] for name, values in checked.columns.items()}))
    return kept


def field_differences(served: Mapping[str, list[Any]], batch: Mapping[str, list[Any]]) -> list[FieldCompared]:
    """Each field that both have. Values are compared as their type's; missing equals missing.

    >>> field_differences({"a": [1, None, "x"]}, {"a": [1.0, float("nan"), "y"]})
    [FieldCompared(name='a', rows=3, differing=1, example="'x' → 'y'")]
    """
    compared = []
    for name in served:
        if name not in batch or not served[name]:
            continue
        pairs = [(_plain(a), _plain(b)) for a, b in zip(served[name], batch[name], strict=True)]
        other = [pair for pair in pairs if pair[0] != pair[1]]
        example = " → ".join("missing" if value is None else shown_value(value) for value in other[0]) if other else ""
        compared.append(FieldCompared(name, len(pairs), len(other), example))
    return compared


def _plain(value: Any) -> Any:
    """A value as Python has it, so that equal ones compare as equal; None for each way of being missing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def _summed(compared: Sequence[FieldCompared]) -> tuple[FieldCompared, ...]:
    """The same field of several releases together."""
    whole: dict[str, FieldCompared] = {}
    for each in compared:
        known = whole.get(each.name, FieldCompared(each.name, 0, 0))
        whole[each.name] = FieldCompared(
            each.name, known.rows + each.rows, known.differing + each.differing, known.example or each.example
        )
    return tuple(whole.values())
