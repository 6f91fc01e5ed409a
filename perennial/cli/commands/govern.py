"""Commands for risk officers: `dossier`, `erase`, `retain`, `anchor`, `keys`, `verify-model`, `sign-model`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial.cli.options import AnyUsecase, DryRun, Json, Proven, Reason, Usecase

Version = Annotated[int | None, typer.Option("--version", min=1, help="number of a version")]


def dossier(
    usecase: Usecase,
    decision: Annotated[
        str | None, typer.Option("--decision", help="a decision id, or its first four digits; by default what is live")
    ] = None,
    release: Annotated[int | None, typer.Option("--release", min=1, help="number of a release")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="the folder to write to")] = None,
    check: Annotated[bool, typer.Option("--check", help="exit with 3 if a required part is missing")] = False,
    json: Json = False,
) -> None:
    """Write what the record proves and people stated about a model.

    One HTML file in the nine points of Annex IV of the EU AI Act, and for machines a model card, a bill of materials
    (CycloneDX), metadata of the training data (Croissant) and the decision.
    """
    from perennial.cli import dossiers

    dossiers.dossier(usecase, decision, release, out, check, json)


def erase(
    usecase: Usecase,
    reason: Reason,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="key of a row; of several columns, separated by commas; repeatable"),
    ] = None,
    keys_file: Annotated[Path | None, typer.Option("--keys-file", help="CSV or Parquet with the key columns")] = None,
    by: Proven = None,
    leave_record: Annotated[
        bool, typer.Option("--leave-record", help="erase the rest although the ledger has a value of the rows")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Erase rows from everything that the home stores.

    Landed bytes, tables and their history, predictions, models, reports and logs. The ledger records how many rows of
    which batches went, never their keys. Killed on its way, the same command goes on. Erase the person in the source
    first.
    """
    from perennial.cli import erasing

    erasing.erase(usecase, erasing.Asked(tuple(key or ()), keys_file, leave_record), by, reason, dry_run, json)


def retain(usecase: AnyUsecase = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Remove what is older than its declared retention.

    What a live model, an open decision or a held batch needs is kept, and shown with the reason. A schedule does this
    every day.
    """
    from perennial.cli import retaining

    retaining.retain(usecase, dry_run, json)


def anchor(usecase: AnyUsecase = None, json: Json = False) -> None:
    """Write the ledger's signed head to places outside the home.

    The places are in PERENNIAL_ANCHORS, the key in PERENNIAL_ANCHOR_KEY. Cycles do so at their end. Exit code 1 if a
    place could not be reached; the next anchor covers what it lacks.
    """
    from perennial.cli import anchoring

    anchoring.anchor(usecase, json)


def keys(
    file: Annotated[Path, typer.Argument(help="file of the private key, outside the home", metavar="FILE")],
    name: Annotated[
        str | None, typer.Option("--name", help="who signs anchors, such as risk.example.com/ledger")
    ] = None,
    models: Annotated[bool, typer.Option("--models", help="a key for model files, which has no name")] = False,
    json: Json = False,
) -> None:
    """Make a key to sign anchors with, or model files.

    The private key is in FILE, the public one in FILE.pub. Keep copies of the public key where nobody of
    this host can change them.
    """
    from perennial.cli import making_keys

    making_keys.keys(file, name, models, json)


def verify_model(usecase: Usecase, version: Version = None, json: Json = False) -> None:
    """Verify the bytes and signatures of model files.

    Nothing is loaded. By default all versions that are live, in a stage, or waiting. The keys are in
    PERENNIAL_TRUSTED_MODEL_KEYS. Exit code 1 if one would not be loaded.
    """
    from perennial.cli import signing

    signing.verify_model(usecase, version, json)


def sign_model(usecase: Usecase, version: Version = None, json: Json = False) -> None:
    """Sign models that were registered without a signature.

    By default all versions that are live, in a stage, or waiting. Needs PERENNIAL_MODEL_KEY. A version is signed only
    if its bytes are those that the ledger names. The ledger gets no row.
    """
    from perennial.cli import signing

    signing.sign_model(usecase, version, json)
