"""Messages are sent once per episode and stage, whatever is repeated, killed or down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from perennial.alerting.notices import failure_of, notices
from perennial.alerting.outbox import Undelivered, deliver, queue, queued, undelivered
from perennial.alerting.routes import NamedRoute, messages_due
from perennial.alerting.sending import send
from perennial.ledger.entries import (
    AlertDelivered,
    AlertQueued,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Recorded,
    Severity,
)
from perennial.ledger.ledger import Ledger
from perennial.usecase.declared_alerts import Route
from perennial.watching.channels.unseen import UnseenFinding
from perennial.watching.health import episode_rows, open_with_severity
from tests.alerting.target import Target
from tests.ledger.payloads import batch

AT = "2024-02-01T00:00:00Z"
NOON = datetime(2024, 2, 1, 12, tzinfo=UTC)
CHAT = NamedRoute("team", Route(to="TEAM_CHAT"))
PAGER = NamedRoute("on_call", Route(to="ON_CALL", severity="page"))


def episode(name: str = "level", severity: Severity | None = "warning") -> Episode:
    return Episode(
        episode=f"{name}@{AT}",
        channel=name,
        opened_at=AT,
        batch="b",
        release_no=1,
        detail="The champion got worse.",
        severity=severity,
    )


def rose(name: str = "level") -> EpisodeRose:
    return EpisodeRose(episode=f"{name}@{AT}", risen_at=AT, batch="b", severity="page", detail="Much worse.")


def closed(name: str = "level") -> EpisodeClosed:
    return EpisodeClosed(episode=f"{name}@{AT}", closed_at=AT, batch="c", detail="As before.")


class Shop:
    """A use case whose messages go along some routes to a target; `now` is the machine's clock."""

    def __init__(self, ledger: Ledger, target: Target, *routes: NamedRoute) -> None:
        self.ledger, self.routes, self.now = ledger, routes or (CHAT,), NOON
        self.environ = {"TEAM_CHAT": target.apprise, "ON_CALL": target.apprise}

    def happens(self, *rows: Recorded) -> None:
        for row in rows:
            self.ledger.append("shop", row)

    def queue(self) -> None:
        due = messages_due("shop", notices(self.ledger, "shop"), self.routes, queued(self.ledger, "shop"))
        queue(self.ledger, "shop", due)

    def deliver(self) -> list[Undelivered]:
        targets = {each.route.to for each in self.routes}
        return deliver(self.ledger, "shop", self._send, lambda: self.now, targets=targets)

    def tell(self) -> list[Undelivered]:
        self.queue()
        return self.deliver()

    def _send(self, message: AlertQueued) -> str:
        return send("shop", message, self.environ)


