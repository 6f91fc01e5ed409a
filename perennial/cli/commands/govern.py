"""Commands for risk officers: `dossier`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial.cli.options import Json, Usecase


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
