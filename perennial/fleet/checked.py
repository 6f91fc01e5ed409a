"""Every member of a template checked, with each mistake reported once for all the members that have it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from perennial.errors import PerennialError
from perennial.intake.due import source_of
from perennial.intake.looking import look, source_mistakes
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import newest_entries
from perennial.usecase.document import written
from perennial.usecase.mistakes import DeclarationError, Mistake, listed
from perennial.usecase.reading import document_of, load_use_case
from perennial.usecase.template import Template

LOOKED_AT = 100
"""So many members have their columns compared with their data, the first ones."""


@dataclass(frozen=True)
class Reported:
    """A mistake, and the members that have it."""

    mistake: Mistake
    members: tuple[str, ...]

    def among(self, count: int) -> Mistake:
        """The mistake with the members in its message. count: of all members."""
        who = f"{len(self.members)} of {count} members: {listed(self.members)}"
        return replace(self.mistake, message=f"{self.mistake.message} ({who})")


def require_members(template: Template, ledger: Ledger | None) -> None:
    """Raises DeclarationError with every mistake of the template and its members.

    ledger: what was ingested already, to look at the sources of the members; None to leave these alone.
    """
    if template.mistakes:
        raise DeclarationError(template.mistakes)
    reported = reported_of(template, ledger)
    if reported:
        raise DeclarationError([each.among(len(template.members)) for each in reported])


def reported_of(template: Template, ledger: Ledger | None) -> list[Reported]:
    """The mistakes of all members, each place and kind of mistake once."""
    return grouped(
        (name, mistake)
        for number, name in enumerate(template.members)
        for mistake in _mistakes(name, template, ledger, compared=number < LOOKED_AT)
    )


def grouped(mistakes: Iterable[tuple[str, Mistake]]) -> list[Reported]:
    """Mistakes of members by name, each place and kind of mistake once."""
    by_place: dict[tuple[str, int | None, str, str], tuple[Mistake, list[str]]] = {}
    for name, mistake in mistakes:
        key = (mistake.file, mistake.line, mistake.field, mistake.code)
        by_place.setdefault(key, (mistake, []))[1].append(name)
    return [Reported(mistake, tuple(dict.fromkeys(names))) for mistake, names in by_place.values()]


def partly_compared(template: Template) -> tuple[str, ...]:
    """That the columns of only some members were compared with their data."""
    count = len(template.members)
    return () if count <= LOOKED_AT else (f"the data of the first {LOOKED_AT} of {count:,} members was looked at",)


def _mistakes(name: str, template: Template, ledger: Ledger | None, *, compared: bool) -> Sequence[Mistake]:
    """compared: whether the columns are compared with the data, too."""
    try:
        case = load_use_case(name, template.path.parent)
    except DeclarationError as error:
        return error.mistakes
    if ledger is None:
        return ()
    source, document = source_of(case), document_of(case)
    try:
        source.windows()
    except PerennialError as error:
        place = ("source", "path") if document.at("source", "path") else ("source",)
        message = str(error).splitlines()[0].removeprefix(f"{written(place)}: ")
        return (document.mistake(place, message, error.fix, code=error.code),)
    return source_mistakes(case, document, look(case, source, newest_entries(ledger, name))) if compared else ()
