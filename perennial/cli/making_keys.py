"""`keys`: a pair of keys that signs anchors, or model files."""

from __future__ import annotations

from pathlib import Path

from perennial.cli.output import as_json, flowing, say
from perennial.errors import InputError
from perennial.governance.anchor_key import VARIABLE as OF_ANCHORS
from perennial.governance.anchor_key import make_key
from perennial.settings import settings
from perennial.signing.model_key import TRUSTED, make_model_key
from perennial.signing.model_key import VARIABLE as OF_MODELS


def keys(file: Path, name: str | None, models: bool, json: bool) -> None:
    """A new key. Raises InputError for a key of anchors without a name, or one of models with a name."""
    home = settings().home
    private = file.expanduser().resolve()
    if models == bool(name):
        inside = private.is_relative_to(home)
        wrong = "belongs to a key for anchors, and --models asks for one for models" if models else "is missing"
        raise InputError(
            f"{wrong}; and {private} is in the home {home}" if inside else wrong,
            field="--name",
            fix="Give --name for a key that signs anchors, or --models for one that signs model files"
            f"{', and a file outside the home' if inside else ''}.",
        )
    public = str(make_key(file, name, home)) if name else make_model_key(file, home).strip()
    if json:
        as_json({"private": str(private), "public": f"{private}.pub", "key": public})
        return
    flowing(f"The private key is {private}: set {OF_MODELS if models else OF_ANCHORS} to it.")
    if models:
        flowing(f"Where models are only loaded, set {TRUSTED} to a copy of the public key.")
    say(f"The public key, for whoever verifies, is {private}.pub:\n{public}")
