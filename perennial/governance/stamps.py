"""Time stamps of anchors: who signed them, for which bytes, and for what time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from perennial.clock import write_instant
from perennial.errors import InputError
from perennial.governance.anchor import ReadAnchor, read_anchors
from perennial.governance.anchor_check import AnchorsBroken
from perennial.governance.places.time_stamp import NOTE, STAMP, require_client
from perennial.governance.signed_note import PublicKey


def has_stamps(folder: Path) -> bool:
    """Whether a folder is one of stamps."""
    return any(folder.glob(f"*{STAMP}"))


def read_stamps(folder: Path, keys: Sequence[PublicKey], roots: Path | None) -> list[ReadAnchor]:
    """The anchors of a folder, each with the time of its stamp. roots: certificates of authorities, in PEM.

    Raises InputError without roots, AnchorsBroken for a stamp that none of them vouches for, or of other bytes.
    """
    trusted = _roots(roots)
    files = sorted(folder.glob(f"*{NOTE}"), key=lambda file: (file.stem.rpartition("-")[0], len(file.stem), file.stem))
    read: list[ReadAnchor] = []
    for file in files:
        at = _time_of(file, trusted)
        read += (
            replace(each, number=len(read) + 1, stamped_at=at)
            for each in read_anchors(file.read_text(encoding="utf-8", errors="replace"), keys)
        )
    return read


def _roots(file: Path | None) -> list[Any]:
    require_client()
    from cryptography.x509 import load_pem_x509_certificates

    if file is None:
        raise InputError(
            "a time stamp is worth as much as the authority that signed it, and none is given",
            code="anchor-authority-missing",
            field="authority",
            fix="Give the authority's root certificate as a file in PEM.",
        )
    try:
        return load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as problem:
        raise InputError(
            f"{file} holds no certificate: {problem}",
            code="anchor-authority-missing",
            field="authority",
            value=str(file),
            fix="Give the authority's root certificate as a file in PEM.",
        ) from problem


def _time_of(note: Path, roots: list[Any]) -> str:
    """When an authority stamped a note."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    stamp = note.with_suffix(STAMP)
    try:
        reply = decode_timestamp_response(stamp.read_bytes())
        VerifierBuilder(roots=roots).build().verify_message(reply, note.read_bytes())
        # Decoded again, because verifying takes the signer out of the decoded reply.
        return write_instant(decode_timestamp_response(stamp.read_bytes()).tst_info.gen_time)
    except (OSError, ValueError, VerificationError) as problem:
        raise AnchorsBroken(
            f"{stamp}: the time stamp of {note.name} does not verify: {problem}",
            code="anchor-stamp-invalid",
            fix="The note or the stamp was changed, or another authority signed it. Compare it with other places.",
        ) from problem
