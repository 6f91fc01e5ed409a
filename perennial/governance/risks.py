"""Point 5: each declared risk with the newest result of what measures it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perennial.evaluation.bias.results import Bias
from perennial.evaluation.figures import between, change, counted, figure
from perennial.governance.items import NOT_STATED, Item, Table, computed
from perennial.governance.records import Records
from perennial.ledger.entries import BatchEntry
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_governance import Measure, Risk

RISKS = ("risk", "likelihood", "impact", "what is done about it", "owner", "measured by", "newest result")
NO_RESULT = "no result yet"


@dataclass(frozen=True)
class Gone:
    """A measure, in words, that a risk names and the declaration does not have any more. place: of the risk, from 0."""

    place: int
    risk: str
    measure: str

    def __str__(self) -> str:
        return (
            f"governance.risk_items[{self.place}].measured_by: {self.measure} is not declared any more, so "
            f"nothing measures the risk '{self.risk}'"
        )


def risk_items(records: Records) -> tuple[Item, ...]:
    """The declared risks as a table; without any, what to write."""
    declared = records.declaration.governance.risk_items
    if not declared:
        return (Item("Risks", "not stated", (NOT_STATED,), field="governance.risk_items"),)
    rows = tuple(_row(records, risk) for risk in declared)
    return (Item("Risks", "declared", table=Table(RISKS, rows), field="governance.risk_items"), _unmeasured(declared))


def gone(declaration: Declaration) -> list[Gone]:
    """The risks whose measure no longer exists."""
    return [
        Gone(place, risk.risk, risk.measured_by.in_words)
        for place, risk in enumerate(declaration.governance.risk_items)
        if risk.measured_by is not None and risk.measured_by.name not in _names(declaration, risk.measured_by.kind)
    ]


def _row(records: Records, risk: Risk) -> tuple[str, ...]:
    by = risk.measured_by
    result = "–" if by is None else _result(records, by)
    named = "nothing measures it" if by is None else by.in_words
    return (
        risk.risk,
        risk.likelihood,
        risk.impact,
        risk.measure or NOT_STATED,
        risk.owner or NOT_STATED,
        named,
        result,
    )


def _unmeasured(declared: tuple[Risk, ...]) -> Item:
    without = sum(risk.measured_by is None for risk in declared)
    return computed("Risks that nothing measures", f"{without} of {counted(len(declared), 'risk', 'risks')}")


def _names(declaration: Declaration, kind: str) -> set[str]:
    """The measures of a kind that are declared."""
    evaluation = declaration.evaluation
    if kind == "metric":
        return {declaration.primary, *evaluation.also}
    if kind == "guard":
        return set(evaluation.guards)
    if kind == "slice":
        return set(evaluation.slices)
    if kind == "group":
        return {each.called for each in declaration.governance.protected}
    if kind == "channel":
        return set(declaration.watch.channels)
    return {column for check in declaration.checks for column in _columns(check.expectation, check.arguments)}


def _columns(expectation: str, arguments: dict[str, object]) -> Iterator[str]:
    if expectation.startswith("expect_table_"):
        yield "table"
    for name in ("column", "column_A", "column_B", "column_list"):
        value = arguments.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from map(str, value)


def _result(records: Records, measure: Measure) -> str:
    if measure.name not in _names(records.declaration, measure.kind):
        return "the measure is not declared any more"
    if measure.kind == "channel":
        return _of_channel(records, measure.name)
    if measure.kind == "check":
        return _of_check(records.batches, measure.name)
    return _of_decision(records, measure)


def _of_channel(records: Records, channel: str) -> str:
    for cycle in reversed(records.cycles):
        for reading in cycle.health.readings:
            if reading.channel == channel:
                return f"{reading.words} (as of {cycle.as_of})"
    return NO_RESULT


def _of_check(batches: Sequence[BatchEntry], column: str) -> str:
    if not batches:
        return NO_RESULT
    newest = batches[-1]
    failed = [each for each in newest.quarantine if column in each.reason.partition(": ")[0].split(" + ")]
    rows = sum(each.rows for each in failed)
    what = f"{counted(rows, 'row', 'rows')} set aside" if failed else "no row set aside"
    return f"{what} of {newest.rows.arrived:,} in batch {newest.window}"


def _of_decision(records: Records, measure: Measure) -> str:
    subject = records.subject
    if subject is None:
        return NO_RESULT
    on = f"decision {subject.decision.key}"
    if measure.kind == "slice":
        mine = [each for each in subject.slices if each.column == measure.name]
        if not mine:
            return NO_RESULT
        worse = sum(each.verdict == "worse" for each in mine)
        unchecked = sum(each.verdict == "not_decidable" for each in mine)
        return f"{worse} of {counted(len(mine), 'value', 'values')} proven worse, {unchecked} cannot be checked ({on})"
    if measure.kind == "group":
        return _of_group(subject.decision.payload.bias, measure.name, on)
    role = ("guard",) if measure.kind == "guard" else ("primary", "info")
    result = next((each for each in subject.metrics if each.name == measure.name and each.role in role), None)
    if result is None:
        return NO_RESULT
    return (
        f"{figure(result.challenger)}, gain {change(result.gain)}, 95 % interval "
        f"{between(result.ci_low, result.ci_high)}: {result.verdict.replace('_', ' ')} ({on})"
    )


def _of_group(bias: Bias | None, name: str, on: str) -> str:
    groups = [group for column, group in bias.groups if column.by == name] if bias else []
    if bias is None or not groups:
        return NO_RESULT
    verdicts = [[m.verdict if (m := group.measure(gated)) else "unknown" for gated in bias.gates] for group in groups]
    proven = sum("difference_proven" in each for each in verdicts)
    unchecked = sum(bool({"cannot_be_checked", "unknown"} & {*each}) for each in verdicts)
    of = counted(len(verdicts), "group", "groups")
    how = "to be treated worse" if bias.gated else "to be selected too rarely"
    return f"{proven} of {of} proven {how}, {unchecked} cannot be checked ({on})"
