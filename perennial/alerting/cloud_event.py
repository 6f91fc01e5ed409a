"""An alert as a CloudEvent 1.0 in the structured JSON mode, for a webhook.

Source: CloudEvents 1.0.2, HTTP protocol binding, section 3.2 (structured content mode).
"""

from __future__ import annotations

from perennial.ledger.entries import AlertQueued

TEST = "test"
"""The subject of a test message, whose event has a type that no automation waits for."""


def structured(usecase: str, message: AlertQueued) -> tuple[dict[str, str], bytes]:
    """(headers, body) of the POST. The id is the message's key, so that a receiver recognises one sent twice."""
    from cloudevents.core.bindings.http import to_structured_event
    from cloudevents.core.v1.event import CloudEvent

    from perennial.clock import instant

    event = CloudEvent(
        {
            "id": message.key,
            "source": f"/perennial/{usecase}",
            "type": "perennial.test" if message.subject == TEST else f"perennial.episode.{message.stage}",
            "subject": message.subject,
            "time": instant(message.since),
            "datacontenttype": "application/json",
        },
        {
            "usecase": usecase,
            "episode": message.subject,
            "channel": message.channel,
            "stage": message.stage,
            "severity": message.severity,
            "since": message.since,
            "title": message.title,
            "text": message.text,
        },
    )
    made = to_structured_event(event)
    return made.headers, made.body
