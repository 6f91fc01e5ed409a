"""Arguments and options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer


def _by_name(given: str | None) -> str | None:
    """One name everywhere: the file of a declaration stands for the use case that it declares."""
    if given is None or not ("/" in given or given.endswith((".yaml", ".yml"))):
        return given
    from perennial.settings import settings
    from perennial.usecase.reading import use_case_name

    return use_case_name(given, settings().usecases)


Usecase = Annotated[str, typer.Argument(help="name of a use case", metavar="USECASE", callback=_by_name)]
AnyUsecase = Annotated[
    str | None,
    typer.Argument(help="name of a use case; all of them by default", metavar="[USECASE]", callback=_by_name),
]
DecisionId = Annotated[str, typer.Argument(help="a decision id, or at least its first four digits", metavar="ID")]
Batch = Annotated[str | None, typer.Option("--batch", help="name of a batch, such as 2013-07")]
Json = Annotated[bool, typer.Option("--json", help="print JSON with stable field names")]
Wide = Annotated[bool, typer.Option("--wide", help="show every column, however wide the terminal is")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="show what would change, and change nothing")]
Proven = Annotated[
    str | None,
    typer.Option("--by", help="who decides, for the record; not needed where PERENNIAL_USER or a token is set"),
]
Reason = Annotated[str, typer.Option("--reason", help="why, for the record")]
