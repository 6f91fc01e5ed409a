"""Runs the checks on one batch: what holds it, which rows are set aside and why, what is only reported.

A critical check of single rows sets the failing rows aside, a critical check of the whole batch holds it, and `warning`
and `info` are reported and change nothing. If a check passes because of `mostly`, no row is set aside and the rows are
reported as info; if it fails nevertheless, its failing rows are set aside. Aggregates are taken over all rows as they
arrived, including those that will be set aside.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from data_checks.helper_columns import RowNotes, needed_columns, plain_types, with_helpers
from data_checks.in_parts import InParts
from data_checks.record import for_the_record, observed
from data_checks.running import CheckResult, InMemory, checked, run
from data_checks.suite import ABOUT_COLUMNS, ACCEPTED_IN, NO_ROWS, TIME_FAULT, Planned, build_suite, required_columns
from perennial.engine import LOCAL, Engine
from perennial.intake.limits import copy_of, counted_as
from perennial.intake.missing import how_to_go_on
from perennial.ledger.entries import Reason
from perennial.sources.stored import Stored
from perennial.usecase.mistakes import closest, looks_like

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.batch_rows import BatchRows
    from perennial.sources.window import Window
    from perennial.usecase.declaration import Declaration

_OF_TIMES = frozenset(TIME_FAULT.values())
_EXISTS = "expect_column_to_exist"
_LEAST_ROWS = {"expect_table_row_count_to_be_between": "min_value", "expect_table_row_count_to_equal": "value"}
"""Expectations about the number of rows, each with the argument below which a batch has too few."""


@dataclass(frozen=True)
class Validation:
    """The results of the checks.

    held_because: why the whole batch is held; empty if it may be accepted.
    set_aside: row (position of arrival, 0..n-1) → every reason of that row, in the order of the checks.
    warnings, infos: findings that change nothing, with counts. notes: checks that were not evaluated, and why.
    reasons: how many rows have each reason, the most frequent first; a row may have several.
    results: one plain JSON object per check, for the record and for `data_checks.docs`.
    """

    held_because: tuple[str, ...]
    set_aside: dict[int, tuple[str, ...]]
    warnings: tuple[str, ...]
    infos: tuple[str, ...]
    reasons: tuple[Reason, ...]
    results: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether no row of the batch may be accepted."""
        return bool(self.held_because)


def validate(
    batch: BatchRows,
    declaration: Declaration,
    *,
    as_of: datetime,
    window: Window | None,
    accepted_in: pd.Series | None = None,
    time_faults: pd.Series | None = None,
    copies: Mapping[int, int] | None = None,
    waived: Collection[str] = (),
    unfinished: str = "",
    engine: Engine = LOCAL,
) -> Validation:
    """Run the standing and the declared checks on one batch.

    batch: rows in order of arrival, numbered 0..n-1.
    as_of: aware; a row whose time is not before it is from the future.
    window: the period that the batch covers; its times may be None.
    accepted_in: row → the batch in which the key was accepted before, for those that were.
    time_faults: shape (n,), aligned with the rows: what is implausible about the row's time, or null.
    copies: row → the row that it is a copy of; copies are set aside, and the checks do not see them.
    waived: reasons of critical checks that a person waived: they are reported as warnings and change nothing.
    unfinished: why the window is not over yet, otherwise empty. Too few rows are then noted and no warning; a critical
    check still holds the batch, which is what it is written for.
    engine: runs the checks of a batch that is not in memory, from files that all its processes can reach.
    Raises InputError for a check that Great Expectations refuses to build; ValueError if rows are not numbered 0..n-1.
    An error while a critical check runs holds the batch and is named in `held_because`.
    """
    import pandas as pd

    if not batch.index.equals(pd.RangeIndex(len(batch))):
        raise ValueError("rows must be numbered 0..n-1 in the order of arrival")
    copies = copies or {}
    batch = batch.without(list(copies))
    rows = len(batch)
    notes = RowNotes(
        None if accepted_in is None else accepted_in[accepted_in.index.isin(batch.index)].dropna(),
        None if time_faults is None else time_faults.loc[batch.index].dropna().astype("object"),
    )
    suite = build_suite(declaration, as_of=as_of, batch_window=(window.start, window.end) if window else None)
    suite = [replace(p, severity="warning") if p.reason in waived and not p.standing else p for p in suite]
    present = set(batch.names)
    runnable = [p for p in suite if present.issuperset(p.needs) and (rows or (p.standing and p.level == "batch"))]
    about_columns = [p for p in runnable if p.expectation.expectation_type in ABOUT_COLUMNS]
    about_rows = [p for p in runnable if p.expectation.expectation_type not in ABOUT_COLUMNS]
    results = run(pd.DataFrame(columns=[*batch.names, *batch.extra]), about_columns)
    results += _about_rows(batch, about_rows, notes, engine)
    findings = _Findings(rows, declaration, notes.accepted_in, unfinished)
    findings.missing(present, suite, batch.extra)
    for check in results:
        findings.add(check)
    return findings.validation(copies)


