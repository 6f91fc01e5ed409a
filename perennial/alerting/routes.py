"""The routes of a use case, and the messages that are due along them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from perennial.alerting.notices import Notice
from perennial.alerting.texts import body, title
from perennial.ledger.entries import AlertQueued
from perennial.ledger.entries.alerts import alert_key
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_alerts import Route

DEFAULT_TARGET = "PERENNIAL_ALERTS"
"""The environment variable with the target of use cases that declare no routes."""


@dataclass(frozen=True)
class NamedRoute:
    """A route under its name."""

    name: str
    route: Route

    def takes(self, notice: Notice) -> bool:
        """Whether a notice goes here. A webhook gets events about episodes only."""
        about = self.route.form == "message" or notice.of_episode
        return about and self.route.takes(notice.severity, notice.channel)


def routes_of(declaration: Declaration, set_here: Collection[str]) -> list[NamedRoute]:
    """The declared routes, else the default one.

    set_here: names of the environment's variables; the default route exists only if its variable is set.
    """
    if declaration.alerts is not None:
        return [NamedRoute(name, route) for name, route in declaration.alerts.items()]
    return [NamedRoute("default", Route(to=DEFAULT_TARGET))] if DEFAULT_TARGET in set_here else []


def messages_due(
    usecase: str,
    known: Sequence[Notice],
    routes: Sequence[NamedRoute],
    queued: Mapping[str, AlertQueued],
    link: str = "",
) -> list[AlertQueued]:
    """The messages that were never queued, each once per target even if several routes lead there.

    queued: every message of the use case so far, by its key. link: of the use case's page, empty if nobody serves it.
    The end of an episode goes wherever its beginning went, whatever the routes are now.
    """
    due: dict[str, AlertQueued] = {}
    for notice in known:
        for target, form in _targets(notice, routes, queued.values()):
            key = alert_key(notice.subject, notice.stage, notice.severity, target)
            if key not in queued and key not in due:
                due[key] = AlertQueued(
                    subject=notice.subject,
                    stage=notice.stage,
                    target=target,
                    form=form,
                    severity=notice.severity,
                    channel=notice.channel,
                    since=notice.since,
                    title=title(usecase, notice),
                    text=body(usecase, notice, link),
                )
    return list(due.values())


def _targets(
    notice: Notice, routes: Sequence[NamedRoute], queued: Collection[AlertQueued]
) -> Iterator[tuple[str, Literal["message", "event"]]]:
    if notice.stage == "closed":
        yield from ((each.target, each.form) for each in queued if each.subject == notice.subject)
    else:
        yield from ((each.route.to, each.route.form) for each in routes if each.takes(notice))
