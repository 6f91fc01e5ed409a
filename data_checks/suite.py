"""Turns a declaration into expectations: the standing checks, and the declared ones.

Standing checks need not be declared: columns exist, values can be read as their type, keys and times are present, no
key occurs twice, no row is from the future or outside the batch's window, a binary target is 0 or 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from sys import float_info
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from data_checks.catalogue import ROW_LEVEL, core_expectations, kind_of
from data_checks.wording import columns_of, in_words, reason_of
from perennial.errors import InputError
from perennial.intake.plausible import EARLY, LATE
from perennial.our_columns import PREFIX
from perennial.sources.column_type import ColumnType
from perennial.usecase.columns import column_types, no_such_value, target_values
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_check import Check, Severity
from perennial.usecase.declared_schema import Schema

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Level = Literal["row", "batch"]

ACCEPTED_IN = f"{PREFIX}accepted_in"
"""Helper column: the batch in which the row's key was accepted before, or null."""

TIME_FAULT = {fault: f"{PREFIX}{fault}" for fault in (LATE, EARLY)}
"""Helper columns: not null if the row's time is implausible."""

NO_ROWS = "no rows: the batch is empty"

ABOUT_COLUMNS = frozenset(
    {
        "expect_column_to_exist",
        "expect_table_column_count_to_be_between",
        "expect_table_column_count_to_equal",
        "expect_table_columns_to_match_set",
    }
)
"""Expectations about which columns a batch has. For these, undeclared columns count and helper columns do not."""

_UNREADABLE_AS: dict[ColumnType, str] = {
    "number": "not a number",
    "integer": "not a whole number",
    "text": "not a text",
    "boolean": "neither true nor false",
    "timestamp": "not a time",
}
_COMPARED = ("min_value", "max_value", "value_set")
_NOT_OF_THE_COLUMNS_TYPE = ("lengths", "count", "proportion", "stdev")


@dataclass(frozen=True, eq=False)
class Planned:
    """One expectation and what its failure causes.

    level: `row` sets the failing rows aside, `batch` holds the batch; both only if severity is critical.
    reason: the words that people read and by which the quarantine is counted; the same for the same check.
    needs: columns of the batch without which it is not run (the missing column is reported instead).
    standing: whether it is a standing check of Perennial rather than one under `checks`.
    Compared by identity only: to Great Expectations, two expectations of one column are equal whatever they require.
    """

    expectation: Expectation
    level: Level
    severity: Severity
    reason: str
    needs: tuple[str, ...]
    standing: bool


def unreadable_in(column: str) -> str:
    """The helper column with the texts of `column` that could not be read as its type, or null."""
    return f"{PREFIX}{column} (unreadable)"


def required_columns(declaration: Declaration) -> dict[str, ColumnType]:
    """The columns, with their types, that every batch must have. The target may come later in separate files."""
    late = {declaration.schema_.target} if declaration.labels else set()
    return {column: kind for column, kind in column_types(declaration).items() if column not in late}


def build_suite(
    declaration: Declaration, *, as_of: datetime, batch_window: tuple[datetime | None, datetime | None] | None
) -> list[Planned]:
    """Every expectation on a batch, standing ones first.

    as_of: aware; rows at or after it are from the future.
    batch_window: aware start and end, half-open, of the period that the batch covers; None if it is unknown.
    Raises InputError for a check that Great Expectations refuses to build.
    """
    classes = core_expectations()
    standing = _standing(declaration, _Critical(classes), as_of, batch_window or (None, None))
    own = (_of_the_team(declaration, classes, number, check) for number, check in enumerate(declaration.checks))
    return [*standing, *own]


class _Critical:
    """Builds the standing checks, all of them critical."""

    def __init__(self, classes: Mapping[str, type[Expectation]]) -> None:
        self._classes = classes

    def row(self, reason: str, needs: tuple[str, ...], name: str, **arguments: Any) -> Planned:
        """A check that sets rows aside."""
        return self._planned("row", reason, needs, name, arguments)

    def batch(self, reason: str, name: str, **arguments: Any) -> Planned:
        """A check that holds the batch."""
        return self._planned("batch", reason, (), name, arguments)

    def _planned(
        self, level: Level, reason: str, needs: tuple[str, ...], name: str, arguments: Mapping[str, Any]
    ) -> Planned:
        expectation = self._classes[f"expect_{name}"](**arguments)
        return Planned(expectation, level, "critical", reason, needs, standing=True)


def _standing(
    declaration: Declaration,
    critical: _Critical,
    as_of: datetime,
    window: tuple[datetime | None, datetime | None],
) -> Iterator[Planned]:
    yield critical.batch(NO_ROWS, "table_row_count_to_be_between", min_value=1)
    for column in required_columns(declaration):
        yield critical.batch(f"{column}: column is missing", "column_to_exist", column=column)
    yield from _readable(declaration, critical)
    yield from _keyed(declaration.schema_.key, critical)
    yield from _timed(declaration.schema_, critical, as_of, window)
    schema = declaration.schema_
    if schema.weight is not None:
        yield from _weighed(schema.weight, critical)
    allowed, target = target_values(schema), schema.target
    if allowed:
        reason = f"{target}: {no_such_value(schema)}"
        yield critical.row(reason, (target,), "column_values_to_be_in_set", column=target, value_set=allowed)


def _readable(declaration: Declaration, critical: _Critical) -> Iterator[Planned]:
    """Every value is of its column's type. To a target of classes, all but these is unreadable."""
    schema = declaration.schema_
    for column, kind in column_types(declaration).items():
        of_classes = column == schema.target and target_values(schema)
        reason = f"{column}: {no_such_value(schema) if of_classes else _UNREADABLE_AS[kind]}"
        yield critical.row(reason, (column,), "column_values_to_be_null", column=unreadable_in(column))


