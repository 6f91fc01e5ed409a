"""One POST request: bounded in time, without redirects, and no address in what it reports."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from perennial.secrets import masked

SECONDS = 10.0
"""How long a target may take."""
LONGEST = 1_000_000


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its content."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class Reply:
    """What a target returned. problem: why it did not accept the request, empty if it did."""

    content: bytes = b""
    problem: str = ""


def post(address: str, headers: Mapping[str, str], content: bytes) -> Reply:
    """Send it, and read at most `LONGEST` bytes of the reply."""
    request = Request(address, data=content, headers=dict(headers), method="POST")
    try:
        with build_opener(_NoRedirect).open(request, timeout=SECONDS) as reply:
            return Reply(reply.read(LONGEST))
    except HTTPError as problem:
        return Reply(problem=f"it returned status {problem.code}")
    except (URLError, http.client.HTTPException, OSError, ValueError) as problem:
        return Reply(problem=masked(f"it cannot be reached: {getattr(problem, 'reason', problem)}"))
