"""The use cases that a command about all of them is about."""

from __future__ import annotations

from pathlib import Path

from perennial.cli.output import flowing_note
from perennial.errors import InputError
from perennial.ledger.declaration_history import newest_declaration
from perennial.ledger.ledger import Ledger
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.mistakes import DeclarationError
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
            flowing_note(f"{name} is left out: {str(error).splitlines()[0]}. All of it: perennial check {name}")
    return cases


def require_known(usecase: str, folder: Path, ledger: Ledger) -> None:
    """Raises DeclarationError for a name that has neither a record nor a declaration without mistakes."""
    if ledger.newest(usecase) is None:
        load_use_case(usecase, folder)


def known_declaration(usecase: str, folder: Path, ledger: Ledger) -> Declaration:
    """The declaration of a use case; of one that is no longer declared, the newest on record.

    Raises DeclarationError for mistakes in the declaration, and for a name that has no record either.
    """
    try:
        return load_use_case(usecase, folder).declaration
    except DeclarationError as error:
        last = newest_declaration(ledger, usecase)
        if last is None or any(mistake.code != "declaration-not-found" for mistake in error.mistakes):
            raise
        flowing_note(f"{usecase} is no longer declared. This is its record.")
        return last


def in_ledger(ledger: Ledger, usecase: str | None) -> list[str]:
    """The use case that is named, otherwise all that the ledger has rows of. Raises InputError for one without."""
    names = ledger.usecases()
    if usecase is None:
        return names
    if usecase not in names:
        raise InputError(f"USECASE: the ledger has no row of {usecase!r}; it has {', '.join(names) or 'none at all'}")
    return [usecase]
