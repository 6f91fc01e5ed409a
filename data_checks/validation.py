"""Runs the checks on one batch: what holds it, which rows are set aside and why, what is only told.

A critical check of single rows sets the failing rows aside; a critical check of the whole batch holds it;
`warning` and `info` are told and change nothing. `mostly` counts: where it lets a check pass, no row is set aside
(the rows are told as info); where the check fails all the same, its failing rows are. Aggregates are taken over
all rows as they arrived, with those that will be set aside.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from data_checks.quiet import ONE_AT_A_TIME, great_expectations
from data_checks.suite import (
    ABOUT_COLUMNS,
    ACCEPTED_IN,
    NO_ROWS,
    Planned,
    build_suite,
    required_columns,
    unreadable_in,
)
from perennial.store.entries import Reason

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult

    from perennial.sources.parsing import Parsed
    from perennial.sources.window import Window
    from perennial.usecase.declaration import Declaration

_BASIC = {"result_format": "BASIC"}
_COMPLETE = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
_EXACT_IN_FLOAT = 2**53
_NOT_NULL = "expect_column_values_to_not_be_null"
_EXISTS = "expect_column_to_exist"


@dataclass(frozen=True)
class Validation:
    """What the checks found.

    held_because: why the whole batch is held; empty where it may be taken in.
    set_aside: row (position of arrival, 0..n-1) → every reason of that row, in the order of the checks.
    warnings, infos: what is told and changes nothing, with counts.
    reasons: how many rows have each reason, the most frequent first; a row may have several.
    results: one plain JSON object per check, for the record and for `data_checks.docs`.
    """

    held_because: tuple[str, ...]
    set_aside: dict[int, tuple[str, ...]]
    warnings: tuple[str, ...]
    infos: tuple[str, ...]
    reasons: tuple[Reason, ...]
    results: tuple[dict[str, Any], ...]

    @property
    def held(self) -> bool:
        """Whether nothing of the batch may be taken in."""
        return bool(self.held_because)


@dataclass(frozen=True)
class _Found:
    """One check after its run. rows: positions of the failing rows, known only where they are needed."""

    planned: Planned
    success: bool
    result: Mapping[str, Any]
    exception: str | None
    arguments: Mapping[str, Any]
    rows: tuple[int, ...] | None = None

    @property
    def count(self) -> int:
        """How many rows failed."""
        return len(self.rows) if self.rows is not None else int(self.result.get("unexpected_count") or 0)


def validate(
    parsed: Parsed,
    declaration: Declaration,
    *,
    as_of: datetime,
    window: Window | None,
    accepted_in: pd.Series | None = None,
) -> Validation:
    """Run the standing checks and the team's on one batch.

    parsed: rows in order of arrival, index 0..n-1.
    as_of: aware; a row whose time is not before it is from the future.
    window: the stretch that the batch covers; its times may be None.
    accepted_in: shape (n,), aligned with the rows: the batch in which the key was accepted before, else null.
    Raises InputError for a check that Great Expectations refuses to build; ValueError where rows are not numbered
    0..n-1. What goes wrong while a critical check runs holds the batch and is named in `held_because`.
    """
    import pandas as pd

    rows = len(parsed.frame)
    if not parsed.frame.index.equals(pd.RangeIndex(rows)):
        raise ValueError("rows must be numbered 0..n-1 in the order of their arrival")
    suite = build_suite(declaration, as_of=as_of, batch_window=(window.start, window.end) if window else None)
    present = set(parsed.frame.columns)
    runnable = [p for p in suite if present.issuperset(p.needs) and (rows or (p.standing and p.level == "batch"))]
    about_columns = [p for p in runnable if p.expectation.expectation_type in ABOUT_COLUMNS]
    about_rows = [p for p in runnable if p.expectation.expectation_type not in ABOUT_COLUMNS]
    frame = _with_helpers(parsed, about_rows, accepted_in)
    found = _run(pd.DataFrame(columns=[*parsed.frame.columns, *parsed.extra]), about_columns, _BASIC)
    found += _with_rows(frame, _run(frame, about_rows, _BASIC), parsed.unreadable)
    told = _Told(rows, declaration, accepted_in)
    told.missing(present, suite)
    for check in found:
        told.add(check)
    return told.validation()


class _Told:
    """Gathers what is told, check by check."""

    def __init__(self, rows: int, declaration: Declaration, accepted_in: pd.Series | None) -> None:
        self._rows = rows
        self._declaration = declaration
        self._accepted_in = accepted_in
        self._held: list[str] = []
        self._warnings: list[str] = []
        self._infos: list[str] = []
        self._set_aside: dict[int, list[str]] = {}
        self._results: list[dict[str, Any]] = []

    def missing(self, present: set[str], suite: Iterable[Planned]) -> None:
        """Columns that are not there: all of them in one sentence, instead of an exception for each check."""
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
                self._say(planned, f"not checked, there is no column {', '.join(away)}")
        if absent:
            self._held.append(f"columns are missing: {', '.join(dict.fromkeys(absent))}")

    def add(self, check: _Found) -> None:
        """What follows from one check."""
        planned = check.planned
        self._results.append(_for_the_record(check))
        if check.exception is not None:
            self._say(planned, f"could not be checked: {check.exception}", holds=True)
        elif planned.level == "row":
            self._add_rows(check)
        elif check.success or (planned.standing and planned.expectation.expectation_type == _EXISTS):
            # A standing column that is not there was told with all the others that are missing.
            return
        elif planned.reason == NO_ROWS:
            self._held.append(NO_ROWS)
        else:
            self._say(planned, _observed(check), holds=True)

    def _add_rows(self, check: _Found) -> None:
        planned = check.planned
        if not check.count:
            return
        if check.success:
            self._infos.append(f"{planned.reason}: {self._share(check.count)}, as many as it allows")
        elif planned.severity == "critical":
            for row in check.rows or ():
                self._set_aside.setdefault(row, []).append(self._reason(planned, row, check.arguments))
        else:
            self._say(planned, self._share(check.count))

    def _share(self, count: int) -> str:
        return f"{count} of {self._rows} rows"

    def _reason(self, planned: Planned, row: int, arguments: Mapping[str, Any]) -> str:
        if arguments.get("column") != ACCEPTED_IN or self._accepted_in is None:
            return planned.reason
        return planned.reason.replace("another batch", f"batch {self._accepted_in.iloc[row]}")

    def _say(self, planned: Planned, what: str, holds: bool = False) -> None:
        where = {"warning": self._warnings, "info": self._infos}.get(planned.severity, self._warnings)
        if holds and planned.severity == "critical":
            where = self._held
        where.append(f"{planned.reason}: {what}")

    def validation(self) -> Validation:
        """All of it, with every reason of a row once."""
        set_aside = {row: tuple(dict.fromkeys(reasons)) for row, reasons in sorted(self._set_aside.items())}
        counts = Counter(reason for reasons in set_aside.values() for reason in reasons)
        return Validation(
            held_because=tuple(self._held),
            set_aside=set_aside,
            warnings=tuple(self._warnings),
            infos=tuple(self._infos),
            reasons=tuple(Reason(reason=r, rows=n) for r, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))),
            results=tuple(self._results),
        )


def _with_helpers(parsed: Parsed, planned: Sequence[Planned], accepted_in: pd.Series | None) -> pd.DataFrame:
    """The rows as Great Expectations wants them, with the helper columns of `data_checks.suite`."""
    import pandas as pd

    frame = pd.DataFrame({column: _plain(values) for column, values in parsed.frame.items()}, index=parsed.frame.index)
    nothing = pd.Series(None, index=frame.index, dtype="str")
    helpers: dict[str, pd.Series] = {}
    for check in planned:
        column = check.expectation.configuration.kwargs.get("column")
        if column == ACCEPTED_IN:
            helpers[ACCEPTED_IN] = nothing if accepted_in is None else accepted_in.astype("str")
        elif check.standing and check.needs and column == unreadable_in(check.needs[0]):
            helpers[column] = parsed.unreadable.get(check.needs[0], nothing)
    return pd.concat([frame, pd.DataFrame(helpers, index=frame.index)], axis=1)


def _plain(values: pd.Series) -> pd.Series:
    """A column in numpy's own type, which Great Expectations compares as a whole instead of value by value."""
    import pandas as pd

    kind = pd.api.types
    if kind.is_bool_dtype(values.dtype):
        return values.astype("bool") if not values.hasnans else values.astype("object").where(values.notna(), None)
    if kind.is_integer_dtype(values.dtype):
        if not values.hasnans:
            return values.astype("int64")
        exact = values.abs().max() is pd.NA or values.abs().max() < _EXACT_IN_FLOAT
        return values.astype("float64") if exact else values
    return values.astype("float64") if kind.is_float_dtype(values.dtype) else values


