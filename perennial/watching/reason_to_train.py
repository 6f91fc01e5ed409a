"""Why to train now, or None: retraining is cheap, so any single reason is enough."""

from __future__ import annotations

from perennial.ledger.entries import Trigger
from perennial.ledger.erased import after_erasure


def for_drift(episode: str) -> Trigger:
    """The reason that an open episode is."""
    return Trigger(kind="drift", event=episode, detail=f"episode {episode} is open and wants a new challenger")


def reason_to_train(
    *,
    asked: Trigger | None,
    schedule_declared: bool,
    on_new_batch: bool,
    on_drift: bool,
    has_champion_or_waiting: bool,
    challenger_waits: bool,
    new_batch_accepted: bool,
    drift_wants: str | None,
    erased: int | None,
) -> Trigger | None:
    """The first reason that applies: a person or an event, nothing trained yet, an erasure, drift, schedule, new batch.

    asked: what started this run. drift_wants: the id of an episode that wants a retraining.
    erased: the number of an erasure of rows that models in use have learned, if nothing was trained since.
    challenger_waits: one is undecided. A schedule or a new batch leaves it waiting; otherwise batches that are shorter
    than a decision needs would replace every challenger before it could be evaluated.
    A schedule that the declaration does not name, or no longer names, is not a reason.

    >>> reason_to_train(asked=None, schedule_declared=False, on_new_batch=True, on_drift=True,
    ...     has_champion_or_waiting=True, challenger_waits=False, new_batch_accepted=True, drift_wants=None,
    ...     erased=None).kind
    'new_batch'
    """
    if asked is not None and asked.kind in ("person", "event"):
        return asked
    if not has_champion_or_waiting:
        return Trigger(kind="first", detail="nothing was trained yet")
    if erased is not None:
        return after_erasure(erased)
    if on_drift and drift_wants is not None:
        return for_drift(drift_wants)
    if challenger_waits:
        return None
    if asked is not None and asked.kind == "schedule" and schedule_declared:
        return asked
    if on_new_batch and new_batch_accepted:
        return Trigger(kind="new_batch", detail="a batch was accepted")
    return None
