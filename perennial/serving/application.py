"""The service: an ASGI application that answers requests for the use cases it follows."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from perennial.access.access import Access
from perennial.errors import DiskFull, PerennialError
from perennial.serving.answering import Answer, Asked, TooMany, as_json, asked_in
from perennial.serving.batching import Together
from perennial.serving.docs_page import docs_page
from perennial.serving.fields import kinds
from perennial.serving.following import Follower, following
from perennial.serving.live import Live
from perennial.serving.log.writing import ServedLog
from perennial.serving.measuring import Measures
from perennial.serving.openapi import description
from perennial.serving.protocols import (
    mlflow_answer,
    model_metadata,
    records_of_mlflow,
    records_of_tensors,
    tensors_answer,
)
from perennial.serving.request import BadRecords, shown_mistakes
from perennial.serving.slots import Slot

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MOST_BYTES = 16 * 2**20
"""Of a request's body."""
BODY_SECONDS = 10.0
_JSON, _TEXT, _HTML = b"application/json", b"text/plain; charset=utf-8", b"text/html; charset=utf-8"
_OPEN = frozenset({"/health", "/ready", "/ping", "/v2/health/live", "/v2/health/ready"})
"""Asked by load balancers and schedulers, which have no key."""
log = logging.getLogger("perennial.serving")


class _Refused(Exception):
    """A request that is not answered with a prediction."""

    def __init__(self, status: int, code: str, message: str, mistakes: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "mistakes": mistakes or []}}