def _run(frame: pd.DataFrame, planned: Sequence[Planned], result_format: dict[str, Any]) -> list[_Found]:
    """Each check's result, in the order of `planned`, from a context made for this run and shared by nobody."""
    gx = great_expectations()
    for number, check in enumerate(planned):
        # Failing checks come back out of order, and checks cannot be compared with each other: they carry a number.
        check.expectation.meta = {"check": number}
    with ONE_AT_A_TIME:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("batch").add_dataframe_asset("rows")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite(name="checks", expectations=[check.expectation for check in planned])
        results = batch.validate(suite, result_format=result_format).results
    by_number = {result.expectation_config.meta["check"]: result for result in results}
    return [_found(check, by_number[number]) for number, check in enumerate(planned)]


def _found(planned: Planned, result: ExpectationValidationResult) -> _Found:
    config = result.expectation_config
    arguments = {k: v for k, v in (config.kwargs if config else {}).items() if k != "batch_id"}
    # Some expectations answer with numpy's bool, which JSON refuses.
    return _Found(planned, bool(result.success), result.result, _exception(result.exception_info), arguments)


def _exception(info: Mapping[str, Any] | None) -> str | None:
    """The message, whether it stands flat or below the name of the metric that raised it."""
    flat = [info or {}, *(part for part in (info or {}).values() if isinstance(part, dict))]
    raised = [part.get("exception_message") or "unknown error" for part in flat if part.get("raised_exception")]
    return "; ".join(dict.fromkeys(str(message).strip() for message in raised)) or None


