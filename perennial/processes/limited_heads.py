"""Requests whose head (request line and headers) comes too slowly or is too large: refused before they cost memory.

uvicorn limits neither. Each connection that never finishes a head would count against `limit_concurrency` until its
client goes away, so that a thousand of them would keep everybody else out.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
MOST_HEAD_BYTES = 64 * 1024


class LimitedHeads(HttpToolsProtocol):
    """The protocol of uvicorn with a time and a size of heads. Between two requests, its keep-alive time holds."""

    head_seconds = HEAD_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_bytes = 0
        self._waits: asyncio.TimerHandle | None = None
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._waits is not None and self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large", "head-too-large", "the headers are too large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._waits is None:
            self._head_bytes = 0
            self._wait()

    def on_headers_complete(self) -> None:
        self._came()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._waits = self.loop.call_later(self.head_seconds, self._too_slow)

    def _came(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _too_slow(self) -> None:
        message = f"the headers did not come within {self.head_seconds:g} seconds"
        self._refuse(b"408 Request Timeout", "head-too-slow", message)

    def _refuse(self, status: bytes, code: str, message: str) -> None:
        self._came()
        if self.transport.is_closing():
            return
        body = b'{"error":{"code":"%b","message":"%b","mistakes":[]}}' % (code.encode(), message.encode())
        fields = [b"HTTP/1.1 " + status, b"content-type: application/json", b"connection: close"]
        self.transport.write(b"\r\n".join([*fields, b"content-length: %d" % len(body), b"", body]))
        self.transport.close()
