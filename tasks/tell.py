"""Telling people: markdown artifacts in Prefect, Data Docs, and one line a cycle."""

from __future__ import annotations

import logging

from prefect.artifacts import create_markdown_artifact

from data_checks.docs import write_docs
from perennial.clock import instant
from perennial.evaluation.figures import between, change, counted, figure, percent
from perennial.evaluation.words import escape, in_words
from perennial.release.decision import Waits
from perennial.store.entries import BatchEntry, ChallengerEntry, Cycle, Decision, Health
from perennial.store.workspace import open_workspace
from tasks.step import step

log = logging.getLogger("perennial.tasks")
story = logging.getLogger("perennial.story")


@step(timeout_minutes=5)
def tell_batch(usecase: str, batch: BatchEntry) -> None:
    """The batch as an artifact: what arrived, what was set aside and why."""
    create_markdown_artifact(
        batch_in_words(usecase, batch), key=f"{usecase}-batch".replace("_", "-"), description=f"Batch {batch.window}"
    )


@step(timeout_minutes=5)
def tell_decision(usecase: str, decision: Decision) -> None:
    """The decision as an artifact: the paragraph and the table that `perennial decision` prints."""
    create_markdown_artifact(
        decision_in_words(decision),
        key=f"{usecase}-decision".replace("_", "-"),
        description=f"Decision {decision.id} on batch {decision.batch}: {decision.outcome}",
    )


@step(timeout_minutes=10)
def write_data_docs(usecase: str, batch: BatchEntry) -> None:
    """Great Expectations' own pages for the batch."""
    workspace = open_workspace()
    results = workspace.validations.read(usecase, batch.batch)
    write_docs(workspace.settings.docs, usecase, f"{batch.window}-{batch.revision}", instant(batch.end), results)


@step(timeout_minutes=5)
def finish_cycle(
    usecase: str, batch: BatchEntry, health: Health, decision: Decision | Waits, challenger: ChallengerEntry | None
) -> Cycle:
    """Commit that the cycle ran to its end, and tell it in a line."""
    workspace = open_workspace()
    decided = isinstance(decision, Decision)
    row, _ = workspace.ledger.append(
        usecase,
        Cycle(
            batch=batch.batch,
            as_of=batch.arrived_at,
            decision=decision.id if isinstance(decision, Decision) else None,
            challenger=challenger.challenger if challenger else None,
            health=health,
            waits="" if isinstance(decision, Decision) else decision.why,
        ),
    )
    log.info("cycle %s %s done, decided=%s", usecase, batch.window, decided)
    story.info(cycle_in_a_line(batch, health, decision))
    return row.payload


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
        lines += ["", "| reason | rows set aside |", "|---|---:|"]
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
    )


def cycle_in_a_line(batch: BatchEntry, health: Health, decision: Decision | Waits) -> str:
    """A cycle for the terminal: rows, set aside, champion's loss, challenger's gain, outcome."""
    rows = f"{batch.window}  {batch.rows.arrived:>7,} rows, {batch.rows.quarantined:>3,} set aside"
    loss = "no champion yet"
    if health.loss is not None:
        half = (health.loss.ci_high - health.loss.ci_low) / 2
        loss = f"champion loss {figure(health.loss.value, 3)} ±{figure(half, 2)}"
    elif health.labelled_rows:
        loss = f"champion loss unknown ({counted(health.labelled_rows, 'labelled row', 'labelled rows')})"
    if isinstance(decision, Decision):
        primary = decision.metrics[0]
        said = f"gain {change(primary.gain)} [{between(primary.ci_low, primary.ci_high)}]  {decision.outcome}"
    else:
        said = decision.why
    drift = f"  drift: {', '.join(a.channel for a in health.alarms)}" if health.alarms else ""
    seen = f"  unseen {percent(health.unseen_share)}" if health.unseen_share and health.unseen_share >= 0.01 else ""
    return f"{rows}  {loss}  {said}{drift}{seen}"
