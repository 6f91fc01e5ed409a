"""Runs expectations on a data frame: first for counts, then for the failing rows of those that set rows aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from data_checks.configurations import made_once
from data_checks.fingerprint import no_fingerprint
from data_checks.frames import loaded
from data_checks.helper_columns import needed_columns
from data_checks.merged import can_be_merged, merged
from data_checks.quiet import ONE_AT_A_TIME, great_expectations
from data_checks.suite import Planned

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult

PART = 2**23
"""Rows that Great Expectations gets at a time."""
_BASIC = {"result_format": "BASIC"}
_COMPLETE = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
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


def run(
    frame: pd.DataFrame, planned: Sequence[Planned], result_format: Mapping[str, Any] = _BASIC
) -> list[CheckResult]:
    """Each check's result, in the order of `planned`.

    Great Expectations reports most errors inside a check as that check's result. If it fails as a whole, each check is
    run separately, so that the faulty one is named and the others still count. Of a large frame, it gets a part at a
    time where that gives the same result, because it copies what it gets several times.
    """
    if len(frame) <= PART:
        return _run(frame, planned, result_format)
    parts = [frame.iloc[at : at + PART] for at in range(0, len(frame), PART)]
    split = [check for check in planned if can_be_merged(check, parts)]
    by_part = [_run(part, split, result_format) for part in parts]
    done = {id(check): merged(results) for check, *results in zip(split, *by_part, strict=True)}
    whole = [check for check in planned if id(check) not in done]
    done |= {id(check): result for check, result in zip(whole, _run(frame, whole, result_format), strict=True)}
    return [done[id(check)] for check in planned]


def _run(frame: pd.DataFrame, planned: Sequence[Planned], result_format: Mapping[str, Any]) -> list[CheckResult]:
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


def with_rows(
    frame: pd.DataFrame, results: list[CheckResult], unreadable: Mapping[str, pd.Series]
) -> list[CheckResult]:
    """Add the failing rows of the checks that set rows aside, by running these checks again.

    A value that could not be read is null in the frame. It is reported as unreadable, so it must not count as missing
    too: the rows of a not-null check are only those without any value.
    """
    asked = [
        number
        for number, check in enumerate(results)
        if check.planned.level == "row"
        and not check.success
        and check.exception is None
        and (check.planned.severity == "critical" or _not_null_of(check) in unreadable)
    ]
    if not asked:
        return results
    planned = [results[number].planned for number in asked]
    again = run(frame[needed_columns(planned, frame.columns)], planned, _COMPLETE)
    answered = list(results)
    for number, check in zip(asked, again, strict=True):
        if check.exception is not None:
            answered[number] = check
            continue
        rows = tuple(int(row) for row in check.result["unexpected_index_list"])
        if len(rows) != results[number].count:
            lost = f"{results[number].count} rows failed, but {len(rows)} were named"
            answered[number] = replace(results[number], exception=lost)
            continue
        texts = unreadable.get(_not_null_of(check) or "")
        reported = set() if texts is None else set(texts.index[texts.notna()])
        answered[number] = replace(results[number], rows=tuple(row for row in rows if row not in reported))
    return answered


def _not_null_of(check: CheckResult) -> str | None:
    is_not_null = check.planned.expectation.expectation_type == _NOT_NULL
    return check.arguments["column"] if is_not_null else None
