"""An anchor: the head of a use case's chain as a signed note, and reading many of them from one text."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perennial.governance.signed_note import BadSignature, PrivateKey, PublicKey, parse_note, sign, signed_by
from perennial.ledger.chain import Head

FIRST_LINE = "perennial.ledger/v1"
_PARAGRAPH = re.compile(rf"[^\n]+\n?(?:(?!{re.escape(FIRST_LINE)}$)[^\n]+\n?)*", re.MULTILINE)
_TEXT = re.compile(rf"{re.escape(FIRST_LINE)}\n(\S+)\n([1-9][0-9]{{0,9}})\n([0-9a-f]{{64}})\n")
_REST = re.compile(r"(?:\n\S*(?:\n[0-9]*(?:\n[0-9a-f]*(?:\n+(?:[—\ufffd](?: \S*(?: \S{0,91})?)?)?\n?)?)?)?)?")
_SIGNATURE_BYTES = 64
Trust = Literal["trusted", "changed", "unknown_key", "incomplete"]


@dataclass(frozen=True)
class Anchor:
    """The end of a use case's chain at some time: the row's position and hash.

    >>> print(Anchor("shop", Head(62, "37a6" * 16)).text, end="")
    perennial.ledger/v1
    shop
    62
    37a637a637a637a637a637a637a637a637a637a637a637a637a637a637a637a6
    """

    usecase: str
    head: Head

    @property
    def text(self) -> str:
        """The lines that are signed."""
        return f"{FIRST_LINE}\n{self.usecase}\n{self.head.position}\n{self.head.hash}\n"

    def signed(self, key: PrivateKey) -> str:
        """Its note; the same bytes each time."""
        return sign(self.text, key)


@dataclass(frozen=True)
class ReadAnchor:
    """One anchor of a place. number: its place in order; line: where it begins.

    trust: whether it is what a trusted key signed. anchor: what it states; None if that cannot be read.
    signer: the key that it names. stamped_at: the time that an authority signed for it, empty if none did.
    """

    number: int
    line: int
    trust: Trust
    anchor: Anchor | None
    signer: str = ""
    stamped_at: str = ""


def read_anchors(text: str, keys: Sequence[PublicKey]) -> list[ReadAnchor]:
    """Every anchor in a text of many, in order. Lines that belong to none of them are an anchor that changed."""
    paragraphs = deque(_PARAGRAPH.finditer(text))
    read: list[ReadAnchor] = []
    line = end = 0
    while paragraphs:
        first = paragraphs.popleft()
        line, end = line + text.count("\n", end, first.start()), first.start()
        signed = bool(paragraphs) and paragraphs[0][0].startswith(("—", "\ufffd"))
        note = f"{first[0]}\n{paragraphs.popleft()[0]}" if signed else first[0]
        read.append(_read(len(read) + 1, line + 1, note, keys))
    return read


def newest_anchor(text: str, usecase: str, key: PublicKey) -> Anchor | None:
    """The last anchor of a use case that a key signed. Read from the end: the cost does not grow with their number."""
    end = len(text)
    while (start := text.rfind(f"{FIRST_LINE}\n{usecase}\n", 0, end)) >= 0:
        after = text.find(f"\n{FIRST_LINE}\n", start)
        (read, *_) = read_anchors(text[start : after if after >= 0 else end], [key])
        if read.trust == "trusted":
            return read.anchor
        end = start
    return None


def _read(number: int, line: int, written: str, keys: Sequence[PublicKey]) -> ReadAnchor:
    note = parse_note(written)
    if note is None or any(len(each.raw) < _SIGNATURE_BYTES for each in note.signatures):
        return ReadAnchor(number, line, "incomplete" if _is_torn(written) else "changed", None)
    match = _TEXT.fullmatch(note.text)
    anchor = Anchor(match[1], Head(int(match[2]), match[3])) if match else None
    try:
        signer = signed_by(note, keys)
    except BadSignature as problem:
        return ReadAnchor(number, line, "changed", anchor, str(problem))
    if signer is None:
        return ReadAnchor(number, line, "unknown_key", anchor, ", ".join(each.label for each in note.signatures))
    return ReadAnchor(number, line, "trusted" if anchor else "changed", anchor, signer.label)


def _is_torn(written: str) -> bool:
    """Whether it is the beginning of an anchor, as a power failure may leave it."""
    if not written.startswith(FIRST_LINE):
        return FIRST_LINE.startswith(written.rstrip("\n"))
    return _REST.fullmatch(written.removeprefix(FIRST_LINE)) is not None


def separated(note: str, before: str) -> str:
    """A note as it is added after a text, whose last note may be incomplete."""
    return note if not before else f"\n{note}" if before.endswith("\n") else f"\n\n{note}"
