"""The signature of a folder of files, `model.sig`, in the standard bundle that other tools verify too.

Source: OpenSSF Model Signing 1.0, a Sigstore bundle over an in-toto statement with the sha256 of every file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perennial.errors import ModelUnloadable
from perennial.fault_points import write
from perennial.signing.model_key import hint_of, hint_of_private
from perennial.whole_file import replacing

SIGNATURE_FILE = "model.sig"
SHORT_HINT = 16
_NOT_SIGNED = (SIGNATURE_FILE, "registered_model_meta")
"""The second one is written by MLflow whenever it copies a model; nothing reads it."""

_RESTORE = "Restore its files from a backup, or roll back to a version that is intact."
_TRUST = "If its key is to be trusted, add the file of the public one to PERENNIAL_TRUSTED_MODEL_KEYS."
_SIGN = "PERENNIAL_REQUIRE_SIGNED_MODELS is set: check where the version comes from, then sign it."

State = Literal["signed", "unsigned", "foreign", "changed", "unknown"]


class SignatureRefused(ModelUnloadable):
    """A model is not signed although it must be, or its files or its signature were changed."""

    code = "model-signature"


@dataclass(frozen=True)
class Signature:
    """What is known about a folder's signature.

    state: `signed` by a trusted key, `unsigned`, `foreign` if the key is not trusted, `changed` if it does not match
    the files, or `unknown` where no key is trusted.
    key: the first digits of the sha256 of the public key that the signature names. why: of the last three states.
    """

    state: State
    key: str = ""
    why: str = ""

    @property
    def in_words(self) -> str:
        """For people."""
        if self.state == "unsigned":
            return "not signed"
        return self.why or f"signed with the key {self.key}"


@dataclass(frozen=True)
class Signatures:
    """key: signs, None for no signing. trusted: public keys that signatures may be of. required: whether all need one.

    Without `required`, an unsigned model is loaded, and a signature that does not verify is refused nevertheless.
    """

    key: Path | None = None
    trusted: tuple[Path, ...] = ()
    required: bool = False

    def of(self, folder: Path) -> Signature:
        """The state of the folder's signature. Raises InputError for a trusted file that holds no key."""
        file = folder / SIGNATURE_FILE
        if not file.exists():
            return Signature("unsigned")
        hint = _hint(file)
        short = hint[:SHORT_HINT]
        if not self.trusted:
            return Signature("unknown", short, f"signed with the key {short}, and no key is trusted here to verify it")
        known = {hint_of(each): each for each in self.trusted}
        if hint not in known:
            return Signature("foreign", short, f"the signature is of the key {short or 'none'}, which is not trusted")
        wrong = _wrong(folder, file, known[hint])
        return Signature("changed", short, wrong) if wrong else Signature("signed", short)

    def check(self, folder: Path, what: str, was_signed: bool = False) -> None:
        """Raises SignatureRefused unless the folder's files may be loaded.

        what: they are, for the message. was_signed: whether they were signed once, so that they must be now.
        """
        if not self.trusted:
            return
        signature = self.of(folder)
        needed = self.required or was_signed
        if signature.state in ("foreign", "changed") or (needed and signature.state == "unsigned"):
            lost = signature.state == "unsigned" and was_signed
            raise SignatureRefused(
                f"{what}: {'its signature is missing' if lost else signature.in_words}; nothing of it was loaded",
                fix={"foreign": _TRUST, "unsigned": _SIGN}.get(signature.state, _RESTORE) if not lost else _RESTORE,
            )

    def sign(self, folder: Path) -> str | None:
        """Write the signature of all files in a folder, and return the sha256 of the public key; None without a key.

        Raises InputError for a key that cannot be used.
        """
        if self.key is None:
            return None
        hint = hint_of_private(self.key)
        from model_signing import hashing, signing

        config = signing.Config().use_elliptic_key_signer(private_key=self.key)
        config.set_hashing_config(hashing.Config().set_ignored_paths(paths=_NOT_SIGNED))
        with write("model_signature"), replacing(folder / SIGNATURE_FILE) as half:
            config.sign(folder, half)
        return hint


NOT_CHECKED = Signatures()
"""Nothing is signed, and no signature is verified."""


def _hint(file: Path) -> str:
    """The sha256 of the public key that a signature names; empty if it names none."""
    try:
        hint = json.loads(file.read_bytes())["verificationMaterial"]["publicKey"]["hint"]
    except (ValueError, LookupError, TypeError):
        return ""
    return hint if isinstance(hint, str) else ""


def _wrong(folder: Path, file: Path, key: Path) -> str:
    """Why a signature does not verify, empty if it does."""
    from cryptography.exceptions import InvalidSignature
    from model_signing import verifying

    try:
        verifying.Config().use_elliptic_key_verifier(public_key=key).verify(folder, file)
    except InvalidSignature:
        return "the signature was not made with the key that it names"
    except Exception as error:  # noqa: BLE001 - whatever a forged bundle makes the library raise is a refusal
        return _in_short(str(error)) or f"its signature is damaged ({type(error).__name__})"
    return ""


def _in_short(message: str) -> str:
    """Of the library's message about files, their names instead of their digests; empty for another message."""
    changed = re.findall(r"Hash mismatch for \\?'(.+?)\\?':", message)
    others = re.findall(r"(Extra|Missing) files .*?\\?': (.+?)[\"']?(?:, [\"']|\])", message)
    parts = [("Changed", ", ".join(changed))] if changed else []
    return "; ".join(f"{kind.lower()} since it was signed: {names}" for kind, names in (*parts, *others))
