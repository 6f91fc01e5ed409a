"""Signatures of model files: whatever is changed is named, and nothing that is refused is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import skops.io

from perennial.errors import InputError
from perennial.model.released import load_model
from perennial.model.verified import sign, verified
from perennial.settings import settings
from perennial.signing.model_key import make_model_key
from perennial.signing.signature import SIGNATURE_FILE, SignatureRefused, Signatures
from perennial.store.registry import Registry
from tests.store.test_registry import training

NOWHERE = Path("/no/home")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pairs of keys, `key` and `other`."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("key", "other"):
        make_model_key(folder / name, NOWHERE)
    return folder


@pytest.fixture
def trusting(keys: Path) -> Signatures:
    """Signs with `key`, and requires its signature."""
    return Signatures(keys / "key", (keys / "key.pub",), required=True)


@pytest.fixture
def model(tmp_path: Path, trusting: Signatures) -> Path:
    """A signed folder with two files."""
    folder = tmp_path / "model"
    (folder / "extra_files").mkdir(parents=True)
    (folder / "model.skops").write_bytes(b"trees")
    (folder / "extra_files" / "model.json").write_text("{}")
    trusting.sign(folder)
    return folder


def forge(folder: Path, change: Callable[[Any], object]) -> None:
    bundle = json.loads((folder / SIGNATURE_FILE).read_text())
    change(bundle)
    (folder / SIGNATURE_FILE).write_text(json.dumps(bundle))


def test_the_tool_of_the_standard_verifies_what_is_signed_here(model: Path, keys: Path) -> None:
    def verify(key: str) -> int:
        command = [sys.executable, "-m", "model_signing", "verify", "key", str(model)]
        options = ["--signature", str(model / SIGNATURE_FILE), "--public_key", str(keys / key)]
        return subprocess.run([*command, *options], capture_output=True, check=False).returncode

    assert verify("key.pub") == 0
    assert verify("other.pub") != 0
    (model / "model.skops").write_bytes(b"other")
    assert verify("key.pub") != 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "model.skops").write_bytes(b"treex"), "changed since it was signed: model.skops"),
        (lambda folder: (folder / "extra_files/model.json").unlink(), "missing since it was signed: extra_files"),
        (lambda folder: (folder / "more.py").write_text("1"), "extra since it was signed: more.py"),
        (lambda folder: (folder / SIGNATURE_FILE).unlink(), "not signed"),
        (lambda folder: (folder / SIGNATURE_FILE).write_text("{"), "of the key none, which is not trusted"),
        (lambda folder: forge(folder, lambda b: b.pop("dsseEnvelope")), "its signature is damaged"),
        (lambda folder: forge(folder, lambda b: b["dsseEnvelope"].update(payload="e30=")), "was not made with the key"),
    ],
)
def test_whatever_is_changed_is_refused_with_its_name(
    model: Path, trusting: Signatures, change: Callable[[Path], object], words: str
) -> None:
    trusting.check(model, "shop: version 1")
    change(model)
    with pytest.raises(SignatureRefused, match=f"^shop: version 1: .*{words}.*; nothing of it was loaded"):
        trusting.check(model, "shop: version 1")


def test_another_key_is_named_and_a_key_that_only_takes_its_name_is_found_out(
    model: Path, keys: Path, trusting: Signatures
) -> None:
    hint = Signatures(keys / "other", ()).sign(model)
    assert hint is not None
    with pytest.raises(SignatureRefused, match=f"of the key {hint[:16]}, which is not trusted") as refused:
        trusting.check(model, "shop: version 1")
    assert "PERENNIAL_TRUSTED_MODEL_KEYS" in refused.value.fix
    Signatures(None, (keys / "key.pub", keys / "other.pub")).check(model, "both are trusted")
    trusted = trusting.sign(model)
    Signatures(keys / "other", ()).sign(model)
    forge(model, lambda bundle: bundle["verificationMaterial"]["publicKey"].update(hint=trusted))
    with pytest.raises(SignatureRefused, match="was not made with the key that it names"):
        trusting.check(model, "shop: version 1")


def test_without_the_requirement_only_what_was_signed_needs_a_signature(model: Path, keys: Path) -> None:
    lenient = Signatures(None, (keys / "key.pub",))
    (model / SIGNATURE_FILE).unlink()
    lenient.check(model, "never signed")
    with pytest.raises(SignatureRefused, match="its signature is missing"):
        lenient.check(model, "version 1", was_signed=True)
    assert Signatures().of(model).state == "unsigned"


def test_a_registered_model_is_signed_and_a_refused_one_is_never_interpreted(
    tmp_path: Path, trusting: Signatures, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"sqlite:///{tmp_path}/mlflow/mlflow.db", f"{tmp_path}/mlflow/artifacts", ""
    unsigned = Registry(*place).register("shop", training("c1", tmp_path))
    strict = Registry(*place, trusting)
    signed = strict.register("shop", training("c2", tmp_path))
    assert strict.find("shop", "c2") == signed and signed.signed_with is not None and unsigned.signed_with is None
    assert strict.folder("shop", signed).joinpath(SIGNATURE_FILE).exists()

    monkeypatch.setattr(skops.io, "load", lambda *_, **__: pytest.fail("a refused model was read"))
    with pytest.raises(SignatureRefused, match="version 1: not signed"):
        load_model(strict, "shop", unsigned)
    (strict.folder("shop", signed) / "MLmodel").write_text("other")
    with pytest.raises(SignatureRefused, match="version 2: changed since it was signed: MLmodel"):
        load_model(strict, "shop", signed)
    with pytest.raises(SignatureRefused, match="MLmodel"):
        sign(strict, "shop", signed)

    assert sign(strict, "shop", unsigned) and not sign(strict, "shop", unsigned)
    assert verified(strict, "shop", unsigned).wrong == ""
    (strict.folder("shop", unsigned) / SIGNATURE_FILE).unlink()
    (strict.unverified_folder("shop", unsigned) / "extra_files" / "model.json").write_text("[]")
    state = verified(Registry(*place), "shop", unsigned)
    assert "not those that were registered" in state.wrong and state.signature is not None


def test_a_key_that_cannot_sign_is_refused_before_anything_is_written(tmp_path: Path, keys: Path) -> None:
    folder, loose, text = tmp_path / "model", tmp_path / "loose", tmp_path / "text"
    folder.mkdir()
    loose.write_bytes((keys / "key").read_bytes())
    text.write_text("hello")
    loose.chmod(0o644)
    text.chmod(0o600)
    cases = {loose: "model-key-open", text: "model-key-invalid", tmp_path / "none": "model-key-missing"}
    for file, code in cases.items():
        with pytest.raises(InputError) as raised:
            Signatures(file).sign(folder)
        assert (raised.value.code, raised.value.field) == (code, "PERENNIAL_MODEL_KEY")
    with pytest.raises(InputError, match="does not hold a public key"):
        Signatures(None, (text,)).of(_signed(folder, keys))
    with pytest.raises(InputError) as raised:
        make_model_key(keys / "key", NOWHERE)
    assert raised.value.code == "model-key-exists"
    with pytest.raises(InputError) as raised:
        make_model_key(tmp_path / "home" / "key", tmp_path / "home")
    assert raised.value.code == "model-key-in-home" and not (tmp_path / "home").exists()


def _signed(folder: Path, keys: Path) -> Path:
    Signatures(keys / "key").sign(folder)
    return folder


def test_settings_trust_the_key_beside_the_one_that_signs_and_refuse_what_proves_nothing(tmp_path: Path) -> None:
    read = settings({"PERENNIAL_MODEL_KEY": str(tmp_path / "k"), "PERENNIAL_REQUIRE_SIGNED_MODELS": "1"})
    assert (read.model_key, read.trusted_model_keys) == (tmp_path / "k", (tmp_path / "k.pub",))
    assert read.require_signed_models
    several = settings({"PERENNIAL_TRUSTED_MODEL_KEYS": f"{tmp_path}/a.pub, {tmp_path}/b.pub"})
    assert several.trusted_model_keys == (tmp_path / "a.pub", tmp_path / "b.pub")
    home = {"PERENNIAL_HOME": str(tmp_path)}
    for variables, words in (
        ({"PERENNIAL_REQUIRE_SIGNED_MODELS": "1"}, "no key is given"),
        ({"PERENNIAL_REQUIRE_SIGNED_MODELS": "yes"}, "'yes' is neither 0 nor 1"),
        ({**home, "PERENNIAL_MODEL_KEY": str(tmp_path / "k")}, "inside the home"),
        ({**home, "PERENNIAL_TRUSTED_MODEL_KEYS": str(tmp_path / "k.pub")}, "inside the home"),
        ({"PERENNIAL_MODEL_KEY": "-----BEGIN PRIVATE KEY-----"}, "where the path of its file is expected"),
    ):
        with pytest.raises(InputError, match=words):
            settings(variables)
