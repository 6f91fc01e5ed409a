"""A receiver of OpenLineage events on this machine, which refuses some requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any


@dataclass
class Receiver:
    """Keeps what it took. refuses: how many requests it refuses before each one that it takes."""

    port: int = 0
    refuses: int = 0
    took: list[dict[str, Any]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    tokens: set[str | None] = field(default_factory=set)
    refused: int = 0

    @property
    def address(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ids(self) -> list[tuple[str, str]]:
        """Run and state of each event, in the order of their first arrival."""
        return list(dict.fromkeys((each["run"]["runId"], each["eventType"]) for each in self.took))


@contextmanager
def receiving(refuses: int = 0) -> Iterator[Receiver]:
    """A receiver that answers inside the block."""
    receiver = Receiver(refuses=refuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            refuse = receiver.refused < receiver.refuses
            receiver.refused = receiver.refused + 1 if refuse else 0
            if not refuse:
                receiver.took.append(event)
                receiver.paths.add(self.path)
                receiver.tokens.add(self.headers["Authorization"])
            self.send_response(503 if refuse else 201)
            self.end_headers()

        def log_message(self, format: str, *_: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
