"""Mistakes in the routes of alerts: addresses in place of variables, unknown channels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from perennial.registered import CHANNELS
from perennial.usecase.declared_alerts import ABOUT
from perennial.usecase.document import Document, Place
from perennial.usecase.mistakes import Mistake, hint

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROUTE = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def alert_rules(document: Document) -> Iterator[Mistake]:
    """Every mistake in the meaning of `alerts`."""
    for name in document.mapping("alerts"):
        if not _ROUTE.fullmatch(str(name)):
            yield document.mistake(
                ("alerts", name),
                f"'{name}' is not a valid name of a route",
                "use small letters, digits, '_' and '-', beginning with a letter: on_call",
                code="alert-route-name",
            )
        yield from not_a_variable(document, ("alerts", name, "to"))
        for place, channel in document.texts("alerts", name, "channels"):
            known = (*CHANNELS.names(), *ABOUT)
            if channel not in known:
                fix = hint(channel, known, "channels")
                yield document.mistake(place, f"unknown channel '{channel}'", fix, code="channel-unknown")


def not_a_variable(document: Document, place: Place) -> Iterator[Mistake]:
    """A mistake if there is something else than the name of a variable. An address is not repeated: it is a secret."""
    name = document.text(*place)
    if name is not None and not _VARIABLE.fullmatch(name):
        mistake = document.mistake(
            place,
            "is not the name of an environment variable (not shown, since an address contains credentials)",
            "put the address in a variable, and write the name of the variable here: TEAM_CHAT",
            code="alert-address",
        )
        yield replace(mistake, value=None)