class Service:
    """The application. It owns its log and its threads from the server's start to its end."""

    def __init__(
        self,
        follower: Follower,
        served_log: ServedLog,
        access: Access,
        now: Callable[[], datetime],
        slot: Slot,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """slot: where it keeps its counts. body_seconds: a client may take so long to send a body."""
        self._follower, self._log, self._access = follower, served_log, access
        self._body_seconds = body_seconds
        self._measures, self._together = Measures(follower, slot, now), Together(served_log, now)
        self._stopped = threading.Event()
        watched = (follower, self._stopped, self._measures.keep)
        self._follows = threading.Thread(target=following, args=watched, name="follower", daemon=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.to_thread(self._follower.look)
        self._follows.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stopped.set()
        await asyncio.to_thread(self._follows.join)
        await asyncio.to_thread(self._log.close)
        self._measures.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, path = time.perf_counter(), scope["path"]
        try:
            status, kind, body = await self._answered(scope, path, receive)
        except _Refused as refused:
            status, kind, body = refused.status, _JSON, msgspec.json.encode(refused.body)
        except Exception:
            # The caller gets no detail of a fault of ours; the log has it.
            log.exception("%s %s failed", scope["method"], path)
            hidden = _Refused(500, "failed", "the service failed; its log has the reason")
            status, kind, body = hidden.status, _JSON, msgspec.json.encode(hidden.body)
        self._measures.request(path, status, time.perf_counter() - begun)
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        elif status == 405:
            headers.append((b"allow", ", ".join(_methods(path)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answered(self, scope: Scope, path: str, receive: Receive) -> tuple[int, bytes, bytes]:
        headers = dict(scope["headers"])
        if path not in _OPEN:
            self._let_in(scope)
        allowed = _methods(path)
        if scope["method"] not in allowed:
            raise _Refused(405, "method-wrong", f"{scope['method']} is not possible here; use {' or '.join(allowed)}")
        if scope["method"] == "POST":
            return 200, _JSON, await self._post(path, headers, receive)
        return self._get(path)

    def _let_in(self, scope: Scope) -> None:
        """Raises _Refused for a caller who is not known, or may only look."""

        def values(name: str) -> list[str]:
            return [value.decode("latin-1") for key, value in scope["headers"] if key == name.encode()]

        client = scope.get("client")
        grant = self._access.of(values, client[0] if client else None)
        if grant is None:
            raise _Refused(401, "key-wrong", "an API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY")
        if scope["method"] == "POST" and not grant.may_act:
            raise _Refused(403, "role-too-low", f"{grant.name} may only look here; records need the role act")

    def _get(self, path: str) -> tuple[int, bytes, bytes]:
        if path in ("/health", "/ping", "/v2/health/live"):
            return 200, _TEXT, b"alive\n"
        if path in ("/ready", "/v2/health/ready"):
            states, wrong = self._follower.states, self._log.wrong
            ready = all(each.is_ready for each in states) and not any(self._refuses(each.usecase) for each in states)
            shown = {"ready": ready, "log": {"wrong": wrong}, "usecases": states}
            return 200 if ready else 503, _JSON, msgspec.json.encode(shown)
        if path == "/metrics":
            return 200, _TEXT, self._measures.text()
        lives = [live for name in self._follower.usecases if (live := self._follower.live(name)) is not None]
        if path == "/openapi.json":
            return 200, _JSON, json.dumps(description(lives)).encode()  # msgspec has no integers of this size
        if path in ("/", "/docs"):
            return 200, _HTML, docs_page(description(lives)).encode()
        parts = path.strip("/").split("/")
        if parts[:2] == ["v2", "models"] and len(parts) in (3, 4) and parts[3:] in ([], ["ready"]):
            live = self._live(parts[2])
            if parts[3:]:
                ready = not self._refuses(live.usecase)
                return 200 if ready else 503, _JSON, msgspec.json.encode({"ready": ready})
            metadata = model_metadata(live.usecase, live.release.release_no, kinds(live.fields), live.schema.classes)
            return 200, _JSON, msgspec.json.encode(metadata)
        raise _Refused(404, "path-unknown", f"there is no {path}; see /docs")

    async def _post(self, path: str, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        parts = path.strip("/").split("/")
        match parts:
            case ["usecases", usecase, "predict"]:
                live, body = self._live(usecase), await self._body(headers, receive)
                return as_json(await self._scored(live, lambda: asked_in(body, live.checker)))
            case ["invocations"] | ["usecases", _, "invocations"]:
                live = self._live(parts[1] if len(parts) > 1 else None)
                records, _ = _converted(await self._body(headers, receive), records_of_mlflow)
                return msgspec.json.encode(mlflow_answer(await self._of_records(live, records)))
            case ["v2", "models", usecase, "infer"]:
                live = self._live(usecase)
                records, document = _converted(await self._body(headers, receive), records_of_tensors)
                return msgspec.json.encode(tensors_answer(await self._of_records(live, records), document.get("id")))
        raise _Refused(404, "path-unknown", f"there is no {path}; see /docs")

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """The whole body. Raises _Refused for one that is too large or comes too slowly."""
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > MOST_BYTES:
            raise _too_large()
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Refused(400, "cut-off", "the body was cut off")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > MOST_BYTES:
                        raise _too_large()
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError:
            raise _Refused(
                408, "body-too-slow", f"the body did not come within {self._body_seconds:g} seconds"
            ) from None

    def _live(self, usecase: str | None) -> Live:
        names = self._follower.usecases
        if usecase is None and len(names) != 1:
            raise _Refused(404, "usecase-unclear", f"name the use case: /usecases/NAME/invocations, of {list(names)}")
        name = usecase or names[0]
        if not self._follower.serves(name):
            raise _Refused(404, "usecase-unknown", f"{name!r} is not served here. Served here: {', '.join(names)}")
        live = self._follower.live(name)
        if live is None:
            wrong = next(each.wrong for each in self._follower.states if each.usecase == name)
            raise _Refused(503, "not-ready", f"{name} cannot be scored now: {wrong or 'it is being loaded'}")
        return live

    def _refuses(self, usecase: str) -> bool:
        """Whether requests are refused because they cannot be logged."""
        live = self._follower.live(usecase)
        return bool(self._log.wrong) and live is not None and live.log != "best_effort"

    async def _of_records(self, live: Live, records: list[Any]) -> Answer:
        received = [msgspec.json.encode(each) for each in records]
        return await self._scored(live, lambda: Asked(live.checker.check(records), received))

    async def _scored(self, live: Live, asked: Callable[[], Asked]) -> Answer:
        try:
            scored = await self._together.answer(live, asked())
        except BadRecords as wrong:
            status = 400 if any(each.code in ("not-json", "no-records") for each in wrong.mistakes) else 422
            raise _Refused(status, wrong.code, *shown_mistakes(wrong)) from wrong
        except TooMany as many:
            raise _Refused(413, many.code, str(many)) from many
        except DiskFull as full:
            raise _Refused(503, full.code, str(full)) from full
        except PerennialError as problem:
            log.error("%s: a request was not answered: %s", live.usecase, problem)
            raise _Refused(500, problem.code, str(problem)) from problem
        self._measures.scored(scored)
        return scored


def _too_large() -> _Refused:
    return _Refused(413, "body-too-large", f"the body has more than {MOST_BYTES:,} bytes; send it in parts")


def _methods(path: str) -> tuple[str, ...]:
    """By which a path can be asked; an unknown path by any of them, and is then refused as unknown."""
    match path.strip("/").split("/"):
        case ["usecases", _, "predict" | "invocations"] | ["invocations"] | ["v2", "models", _, "infer"]:
            return ("POST",)
        case [""] | ["health" | "ready" | "ping" | "metrics" | "docs" | "openapi.json"] | ["v2", *_]:
            return ("GET", "HEAD")
    return ("GET", "HEAD", "POST")


def _converted(body: bytes, convert: Callable[[Any], list[Any]]) -> tuple[list[Any], Any]:
    try:
        document = msgspec.json.decode(body)
        return convert(document), document
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as wrong:
        raise _Refused(400, "record-wrong", f"the body is not JSON: {wrong}") from wrong
    except BadRecords as wrong:
        raise _Refused(400, wrong.code, *shown_mistakes(wrong)) from wrong