def _with_rows(frame: pd.DataFrame, found: list[_Found], unreadable: Mapping[str, pd.Series]) -> list[_Found]:
    """The failing rows of those checks that set rows aside: they are asked again, for the rows this time.

    A value that could not be read is null in the frame. It is told as unreadable, so it does not count again as
    missing: the rows of a not-null check are those where nothing had arrived.
    """
    asked = [
        number
        for number, check in enumerate(found)
        if check.planned.level == "row"
        and not check.success
        and check.exception is None
        and (check.planned.severity == "critical" or _not_null_of(check) in unreadable)
    ]
    if not asked:
        return found
    again = _run(frame, [found[number].planned for number in asked], _COMPLETE)
    answered = list(found)
    for number, check in zip(asked, again, strict=True):
        if check.exception is not None:
            answered[number] = check
            continue
        rows = tuple(int(row) for row in check.result["unexpected_index_list"])
        if len(rows) != found[number].count:
            raise RuntimeError(f"{check.planned.reason}: {found[number].count} rows failed, {len(rows)} were named")
        texts = unreadable.get(_not_null_of(check) or "")
        kept = rows if texts is None else tuple(row for row in rows if texts.isna().iloc[row])
        old = found[number]
        answered[number] = _Found(old.planned, old.success, old.result, None, old.arguments, kept)
    return answered


def _not_null_of(check: _Found) -> str | None:
    is_not_null = check.planned.expectation.expectation_type == _NOT_NULL
    return check.arguments["column"] if is_not_null else None


def _observed(check: _Found) -> str:
    value = as_json(check.result.get("observed_value"))
    return "nothing observed" if value is None else f"observed {value}"


def _for_the_record(check: _Found) -> dict[str, Any]:
    planned = check.planned
    return {
        "expectation": planned.expectation.expectation_type,
        "arguments": as_json(check.arguments),
        "level": planned.level,
        "severity": planned.severity,
        "standing": planned.standing,
        "reason": planned.reason,
        "columns": list(planned.needs),
        "success": check.success,
        "exception": check.exception,
        "result": as_json(check.result),
    }


def as_json(value: Any) -> Any:
    """A value as strict JSON holds it: numpy's scalars unpacked, what is not a number as null, times as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(part) for part in value]
    if hasattr(value, "dict"):
        return as_json(value.dict())
    if hasattr(value, "tolist"):
        return as_json(value.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat() if value == value else None
    return str(value)
