"""A target of messages on this machine, which can be down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any


@dataclass
class Target:
    """An HTTP target. `up` and `down` are what they say; while down, its port refuses connections."""

    port: int = 0
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    _server: HTTPServer | None = None

    @property
    def apprise(self) -> str:
        """Its address for Apprise, with a password in it."""
        return f"json://ada:s3cretpass@127.0.0.1:{self.port}/hook"

    @property
    def web(self) -> str:
        """Its address as a webhook, with a token in the path."""
        return f"http://127.0.0.1:{self.port}/hooks/tok3n-of-the-team"

    def up(self) -> None:
        """Answer from now on."""
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if target.status < 300:
                    target.got.append(json.loads(body))
                    target.types.append(self.headers["Content-Type"])
                self.send_response(target.status)
                self.end_headers()

            def log_message(self, format: str, *_: Any) -> None:
                """Quiet."""

        self._server = HTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def titles(self) -> list[str]:
        """Of the texts that came."""
        return [each["title"] for each in self.got]