@dataclass(frozen=True)
class _Asked:
    """Checks of the same columns of a batch."""

    batch: BatchRows
    checks: Sequence[Planned]
    notes: RowNotes


def _about_rows(batch: BatchRows, planned: Sequence[Planned], notes: RowNotes, engine: Engine) -> list[CheckResult]:
    """The results in the order of `planned`. Of a stored batch, the columns of one check are read at a time."""
    groups = _of_the_same_columns(planned, batch) if batch.is_stored else [planned]
    asked = []
    for checks in groups:
        of = {check.expectation.configuration.kwargs.get("column") for check in checks}
        before = notes.accepted_in if ACCEPTED_IN in of else None
        asked.append(_Asked(batch, checks, RowNotes(before, notes.time_faults if of & _OF_TIMES else None)))
    done = (engine if batch.is_stored else LOCAL).map_files("check", _checked, asked)
    results = {
        id(check): replace(result, planned=check)  # from another process, the check is a copy
        for checks, of_checks in zip(groups, done, strict=True)
        for check, result in zip(checks, of_checks, strict=True)
    }
    return [results[id(check)] for check in planned]


def _checked(asked: _Asked) -> list[CheckResult]:
    """The results of the checks, in their order."""
    batch, checks, notes = asked.batch, asked.checks, asked.notes
    if not isinstance(batch, Stored):
        frame = with_helpers(batch, checks, notes, plain_types(batch, checks))
        return checked(InMemory(frame, batch.unreadable), checks)
    gc.freeze()  # a collection looks at what the checks leave, and not again at all that is imported
    try:
        return checked(InParts(batch, notes, checks), checks)
    finally:
        gc.collect()  # after a check of a whole column too
        gc.unfreeze()


def _of_the_same_columns(planned: Sequence[Planned], batch: BatchRows) -> list[list[Planned]]:
    groups: dict[tuple[str, ...], list[Planned]] = {}
    for check in planned:
        groups.setdefault((*check.needs, *needed_columns([check], batch.names)), []).append(check)
    return list(groups.values())


