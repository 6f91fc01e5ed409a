"""A time stamping authority (RFC 3161): it signs that an anchor existed at a time, which nobody else can sign later.

Its replies are kept in the home, each beside its anchor. There they can be removed, but neither changed nor backdated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from perennial.errors import InputError
from perennial.governance.anchor import Anchor
from perennial.governance.places import NotDelivered
from perennial.governance.places.web import host_of
from perennial.posting import post
from perennial.whole_file import replacing, write_whole

STAMPS = "stamps"
NOTE, STAMP = ".note", ".tsr"


@dataclass(frozen=True)
class TimeStamps:
    """An authority's address, and the folder that keeps its replies."""

    address: str = field(repr=False)
    folder: Path

    @property
    def shown(self) -> str:
        """Scheme and host."""
        return f"tsa:{host_of(self.address)}"

    def read(self) -> None:
        """Nothing can be read back from an authority."""

    def add(self, anchor: Anchor, note: str) -> None:
        """Have it stamped, and keep note and stamp."""
        stamp = _stamped(self.address, note.encode())
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{anchor.usecase}-{anchor.head.position}"
        with replacing(self.folder / f"{name}{STAMP}") as half:
            half.write_bytes(stamp)
        write_whole(self.folder / f"{name}{NOTE}", note)

    def finish(self) -> None:
        """Nothing: a stamp was received or not."""


def require_client() -> None:
    """Raise InputError if the library for time stamps is not installed."""
    try:
        import rfc3161_client  # noqa: F401
    except ModuleNotFoundError:
        raise InputError(
            "time stamps need the package rfc3161-client, which is not installed",
            code="anchor-stamps-not-installed",
            fix="Run: pip install 'perennial[timestamps]'",
        ) from None


def open_place(address: str, received: Path) -> TimeStamps:
    """The authority of `tsa:https://host/path`."""
    return TimeStamps(address.removeprefix("tsa:"), received / STAMPS)


def _stamped(address: str, content: bytes) -> bytes:
    """The authority's stamp of some bytes, if it answers this request. Whose stamp it is, is verified by readers."""
    require_client()
    from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response

    request = TimestampRequestBuilder().data(content).build()
    reply = post(address, {"Content-Type": "application/timestamp-query"}, request.as_bytes())
    if reply.problem:
        raise NotDelivered(reply.problem)
    try:
        stamp = decode_timestamp_response(reply.content)
        answers = (stamp.tst_info.nonce, stamp.tst_info.message_imprint.message) == (
            request.nonce,
            request.message_imprint.message,
        )
    except ValueError as problem:
        raise NotDelivered(f"its reply is not a time stamp: {problem}") from problem
    if stamp.status != 0 or not answers:
        raise NotDelivered(f"its reply does not stamp what was sent (status {stamp.status})")
    return reply.content
