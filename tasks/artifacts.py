"""Reports for people: markdown artifacts in Prefect, Data Docs, and one line per cycle."""

from __future__ import annotations

import logging

from prefect.artifacts import create_markdown_artifact

from data_checks.docs import write_docs
from perennial.clock import instant
from perennial.deciding.decision import Waits
from perennial.fault_points import write
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Decision, EpisodeClosed, Health, RunSucceeded
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import frozen_decision, standing_failure, trained_at
from perennial.release.freeze import freezes_in_words
from perennial.release.looked import looked_in_cycle
from perennial.release.words import HEADING, batch_in_words, cycle_in_lines, decision_in_words
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.training.readiness import NotYet
from tasks.forms import form_address
from tasks.step import in_fleet, step

log = logging.getLogger("perennial.tasks")
story = logging.getLogger("perennial.story")


@step(timeout_minutes=10)
def show_batch(usecase: str, batch: BatchEntry) -> None:
    """The batch as an artifact, what arrived and what was set aside and why, and as Great Expectations' own page."""
    create_markdown_artifact(
        batch_in_words(usecase, batch) + _ways_on(usecase, batch),
        key=f"{usecase}-batch".replace("_", "-"),
        description=f"Batch {batch.window}",
    )
    workspace = open_workspace(settings())
    results = workspace.validations.read(usecase, batch.batch)
    with write("data_docs"):
        write_docs(workspace.settings.docs, usecase, f"{batch.window}-{batch.revision}", instant(batch.end), results)


def show_decision(usecase: str, decision: Decision) -> None:
    """The decision as an artifact: the paragraph and the table that `perennial decision` prints."""
    ledger = open_workspace(settings()).ledger
    newest, kept_back = ledger.newest(usecase), frozen_decision(ledger, usecase)
    frozen = f"\n\n**Not released**: {freezes_in_words(ledger, usecase)}. {_resuming(usecase)}" if kept_back else ""
    head = f"\n\nThe ledger's head: {newest.head}" if newest else ""
    create_markdown_artifact(
        decision_in_words(decision) + _approval(usecase, decision) + frozen + head,
        key=f"{usecase}-decision".replace("_", "-"),
        description=f"Decision {decision.id} on batch {decision.batch}: {decision.outcome}",
    )


def show_freeze(usecase: str) -> None:
    """Whether releases are frozen, as an artifact: because of what, and how a person ends it."""
    words = freezes_in_words(open_workspace(settings()).ledger, usecase)
    text = f"{words[0].upper()}{words[1:]}. {_resuming(usecase)}" if words else "Releases are not frozen."
    create_markdown_artifact(text, key=f"{usecase}-releases".replace("_", "-"), description="Frozen releases")


def _approval(usecase: str, decision: Decision) -> str:
    """How to approve a decision that waits for a person; empty for every other one."""
    if decision.outcome != "held":
        return ""
    form = form_address("approve", usecase=usecase, decision=decision.id)
    typed = f"`perennial approve {decision.id[:8]} --by NAME --reason TEXT`"
    return f"\n\nIt waits for a person: {f'[approve it]({form}), or ' if form else ''}{typed}."


def _resuming(usecase: str) -> str:
    """How to end a freeze of releases, once its cause is gone."""
    form = form_address("resume", usecase=usecase)
    typed = f"`perennial resume {usecase} --by NAME --reason TEXT`"
    return f"Once its cause is gone: {f'[resume releases]({form}), or ' if form else ''}{typed}."


def _ways_on(usecase: str, batch: BatchEntry) -> str:
    """What a person can do about a held batch; empty for every other one."""
    if batch.status != "held":
        return ""
    forms = {
        "check it again after correcting the declaration": form_address(
            "requeue", usecase=usecase, window=batch.window
        ),
        "accept it despite a failed check": form_address("waive", usecase=usecase, window=batch.window),
    }
    links = [f"[{what}]({form})" for what, form in forms.items() if form]
    return f"\n\nWhat to do: {' or '.join([*links, f'`perennial quarantine {usecase}`'])}."


@step(timeout_minutes=5)
def finish_cycle(
    usecase: str,
    batch: BatchEntry,
    health: Health,
    decision: Decision | Waits,
    challenger: ChallengerEntry | NotYet | None,
) -> Cycle:
    """Commit that the cycle finished, and print its line; a fleet prints one per batch."""
    workspace = open_workspace(settings())
    if challenger is None:
        challenger = trained_at(workspace.ledger, usecase, instant(batch.arrived_at))  # before a crash of this cycle
    row, _ = workspace.ledger.append(
        usecase,
        Cycle(
            batch=batch.batch,
            as_of=batch.arrived_at,
            decision=decision.id if isinstance(decision, Decision) else None,
            challenger=challenger.challenger if isinstance(challenger, ChallengerEntry) else None,
            health=health,
            waits="" if isinstance(decision, Decision) else decision.why,
            not_trained=challenger.why if isinstance(challenger, NotYet) else "",
            postponed=challenger.postponed if isinstance(challenger, NotYet) else None,
        ),
    )
    note_success(workspace.ledger, usecase)
    log.info("cycle %s %s done", usecase, batch.window)
    taken = decision if isinstance(decision, Decision) else None
    kept_back = frozen_decision(workspace.ledger, usecase)
    later = (challenger.later_because if isinstance(challenger, ChallengerEntry) else None) or ""
    lines = cycle_in_lines(
        batch,
        row.payload,
        taken,
        frozen=kept_back is not None,
        later_because=later,
        looked=looked_in_cycle(workspace.ledger, usecase, batch),
        over={each.key for each in workspace.ledger.all(usecase, EpisodeClosed)},
    )
    if not in_fleet():
        story.info("%s", "\n".join(lines), extra={"heading": HEADING})
    return row.payload


def note_success(ledger: Ledger, usecase: str) -> None:
    """Commit that a use case succeeded, if a run of its fleet had failed for it."""
    failed = standing_failure(ledger, usecase)
    if failed is not None:
        ledger.append(usecase, RunSucceeded(number=failed.number))
