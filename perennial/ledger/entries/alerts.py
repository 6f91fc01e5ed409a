"""The outbox: messages that are due, their delivery, and failed attempts to send them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.ledger.entries.entry import Recorded
from perennial.ledger.entries.watching import Severity

Stage = Literal["opened", "rose", "closed", "waits", "held", "failed"]
"""Of an episode: opened, rose, closed. A decision waits for a person, a batch is held, a cycle failed."""


class AlertQueued(Recorded):
    """A message to one target, written before it is sent. Key: of subject, stage and target, so there is only one.

    subject: an episode, a decision or a batch, by its id. target: the environment variable with the address.
    channel: of the episode, or what the message is about. since: by the use case's clock.
    """

    subject: str
    stage: Stage
    target: str
    form: Literal["message", "event"] = Field(description="a text for people, or a CloudEvent for a webhook")
    severity: Severity
    channel: str
    since: str
    title: str
    text: str

    @property
    def key(self) -> str:
        return alert_key(self.subject, self.stage, self.severity, self.target)


class AlertDelivered(Recorded):
    """The target accepted a message. Key: the message's."""

    alert: str

    @property
    def key(self) -> str:
        return self.alert


class AlertFailed(Recorded):
    """The target did not accept a message. Key: the message's and the number of the attempt.

    why: without the address, which may be secret. at, again_at: by the machine's clock; the target is left alone until
    `again_at`.
    """

    alert: str
    target: str
    attempt: int
    at: str
    again_at: str
    why: str

    @property
    def key(self) -> str:
        return f"{self.alert}#{self.attempt}"


def alert_key(subject: str, stage: Stage, severity: Severity, target: str) -> str:
    """The identity of a message. An episode may rise twice, to warning and to page.

    >>> alert_key("level@2024-01-01", "rose", "page", "TEAM_CHAT")
    'level@2024-01-01:rose:page:TEAM_CHAT'
    """
    risen = f":{severity}" if stage == "rose" else ""
    return f"{subject}:{stage}{risen}:{target}"