def _keyed(key: tuple[str, ...], critical: _Critical) -> Iterator[Planned]:
    """Keys exist and are unique. All rows with a repeated key are set aside: nothing shows which one is right."""
    for column in key:
        yield critical.row(f"{column}: missing", (column,), "column_values_to_not_be_null", column=column)
    name = " + ".join(key)
    twice = f"{name}: not unique in the batch"
    if len(key) == 1:
        yield critical.row(twice, key, "column_values_to_be_unique", column=key[0])
    else:
        # A key that contains a null is reported as missing, not as a copy of another such key.
        arguments = {"column_list": list(key), "ignore_row_if": "any_value_is_missing"}
        yield critical.row(twice, key, "compound_columns_to_be_unique", **arguments)
    before = f"{name}: accepted before in another batch"
    yield critical.row(before, key, "column_values_to_be_null", column=ACCEPTED_IN)


def _timed(
    schema: Schema, critical: _Critical, as_of: datetime, window: tuple[datetime | None, datetime | None]
) -> Iterator[Planned]:
    """Times are present, plausible, before `as_of`, and in the batch's window."""
    column, needs = schema.time, (schema.time,)
    between = "column_values_to_be_between"
    if column not in schema.key:
        yield critical.row(f"{column}: missing", needs, "column_values_to_not_be_null", column=column)
    for fault, helper in TIME_FAULT.items():
        yield critical.row(f"{column}: {fault}", needs, "column_values_to_be_null", column=helper)
    future = f"{column}: in the future (should be before {in_words(as_of)})"
    yield critical.row(future, needs, between, column=column, max_value=as_of, strict_max=True)
    start, end = window
    if start is not None or end is not None:
        bounds = {"min_value": start, "max_value": end, "strict_max": end is not None}
        yield critical.row(f"{column}: outside the batch's window", needs, between, column=column, **bounds)


def _weighed(column: str, critical: _Critical) -> Iterator[Planned]:
    """Weights are there, above 0 and finite: a row that counts nothing, or everything, has no place in a mean."""
    yield critical.row(f"{column}: missing", (column,), "column_values_to_not_be_null", column=column)
    bounds = {"min_value": 0, "strict_min": True, "max_value": float_info.max}
    reason = f"{column}: not above 0 and finite"
    yield critical.row(reason, (column,), "column_values_to_be_between", column=column, **bounds)


def _of_the_team(
    declaration: Declaration, classes: Mapping[str, type[Expectation]], number: int, check: Check
) -> Planned:
    place = f"checks[{number}] {check.expectation}"
    if check.expectation not in classes:
        raise InputError(f"{place}: there is no core expectation with this name that works on a data frame")
    from great_expectations.expectations.metadata_types import FailureSeverity

    expectation = classes[check.expectation]
    arguments = _with_condition(_of_the_columns_type(declaration, check, place))
    try:
        built = expectation(**arguments, severity=FailureSeverity(check.severity))
    except (ValueError, TypeError) as error:
        raise InputError(f"{place}: {_plainly(error)}") from error
    return Planned(
        built,
        level="row" if kind_of(expectation) in ROW_LEVEL else "batch",
        severity=check.severity,
        reason=reason_of(check.expectation, check.arguments),
        needs=() if check.expectation in ABOUT_COLUMNS else columns_of(check.arguments),
        standing=False,
    )


def _with_condition(arguments: dict[str, Any]) -> dict[str, Any]:
    """A condition as text is meant for pandas unless a parser is named; Great Expectations requires an object."""
    from great_expectations.expectations.row_conditions import PassThroughCondition

    condition = arguments.get("row_condition")
    if not isinstance(condition, str) or arguments.get("condition_parser", "pandas") != "pandas":
        return arguments
    rest = {name: value for name, value in arguments.items() if name != "condition_parser"}
    return rest | {"row_condition": PassThroughCondition(pass_through_filter=condition)}


def _of_the_columns_type(declaration: Declaration, check: Check, place: str) -> dict[str, Any]:
    """Convert the arguments that are compared with a column's values to the column's type.

    A time without a zone is in the use case's time zone. A number in a set for a text column is meant as text.
    """
    arguments = dict(check.arguments)
    if any(word in check.expectation for word in _NOT_OF_THE_COLUMNS_TYPE):
        return arguments
    kind = column_types(declaration).get(arguments.get("column", ""))
    zone = ZoneInfo(declaration.schema_.timezone)
    for name in _COMPARED:
        value = arguments.get(name)
        if kind == "timestamp" and isinstance(value, list):
            arguments[name] = [_moment(member, zone, place, name) for member in value]
        elif kind == "timestamp" and value is not None:
            arguments[name] = _moment(value, zone, place, name)
        elif kind == "text" and isinstance(value, list):
            arguments[name] = [in_words(member) for member in value]
    return arguments


def _moment(value: Any, zone: ZoneInfo, place: str, name: str) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise InputError(f"{place}: {name}: {value!r} is not a time: write for example 2013-01-31T14:00") from error
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise InputError(f"{place}: {name}: {value!r} is not a time: write for example 2013-01-31T14:00")
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _plainly(error: Exception) -> str:
    """What is wrong with the arguments, without class names."""
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return str(error)
    parts = []
    for problem in errors():
        field = ".".join(str(part) for part in problem["loc"] if part != "__root__")
        parts.append(f"{field}: {problem['msg']}" if field else problem["msg"])
    return "; ".join(parts)
