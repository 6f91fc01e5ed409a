"""API keys: kept as SHA-256 digests with a name and a role, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path

from perennial.access.grant import ROLES, Grant
from perennial.errors import InputError

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Keys:
    """SHA-256 digests of keys, and what each grants."""

    granted: tuple[tuple[bytes, Grant], ...] = ()

    def of(self, key: str) -> Grant | None:
        """What a key grants; None for an unknown one."""
        given = hashlib.sha256(key.encode()).digest()
        # Every digest is compared, so that the time shows nothing about which one is near.
        matches = [grant for digest, grant in self.granted if hmac.compare_digest(given, digest)]
        return matches[0] if matches else None


def keys_of(text: str, source: str) -> Keys:
    """Keys from entries `DIGEST [NAME] [ROLE]`; empty ones and those that begin with # are left out.

    Without a name it is the first digits of the digest, without a role `act`. source: what the entries come from, for
    messages. Raises InputError for an entry that is none.
    """
    entries = [each for line in re.split(r"[\n,]", text) if (each := line.partition("#")[0].split())]
    granted = []
    for number, (written, *rest) in enumerate(entries, 1):
        digest = written.lower()
        if not _DIGEST.fullmatch(digest):
            raise InputError(
                f"{source}: entry {number} is no SHA-256 digest of 64 hex digits",
                fix="write the digest of a key: printf %s KEY | sha256sum",
            )
        role = next((each for each in ROLES if rest and each == rest[-1]), None)
        names = rest[:-1] if role else rest
        if len(names) > 1:
            raise InputError(
                f"{source}: entry {number} has more than a digest, a name and a role: {' '.join(rest)!r}",
                fix=f"write DIGEST NAME ROLE, with a name without spaces and a role of {' or '.join(ROLES)}",
            )
        grant = Grant(names[0], role or "act", "key") if names else Grant(digest[:8], role or "act")
        granted.append((bytes.fromhex(digest), grant))
    return Keys(tuple(granted))


def read_keys(path: Path | None, value: str, variable: str) -> Keys:
    """The keys in a file or, without one, in the value of an environment variable. Raises InputError."""
    if path is None:
        return keys_of(value, variable)
    try:
        return keys_of(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as problem:
        raise InputError(f"{path} cannot be read: {problem}", field="keys", value=str(path)) from None
