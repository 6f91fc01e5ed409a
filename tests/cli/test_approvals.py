"""Two persons approve, or one refuses, on the command line: who they are comes from the environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from perennial.errors import InputError
from perennial.ledger.entries import Decision, DeclarationEntry, Endorsement
from tests.cli.conftest import Perennial, ledger_rows, payloads
from tests.governance.test_person import pem, token
from tests.world import World

ROLES = {"owner": ["anna", "ada"], "risk": ["ben"]}
HOLD = {"policy": "hold", "refresh_after": "1d"}


@pytest.fixture
def held(settled: World, perennial: Perennial) -> str:
    """The id of a decision that waits for two roles."""
    settled.declare(release=HOLD, governance={"approvers": ROLES})
    settled.month("2024-03")
    assert perennial("run", "shop").code == 3
    newest = payloads(Decision)[-1]
    assert isinstance(newest, Decision) and newest.outcome == "held", newest
    return newest.id


def test_it_is_released_with_the_second_role(held: str, perennial: Perennial, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = perennial("approve", held, "--by", "anna", "--reason", "seen")
    assert typed.code == 2 and "a name alone does not count" in typed.err and "PERENNIAL_USER" in typed.err
    monkeypatch.setenv("PERENNIAL_USER", "anna")
    other = perennial("approve", held, "--by", "ben", "--reason", "seen")
    assert other.code == 2 and other.err.startswith("--by: 'ben' is given, but PERENNIAL_USER names anna")
    planned = perennial("approve", held, "--reason", "a try", "--dry-run")
    assert planned.code == 0 and "would not be live yet; still to approve: risk" in planned.out
    first = perennial("approve", held, "--reason", "the season is over")
    assert first.code == 0, first.err
    assert "approved by anna (owner). Still to approve, until" in first.out and "risk (ben)" in first.out
    status = json.loads(perennial("status", "shop", "--json").out)
    assert (status["open_question"], status["missing_roles"]) == (held, ["risk"])
    assert [each["by"] for each in status["endorsements"]] == ["anna"]
    shown = perennial("status", "shop").out
    assert "approved by anna (owner)" in shown and "still to approve: risk" in shown
    again = perennial("approve", held, "--reason", "once more")
    assert again.code == 2 and "each role needs another person" in again.err
    monkeypatch.setenv("PERENNIAL_USER", "ben")
    last = perennial("approve", held, "--reason", "slices are fine")
    assert last.code == 0 and "approved by anna (owner) and ben (risk)" in last.out
    repeated = perennial("approve", held, "--reason", "slices are fine")
    assert repeated.code == 0, repeated.err
    (approval,) = json.loads(perennial("decision", held, "--json").out)["approvals"]
    assert approval["reason"] == "anna: the season is over; ben: slices are fine"
    declared = [each for each in payloads(DeclarationEntry) if isinstance(each, DeclarationEntry)][-1]
    assert declared.declaration["governance"]["approvers"] == ROLES, "who may approve is on record"


def test_a_refusal_ends_it_and_is_shown(held: str, perennial: Perennial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_USER", "carla")
    assert perennial("refuse", held, "--reason", "no", "--dry-run").code == 2, "she is not among the approvers"
    monkeypatch.setenv("PERENNIAL_USER", "ben")
    rows = ledger_rows()
    planned = perennial("refuse", held, "--reason", "no", "--dry-run")
    assert planned.code == 0 and "ben would refuse version 2. Nothing was changed." in planned.out
    assert json.loads(perennial("refuse", held, "--reason", "no", "--dry-run", "--json").out) == {
        "usecase": "shop",
        "decision": held,
        "would_refuse": 2,
        "already": False,
    }
    assert ledger_rows() == rows
    refused = perennial("refuse", held, "--reason", "the new carrier is not in it")
    assert refused.code == 0, refused.err
    assert "Refused by ben" in refused.out and "is not released" in refused.out
    assert "Refused by ben on 2024-04-01: the new carrier is not in it." in perennial("decision", held).out
    assert json.loads(perennial("status", "shop", "--json").out)["open_question"] is None
    monkeypatch.setenv("PERENNIAL_USER", "anna")
    late = perennial("approve", held, "--reason", "still")
    assert late.code == 3 and "was refused by ben" in late.err


@pytest.mark.parametrize(
    ("approvers", "policy", "why"),
    [
        ({"owner": []}, "hold", "nobody may approve in this role"),
        ({"owner": [" "]}, "hold", "nobody may approve in this role"),
        ({"owner": ["anna"], "risk": ["anna"]}, "hold", "each role needs another person"),
        ({"owner": ["a", "b"], "risk": ["a", "b"], "third": ["b"]}, "hold", "each role needs another person"),
        (ROLES, "balanced", "nothing waits for their approval under policy 'balanced'"),
    ],
)
def test_approvers_who_could_never_approve_are_a_mistake(
    settled: World, perennial: Perennial, approvers: dict[str, list[str]], policy: str, why: str
) -> None:
    settled.declare(release={"policy": policy}, governance={"approvers": approvers})
    checked = perennial("check", "shop", "--no-run")
    assert checked.code == 2 and why in checked.err and "governance.approvers" in checked.err


def test_a_form_needs_a_token_since_its_worker_is_not_the_person(
    held: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.approve import approve
    from flows.refuse import refuse

    monkeypatch.setenv("PERENNIAL_USER", "anna")
    with pytest.raises(InputError, match="a name alone does not count"):
        approve("shop", "anna", "seen")
    key = Ed25519PrivateKey.generate()
    public = tmp_path / "tokens.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    monkeypatch.setenv("PERENNIAL_TOKEN_KEY", str(public))
    assert approve("shop", "anna", "seen", token=SecretStr(token(pem(key), sub="anna"))) is None
    refused = refuse("shop", "ben", "the carrier is new", token=SecretStr(token(pem(key), sub="ben")))
    assert (refused.decision, refused.by, refused.proof) == (held, "ben", "token")
    (endorsed,) = payloads(Endorsement)
    assert isinstance(endorsed, Endorsement) and (endorsed.by, endorsed.proof) == ("anna", "token")


def test_the_other_forms_need_a_token_too_before_anything_is_changed(
    held: str, prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.resume import resume
    from flows.stage import stage
    from flows.waive import waive

    monkeypatch.setenv("PERENNIAL_USER", "anna")
    rows = ledger_rows()
    forms: tuple[tuple[Any, dict[str, str]], ...] = ((resume, {}), (waive, {"window": "2024-01"}), (stage, {}))
    for form, more in forms:
        with pytest.raises(InputError, match="a name alone does not count"):
            form("shop", by="anna", reason="seen", **more)
    assert ledger_rows() == rows
    key = Ed25519PrivateKey.generate()
    public = tmp_path / "tokens.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    monkeypatch.setenv("PERENNIAL_TOKEN_KEY", str(public))
    assert resume("shop", "anna", "seen", token=SecretStr(token(pem(key), sub="anna"))) is None
    with pytest.raises(InputError, match="but the token names ben"):
        resume("shop", "anna", "seen", token=SecretStr(token(pem(key), sub="ben")))
