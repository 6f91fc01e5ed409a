"""Who may ask a server of ours: whoever has a key, or comes through a proxy that authenticates people."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perennial.access.grant import ANYONE, Grant
from perennial.access.keys import Keys, read_keys
from perennial.access.proxy import Proxy, Values, proxy_of
from perennial.errors import InputError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Access:
    """Without keys and a proxy, every request is let in.

    basic: whether a key also counts as the password of Basic authentication, which browsers ask people for.
    """

    keys: Keys = field(default_factory=Keys)
    proxy: Proxy | None = None
    basic: bool = False

    @property
    def is_open(self) -> bool:
        """Whether everybody is let in."""
        return not self.keys.granted and self.proxy is None

    def of(self, values: Values, client: str | None) -> Grant | None:
        """Whom a request is of, and what they may do; None for nobody that is known. client: the caller's address."""
        if self.is_open:
            return ANYONE
        if self.proxy is not None and (person := self.proxy.of(values, client)) is not None:
            return person
        key = self._key(values)
        return self.keys.of(key) if key else None

    def _key(self, values: Values) -> str:
        """The key that a request gives; empty for none, or for several."""
        given = [*values("authorization"), *values("x-api-key")]
        if len(given) != 1:
            return ""
        if not values("authorization"):
            return given[0].strip()
        scheme, _, rest = given[0].partition(" ")
        if scheme.lower() == "bearer":
            return rest.strip()
        return _password(rest.strip()) if self.basic and scheme.lower() == "basic" else ""


def _password(encoded: str) -> str:
    """Of Basic authentication (RFC 7617); empty if it is none."""
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def service_access(environ: Mapping[str, str], keys: Path | None) -> Access:
    """Of the scoring service. keys: the file of its keys, None for PERENNIAL_SERVE_KEYS. Raises InputError."""
    variable = "PERENNIAL_SERVE_KEYS"
    return Access(read_keys(keys, environ.get(variable, ""), variable), proxy_of(environ))


def site_access(environ: Mapping[str, str]) -> Access:
    """Of the site: keys in PERENNIAL_SITE_KEYS or the file PERENNIAL_SITE_KEYS_FILE. Raises InputError."""
    variable, file = "PERENNIAL_SITE_KEYS", environ.get("PERENNIAL_SITE_KEYS_FILE")
    keys = read_keys(Path(file).expanduser() if file else None, environ.get(variable, ""), variable)
    return Access(keys, proxy_of(environ), basic=True)


def open_to_others(host: str, access: Access) -> str:
    """A warning for a site that other machines could reach and that lets everybody in; otherwise empty."""
    if host in _LOOPBACK or not access.is_open:
        return ""
    return (
        f"warning: the site on {host} can be reached by other machines and lets everybody in. Set "
        "PERENNIAL_SITE_KEYS_FILE to a file of keys, or PERENNIAL_PROXY_USER_HEADER for a proxy that names people."
    )


def refuse_open(host: str, access: Access) -> None:
    """Raise InputError for a service that other machines could reach and that lets everybody in."""
    if host not in _LOOPBACK and access.is_open:
        raise InputError(
            f"host: {host} can be reached by other machines, and no API key is set",
            value=host,
            fix="set PERENNIAL_SERVE_KEYS to the SHA-256 digests of keys, or serve on 127.0.0.1",
        )
