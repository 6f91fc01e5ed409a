"""Who acts: a forged, expired or foreign token is refused, and a typed name never wins over a proven one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from perennial.access.grant import ANYONE, Grant
from perennial.errors import InputError
from perennial.governance.person import AUDIENCE, person_of, person_on_site
from perennial.ledger.entries import Endorsement
from perennial.page.question import question_of
from perennial.release.approvals import Person, Standing
from tests.release.payloads import challenger, decision

SOON = datetime.now(UTC) + timedelta(hours=1)


def pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    key = Ed25519PrivateKey.generate()
    public = tmp_path_factory.mktemp("keys") / "tokens.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return pem(key), public


def token(key: str, *, sub: str | None = "anna", aud: str = AUDIENCE, exp: datetime | None = SOON) -> str:
    claims = {"sub": sub, "aud": aud, "exp": exp}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm="EdDSA")


def test_a_signed_token_names_the_person(keys: tuple[str, Path]) -> None:
    private, public = keys
    for stated in (None, "anna"):
        who = person_of(stated, user="root", token=token(private), token_key=public, must_prove=True)
        assert who == Person("anna", "token")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("other key", "signature"),
        ("expired", "expired"),
        ("other audience", "audience"),
        ("no expiry", "exp"),
        ("nobody", "sub"),
        ("unsigned", "alg value is not allowed"),
        ("changed", "signature|crypto padding|string argument|decode"),
        ("no token", "not enough segments"),
    ],
)
def test_a_token_that_does_not_verify_is_refused(keys: tuple[str, Path], made: str, why: str) -> None:
    private, public = keys
    head, body, signature = token(private).split(".")
    forged = {
        "other key": token(pem(Ed25519PrivateKey.generate())),
        "expired": token(private, exp=datetime.now(UTC) - timedelta(minutes=1)),
        "other audience": token(private, aud="shop"),
        "no expiry": token(private, exp=None),
        "nobody": token(private, sub=None),
        "unsigned": jwt.encode({"sub": "anna", "aud": AUDIENCE, "exp": SOON}, "", algorithm="none"),
        "changed": ".".join((head, body[:-4] + "AAAA", signature)),
        "no token": "anna",
    }[made]
    with pytest.raises(InputError, match=why) as refused:
        person_of("anna", user="anna", token=forged, token_key=public, must_prove=False)
    assert refused.value.code == "token-refused" and forged not in str(refused.value)


def test_a_typed_name_does_not_win_over_a_proven_one(keys: tuple[str, Path]) -> None:
    private, public = keys
    with pytest.raises(InputError, match="the token names anna"):
        person_of("ben", user=None, token=token(private), token_key=public, must_prove=False)
    with pytest.raises(InputError, match="PERENNIAL_USER names anna"):
        person_of("ben", user="anna", token=None, token_key=None, must_prove=False)
    assert person_of(None, user="anna", token=None, token_key=None, must_prove=True) == Person("anna", "environment")


def test_a_name_alone_counts_only_where_no_proof_is_asked_for(keys: tuple[str, Path]) -> None:
    assert person_of(" Ada ", user=None, token=None, token_key=None, must_prove=False) == Person("Ada", "stated")
    with pytest.raises(InputError, match="a name alone does not count"):
        person_of("Ada", user=None, token=None, token_key=None, must_prove=True)
    with pytest.raises(InputError, match="a signed token is needed"):
        person_of("Ada", user="Ada", token=None, token_key=keys[1], must_prove=False)
    with pytest.raises(InputError, match="is empty"):
        person_of(" ", user=None, token=None, token_key=None, must_prove=False)


BROKEN = b"-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize("content", [None, b"", b"no key", b"\xff\xfe", BROKEN])
def test_a_file_that_is_no_public_key_is_named(keys: tuple[str, Path], tmp_path: Path, content: bytes | None) -> None:
    garbage = tmp_path / "key.pem"
    if content is not None:
        garbage.write_bytes(content)
    with pytest.raises(InputError, match=r"^PERENNIAL_TOKEN_KEY: .*key.pem cannot be used: ") as raised:
        person_of(None, user=None, token=token(keys[0]), token_key=garbage, must_prove=False)
    assert raised.value.code == "token-key-invalid" and "BEGIN PUBLIC KEY" in str(raised.value)


@pytest.mark.parametrize(
    ("grant", "subject", "code"),
    [
        (Grant("anna", "act", "key"), "anna", ""),
        (Grant("anna", "act", "proxy"), "ben", "person-differs"),
        (Grant("anna", "act", "key"), None, "person-not-proven"),
        (Grant("anna", "read", "key"), "anna", "site-read-only"),
        (ANYONE, "anna", "person-not-proven"),
    ],
)
def test_on_the_site_a_token_of_the_same_person_is_needed_where_tokens_are(
    keys: tuple[str, Path], grant: Grant, subject: str | None, code: str
) -> None:
    private, public = keys
    given = token(private, sub=subject) if subject else None
    if not code:
        assert person_on_site(grant, given, public) == Person("anna", "token")
        assert person_on_site(grant, None, None) == Person("anna", "key")
        return
    with pytest.raises(InputError) as refused:
        person_on_site(grant, given, public)
    assert refused.value.code == code


def test_a_release_that_was_interrupted_after_the_last_approval_can_go_on_from_the_site() -> None:
    held = decision("d1", challenger("c", 2), 1)
    step = Endorsement(
        decision="d1",
        role="risk",
        number=1,
        by="ben",
        proof="key",
        reason="seen",
        at="2024-04-01T00:00:00Z",
        expires_at="2024-04-15T00:00:00Z",
    )
    asked = question_of(held, {"risk": ["ben"]}, [], Standing({"risk": step}, (), ()))
    assert asked.lines == (
        "Every role has approved, and the release was interrupted: approve once more, and it goes on.",
    )
