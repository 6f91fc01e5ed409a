"""Sends one message: a text through Apprise, or a CloudEvent to a webhook. Bounded in time, and shows no address."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from perennial.alerting.cloud_event import TEST, structured
from perennial.alerting.routes import NamedRoute
from perennial.ledger.entries import AlertQueued
from perennial.posting import SECONDS, post
from perennial.secrets import masked, remember_address

_NOTIFY = {"info": "info", "warning": "warning", "page": "failure"}


def send(usecase: str, message: AlertQueued, environ: Mapping[str, str]) -> str:
    """Send a message to the address in its target's variable. Empty if the target accepted it, else why not."""
    address = environ.get(message.target, "").strip()
    if not address:
        return f"the environment variable {message.target} is not set here"
    remember_address(address)
    if message.form == "event":
        return _post(address, *structured(usecase, message))
    kind = "success" if message.stage == "closed" else _NOTIFY[message.severity]
    return send_text(address, message.title, message.text, kind)


def send_test(usecase: str, route: NamedRoute, environ: Mapping[str, str], now: str) -> str:
    """Send a test message along a route, at `now`. Empty if the target accepted it, else why not."""
    message = AlertQueued(
        subject=TEST,
        stage="opened",
        target=route.route.to,
        form=route.route.form,
        severity="info",
        channel="test",
        since=now,
        title=f"[test] {usecase}: this is a test",
        text=f"Messages about {usecase} reach you along the route {route.name}. Nothing happened, nothing needs you.",
    )
    return send(usecase, message, environ)


def send_text(address: str, title: str, text: str, kind: str = "info") -> str:
    """Send a text to one Apprise address. Empty if the target accepted it, else why not, with secrets masked."""
    import apprise
    from apprise.utils.parse import parse_urls

    one = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Perennial", app_desc="Continuous training"))
    if len(parse_urls(address)) > 1:
        return "the variable holds several addresses: give each a variable and a route"
    if not one.add(address):
        return "the variable holds no address that Apprise understands, such as slack://… or mailto://…"
    logged: list[str] = []
    result = one.notify(
        body=text,
        title=title,
        notify_type=kind,
        body_format=apprise.NotifyFormat.TEXT,
        timeout=SECONDS,
        log_callback=lambda entry, _: logged.append(entry.message),
        log_level=logging.WARNING,
    )
    if result:
        return ""
    return masked(" ".join(logged) or "the target refused the message, and gave no reason")


def _post(address: str, headers: Mapping[str, str], content: bytes) -> str:
    if not address.startswith(("http://", "https://")):
        return "the variable holds no address that begins with https:// or http://"
    return post(address, headers, content).problem
