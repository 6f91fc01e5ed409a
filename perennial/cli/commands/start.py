"""Commands to start with: `demo`, `init`, `check`, `schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.options import Json, Usecase


def demo() -> None:
    """Replay a year of New York flights, one cycle per month."""
    from perennial.cli.demo import replay

    replay()


def init(
    data: Annotated[str, typer.Argument(help="a data file, or a folder of data files", metavar="DATA")],
    target: Annotated[str | None, typer.Option("--target", help="the column to predict")] = None,
    time: Annotated[str | None, typer.Option("--time", help="the column with the time; guessed by default")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="COLUMN", help="a column that identifies a row; repeatable; guessed by default"),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="name of the use case; default: the file's name")] = None,
    read: Annotated[
        list[str] | None,
        typer.Option(
            "--read",
            help="how the files are written (day_first=true, thousands=,); repeatable; detected by default",
            metavar="NAME=VALUE",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Draft a declaration from a data file.

    Prints what was guessed, how certain each guess is, and what only you can answer. Never overwrites a file.
    """
    from perennial.cli import drafting

    drafting.init(data, target, time, key or [], name, json, read or [])


def check(
    usecase: Usecase,
    no_run: Annotated[
        bool, typer.Option("--no-run", help="check the declaration alone: read no data, run no custom code")
    ] = False,
    json: Json = False,
) -> None:
    """Report every mistake in a declaration and how to fix it.

    Reads the next batch of the source and runs your functions and the estimator on some of its rows. Writes nothing.
    """
    from perennial.cli import checking

    checking.check(usecase, json, run=not no_run)


def schema() -> None:
    """Print the JSON Schema of declarations, for editors."""
    from perennial.cli.output import as_json
    from perennial.usecase.schema import file_schema

    as_json(file_schema())
