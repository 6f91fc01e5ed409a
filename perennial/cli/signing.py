"""`verify-model` and `sign-model`: the signatures of model files."""

from __future__ import annotations

import sys
from dataclasses import asdict

from perennial.cli.output import as_json, flowing, say
from perennial.errors import InputError
from perennial.model.verified import sign, verified, versions_of
from perennial.settings import settings
from perennial.store.workspace import open_workspace, reading_workspace
from perennial.usecase.reading import load_use_case


def verify_model(usecase: str, version: int | None, json: bool) -> None:
    """The versions in use, or one. Exit code 1 if one would not be loaded."""
    load_use_case(usecase, settings().usecases)
    workspace = reading_workspace(settings())
    models = versions_of(workspace.ledger, usecase, version)
    results = [verified(workspace.registry, usecase, model) for model in models]
    if json:
        as_json([asdict(each) for each in results])
    else:
        for each in results:
            state = each.signature.in_words if each.signature else "its files are missing"
            flowing(
                f"{usecase}: version {each.version}: {f'would not be loaded: {each.wrong}.' if each.wrong else state}"
            )
            if each.fix:
                flowing(f"  {each.fix}")
        if not results:
            say(f"{usecase}: no version is live or waiting.")
    if any(each.wrong for each in results):
        sys.exit(1)


def sign_model(usecase: str, version: int | None, json: bool) -> None:
    """Sign those that are not signed. Raises ModelUnloadable for one whose bytes were changed."""
    where = settings()
    load_use_case(usecase, where.usecases)
    if where.model_key is None:
        raise InputError(
            "it is not set, so no model can be signed",
            code="model-key-missing",
            field="PERENNIAL_MODEL_KEY",
            fix="Make a key for models, and set the variable to its file.",
        )
    workspace = open_workspace(where)
    models = versions_of(workspace.ledger, usecase, version)
    made = {model.version: sign(workspace.registry, usecase, model) for model in models}
    if json:
        as_json([{"version": number, "signed_now": now} for number, now in made.items()])
        return
    for number, now in made.items():
        flowing(f"{usecase}: version {number} is signed{'' if now else ' already'}.")
    if not made:
        say(f"{usecase}: no version is live or waiting.")
