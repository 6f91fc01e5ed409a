"""Messages about many use cases: one per target and kind, and each is recorded for its use case."""

from __future__ import annotations

from datetime import UTC, datetime

from perennial.alerting.folding import deliver_folded
from perennial.alerting.notices import notices
from perennial.alerting.outbox import queue, undelivered
from perennial.alerting.routes import NamedRoute, messages_due
from perennial.ledger.entries import AlertQueued
from perennial.ledger.ledger import Ledger
from perennial.usecase.declared_alerts import Route
from tests.alerting.test_outbox import episode

NOON = datetime(2024, 2, 1, 12, tzinfo=UTC)


def test_one_message_for_a_kind_is_delivered_for_each_use_case_and_only_once(ledger: Ledger) -> None:
    names = [f"sales_{number:02d}" for number in range(25)]
    routes = {"chat": NamedRoute("team", Route(to="CHAT")), "event": NamedRoute("hook", Route(to="HOOK", form="event"))}
    for name in names:
        ledger.append(name, episode("level"))
    ledger.append("sales_03", episode("gap", "page"))
    for name in names:
        leading = [routes["chat"], *([routes["event"]] if name in names[:2] else [])]
        queue(ledger, name, messages_due(name, notices(ledger, name), leading, {}))
    targets = {(name, target) for name in names for target in ("CHAT", "HOOK")}
    sent: list[AlertQueued] = []
    down = True

    def send(_: str, message: AlertQueued) -> str:
        sent.append(message)
        return "it is down" if down and message.target == "CHAT" else ""

    left = deliver_folded(ledger, names, send, lambda: NOON, targets)
    assert [each.target for each in sent] == ["CHAT", "HOOK", "HOOK"]
    assert len(left) == 26 and sum(each.undelivered.failed is not None for each in left) == 25
    assert deliver_folded(ledger, names, send, lambda: NOON, targets) and len(sent) == 3  # the target is left alone

    down, later = False, NOON.replace(hour=13)
    assert deliver_folded(ledger, names, send, lambda: later, targets) == []
    first, second = sent[3:]
    assert first.title == "[warning] 25 use cases: level episodes opened"
    assert "sales_19: Since" in first.text and "sales_20" not in first.text and "… and 5 more" in first.text
    assert second.title == "[page] sales_03: gap episode opened"
    assert not any(undelivered(ledger, name) for name in names)
