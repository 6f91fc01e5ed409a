"""The site of `perennial up`: pages, Data Docs, health, metrics, and the answers of people to decisions that wait.

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
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from perennial.access.access import Access, open_to_others, site_access
from perennial.access.grant import ANYONE, Grant
from perennial.access.posted import FormTokens
from perennial.errors import PerennialError, TransientError
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import time_of
from perennial.processes.fresh_pages import FreshPages
from perennial.processes.ports import HOST
from perennial.processes.stopping import end_on_sigterm
from perennial.processes.up_record import UpRecord
from perennial.settings import Settings, settings
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import list_templates, list_use_cases, load_use_case

if TYPE_CHECKING:
    from perennial.processes.site_answers import Answers

Answer = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""
HTML = "text/html; charset=utf-8"

STARTED_IN = ("/pages/", "/docs/")
"""Folders of the home that are served. Nothing else of a home is."""


_OPEN = "/health"
"""Asked by schedulers and load balancers, which have no key."""
_ANSWERS = "/answers/"
"""Where the forms are posted, followed by the use case."""
_LONGEST_FORM = 100_000
_NOT_ALLOWED = ("person-", "token-", "approver-unknown", "form-", "site-read-only")
"""How the codes begin of errors that are about the caller, not about the decision."""
_NEEDS_KEY = "A key is needed here. Sign in with any user name and your key as the password."


def serve(where: Settings, port: int, access: Access, host: str = HOST) -> None:
    """Serve until the process is stopped."""
    answers: dict[str, Callable[[], Answer]] = {
        "/health": partial(_health, where),
        "/metrics": partial(_metrics, where),
    }
    tokens, pages = FormTokens(), FreshPages(where)

    def decisions() -> Answers:
        from perennial.processes.site_answers import Answers

        return Answers(where, tokens)

    class Site(SimpleHTTPRequestHandler):
        """Files below `pages` and `docs` of the home, and what `answers` makes."""

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if (grant := self._grant(path)) is None:
                return
            if path.startswith("/pages/"):
                self._renew_pages()
            if path == "/":
                self._redirect(HTTPStatus.FOUND, "/pages/")
            elif (page := self._page_with_question(path, grant)) is not None:
                self._send((HTTPStatus.OK, HTML, page))
            elif path in answers:
                self._send(answers[path]())
            elif path.startswith(STARTED_IN):
                super().do_GET()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            path, length = urlsplit(self.path).path, self.headers.get("Content-Length") or ""
            if not length.isdecimal() or int(length) > _LONGEST_FORM:
                self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length else HTTPStatus.LENGTH_REQUIRED)
                return
            body = self.rfile.read(int(length))
            if (grant := self._grant(path)) is None:
                return
            usecase = path.removeprefix(_ANSWERS)
            if not path.startswith(_ANSWERS) or usecase not in list_use_cases(where.usecases):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            fields = {name: given[-1] for name, given in parse_qs(body.decode(errors="replace")).items()}
            try:
                taken = decisions().take(usecase, grant, self._values, fields)
            except PerennialError as error:
                self._send(
                    _refusal(_status(error), error.code, _in_words(error), self._is_person, f"/pages/{usecase}.html")
                )
                return
            self._redirect(HTTPStatus.SEE_OTHER, f"../pages/{usecase}.html?answered={taken.decision}#question")
            try:  # what follows may take a minute on a busy machine, and the person need not wait for it
                taken.follow()
            except (PerennialError, OSError) as error:  # the next run makes up for it
                self.log_error("%s", error)

        def do_HEAD(self) -> None:
            path = urlsplit(self.path).path
            if self._grant(path) is None:
                return
            if path.startswith(STARTED_IN):
                super().do_HEAD()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _values(self, name: str) -> list[str]:
            return self.headers.get_all(name) or []

        @property
        def _is_person(self) -> bool:
            return "text/html" in (self.headers.get("Accept") or "")

        def _grant(self, path: str) -> Grant | None:
            """Who asks; None for a caller who is not known, and was answered with what is needed."""
            grant = ANYONE if path == _OPEN else access.of(self._values, self.client_address[0])
            if grant is None:
                self._send(_refusal(HTTPStatus.UNAUTHORIZED, "key-wrong", _NEEDS_KEY, self._is_person))
            return grant

        def _renew_pages(self) -> None:
            """If the ledger cannot be read, the pages stay as they were."""
            try:
                pages.renew()
            except PerennialError as error:
                self.log_error("%s", error)

        def _page_with_question(self, path: str, grant: Grant) -> bytes | None:
            """A use case's page with what waits now; None for any other path, and where that cannot be known."""
            usecase = unquote(path).removeprefix("/pages/").removesuffix(".html")
            page = where.pages / f"{usecase}.html"
            if path != f"/pages/{usecase}.html" or usecase not in list_use_cases(where.usecases) or not page.is_file():
                return None
            answered = parse_qs(urlsplit(self.path).query).get("answered", [""])[-1]
            try:
                return decisions().shown(page.read_text(encoding="utf-8"), usecase, grant, answered).encode()
            except PerennialError as error:  # the page as it was written is still true
                self.log_error("%s", error)
                return None

        def translate_path(self, path: str) -> str:
            """The file of a path, which must lie in one of the two folders, also behind links and `..`."""
            asked = (where.home / unquote(urlsplit(path).path).lstrip("/")).resolve()
            if not any(asked.is_relative_to(folder.resolve()) for folder in (where.pages, where.docs)):
                return str(where.pages / "there is no such page")
            return str(asked)

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-cache")  # a cycle rewrites its page
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Content-Security-Policy", "frame-ancestors 'none'")  # nobody clicks on a hidden form
            super().end_headers()

        def log_request(self, *_: object) -> None:
            """Only errors are logged."""

        def _send(self, answer: Answer) -> None:
            status, kind, body = answer
            self.send_response(status)
            if status == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", 'Basic realm="Perennial", charset="UTF-8"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _redirect(self, status: HTTPStatus, place: str) -> None:
            self.send_response(status)
            self.send_header("Location", place)
            self.send_header("Content-Length", "0")
            self.end_headers()

    where.pages.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer((host, port), Site) as server:
        server.serve_forever()


def _refusal(status: HTTPStatus, code: str, message: str, is_person: bool, back: str = "") -> Answer:
    """Why a request is refused: a page for a browser, otherwise JSON. back: the address of the page it came from."""
    if is_person:
        from perennial.page.render import render_refusal

        return status, HTML, render_refusal(message, back).encode()
    error = {"code": code, "message": message, "mistakes": []}
    return status, "application/json", json.dumps({"error": error}).encode()


def _in_words(error: PerennialError) -> str:
    """Its message without the field, which a form shows."""
    return str(error).removeprefix(f"{error.field}: ")


def _status(error: PerennialError) -> HTTPStatus:
    if error.code in ("reason-missing", "answer-unknown"):
        return HTTPStatus.BAD_REQUEST
    if error.code.startswith(_NOT_ALLOWED):
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, TransientError) else HTTPStatus.CONFLICT


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
        templates = {each.name for each in list_templates(where.usecases)}
        names = [name for name in ledger.usecases() if name not in templates]
        text = metrics_text(measured(ledger, name, _now(ledger, where, name)) for name in names)
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
    its_host, its_access = sys.argv[2] if len(sys.argv) > 2 else HOST, site_access(os.environ)
    if warning := open_to_others(its_host, its_access):
        sys.stderr.write(f"{warning}\n")
    serve(settings(), int(sys.argv[1]), its_access, its_host)
