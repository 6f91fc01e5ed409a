"""A head that never ends is refused, and whoever sends a whole one is answered as before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from perennial.processes.limited_heads import MOST_HEAD_BYTES, LimitedHeads

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"


class Hasty(LimitedHeads):
    head_seconds = 0.05


async def _application(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.1)  # an answer may take longer than a head
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def _with(
    protocol: type[LimitedHeads], talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]
) -> bytes:
    async def run() -> bytes:
        config = Config(_application, lifespan="off", log_level="critical")
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                return await talk(reader, writer)
            finally:
                writer.close()

    return asyncio.run(run())


def test_a_head_that_comes_too_slowly_is_refused_at_once_and_later_on_a_connection() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await reader.read()

    async def second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.write(GET + b"x: ")
        return await reader.read()

    for talk in (silent, second):
        refused = _with(Hasty, talk)
        assert refused.startswith(b"HTTP/1.1 408 ") and b'"code":"head-too-slow"' in refused


def test_a_head_that_never_ends_is_refused_before_it_fills_memory() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write((GET + b"x: ").ljust(MOST_HEAD_BYTES + 1, b"y"))
        return await reader.read()

    assert _with(LimitedHeads, endless).startswith(b"HTTP/1.1 431 ")


def test_a_large_body_right_behind_its_head_is_no_large_head() -> None:
    async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        body = b"y" * 3 * MOST_HEAD_BYTES
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        return await reader.readuntil(b"ok")

    assert _with(LimitedHeads, large).startswith(b"HTTP/1.1 200")
