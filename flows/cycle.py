"""One full cycle."""

from __future__ import annotations

from dataclasses import dataclass

from prefect import flow

from flows.decide import decide_at_once, decide_waiting
from flows.forms import UseCaseName
from flows.ingest import take_in
from flows.names import named_by, note_outcome, tag_run
from perennial.clock import instant
from perennial.deciding.decision import Waits
from perennial.ledger.entries import BatchEntry, Decision, Health, Postponed, Trigger
from perennial.release.words import outcome_in_words
from tasks.alerts import notify_people, report_failure, respond_to_episodes
from tasks.anchoring import anchor_if_any
from tasks.artifacts import finish_cycle
from tasks.as_of import Present
from tasks.batches import is_finished, restated_window
from tasks.collecting import collect_if_any
from tasks.contract import watch_contract
from tasks.deciding import is_kept_back
from tasks.health import watch_champion
from tasks.lineage import send_lineage_if_any
from tasks.page import renew_page_at_end
from tasks.scoring import score_arrived
from tasks.staging import look_if_any, outcome_of_looks
from tasks.training import train_next
from tasks.turn import in_turn


@flow(
    name="cycle",
    flow_run_name=named_by("window", otherwise="next"),
    on_running=[tag_run],
    on_failure=[report_failure],
    on_crashed=[report_failure],
    timeout_seconds=6 * 3600,
)
@in_turn
def cycle(usecase: UseCaseName, window: str | None = None, trigger: Trigger | None = None) -> BatchEntry | None:
    """Ingest one batch, monitor the champion, evaluate the waiting challenger on it, train the next one.

    If the declaration lets the newest days evaluate a challenger, the next one is evaluated in the same cycle.

    Args:
        usecase: Name of the use case, as in its declaration.
        window: The batch, for example 2013-01. Empty: an unfinished one, otherwise the next of the source, otherwise
            one whose source was corrected.
        trigger: What started the cycle; a scheduled deployment passes schedule.
    """
    return go_through(usecase, window, trigger)


@dataclass(frozen=True)
class Arrived:
    """A batch that is accepted and watched: what its cycle is about to decide on."""

    batch: BatchEntry
    health: Health
    asked: Trigger

    @property
    def now(self) -> Present:
        """The time at which it is decided."""
        return Present(instant(self.batch.arrived_at), self.batch.window)


def go_through(usecase: str, window: str | None, trigger: Trigger | None) -> BatchEntry | None:
    """The steps of `cycle`, as tasks of the flow that runs them."""
    return conclude(usecase, window, trigger, arrive(usecase, window, trigger))


def arrive(usecase: str, window: str | None, trigger: Trigger | None) -> Arrived | BatchEntry | None:
    """The steps up to the decision; the batch, or None without one, if none follows."""
    batch = take_in(usecase, window, unfinished_first=True)
    if batch is not None and batch.status == "held":
        note_outcome(usecase, "held", batch.window)
    if batch is None or batch.status == "held" or is_finished(usecase, batch):
        watch_contract(usecase)
        respond_to_episodes(usecase)
        renew_page_at_end(usecase)
        notify_people(usecase)
        anchor_if_any(usecase)
        send_lineage_if_any(usecase)
        return batch
    collect_if_any()
    as_of = instant(batch.arrived_at)
    asked = trigger or Trigger(kind="new_batch", detail=f"batch {batch.window}")
    score_arrived(usecase, batch)
    health = watch_champion(usecase, batch)
    respond_to_episodes(usecase)
    notify_people(usecase)
    look_if_any(usecase, as_of)
    return Arrived(batch, health, asked)


def conclude(
    usecase: str, window: str | None, trigger: Trigger | None, arrived: Arrived | BatchEntry | None
) -> BatchEntry | None:
    """The steps from the decision on, if there is anything to decide on; the batch."""
    if not isinstance(arrived, Arrived):
        return arrived
    return end(usecase, window, trigger, arrived, decide_waiting(usecase, arrived.now, arrived.asked))


def end(
    usecase: str,
    window: str | None,
    trigger: Trigger | None,
    arrived: Arrived,
    decision: Decision | Waits,
    postponed: Postponed | None = None,
) -> BatchEntry:
    """The steps after the decision."""
    batch, now = arrived.batch, arrived.now
    challenger = train_next(usecase, trigger, now.as_of, postponed)
    decision = decide_at_once(usecase, now, arrived.asked, challenger) or decision
    finish_cycle(usecase, batch, arrived.health, decision, challenger)
    decided = outcome_in_words(decision, frozen=is_kept_back(usecase))
    note_outcome(usecase, f"{outcome_of_looks(usecase, batch)}{decided}", batch.window)
    restated = restated_window(usecase) if window is None else None
    if restated is not None:
        cycle(usecase, restated, trigger)
    renew_page_at_end(usecase)
    notify_people(usecase)
    anchor_if_any(usecase)
    send_lineage_if_any(usecase)
    return batch
