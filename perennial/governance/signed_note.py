"""Signed notes: a short text with Ed25519 signatures, for people to read and for any tool of the format to verify.

Source: https://c2sp.org/signed-note. Keys are written as Go's golang.org/x/mod/sumdb/note writes them.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

_ED25519 = b"\x01"
PRIVATE = "PRIVATE+KEY+"
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\n")
NAME = re.compile(r"[^\s+\x00-\x1f]{1,100}")
"""Of a key: no space and no plus."""


@dataclass(frozen=True)
class PublicKey:
    """What a signature is verified with. raw: 32 bytes.

    >>> str(parse_public("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"))
    'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
    """

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """Four bytes of a digest, which a signature carries."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @property
    def label(self) -> str:
        """Name and id, for messages."""
        return f"{self.name}+{self.id.hex()}"

    def __str__(self) -> str:
        return f"{self.label}+{b64encode(_ED25519 + self.raw).decode()}"


@dataclass(frozen=True)
class PrivateKey:
    """What signs. seed: 32 bytes, never shown."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return PublicKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def written(self) -> str:
        """The secret line of a key file."""
        return f"{PRIVATE}{self.public.label}+{b64encode(_ED25519 + self.seed).decode()}"


@dataclass(frozen=True)
class Signature:
    """One signature line of a note. id: of the key."""

    name: str
    id: bytes
    raw: bytes

    @property
    def label(self) -> str:
        """Name and id of the key that it claims."""
        return f"{self.name}+{self.id.hex()}"


@dataclass(frozen=True)
class Note:
    """A text, which ends in a newline, and its signatures, not verified yet."""

    text: str
    signatures: tuple[Signature, ...]


def parse_public(line: str) -> PublicKey:
    """A public key from its line. Raises ValueError."""
    name, key_id, raw = _key_parts(line.strip())
    key = PublicKey(name, raw)
    if key.id.hex() != key_id:
        raise ValueError("its id does not match its name and bytes")
    return key


def parse_private(line: str) -> PrivateKey:
    """A private key from the line of its file. Raises ValueError."""
    written = line.strip()
    if not written.startswith(PRIVATE):
        raise ValueError(f"it does not begin with {PRIVATE}")
    name, key_id, seed = _key_parts(written.removeprefix(PRIVATE))
    key = PrivateKey(name, seed)
    if key.public.id.hex() != key_id:
        raise ValueError("its id does not match its name and bytes")
    return key


def sign(text: str, key: PrivateKey) -> str:
    """The signed note of a text, which must end in a newline. The same text and key give the same bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(key.seed).sign(text.encode())
    return f"{text}\n— {key.name} {b64encode(key.public.id + signature).decode()}\n"


def parse_note(note: str) -> Note | None:
    """The note's text and signatures, None if it is incomplete or malformed."""
    text, _, lines = note.rpartition("\n\n")
    if not text or not re.fullmatch(f"(?:{_LINE.pattern})+", lines):
        return None
    read = [(name, _decoded(signature)) for name, signature in _LINE.findall(lines)]
    if any(len(raw) < 5 for _, raw in read):
        return None
    return Note(f"{text}\n", tuple(Signature(name, raw[:4], raw[4:]) for name, raw in read))


def signed_by(note: Note, keys: Sequence[PublicKey]) -> PublicKey | None:
    """The first of these keys that signed a note, None if none of them did.

    Signatures of other keys are ignored. Raises BadSignature if one that claims such a key is not of this text.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signer = None
    for signature in note.signatures:
        for key in keys:
            if (signature.name, signature.id) != (key.name, key.id):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(key.raw).verify(signature.raw, note.text.encode())
            except InvalidSignature as problem:
                raise BadSignature(key.label) from problem
            signer = signer or key
    return signer


class BadSignature(ValueError):
    """A signature does not match the text of its note. The message is the label of the key."""


def _key_parts(written: str) -> tuple[str, str, bytes]:
    """Name, id in hex and 32 bytes of a key. Raises ValueError."""
    parts = written.split("+", 2)
    if len(parts) != 3 or not NAME.fullmatch(parts[0]):
        raise ValueError("it does not have the form NAME+ID+BASE64")
    raw = _decoded(parts[2])
    if len(raw) != 33 or raw[:1] != _ED25519:
        raise ValueError("it is not an Ed25519 key")
    return parts[0], parts[1], raw[1:]


def _decoded(text: str) -> bytes:
    """Empty if it is not base64, or not as it is written: bits that no byte needs must be 0 (RFC 4648, section 3.5)."""
    try:
        raw = b64decode(text, validate=True)
    except NotBase64:
        return b""
    return raw if b64encode(raw).decode() == text else b""
