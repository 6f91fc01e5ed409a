"""Identities computed from content, which make writes idempotent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

SHORT = 16


def canonical_json(value: Any) -> str:
    """The canonical form of a JSON value: sorted keys, no spaces, floats as Python's shortest repr.

    Raises ValueError for NaN and infinities: unknown is None, never a number.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """sha256 (hex, 64 characters) of a JSON value's canonical form."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def short_id(value: Any) -> str:
    """The first 16 hex digits of `digest`: an id that a person can copy."""
    return digest(value)[:SHORT]


def arm_position(key: str, salt: str) -> float:
    """Where a key lies between 0 and 1 for a candidate; it belongs to the candidate's arm if that is below its share.

    A key's arm never changes while a share lasts, and a larger share takes more keys without giving any back. Another
    salt orders the keys anew. By keyed BLAKE2b (RFC 7693).
    """
    hashed = hashlib.blake2b(key.encode(), digest_size=8, key=salt.encode()[:64])
    return int.from_bytes(hashed.digest()) / 2**64


def digest_bytes(data: bytes) -> str:
    """sha256 (hex) of bytes."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """sha256 (hex) of a file's bytes, of which only a part is in memory at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_folder(folder: Path) -> str:
    """sha256 (hex) over the relative names and bytes of every file below `folder`, in name order."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        total.update(bytes.fromhex(digest_file(path)))
    return total.hexdigest()
