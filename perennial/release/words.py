"""Batches, cycles and decisions in words: the same in Prefect's artifacts, on the terminal, everywhere."""

from __future__ import annotations

from collections.abc import Sequence

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
        lines += ["", "**Held**, no row counts:", "", *[f"- {escape(why)}" for why in batch.held_because]]
    if batch.quarantine:
        lines += ["", "| failed check | rows set aside |", "|---|---:|"]
        lines += [f"| {escape(r.reason)} | {r.rows:,} |" for r in batch.quarantine]
    if batch.warnings:
        lines += ["", "Warnings, rows accepted:", "", *[f"- {escape(w)}" for w in batch.warnings]]
    if batch.extra_columns:
        lines += ["", f"Columns nobody declared, kept with the landed bytes: {escape(', '.join(batch.extra_columns))}."]
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


def approval_in_words(approval: Approval) -> str:
    """Who released a held decision, when by the use case's clock, and why."""
    return f"Approved by {approval.by} on {approval.as_of.partition('T')[0]}: {approval.reason}"


def labels_in_words(count: int, first: Sequence[object]) -> str:
    """Labels that match no row: how many, and the key of the first."""
    match = "label matches" if count == 1 else "labels match"
    return f"{count:,} {match} no row; the first is {', '.join(map(str, first))}"


def cycle_waits(cycle: Cycle) -> str:
    """Why a cycle decided nothing, and whether it leaves a challenger."""
    if cycle.waits != NO_CHALLENGER:
        return f"waits: {cycle.waits}"
    if cycle.not_trained:
        return f"no challenger yet: {cycle.not_trained}"
    return "first challenger trained" if cycle.challenger and not cycle.health.readings else "no challenger"


HEADING = (
    f"{'batch':<12} {'rows':>7} {'set aside':>9}   {'champion loss ±95 %':<20} "
    f"{'challenger gain, 95 % interval':<34} outcome"
)


def cycle_in_a_line(batch: BatchEntry, cycle: Cycle, decision: Decision | None) -> str:
    """A cycle for the terminal, in the columns of `HEADING`: rows, set aside, loss, gain, outcome."""
    health = cycle.health
    loss = "no champion yet"
    if health.loss is not None:
        loss = f"{figure(health.loss.value, 3)} ±{figure((health.loss.ci_high - health.loss.ci_low) / 2, 2)}"
    elif health.readings:
        loss = f"unknown ({counted(health.labelled_rows, 'label', 'labels')})"
    gain, outcome = "–", cycle_waits(cycle)
    if decision is not None:
        primary = decision.metrics[0]
        gain = f"{change(primary.gain)} ({between(primary.ci_low, primary.ci_high)})"
        outcome = decision.outcome
        if outcome in ("first", "release"):
            outcome += f": version {decision.challenger.version} serves"
        if decision.policy.refit_weight:
            outcome += f", {percent(decision.policy.refit_weight)} its newest refit"
    notes = [f"no new challenger: {cycle.not_trained}"] if cycle.not_trained and cycle.waits != NO_CHALLENGER else []
    notes += [f"drift: {alarm.channel}" for alarm in health.alarms]
    if health.unseen_share is not None and health.unseen_share >= 0.01:
        notes.append(f"{percent(health.unseen_share)} of rows unseen categories")
    notes += [f"warning: {warning}" for warning in batch.warnings]
    said = "; ".join([outcome, *notes])
    return f"{batch.window:<12} {batch.rows.arrived:>7,} {batch.rows.quarantined:>9,}   {loss:<20} {gain:<34} {said}"