class _Findings:
    """Collects the findings, check by check."""

    def __init__(
        self, rows: int, declaration: Declaration, accepted_in: pd.Series | None, unfinished: str = ""
    ) -> None:
        self._rows = rows
        self._unfinished = unfinished
        self._notes: list[str] = []
        self._declaration = declaration
        self._accepted_in = accepted_in
        self._held: list[str] = []
        self._warnings: list[str] = []
        self._infos: list[str] = []
        self._set_aside: dict[int, list[str]] = {}
        self._results: list[dict[str, Any]] = []

    def missing(self, present: set[str], suite: Iterable[Planned], extra: Collection[str]) -> None:
        """Missing columns, all in one sentence instead of an exception for each check."""
        required = required_columns(self._declaration)
        absent = [column for column in required if column not in present]
        for planned in suite:
            away = [column for column in planned.needs if column not in present and column not in required]
            if not away or planned.standing:
                continue
            if away == [self._declaration.schema_.target]:
                self._infos.append(f"{planned.reason}: not checked, the column comes later with the labels")
            elif planned.severity == "critical":
                absent += away
            else:
                self._note(planned, f"not checked, because the batch lacks {', '.join(away)}")
        if absent:
            named = [_with_hint(column, extra) for column in dict.fromkeys(absent)]
            fix = how_to_go_on(list(dict.fromkeys(absent)), [*present, *extra], self._declaration)
            self._held.append(f"columns are missing: {', '.join(named)}{fix}")

    def add(self, check: CheckResult) -> None:
        """Add the findings of one check."""
        planned = check.planned
        self._results.append(for_the_record(check))
        if check.exception is not None:
            self._note(planned, f"could not be checked: {check.exception}")
        elif planned.level == "row":
            self._add_rows(check)
        elif check.success or (planned.standing and planned.expectation.expectation_type == _EXISTS):
            # A required column that is missing was reported together with all the others.
            return
        elif planned.reason == NO_ROWS:
            self._held.append(NO_ROWS)
        elif self._unfinished and self._has_too_few(check):
            self._notes.append(f"{planned.reason}: {observed(check)}, not evaluated: {self._unfinished}")
        else:
            self._note(planned, observed(check))

    def _has_too_few(self, check: CheckResult) -> bool:
        """Whether a check that holds nothing failed because the batch has too few rows."""
        argument = _LEAST_ROWS.get(check.planned.expectation.expectation_type)
        least = check.arguments.get(argument) if argument else None
        return least is not None and check.planned.severity != "critical" and self._rows < least

    def _add_rows(self, check: CheckResult) -> None:
        planned = check.planned
        if not check.count:
            return
        if check.success:
            self._infos.append(f"{planned.reason}: {self._share(check.count)}, as many as it allows")
        elif planned.severity == "critical":
            for row in check.rows or ():
                self._set_aside.setdefault(row, []).append(self._reason(planned, row, check.arguments))
        else:
            self._note(planned, self._share(check.count))

    def _share(self, count: int) -> str:
        return f"{count} of {self._rows} rows"

    def _reason(self, planned: Planned, row: int, arguments: Mapping[str, Any]) -> str:
        if arguments.get("column") != ACCEPTED_IN or self._accepted_in is None:
            return planned.reason
        return planned.reason.replace("another batch", f"batch {self._accepted_in.loc[row]}")

    def _note(self, planned: Planned, what: str) -> None:
        """Note a finding by severity. A critical check that names no rows holds the batch."""
        where = {"critical": self._held, "warning": self._warnings, "info": self._infos}[planned.severity]
        where.append(f"{planned.reason}: {what}")

    def validation(self, copies: Mapping[int, int]) -> Validation:
        """All findings, with each reason of a row once."""
        reasons_of_rows = {**self._set_aside, **{row: [copy_of(first)] for row, first in copies.items()}}
        set_aside = {row: tuple(dict.fromkeys(reasons)) for row, reasons in sorted(reasons_of_rows.items())}
        counts = Counter(counted_as(reason) for reasons in set_aside.values() for reason in reasons)
        return Validation(
            held_because=tuple(self._held),
            set_aside=set_aside,
            warnings=tuple(self._warnings),
            infos=tuple(self._infos),
            reasons=tuple(Reason(reason=r, rows=n) for r, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))),
            results=tuple(self._results),
            notes=tuple(self._notes),
        )


def _with_hint(column: str, extra: Collection[str]) -> str:
    """A missing column, with the undeclared column of the batch that looks the same, if any."""
    near = looks_like(column, extra)
    if near is None:
        similar = closest(column, extra)
        return f"{column} (was it renamed to {similar!r}?)" if similar else column
    same = normalize("NFC", column) == normalize("NFC", near)
    return f"{column} (there is {near!r}{', the same letters in another form of Unicode' if same else ''})"
