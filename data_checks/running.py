"""Runs expectations on a data frame: first for counts, then for the failing rows of those that set rows aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from data_checks.configurations import made_once
from data_checks.fingerprint import no_fingerprint
from data_checks.frames import loaded
from data_checks.helper_columns import needed_columns
from data_checks.quiet import ONE_AT_A_TIME, great_expectations
from data_checks.suite import Planned

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult

BASIC = {"result_format": "BASIC"}
COMPLETE = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
_NOT_NULL = "expect_column_values_to_not_be_null"


@dataclass(frozen=True)
class CheckResult:
    """One check after its run. rows: positions of the failing rows, known only if they are needed."""

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


def run(frame: pd.DataFrame, planned: Sequence[Planned], result_format: Mapping[str, Any] = BASIC) -> list[CheckResult]:
    """Each check's result, in the order of `planned`.

    Great Expectations reports most errors inside a check as that check's result. If it fails as a whole, each check is
    run separately, so that the faulty one is named and the others still count.
    """
    if not planned:
        return []
    if len(planned) == 1:
        return [_alone(frame, planned[0], result_format)]
    try:
        results = _together(frame, planned, result_format)
    except Exception:  # noqa: BLE001 — reported below, by the check that raises it
        results = []
    if all(check.exception for check in results):
        return [_alone(frame, check, result_format) for check in planned]
    return results


def _alone(frame: pd.DataFrame, planned: Planned, result_format: Mapping[str, Any]) -> CheckResult:
    try:
        return _together(frame, [planned], result_format)[0]
    except Exception as error:  # noqa: BLE001 — any error becomes the check's result
        message = str(error) or type(error).__name__
        return CheckResult(planned, False, {}, message, planned.expectation.configuration.kwargs)


def _together(frame: pd.DataFrame, planned: Sequence[Planned], result_format: Mapping[str, Any]) -> list[CheckResult]:
    """The results of one run, after which nothing of the frame is kept."""
    gx = great_expectations()
    for number, check in enumerate(planned):
        # Results come back in another order, and checks cannot be compared with each other, so each has a number.
        check.expectation.meta = {"check": number}
    with ONE_AT_A_TIME:
        suite = gx.ExpectationSuite(name="checks", expectations=[check.expectation for check in planned])
        with made_once(), no_fingerprint(), loaded(frame) as batch:
            results = batch.validate(suite, result_format=dict(result_format)).results
    by_number = {result.expectation_config.meta["check"]: result for result in results}
    return [_result_of(check, by_number[number]) for number, check in enumerate(planned)]


def _result_of(planned: Planned, result: ExpectationValidationResult) -> CheckResult:
    config = result.expectation_config
    arguments = {k: v for k, v in (config.kwargs if config else {}).items() if k != "batch_id"}
    # Some expectations return numpy's bool, which JSON cannot represent.
    return CheckResult(planned, bool(result.success), result.result, _exception(result.exception_info), arguments)


def _exception(info: Mapping[str, Any] | None) -> str | None:
    """The message, whether it is at the top level or below the name of the metric that raised it."""
    flat = [info or {}, *(part for part in (info or {}).values() if isinstance(part, dict))]
    raised = [part.get("exception_message") or "unknown error" for part in flat if part.get("raised_exception")]
    return "; ".join(dict.fromkeys(str(message).strip() for message in raised)) or None


class Rows(Protocol):
    """The rows of a batch, wherever they are, as passed to Great Expectations."""

    def run(self, planned: Sequence[Planned], result_format: Mapping[str, Any]) -> list[CheckResult]:
        """As `run` of all rows."""
        ...

    def unreadable(self, column: str) -> set[int]:
        """The rows with a value of the column that could not be read."""
        ...


@dataclass(frozen=True)
class InMemory:
    """A frame with `with_helpers`. texts: column → the texts that could not be read, null in the other rows."""

    frame: pd.DataFrame
    texts: Mapping[str, pd.Series]

    def run(self, planned: Sequence[Planned], result_format: Mapping[str, Any]) -> list[CheckResult]:
        """As `run` of all rows."""
        needed = needed_columns(planned, self.frame.columns)
        frame = self.frame if len(needed) == len(self.frame.columns) else self.frame[needed]
        return run(frame, planned, result_format)

    def unreadable(self, column: str) -> set[int]:
        """The rows with a value of the column that could not be read."""
        texts = self.texts.get(column)
        return set() if texts is None else set(texts.index[texts.notna()])


def checked(rows: Rows, planned: Sequence[Planned]) -> list[CheckResult]:
    """The results of the checks, with the failing rows of those that set rows aside, which are run again for them.

    A value that could not be read is null in the frame. It is reported as unreadable, so it must not count as missing
    too: the rows of a not-null check are only those without any value.
    """
    results, unreadable = rows.run(planned, BASIC), cache(rows.unreadable)  # rows on disk are read for each question
    asked = [
        number
        for number, check in enumerate(results)
        if check.planned.level == "row"
        and not check.success
        and check.exception is None
        and (check.planned.severity == "critical" or unreadable(_not_null_of(check)))
    ]
    if not asked:
        return results
    again = rows.run([results[number].planned for number in asked], COMPLETE)
    for number, check in zip(asked, again, strict=True):
        if check.exception is not None:
            results[number] = check
            continue
        failed = tuple(int(row) for row in check.result["unexpected_index_list"])
        if len(failed) != results[number].count:
            lost = f"{results[number].count} rows failed, but {len(failed)} were named"
            results[number] = replace(results[number], exception=lost)
            continue
        reported = unreadable(_not_null_of(check))
        results[number] = replace(results[number], rows=tuple(row for row in failed if row not in reported))
    return results


def _not_null_of(check: CheckResult) -> str:
    """The column that is to be not null; none has an empty name."""
    is_not_null = check.planned.expectation.expectation_type == _NOT_NULL
    return str(check.arguments["column"]) if is_not_null else ""
