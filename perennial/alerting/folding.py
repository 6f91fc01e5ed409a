"""Messages about many use cases as one message per target and kind, each still delivered by its own row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from perennial.alerting.outbox import Undelivered, is_left_alone, record_attempt, undelivered
from perennial.alerting.texts import folded_in_words
from perennial.ledger.entries import AlertQueued
from perennial.ledger.ledger import Ledger


@dataclass(frozen=True)
class Waiting:
    """An undelivered message of a use case."""

    usecase: str
    undelivered: Undelivered

    @property
    def message(self) -> AlertQueued:
        """The message as it was queued."""
        return self.undelivered.message

    @property
    def kind(self) -> tuple[str, ...]:
        """Messages of one kind are folded; an event for a program stays alone."""
        message = self.message
        alone = (self.usecase, message.key) if message.form == "event" else ()
        return (message.channel, message.stage, message.severity, *alone)


def folded(waiting: Sequence[Waiting]) -> AlertQueued:
    """One message for several of a kind. A single one stays as it is."""
    first = waiting[0].message
    if len(waiting) == 1:
        return first
    about = [(each.usecase, each.message.text) for each in waiting]
    title, text = folded_in_words(first.channel, first.stage, first.severity, about)
    return first.model_copy(update={"title": title, "text": text})


def deliver_folded(
    ledger: Ledger,
    usecases: Sequence[str],
    send: Callable[[str, AlertQueued], str],
    now: Callable[[], datetime],
    targets: Collection[tuple[str, str]],
) -> list[Waiting]:
    """Send what is undelivered, folded by target and kind; return what is still undelivered.

    send: gets the first use case of a message. targets: pairs of a use case and a target that a route of it leads to.
    After a failed message, its target is left alone like in `deliver`.
    """
    waiting = [Waiting(name, each) for name in usecases for each in undelivered(ledger, name)]
    sendable = [each for each in waiting if (each.usecase, each.message.target) in targets]
    for target in dict.fromkeys(each.message.target for each in sendable):
        mine = [each for each in sendable if each.message.target == target]
        if is_left_alone([each.undelivered for each in mine], now()):
            continue
        for kind in dict.fromkeys(each.kind for each in mine):
            group = [each for each in mine if each.kind == kind]
            why = send(group[0].usecase, folded(group))
            for each in group:
                record_attempt(ledger, each.usecase, each.undelivered, why, now)
            if why:
                break
    return [Waiting(name, each) for name in usecases for each in undelivered(ledger, name)]
