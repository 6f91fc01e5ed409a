"""Versions of a use case, verified: are the bytes those that the ledger names, and is their signature good?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perennial.errors import InputError, ModelUnloadable
from perennial.ledger.entries import ChallengerEntry, ModelRef
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, waiting_challenger
from perennial.model.artifact import digest_model
from perennial.signing.signature import Signature
from perennial.store.registry import Registry


@dataclass(frozen=True)
class Verified:
    """A version. signature: None if its files are missing. wrong: why it would not be loaded; empty if it would be.

    fix: what to do about it.
    """

    version: int
    digest: str
    signature: Signature | None
    wrong: str
    fix: str = ""


def versions_of(ledger: Ledger, usecase: str, version: int | None) -> tuple[ModelRef, ...]:
    """One version, or all that are live, in a stage, or waiting.

    Raises InputError for a version that the ledger does not have.
    """
    if version is not None:
        known = {row.payload.model.version: row.payload.model for row in ledger.all(usecase, ChallengerEntry)}
        if version not in known:
            raise InputError(
                f"{usecase} has no version {version}",
                code="version-unknown",
                field="version",
                value=version,
                fix=f"Known versions: {', '.join(map(str, known)) or 'none yet'}.",
            )
        return (known[version],)
    release, waiting = current_release(ledger, usecase), waiting_challenger(ledger, usecase)
    served = (*release.serves, *(release.candidate.serves if release.candidate else ())) if release else ()
    models = [each.model for each in served] + ([waiting.model] if waiting else [])
    return tuple({each.version: each for each in models}.values())


def verified(registry: Registry, usecase: str, model: ModelRef) -> Verified:
    """A version as it is now. Nothing of it is loaded. Raises RegistryDown, InputError for a bad key."""
    try:
        folder = registry.unverified_folder(usecase, model)
    except ModelUnloadable as missing:
        return Verified(model.version, model.digest, None, *_wrong(missing, model))
    signature = registry.signatures.of(folder)
    try:
        registry.signatures.check(folder, f"version {model.version}", bool(model.signed_with))
        _compare(folder, model)
    except ModelUnloadable as refused:
        return Verified(model.version, model.digest, signature, *_wrong(refused, model))
    return Verified(model.version, model.digest, signature, "")


def _wrong(error: ModelUnloadable, model: ModelRef) -> tuple[str, str]:
    """Why a version would not be loaded, without its name, and how to fix it."""
    first = str(error).partition("\n")[0].removeprefix(f"version {model.version}: ")
    return first.removesuffix("; nothing of it was loaded"), error.fix


def sign(registry: Registry, usecase: str, model: ModelRef) -> bool:
    """Sign a version that has no signature of a trusted key; whether one was made.

    Raises ModelUnloadable if its bytes are not those of the ledger, or if they were changed after they were signed.
    """
    folder = registry.unverified_folder(usecase, model)
    signature = registry.signatures.of(folder)
    if signature.state == "changed":
        registry.signatures.check(folder, f"version {model.version}")
    _compare(folder, model)
    if signature.state == "signed":
        return False
    return registry.sign(usecase, model) is not None


def _compare(folder: Path, model: ModelRef) -> None:
    actual = digest_model(folder)
    if actual != model.digest:
        raise ModelUnloadable(
            f"version {model.version}: its bytes are not those that were registered (digest {model.digest[:16]}, now "
            f"{actual[:16]})",
            fix="Restore its files from a backup, or roll back to a version that is intact.",
        )
