"""Who acts: by a signed token, by the environment, or by a name that was typed.

Source of the token's form: RFC 7519 (JSON Web Token), signed with Ed25519 (RFC 8037) or RSA.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perennial.access.grant import Grant
from perennial.errors import InputError
from perennial.release.approvals import Person

AUDIENCE = "perennial"
_ALGORITHMS = ["EdDSA", "RS256", "ES256"]


def person_of(
    stated: str | None, *, user: str | None, token: str | None, token_key: Path | None, must_prove: bool
) -> Person:
    """The person who acts.

    stated: the name that was typed, None for none. user: PERENNIAL_USER, where that is the acting person's. token: a
    signed one. token_key: the public key that tokens are checked with; with it, only a token counts. must_prove:
    whether a typed name alone does not count.
    Raises InputError for a token that does not verify, a name that differs from the proven one, or no proof.
    """
    typed = (stated or "").strip()
    if token_key is not None:
        name = _subject(token, token_key)
        return Person(_same(typed, name, "the token"), "token")
    if user:
        return Person(_same(typed, user, "PERENNIAL_USER"), "environment")
    if must_prove:
        raise InputError(
            "approvers are declared, so a name alone does not count",
            code="person-not-proven",
            field="by",
            value=typed or None,
            fix="Set PERENNIAL_TOKEN_KEY to the public key of your signed tokens, or PERENNIAL_USER in the "
            "environment of the person.",
        )
    if not typed:
        raise InputError(
            "is empty; the record needs it",
            code="person-missing",
            field="by",
            fix="Give a name. Where approvers are declared, set PERENNIAL_USER or a token instead.",
        )
    return Person(typed, "stated")


def name_if_known(stated: str | None, *, user: str | None, token: str | None, token_key: Path | None) -> str | None:
    """The name of the person who acts where none is needed: None if nothing is given. Otherwise as `person_of`."""
    if stated is None and not user and not token:
        return None
    return person_of(stated, user=user, token=token, token_key=token_key, must_prove=False).name


def person_on_site(grant: Grant, token: str | None, token_key: Path | None) -> Person:
    """The person whom the site's key or the proxy before it names.

    token, token_key: as for `person_of`; with a key, a token of the same person is needed too.
    Raises InputError for a caller whom nothing names, who may only read, or whose token does not verify.
    """
    if grant.known_by is None:
        raise InputError(
            "nothing proves who you are, so an answer does not count",
            code="person-not-proven",
            field="by",
            fix="Sign in with a key that has a name, or through a proxy that names you.",
        )
    if not grant.may_act:
        raise InputError(
            f"{grant.name} may only read here",
            code="site-read-only",
            field="by",
            value=grant.name,
            fix="Whoever runs the site can give your key the role act, or your group at the proxy.",
        )
    if token_key is not None:
        return person_of(grant.name, user=None, token=token, token_key=token_key, must_prove=True)
    return Person(grant.name, grant.known_by)


def _same(typed: str, proven: str, by: str) -> str:
    if typed and typed != proven:
        raise InputError(
            f"'{typed}' is given, but {by} names {proven}",
            code="person-differs",
            field="by",
            value=typed,
            fix=f"Leave it out, or write {proven}.",
        )
    return proven


def _public_key(file: Path) -> Any:
    """Raises InputError for a file that is not a public key in PEM."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a public key in PEM"
        raise InputError(
            f"PERENNIAL_TOKEN_KEY: {file} cannot be used: {why}",
            code="token-key-invalid",
            value=str(file),
            fix="Set it to the file of your identity provider's public key, which begins with "
            "-----BEGIN PUBLIC KEY-----.",
        ) from error


def _subject(token: str | None, key: Path) -> str:
    """The `sub` of a token that is signed, not expired, and meant for Perennial."""
    import jwt

    if not token:
        raise InputError(
            "PERENNIAL_TOKEN_KEY is set, so a signed token is needed",
            code="person-not-proven",
            field="token",
            fix="Give the token of your identity provider.",
        )
    try:
        claims = jwt.decode(
            token,
            _public_key(key),
            algorithms=_ALGORITHMS,
            audience=AUDIENCE,
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.PyJWTError as error:
        raise InputError(
            f"is not accepted: {str(error).rstrip('.').lower()}",
            code="token-refused",
            field="token",
            fix=f"Get a new one, signed for the audience '{AUDIENCE}', with sub and exp.",
        ) from error
    return str(claims["sub"])
