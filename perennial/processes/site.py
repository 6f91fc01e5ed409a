"""The site of `perennial up`: pages, Data Docs, health, metrics. It changes nothing.

It lets in whoever has a key or comes through a proxy that authenticates people; everybody if neither is configured.

Run as `python -m perennial.processes.site PORT [HOST]`. By default it listens on this machine only.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from perennial.access.access import Access, site_access
from perennial.errors import PerennialError
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import time_of
from perennial.processes.ports import HOST
from perennial.processes.stopping import end_on_sigterm
from perennial.processes.up_record import UpRecord
from perennial.settings import Settings, settings
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case

Answer = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""

STARTED_IN = ("/pages/", "/docs/")
"""Folders of the home that are served. Nothing else of a home is."""


_OPEN = "/health"
"""Asked by schedulers and load balancers, which have no key."""
_NEEDS_KEY = "A key is needed here. Sign in with any user name and your key as the password."


def serve(where: Settings, port: int, access: Access, host: str = HOST) -> None:
    """Serve until the process is stopped."""
    answers: dict[str, Callable[[], Answer]] = {
        "/health": partial(_health, where),
        "/metrics": partial(_metrics, where),
    }

    class Site(SimpleHTTPRequestHandler):
        """Files below `pages` and `docs` of the home, and what `answers` makes."""

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if self._is_refused(path):
                return
            if path == "/":
                self.send_response(HTTPStatus.FOUND)
                self.send_header("Location", "/pages/")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif path in answers:
                self._send(answers[path]())
            elif path.startswith(STARTED_IN):
                super().do_GET()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_HEAD(self) -> None:
            path = urlsplit(self.path).path
            if self._is_refused(path):
                return
            if path.startswith(STARTED_IN):
                super().do_HEAD()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _is_refused(self, path: str) -> bool:
            """Whether the caller is not known, and was answered with what is needed."""

            def values(name: str) -> list[str]:
                return self.headers.get_all(name) or []

            if path == _OPEN or access.of(values, self.client_address[0]) is not None:
                return False
            kind, body = _sign_in("text/html" in (self.headers.get("Accept") or ""))
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", 'Basic realm="Perennial", charset="UTF-8"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            return True

        def translate_path(self, path: str) -> str:
            """The file of a path, which must lie in one of the two folders, also behind links and `..`."""
            asked = (where.home / unquote(urlsplit(path).path).lstrip("/")).resolve()
            if not any(asked.is_relative_to(folder.resolve()) for folder in (where.pages, where.docs)):
                return str(where.pages / "there is no such page")
            return str(asked)

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-cache")  # a cycle rewrites its page
            self.send_header("X-Content-Type-Options", "nosniff")
            super().end_headers()

        def log_request(self, *_: object) -> None:
            """Only errors are logged."""

        def _send(self, answer: Answer) -> None:
            status, kind, body = answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    where.pages.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer((host, port), Site) as server:
        server.serve_forever()


def _sign_in(people: bool) -> tuple[str, bytes]:
    """Content type and body for a caller who is not known. people: whether it is a browser's."""
    if people:
        page = f"<!doctype html><html lang=en><meta charset=utf-8><title>Perennial: sign in</title><p>{_NEEDS_KEY}"
        return "text/html; charset=utf-8", page.encode()
    error = {"code": "key-wrong", "message": _NEEDS_KEY, "mistakes": []}
    return "application/json", json.dumps({"error": error}).encode()


def _health(where: Settings) -> Answer:
    """Whether every part of the stack is ready: 200, otherwise 503; which one is not, as JSON."""
    record = UpRecord.read(where)
    parts = {name: part.state for name, part in record.parts.items()} if record else {}
    healthy = bool(parts) and all(state == "ready" for state in parts.values())
    body = json.dumps({"healthy": healthy, "parts": parts}).encode()
    return HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE, "application/json", body


def _metrics(where: Settings) -> Answer:
    """The state of all use cases for Prometheus. 503 with the reason if the ledger cannot be read."""
    from perennial.page.metrics_text import CONTENT_TYPE, measured, metrics_text

    try:
        ledger = Ledger(where.database_url)
        text = metrics_text(measured(ledger, name, _now(ledger, where, name)) for name in ledger.usecases())
    except PerennialError as error:
        return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", str(error).encode()
    return HTTPStatus.OK, CONTENT_TYPE, text.encode()


def _now(ledger: Ledger, where: Settings, usecase: str) -> datetime | None:
    """The time of a use case by the clock that it declares; None while its declaration cannot be read."""
    try:
        declaration = load_use_case(usecase, where.usecases).declaration
    except DeclarationError:
        return None
    return time_of(ledger, declaration, datetime.now(UTC))


if __name__ == "__main__":
    end_on_sigterm()
    serve(settings(), int(sys.argv[1]), site_access(os.environ), *sys.argv[2:3])
