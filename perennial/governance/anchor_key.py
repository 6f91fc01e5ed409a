"""The key that signs anchors: made once, kept outside the home in a file that only its owner reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from perennial.errors import InputError
from perennial.governance.signed_note import NAME, PRIVATE, PrivateKey, PublicKey, parse_private, parse_public
from perennial.signing.key_files import (
    public_beside,
    read_key,
    refuse_existing,
    refuse_no_folder,
    refuse_open,
    write_pair,
)

VARIABLE = "PERENNIAL_ANCHOR_KEY"


def make_key(file: Path, name: str, home: Path) -> PublicKey:
    """Make a key: the private one in `file`, the public one beside it in `file.pub`.

    Raises InputError, with nothing written, for a place in the home, a file that exists or an impossible name.
    """
    file = file.expanduser().resolve()
    if file.is_relative_to(home):
        raise InputError(
            f"{file} is in the home {home}: whoever can rewrite the ledger there could sign anything with it",
            code="anchor-in-home",
            field="file",
            value=str(file),
            fix="Choose a file outside the home, best on a host that holds no ledger.",
        )
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is not a valid name of a key: it must be 1 to 100 characters without spaces and plus signs",
            code="anchor-key-name",
            field="name",
            value=name,
            fix="Use your own address, such as risk.example.com/ledger",
        )
    refuse_no_folder(file)
    refuse_existing(file, code="anchor-key-exists")
    key = PrivateKey(name, os.urandom(32))
    write_pair(file, key.written() + "\n", f"{key.public}\n")
    return key.public


def signing_key(file: Path | None) -> PrivateKey:
    """The key that signs. Raises InputError if there is none, if others may read it, or if it is damaged."""
    if file is None:
        raise InputError(
            "it is not set, so no anchor can be signed",
            code="anchor-key-missing",
            field=VARIABLE,
            fix="Make a key and set the variable to its file.",
        )
    text = read_key(file, VARIABLE, code="anchor-key-missing")
    refuse_open(file, VARIABLE, "anchors", code="anchor-key-open")
    try:
        return parse_private(text.decode())
    except ValueError as problem:
        raise _not_a_key(f"{file} does not hold a private key: {problem}", VARIABLE, str(file)) from problem


def trusted_keys(given: Sequence[str], signing: Path | None) -> list[PublicKey]:
    """The public keys to verify anchors with: lines or files of lines, otherwise the one beside the signing key.

    Raises InputError for one that cannot be read, and if there is none.
    """
    beside = [str(public_beside(signing))] if signing and not given else []
    keys = [_public(line, each) for each in (*given, *beside) for line in _lines(each)]
    if not keys:
        raise InputError(
            "an anchor is worth as much as the key it is verified with, and none is given",
            code="anchor-key-missing",
            field="key",
            fix="Give the public key that you kept when it was made: its line, or a file with one per line.",
        )
    return keys


def _lines(given: str) -> list[str]:
    """The lines with a key: the text itself, or those of the file that it names."""
    file = Path(given).expanduser()
    if not file.is_file():
        if "+" in given:
            return [given]
        raise InputError(
            f"{given} is neither a public key nor a file with one",
            code="anchor-key-missing",
            field="key",
            value=given,
            fix="Give a line NAME+ID+BASE64, or a file with one per line.",
        )
    return [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]


def _public(line: str, given: str) -> PublicKey:
    if line.strip().startswith(PRIVATE):
        raise InputError(
            "it is a private key, which stays with whoever signs",
            code="anchor-key-invalid",
            field="key",
            fix="Give the public key, which was written beside it with the ending .pub.",
        )
    try:
        return parse_public(line)
    except ValueError as problem:
        raise _not_a_key(f"{given} is not a public key: {problem}", "key", given) from problem


def _not_a_key(message: str, field: str, value: str) -> InputError:
    return InputError(
        message, code="anchor-key-invalid", field=field, value=value, fix="Restore it from where you keep a copy."
    )
