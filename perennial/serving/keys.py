"""API keys: kept as SHA-256 digests, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

from perennial.errors import InputError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Keys:
    """The keys of a service; without any, every request is let in."""

    def __init__(self, digests: frozenset[str]) -> None:
        self._digests = [bytes.fromhex(each) for each in sorted(digests)]

    def let_in(self, authorization: str | None) -> bool:
        """Whether a request with this `Authorization: Bearer KEY` may be answered."""
        if not self._digests:
            return True
        scheme, _, key = (authorization or "").partition(" ")
        given = hashlib.sha256(key.strip().encode()).digest()
        # Every digest is compared, so that the time shows nothing about which one is near.
        matches = [hmac.compare_digest(given, each) for each in self._digests]
        return scheme.lower() == "bearer" and any(matches)


def keys_of(text: str, source: str) -> Keys:
    """Keys from lines of SHA-256 digests; empty lines and those that begin with # are left out.

    source: what the lines come from, for messages. Raises InputError for a line that is no digest.
    """
    lines = [line.partition("#")[0].strip().lower() for line in re.split(r"[\n,]", text)]
    digests = [line for line in lines if line]
    for number, line in enumerate(digests, 1):
        if not _DIGEST.fullmatch(line):
            raise InputError(
                f"{source}: entry {number} is no SHA-256 digest of 64 hex digits",
                fix="write the digest of a key: printf %s KEY | sha256sum",
            )
    return Keys(frozenset(digests))


def read_keys(path: Path | None, variable: str) -> Keys:
    """The keys in a file or, without one, in an environment variable's value. Raises InputError."""
    if path is None:
        return keys_of(variable, "PERENNIAL_SERVE_KEYS")
    try:
        return keys_of(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as problem:
        raise InputError(f"{path} cannot be read: {problem}", field="keys", value=str(path)) from None


def refuse_open(host: str, keys: Keys) -> None:
    """Raise InputError for a service without keys that other machines could reach."""
    if host not in _LOOPBACK and keys.let_in(None):
        raise InputError(
            f"host: {host} can be reached by other machines, and no API key is set",
            value=host,
            fix="set PERENNIAL_SERVE_KEYS to the SHA-256 digests of keys, or serve on 127.0.0.1",
        )