def test_fifty_evaluations_of_one_episode_send_one_message(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    for _ in range(50):
        shop.happens(episode())
        shop.tell()
    assert target.titles == ["[warning] shop: level episode opened"]
    assert len(ledger.all("shop", AlertQueued)) == len(ledger.all("shop", AlertDelivered)) == 1


def test_fifty_looks_at_one_bad_batch_are_one_episode_and_one_message(ledger: Ledger, target: Target) -> None:
    """Each look finds the same alarm, asks the ledger what is open, and writes and sends what follows."""
    target.up()
    shop = Shop(ledger, target)
    new = UnseenFinding(0.3, rows=10, unseen_rows=3, alarm=True, back=False, words="3 of 10 rows", threshold=0.05)
    written = 0
    for _ in range(50):
        open_now = open_with_severity(ledger, "shop")
        rows = episode_rows({"unseen": new}, open_now, batch(), (), release_no=1, since_release=1)
        written += len(rows)
        shop.happens(*rows)
        shop.tell()
    assert written == len(ledger.all("shop", Episode)) == 1
    assert target.titles == ["[warning] shop: unseen episode opened"]


def test_what_a_target_missed_for_an_hour_is_delivered_after_it_once_and_in_order(
    ledger: Ledger, target: Target
) -> None:
    shop = Shop(ledger, target)
    shop.happens(episode())
    attempts = 0
    for minute in range(60):
        shop.now = NOON + timedelta(minutes=minute)
        (left, *_) = shop.tell()
        attempts = left.attempts
    assert attempts == 6, "after 0, 1, 3, 7, 15 and 31 minutes: it is left alone for longer each time"
    shop.happens(episode("unseen"))
    shop.tell()
    target.up()
    for minute in range(60, 240):
        shop.now = NOON + timedelta(minutes=minute)
        shop.tell()
    assert target.titles == ["[warning] shop: level episode opened", "[warning] shop: unseen episode opened"]
    assert undelivered(ledger, "shop") == []


def test_why_a_target_failed_is_kept_without_its_password(ledger: Ledger, target: Target) -> None:
    target.up()
    target.status = 503
    shop = Shop(ledger, target)
    shop.happens(episode())
    (left,) = shop.tell()
    assert left.failed is not None
    assert "503" in left.failed.why
    assert "s3cretpass" not in left.failed.why


def test_a_process_that_died_before_sending_leaves_a_message_that_the_next_one_sends(
    ledger: Ledger, target: Target
) -> None:
    target.up()
    shop = Shop(ledger, target)
    shop.happens(episode())
    shop.queue()
    assert target.got == []
    shop.tell()
    shop.tell()
    assert len(target.got) == 1


def test_one_target_that_is_down_does_not_keep_messages_from_another(ledger: Ledger, target: Target) -> None:
    target.up()
    other = NamedRoute("mail", Route(to="MAIL"))
    shop = Shop(ledger, target, other, CHAT)
    shop.environ["MAIL"] = "json://127.0.0.1:1/"
    shop.happens(episode())
    (left,) = shop.tell()
    assert (left.message.target, target.titles) == ("MAIL", ["[warning] shop: level episode opened"])


def test_two_routes_to_one_target_are_one_message(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target, CHAT, NamedRoute("level", Route(to="TEAM_CHAT", channels=("level",))))
    shop.happens(episode())
    shop.tell()
    assert len(target.got) == 1


def test_an_episode_that_was_over_before_the_first_message_is_not_sent(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    shop.happens(episode(), closed())
    shop.tell()
    assert target.got == [], "a backfill of a year sends what is still open"


def test_a_message_to_a_target_without_a_route_waits(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    shop.happens(episode())
    shop.queue()
    shop.routes = (PAGER,)
    assert [each.attempts for each in shop.deliver()] == [0]
    assert target.got == []


def test_a_round_ends_in_time_however_many_messages_wait(ledger: Ledger, target: Target) -> None:
    shop = Shop(ledger, target)
    shop.happens(*(episode(f"level{number}") for number in range(5)))
    shop.queue()
    tried: list[str] = []

    def slow(message: AlertQueued) -> str:
        tried.append(message.subject)
        return ""

    deliver(ledger, "shop", slow, lambda: NOON, targets={"TEAM_CHAT"}, seconds=-1)
    assert tried == []


def test_a_held_batch_and_its_check_are_one_message(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    shop.happens(batch(status="held", held_because=("column price is missing",)))
    shop.tell()
    shop.tell()
    assert target.titles == ["[page] shop: a batch is held"]
    text = target.got[0]["message"]
    assert "column price is missing" in text
    assert "perennial quarantine shop" in text


def test_a_message_has_since_when_what_and_what_can_be_done(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    shop.happens(episode())
    shop.tell()
    assert _lines(target) == [
        "Since 2024-02-01 00:00 UTC. The champion got worse.",
        "You can train a challenger now: perennial train shop --reason TEXT",
        "You can change the limits of level in the declaration",
        "To see what is live: perennial status shop",
    ]


def _lines(target: Target) -> Sequence[str]:
    return target.got[0]["message"].splitlines()


def test_each_stage_of_an_episode_is_one_message(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    for row in (episode(), rose(), closed()):
        shop.happens(row)
        shop.tell()
        shop.tell()
    assert target.titles == [
        "[warning] shop: level episode opened",
        "[page] shop: level episode rose to page",
        "[closed] shop: level episode is over",
    ]


def test_an_on_call_route_hears_of_pages_alone_and_of_their_end(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target, PAGER)
    shop.happens(episode(), episode("unseen"))
    shop.tell()
    assert target.got == [], "both are warnings"
    shop.happens(rose())
    shop.tell()
    shop.happens(closed(), closed("unseen"))
    shop.tell()
    assert target.titles == ["[page] shop: level episode rose to page", "[closed] shop: level episode is over"]


def test_a_held_batch_that_an_episode_reports_is_one_message(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    held = batch(status="held", held_because=("column price is missing",))
    about = episode("contract").model_copy(update={"batch": held.batch})
    shop.happens(held, about)
    shop.tell()
    assert target.titles == ["[warning] shop: contract episode opened"]


def test_a_message_about_a_held_batch_that_was_accepted_since_mentions_that(ledger: Ledger, target: Target) -> None:
    target.up()
    shop = Shop(ledger, target)
    held = batch(status="held", held_because=("column price is missing",))
    again = held.model_copy(update={"revision": 2, "batch": "again", "status": "accepted", "because": "waived"})
    shop.happens(held, episode("contract").model_copy(update={"batch": held.batch}), again)
    shop.tell()
    (text,) = [each["message"] for each in target.got]
    assert f"Batch {held.window} was accepted since, on " in text and "because a person waived checks." in text


def test_a_schedule_that_fails_again_and_again_is_one_message_without_its_secrets(
    ledger: Ledger, target: Target
) -> None:
    target.up()
    shop = Shop(ledger, target)
    for minute in range(3):
        at = f"2024-02-01T00:0{minute}:00Z"
        failed = failure_of(ledger, "shop", "InputError: postgresql://me:s3cretpass@host/db is gone\n  more", at)
        queue(ledger, "shop", messages_due("shop", [failed], shop.routes, queued(ledger, "shop")))
        shop.deliver()
    assert target.titles == ["[warning] shop: a cycle failed"]
    text = target.got[0]["message"]
    assert "InputError: postgresql://***@host/db is gone" in text
    assert "perennial run shop" in text
