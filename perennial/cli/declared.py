"""The use cases that a command about all of them is about."""

from __future__ import annotations

from pathlib import Path

from perennial.cli.output import note
from perennial.errors import InputError
from perennial.ledger.ledger import Ledger
from perennial.usecase.declaration import UseCase
from perennial.usecase.reading import list_use_cases, load_use_case


def named_or_all(usecase: str | None, folder: Path) -> list[UseCase]:
    """The use case that is named, otherwise all of a folder.

    Of all, one whose declaration is wrong is left out with a line on standard error, so that it hides no other.
    Raises DeclarationError for the named one.
    """
    if usecase is not None:
        return [load_use_case(usecase, folder)]
    cases = []
    for name in list_use_cases(folder):
        try:
            cases.append(load_use_case(name, folder))
        except InputError as error:
            note(f"{name} is left out: {str(error).splitlines()[0]}. All of it: perennial check {name}")
    return cases


def in_ledger(ledger: Ledger, usecase: str | None) -> list[str]:
    """The use case that is named, otherwise all that the ledger has rows of. Raises InputError for one without."""
    names = ledger.usecases()
    if usecase is None:
        return names
    if usecase not in names:
        raise InputError(f"USECASE: the ledger has no row of {usecase!r}; it has {', '.join(names) or 'none at all'}")
    return [usecase]
