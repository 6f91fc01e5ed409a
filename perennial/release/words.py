"""Batches, cycles and decisions in words, the same in Prefect's artifacts and on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.deciding.decision import Waits
from perennial.evaluation.figures import between, change, counted, figure, percent
from perennial.evaluation.words import escape, in_words
from perennial.ledger.entries import NO_CHALLENGER, Approval, BatchEntry, Cycle, Decision


def batch_in_words(usecase: str, batch: BatchEntry) -> str:
    """A batch as markdown."""
    rows = batch.rows
    lines = [
        f"### {escape(usecase)}: batch {escape(batch.window)}"
        f"{f', revision {batch.revision}' if batch.revision > 1 else ''}: {batch.status}",
        "",
        f"{counted(rows.arrived, 'row', 'rows')} arrived, {rows.accepted:,} accepted (of these {rows.unlabelled:,} "
        f"have no label yet), {rows.quarantined:,} set aside.",
    ]
    if batch.held_because:
        lines += ["", "**Held**, no row is used:", "", *[f"- {escape(why)}" for why in batch.held_because]]
    if batch.quarantine:
        lines += ["", "| failed check | rows set aside |", "|---|---:|"]
        lines += [f"| {escape(r.reason)} | {r.rows:,} |" for r in batch.quarantine]
    if batch.warnings:
        lines += ["", "Warnings, rows accepted:", "", *[f"- {escape(w)}" for w in batch.warnings]]
    if batch.extra_columns:
        lines += ["", f"Undeclared columns, kept with the landed bytes: {escape(', '.join(batch.extra_columns))}."]
    return "\n".join(lines)


def decision_in_words(decision: Decision) -> str:
    """A decision as markdown."""
    return in_words(
        decision.outcome,
        decision.reasons,
        decision.metrics,
        decision.evaluation,
        champion_version=decision.champion.version if decision.champion else None,
        challenger_version=decision.challenger.version,
        batch=decision.batch,
        slices=decision.slices,
        flips=decision.flips,
        policy=decision.policy,
    )


def outcome_in_words(decision: Decision | Waits, *, frozen: bool = False) -> str:
    """What a decision leads to, in a few words. frozen: whether a freeze keeps it from being carried out."""
    if isinstance(decision, Waits):
        return "no decision"
    if frozen:
        return f"version {decision.challenger.version} not released, releases are frozen"
    challenger, champion = decision.challenger.version, decision.champion.version if decision.champion else None
    return {
        "first": f"version {challenger} released as the first",
        "release": f"version {challenger} released",
        "keep": f"version {champion} stays",
        "undecided": f"undecided, version {champion} stays" if champion else "undecided",
        "blocked": f"version {challenger} blocked by a guard",
        "held": f"version {challenger} waits for approval",
    }[decision.outcome]


def approval_in_words(approval: Approval) -> str:
    """Who released a held decision, when by the use case's clock, and why."""
    return f"Approved by {approval.by} on {approval.as_of.partition('T')[0]}: {approval.reason}"


def release_reason(kind: str, reason: str) -> str:
    """Why a release was made: a rollback has the words of whoever asked for it.

    >>> release_reason("rollback", "complaints"), release_reason("release", "It is better.")
    ('rolled back: complaints', 'It is better.')
    """
    return f"rolled back: {reason}" if kind == "rollback" else reason


def labels_in_words(count: int, first: Sequence[object]) -> str:
    """How many labels match no row, and the key of the first one."""
    match = "label matches" if count == 1 else "labels match"
    return f"{count:,} {match} no row; the first is {', '.join(map(str, first))}"


def cycle_waits(cycle: Cycle) -> str:
    """Why a cycle decided nothing, and whether it trained a challenger."""
    if cycle.waits != NO_CHALLENGER:
        return f"waits: {cycle.waits}"
    if cycle.not_trained:
        return f"no challenger yet: {cycle.not_trained}"
    return "first challenger trained" if cycle.challenger and not cycle.health.readings else "no challenger"


HEADING = f"{'batch':<10} {'rows':>7} {'aside':>5} {'loss ±95 %':<12} {'gain, 95 % interval':<31} outcome"
"""The columns of `cycle_in_lines`: 80 characters wide."""
GAIN_WIDTH, GAIN_AND_OUTCOME = 31, 41
"""Characters of the gain, and of the gain and the outcome: the gain's spaces give way to a version of more digits."""


def cycle_in_lines(batch: BatchEntry, cycle: Cycle, decision: Decision | None, *, frozen: bool = False) -> list[str]:
    """A cycle for the terminal: a line in the columns of `HEADING`, then one indented line per thing to know.

    The columns: rows that arrived, rows set aside, the champion's loss, the challenger's gain, the outcome.
    frozen: whether a freeze keeps the decision from being carried out.
    """
    health, notes = cycle.health, []
    loss = "no champion"
    if health.loss is not None:
        loss = f"{figure(health.loss.value, 3)} ±{figure((health.loss.ci_high - health.loss.ci_low) / 2, 2)}"
    elif health.readings:
        loss = "unknown"
        notes.append(f"the loss is unknown: {counted(health.labelled_rows, 'label', 'labels')} so far")
    gain, _, why = cycle_waits(cycle).partition(": ")
    if decision is None:
        notes += [why] if why else []
    else:
        primary, version = decision.metrics[0], decision.challenger.version
        outcome = f"{decision.outcome} v{version}" if decision.outcome in ("first", "release") else decision.outcome
        gain = f"{change(primary.gain)} ({between(primary.ci_low, primary.ci_high, 2)})"
        gain = f"{gain:<{min(GAIN_WIDTH, GAIN_AND_OUTCOME - len(outcome))}} {outcome}"
        if frozen:
            notes.append("not released: releases are frozen")
        if decision.policy.refit_weight:
            notes.append(f"{percent(decision.policy.refit_weight)} of the vote goes to the newest refit")
    if cycle.not_trained and cycle.waits != NO_CHALLENGER:
        notes.append(f"no new challenger: {cycle.not_trained}")
    notes += [f"drift: {alarm.channel}" for alarm in health.alarms]
    if health.unseen_share is not None and health.unseen_share >= 0.01:
        notes.append(f"{percent(health.unseen_share)} of rows have a category never seen in training")
    notes += [f"warning: {warning}" for warning in batch.warnings]
    rest = f" {batch.rows.arrived:>7,} {batch.rows.quarantined:>5,} {loss:<12} {gain}"
    return [f"{batch.window:<{min(10, max(80 - len(rest), 0))}}{rest}", *(f"  {note}" for note in notes)]
