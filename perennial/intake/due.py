"""What a source has that is due: batches that never came, came otherwise by now, or were left unfinished; new labels.

Read from the source and the ledger alone; `now`, aware, is when the run was meant to start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import perennial.sources as sources
from perennial.errors import InputError
from perennial.intake.plausible import future_windows
from perennial.ledger.entries import BatchEntry, Cycle, LabelBatchEntry
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import newest_entries, replay_clock
from perennial.sources.files import WholeFiles
from perennial.sources.window import Arrival, Source, Window
from perennial.store.landing import name_of
from perennial.usecase.declaration import UseCase


def source_of(case: UseCase) -> Source:
    """Where the batches of a use case come from. Nothing is read yet."""
    schema = case.declaration.schema_
    return sources.open_source(
        case.declaration.source, folder=case.folder, schema_time=schema.time, timezone=schema.timezone
    )


@dataclass(frozen=True)
class Listed:
    """The windows of a source, listed once.

    ready: without windows of the future; on the wall clock without one that has not ended yet.
    after_today: those that wait on a replay clock because nobody would expect rows after today.
    """

    ready: Sequence[Window]
    after_today: Sequence[Window] = ()


def listed(case: UseCase, now: datetime) -> Listed:
    """What the source has now."""
    windows = source_of(case).windows()
    if case.declaration.clock == "wall":
        return Listed([w for w in windows if w.end is None or w.end <= now])
    if case.declaration.schema_.future:
        return Listed(windows)
    waiting = future_windows(windows, now)
    return Listed([w for w in windows if w not in waiting] if waiting else windows, waiting)


def window_named(case: UseCase, name: str, now: datetime) -> Window:
    """The window with that name. A folder of whole files is listed again only if it is not among those seen last."""
    source = source_of(case)
    if isinstance(source, WholeFiles):
        return source.window(name)
    return next(w for w in listed(case, now).ready if w.name == name)


def due_window(case: UseCase, ledger: Ledger, windows: Sequence[Window]) -> str | None:
    """The first window that never came; else one whose source changed since it was held or accepted; else None."""
    newest = newest_entries(ledger, case.name)
    fresh = next((w.name for w in windows if w.name not in newest), None)
    return fresh or next(iter(changed_windows(case, newest, windows)), None)


def changed_windows(case: UseCase, newest: Mapping[str, BatchEntry], windows: Sequence[Window]) -> list[str]:
    """Windows whose source has other bytes by now: of the held ones all, of the accepted the newest `look_back`."""
    last_first = (w.name for w in reversed(windows) if w.name in newest and newest[w.name].status == "accepted")
    looked_at = set(islice(last_first, case.declaration.look_back))
    landed = {n: batch.landing for n, batch in newest.items() if batch.status == "held" or n in looked_at}
    there = [w for w in windows if w.name in landed]
    source = source_of(case)
    arrivals = (source.fetch(window) for window in there)
    return [a.window.name for a in arrivals if name_of(a.content, a.suffix) != landed[a.window.name]]


def unfinished_window(ledger: Ledger, usecase: str) -> str | None:
    """The newest batch's window if no cycle of it ran to its end, else None."""
    batches = ledger.all(usecase, BatchEntry)
    newest = batches[-1].payload if batches else None
    if newest is None or newest.status != "accepted" or ledger.get(usecase, Cycle, newest.batch) is not None:
        return None
    return newest.window


def windows_to_do(
    case: UseCase, ledger: Ledger, windows: Sequence[Window], first: str | None = None, last: str | None = None
) -> list[str]:
    """The windows from first to last that no finished cycle covers, or whose source changed since.

    windows: those that are ready. Raises InputError for a first or last that is not among them, or in reverse order.
    """
    known = [w.name for w in windows]
    for field, name in (("first", first), ("last", last)):
        if name is not None and name not in known:
            raise not_in_source(case.name, field, name, known)
    start, end = known.index(first) if first else 0, known.index(last) if last else len(known) - 1
    if first is not None and last is not None and start > end:
        raise InputError(
            f"{last!r} comes before the first batch, {first!r}: no batch lies between them",
            code="range-reversed",
            field="last",
            value=last,
            fix=f"Swap the two: from {last} to {first}.",
        )
    finished, newest = finished_batches(ledger, case.name), newest_entries(ledger, case.name)
    done = {name for name, batch in newest.items() if batch.batch in finished or batch.status == "held"}
    done -= set(changed_windows(case, newest, windows))
    return [name for name in known[start : end + 1] if name not in done]


def not_in_source(usecase: str, field: str, name: str, known: Sequence[str]) -> InputError:
    """The error for a batch that was asked for in that field and that the source does not have."""
    there = f"{len(known)}: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}" if known else "none yet"
    return InputError(
        f"the source of {usecase} has no batch {name!r}. It has {there}",
        code="batch-not-in-source",
        field=field,
        value=name,
    )


def finished_batches(ledger: Ledger, usecase: str) -> set[str]:
    """Ids of the batches whose cycle ran to its end."""
    return {r.payload.batch for r in ledger.all(usecase, Cycle)}


def new_label_files(case: UseCase, looked_at: Collection[str]) -> Iterator[Arrival]:
    """The label files that came since. looked_at: see `label_files_looked_at`."""
    late = case.declaration.labels
    where = case.folder / late.path if late else None
    if where is None or (where.is_dir() and not any(where.iterdir())):
        return  # no label has come yet
    source = WholeFiles(where, "labels.path")
    for window in source.windows():
        arrival = source.fetch(window)
        if name_of(arrival.content, arrival.suffix) not in looked_at:
            yield arrival


def label_files_looked_at(ledger: Ledger, case: UseCase) -> set[str]:
    """Label files, by their bytes, that are taken in, or held under the declaration of today."""
    entries = [r.payload for r in ledger.all(case.name, LabelBatchEntry)]
    digest = case.declaration.digest
    return {e.landing for e in entries if e.status == "accepted" or e.declaration_digest == digest}


def nothing_is_due(case: UseCase, ledger: Ledger, windows: Sequence[Window]) -> bool:
    """Whether a cycle would find nothing to do: no batch to take in or to finish, no label file to look at."""
    if unfinished_window(ledger, case.name) or due_window(case, ledger, windows):
        return False
    labels_wait = case.declaration.clock == "replay" and replay_clock(ledger, case.name) is None
    return labels_wait or not any(True for _ in new_label_files(case, label_files_looked_at(ledger, case)))
