"""Whether a form that a browser posts was filled in on a page of ours, and by the caller that the page was made for.

Sources: Fetch Metadata (https://www.w3.org/TR/fetch-metadata/), checked as in Go's `net/http.CrossOriginProtection`
(https://pkg.go.dev/net/http#CrossOriginProtection), and a token made with a key (HMAC, RFC 2104).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from perennial.access.grant import Grant
from perennial.access.proxy import Values
from perennial.errors import InputError


def refuse_foreign(values: Values) -> None:
    """Raise InputError for a form that another site sent. A program sends neither header; its token is checked."""
    fetched, origin, host = values("sec-fetch-site"), values("origin"), values("host")
    ours = fetched == ["same-origin"] if fetched else not origin or [urlsplit(each).netloc for each in origin] == host
    if not ours:
        raise InputError(
            "the form was sent from another site",
            code="form-foreign",
            value=", ".join([*fetched, *origin]),
            fix="Open the page on this site, and answer there. A proxy before the site has to pass on the header Host.",
        )


@dataclass(frozen=True)
class FormTokens:
    """Tokens of forms: each is for one caller and one subject, and for the life of this process."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def of(self, grant: Grant, subject: str) -> str:
        """The token of a form."""
        parts = (grant.known_by or "", grant.role, grant.name, subject)
        return hmac.new(self._key, "\0".join(parts).encode(), "sha256").hexdigest()

    def check(self, given: str, grant: Grant, subject: str) -> None:
        """Raise InputError for a token of another caller, another subject or another process."""
        if not hmac.compare_digest(given.encode(), self.of(grant, subject).encode()):
            raise InputError(
                "the form is out of date, or was made for somebody else",
                code="form-outdated",
                fix="Load the page again, and answer there.",
            )
