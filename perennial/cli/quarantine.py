"""Rows set aside and held batches, and how they come back: `quarantine`, `requeue`, `waive`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from shlex import quote
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.acting import acting_person
from perennial.cli.approving import given
from perennial.cli.json_views import batch_view
from perennial.cli.output import as_json, flowing, say
from perennial.cli.run_flows import HELD_BACK
from perennial.cli.running import flows_ready
from perennial.errors import InputError, on_record
from perennial.evaluation.figures import counted
from perennial.intake.limits import counted_as
from perennial.intake.set_aside import (
    AsideRow,
    aside_of,
    checks_to_waive,
    failed_checks,
    open_still,
    rows_aside,
    waivable,
    waivable_holds,
)
from perennial.ledger.entries import BatchEntry, Reason, Waiver
from perennial.ledger.present import label_files, time_of
from perennial.release.words import labels_in_words
from perennial.settings import settings
from perennial.sources.other_reading import other_reading
from perennial.sources.written import written
from perennial.store.keys import Unmatched, labels_without_row
from perennial.store.known import known_at
from perennial.store.workspace import Workspace, open_workspace, reading_workspace
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.reading import load_use_case

MOST_TEXTS = 20
"""How many unreadable texts of a column are tried with other options."""


def quarantine(usecase: str, window: str | None, rows: int, json: bool) -> None:
    """What is set aside or held, by reason, with example rows. Raises InputError for a batch that never came."""
    case = load_use_case(usecase, settings().usecases)
    workspace = reading_workspace(settings())
    still = open_still([r.payload for r in workspace.ledger.all(usecase, BatchEntry)])
    if window is not None:
        still = [batch for batch in still if batch.window == _known(workspace, usecase, window).window]
    views = [_view(workspace, case, batch, rows) for batch in still]
    files: list[dict[str, Any]] = []
    unmatched: Unmatched | None = None
    if window is None and case.declaration.labels is not None:
        files, unmatched = _label_files(workspace, usecase, rows), _without_row(workspace, case, rows)
    if json:
        keys = [list(key) for key in unmatched.keys[:rows]] if unmatched else []
        without_row = {"count": unmatched.count, "first": keys} if unmatched else None
        as_json({"batches": views, "label_files": files, "labels_without_row": without_row})
        return
    key = case.declaration.schema_.key
    for view in views:
        _show(view, key)
    for file in files:
        _show_label_file(file)
    if unmatched is not None:
        flowing(labels_in_words(unmatched.count, unmatched.keys[0]))
        for each in unmatched.keys[:rows]:
            say(f"  {', '.join(f'{name}={value!r}' for name, value in zip(key, each, strict=True))}")
    if (files or unmatched) and not views:
        return
    if not views:
        flowing(f"{usecase}: nothing is set aside{f' of {window}' if window else ''} and no batch is held.")
        return
    flowing(f"After changing a check or how files are read: perennial requeue {usecase}")
    offered = [(view["window"], check) for view in views for check in view["waivable"]]
    if offered:
        say("To accept a batch despite a check:")
    for batch, check in offered:
        say(f"  perennial waive {usecase} --batch {quote(batch)} --check {quote(check)} --by NAME --reason TEXT")


def _label_files(workspace: Workspace, usecase: str, rows: int) -> list[dict[str, Any]]:
    """Label files that are held or have rows set aside, by reason, with example rows."""
    views = []
    for file in label_files(workspace.ledger, usecase):
        if file.status != "held" and not file.refused:
            continue
        aside = aside_of(workspace.tables, usecase, file.batch) if file.refused else []
        reasons = _reasons(file.quarantine, aside, rows)
        view = {"file": file.file, "status": file.status, "labels": file.rows, "set_aside": file.refused}
        views.append({**view, "held_because": list(file.held_because), "reasons": reasons})
    return views


def _without_row(workspace: Workspace, case: UseCase, rows: int) -> Unmatched | None:
    """Labels in label files that match no row so far, with the keys of the first `rows` of them."""
    # A second on: on a replay clock labels may have come since the moment it stands at.
    now = time_of(workspace.ledger, case.declaration, machine_clock.now()) + timedelta(seconds=1)
    known = known_at(workspace.ledger, case.name, now)
    return labels_without_row(workspace.tables, case.name, case.declaration.schema_, known, most=max(1, rows))


def _show_label_file(view: dict[str, Any]) -> None:
    state = "held, no label is used" if view["status"] == "held" else f"{view['labels']:,} labels are used"
    flowing(f"label file {view['file']}: {state}, {counted(view['set_aside'], 'row', 'rows')} set aside")
    for why in view["held_because"]:
        flowing(f"  {why}")
    for each in view["reasons"]:
        flowing(f"  {each['reason']}: {counted(each['rows'], 'row', 'rows')}")
        for example in each["examples"]:
            say(f"    row {example['row'] + 1}: {', '.join(f'{n}={v!r}' for n, v in example['raw'].items())}")


def requeue(usecase: str, window: str | None, dry_run: bool, json: bool) -> None:
    """Exit code 3 if a batch stays held."""
    if dry_run:
        _show_requeue(usecase, window, json)
        return
    before = {b.window: b.batch for b in _batches(usecase)}
    batches = _requeued(usecase, window)
    if json:
        as_json([batch_view(usecase, batch) for batch in batches])
    for batch in batches if not json else ():
        _show_outcome(usecase, batch, changed=before.get(batch.window) != batch.batch)
    if not batches and not json:
        flowing(f"{usecase}: nothing is set aside and no batch is held.")
    if any(batch.status == "held" for batch in batches):
        sys.exit(HELD_BACK)


def _show_requeue(usecase: str, window: str | None, json: bool) -> None:
    """What `requeue` would validate again."""
    load_use_case(usecase, settings().usecases)
    workspace = reading_workspace(settings())
    entries = [r.payload for r in workspace.ledger.all(usecase, BatchEntry)]
    again = open_still(entries) if window is None else [_known(workspace, usecase, window)]
    names = [batch.window for batch in again]
    if json:
        as_json({"usecase": usecase, "would_validate": names})
    else:
        flowing(f"{usecase}: {'would validate again: ' if names else 'nothing to validate again'}{', '.join(names)}.")


def waive(
    usecase: str, window: str, checks: Sequence[str], by: str | None, reason: str, dry_run: bool, json: bool
) -> None:
    """Raises InputError for a check that cannot be waived, before anything is written."""
    acting_person(by)
    given("--reason", reason)
    workspace = reading_workspace(settings()) if dry_run else open_workspace(settings())
    person = acting_person(by, workspace.use_case(usecase).declaration).name
    batch = _known(workspace, usecase, window)
    failed = [*failed_checks(workspace.validations.read(usecase, batch.batch)), *waivable_holds(batch)]
    asked = checks_to_waive(checks, failed, batch)
    if dry_run:
        if json:
            as_json({"usecase": usecase, "window": window, "would_waive": list(asked)})
        else:
            flowing(f"{usecase}: would waive on {window}: {'; '.join(asked)}. Nothing was changed.")
        return
    waiver = Waiver(window=window, landing=batch.landing, checks=asked, by=person, reason=reason)
    row, _ = workspace.ledger.append(usecase, waiver)
    recorded = row.payload
    with on_record(f"the waiver by {recorded.by} is recorded"):
        (revised,) = _requeued(usecase, window)
    if json:
        as_json(batch_view(usecase, revised))
    else:
        if (recorded.by, recorded.reason) == (person, reason):
            flowing(
                f"{usecase}: waived on {window} by {person}: {'; '.join(recorded.checks)}. Reason on record: {reason}"
            )
        else:
            flowing(
                f"{usecase}: already waived on {window} by {recorded.by} at {row.recorded_at} "
                f"(reason: {recorded.reason}): "
                f"{'; '.join(recorded.checks)}. Nothing more was recorded."
            )
        _show_outcome(usecase, revised, changed=revised.batch != batch.batch)
    if revised.status == "held":
        sys.exit(HELD_BACK)


def _requeued(usecase: str, window: str | None) -> list[BatchEntry]:
    load_use_case(usecase, settings().usecases)
    with flows_ready():
        from flows.requeue import requeue as flow

        batches: list[BatchEntry] = flow(usecase, window)
    return batches


def _batches(usecase: str) -> list[BatchEntry]:
    load_use_case(usecase, settings().usecases)
    return [r.payload for r in open_workspace(settings()).ledger.all(usecase, BatchEntry)]


def _known(workspace: Workspace, usecase: str, window: str) -> BatchEntry:
    for row in reversed(workspace.ledger.all(usecase, BatchEntry)):
        if row.payload.window == window:
            return row.payload
    raise InputError(f"{usecase} has no batch {window!r}", code="batch-unknown", field="--batch", value=window)


def _view(workspace: Workspace, case: UseCase, batch: BatchEntry, rows: int) -> dict[str, Any]:
    usecase = case.name
    aside = rows_aside(workspace.tables, usecase, batch)
    failed = [*failed_checks(workspace.validations.read(usecase, batch.batch)), *waivable_holds(batch)]
    return {
        "usecase": usecase,
        "window": batch.window,
        "revision": batch.revision,
        "status": batch.status,
        "rows": batch.rows.model_dump(mode="json"),
        "held_because": list(batch.held_because),
        "reasons": _reasons(batch.quarantine, aside, rows),
        "waivable": waivable(failed, batch),
        "to_read": _to_read(case.declaration, batch.quarantine, aside),
    }


def _reasons(reasons: Sequence[Reason], aside: Sequence[AsideRow], most: int) -> list[dict[str, Any]]:
    """Each reason with its number of rows, and at most so many of them as examples."""
    return [
        {"reason": each.reason, "rows": each.rows, "examples": _examples(aside, each.reason, most)} for each in reasons
    ]


def _examples(aside: Sequence[AsideRow], reason: str, most: int) -> list[dict[str, Any]]:
    return [{"row": row.row, "raw": row.raw} for row in aside if reason in map(counted_as, row.reasons)][:most]


def _to_read(declaration: Declaration, reasons: Sequence[Reason], aside: Sequence[AsideRow]) -> list[dict[str, str]]:
    """Of each column of numbers with unreadable ones, the first that an option of the declaration reads."""
    read = getattr(declaration.source, "read", None)
    if read is None:
        return []
    readable = []
    for column, kind in column_types(declaration).items():
        unread = [each.reason for each in reasons if each.reason.startswith(f"{column}: not a ")]
        if kind not in ("number", "integer") or not unread:
            continue
        how = written(column, read, declaration.schema_.decimal)
        texts = dict.fromkeys(row.raw.get(column) for row in aside if unread[0] in map(counted_as, row.reasons))
        options = ((text, other_reading(text, how)) for text in list(texts)[:MOST_TEXTS] if text)
        text, field = next(((text, field) for text, field in options if field), ("", ""))
        if field:
            readable.append({"reason": unread[0], "text": text, "option": field})
    return readable


def _show(view: dict[str, Any], key: Sequence[str]) -> None:
    rows = view["rows"]
    state = f"{rows['quarantined']:,} of {rows['arrived']:,} rows set aside"
    if view["status"] == "held":
        state = f"held, none of {rows['arrived']:,} rows is used"
    flowing(f"{view['window']}, revision {view['revision']}: {state}")
    for why in view["held_because"]:
        flowing(f"  {why}")
    for each in view["reasons"]:
        flowing(f"  {each['reason']}: {counted(each['rows'], 'row', 'rows')}{_may(each['reason'], view['waivable'])}")
        for example in each["examples"]:
            raw = example["raw"]
            named = [name for name in raw if name in key or each["reason"].startswith(name)]
            cells = ", ".join(f"{name}={raw[name]!r}" for name in named or list(raw)[:4])
            say(f"    row {example['row'] + 1}: {cells}")
        for option in view["to_read"]:
            if option["reason"] == each["reason"]:
                flowing(f"    {option['text']!r} is a number with {option['option']} in the declaration")
    say()


def _may(reason: str, waivable: Sequence[str]) -> str:
    return "" if reason in waivable else " (cannot be waived)"


def _show_outcome(usecase: str, batch: BatchEntry, *, changed: bool) -> None:
    rows = batch.rows
    if not changed:
        flowing(f"{usecase}: {batch.window}: the checks give the same result as before; no new revision was made.")
    elif batch.status == "held":
        held = "; ".join(batch.held_because)
        flowing(f"{usecase}: {batch.window} is still held, now as revision {batch.revision}: {held}")
    else:
        flowing(
            f"{usecase}: {batch.window} is revision {batch.revision} now ({batch.because}): {rows.arrived:,} rows, "
            f"{rows.accepted:,} accepted, {rows.quarantined:,} set aside. `perennial run {usecase}` continues with it."
        )
