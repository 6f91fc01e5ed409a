"""The key that signs model files: an elliptic curve key (P-256) in PEM, as the standard model signatures need."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.signing.key_files import read_key, refuse_existing, refuse_no_folder, refuse_open, write_pair

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

VARIABLE = "PERENNIAL_MODEL_KEY"
TRUSTED = "PERENNIAL_TRUSTED_MODEL_KEYS"


def make_model_key(file: Path, home: Path) -> str:
    """Make a key, the private one in `file`, the public one beside it in `file.pub`, and return the public one.

    Raises InputError, with nothing written, for a place in the home or a file that exists.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    file = file.expanduser().resolve()
    if file.is_relative_to(home):
        raise InputError(
            f"{file} is in the home {home}: whoever can change a model there could sign it too",
            code="model-key-in-home",
            field="file",
            value=str(file),
            fix="Choose a file outside the home.",
        )
    refuse_no_folder(file)
    refuse_existing(file, code="model-key-exists")
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = _pem(key.public_key())
    write_pair(file, private, public)
    return public


def hint_of_private(file: Path) -> str:
    """What names the public key of a private one: see `hint_of`.

    Raises InputError if the file is missing, open to others, or holds no key that can sign models.
    """
    from cryptography.hazmat.primitives import serialization

    text = read_key(file, VARIABLE, code="model-key-missing")
    refuse_open(file, VARIABLE, "models", code="model-key-open")
    try:
        key = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError) as problem:
        raise _not_a_key(f"{file} does not hold a private key in PEM without a password", VARIABLE, file) from problem
    return _hint(key.public_key(), VARIABLE, file)


def hint_of(file: Path) -> str:
    """What a signature names its public key by: the sha256 of its PEM. Raises InputError for a file without a key."""
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_public_key(read_key(file, TRUSTED, code="model-key-missing"))
    except ValueError as problem:
        raise _not_a_key(f"{file} does not hold a public key in PEM", TRUSTED, file) from problem
    return _hint(key, TRUSTED, file)


def _hint(key: object, variable: str, file: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _not_a_key(f"{file} holds a key of another type than an elliptic curve one", variable, file)
    return sha256(_pem(key).encode()).hexdigest()


def _pem(key: EllipticCurvePublicKey) -> str:
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _not_a_key(message: str, variable: str, file: Path) -> InputError:
    return InputError(
        message,
        code="model-key-invalid",
        field=variable,
        value=str(file),
        fix="Set the variable to a key that was made for models.",
    )
