"""One POST request: bounded in time, without redirects, and no address in what it reports."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from perennial.secrets import masked

SECONDS = 10.0
"""How long a target may take."""


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its content."""

    def redirect_request(self, *_: object) -> None:
        return None


def post(address: str, headers: Mapping[str, str], content: bytes) -> str:
    """Empty if the target accepted it, else why not."""
    request = Request(address, data=content, headers=dict(headers), method="POST")
    try:
        with build_opener(_NoRedirect).open(request, timeout=SECONDS):
            return ""
    except HTTPError as problem:
        return f"it returned status {problem.code}"
    except (URLError, http.client.HTTPException, OSError, ValueError) as problem:
        return masked(f"it cannot be reached: {getattr(problem, 'reason', problem)}")
