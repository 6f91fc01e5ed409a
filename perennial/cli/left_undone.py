"""What a command leaves undone, each with the command that goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perennial.cli.to_approve import approve_command, approved_by, written_before
from perennial.evaluation.figures import counted
from perennial.ledger.entries import BatchEntry, Decision, LabelBatchEntry
from perennial.ledger.ledger import Ledger

LABELS_GO_ON = "correct the file or the declaration; the next run ingests it"
"""What to do about a held label file."""


def held_in_words(usecase: str, batch: BatchEntry) -> str:
    """That a batch is held, and why."""
    return f"{usecase}: batch {batch.window} is held, none of its rows is used: {'; '.join(batch.held_because)}"


def to_go_on(usecase: str) -> str:
    """The commands that go on with a held batch."""
    return f"`perennial quarantine {usecase}` shows what can be done, `perennial requeue {usecase}` checks it again"


def left_in_words(
    ledger: Ledger,
    usecase: str,
    held: Sequence[BatchEntry],
    labels: Sequence[LabelBatchEntry],
    decision: Decision | None,
) -> list[str]:
    """What a command leaves undone, each with what to do. decision: the newest, if it waits."""
    lines = [f"{held_in_words(usecase, batch)}\n  {to_go_on(usecase)}" for batch in held]
    lines += [
        f"{usecase}: label file {file.file} is held, none of its labels is used: {'; '.join(file.held_because)}"
        f"\n  {LABELS_GO_ON}"
        for file in labels
    ]
    if decision is not None and decision.outcome in ("first", "release"):
        lines.append(
            f"{usecase}: releases are frozen, so version {decision.challenger.version} (decision {decision.id}) is not "
            f"released\n  `perennial resume {usecase} --by NAME --reason TEXT` releases it"
        )
    elif decision is not None and decision.outcome == "held":
        before = f"\n  {written_before(decision)}" if written_before(decision) else ""
        lines.append(
            f"{usecase}: decision {decision.id} on batch {decision.batch} waits for a person: "
            f"`{approve_command(ledger, decision)}` releases version {decision.challenger.version}"
            f"{approved_by(ledger, decision)}{before}"
        )
    elif decision is not None:
        lines.append(
            f"{usecase}: a guard blocks version {decision.challenger.version} (decision {decision.id}): "
            f"{decision.reasons[-1]}"
        )
    return lines


def done_in_words(usecase: str, done: Sequence[BatchEntry], left: Sequence[str], pages: Path) -> list[str]:
    """The last lines of a backfill. done: its batches; left: the lines of `left_in_words`; pages: their folder."""
    finished = sum(batch.status == "accepted" for batch in done)
    first = f"{usecase}: {counted(finished, 'cycle', 'cycles')} done." if done else f"{usecase}: no batch is new."
    look = [f"Next: `perennial status {usecase}`, and its page: {pages / f'{usecase}.html'}"] if done else []
    return [first, *look, *left] if done or left else [f"{usecase}: nothing is left to do."]
