"""Every member of a template checked, with each mistake reported once for all the members that have it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perennial.errors import PerennialError
from perennial.intake.due import source_of
from perennial.usecase.document import written
from perennial.usecase.mistakes import DeclarationError, Mistake, listed
from perennial.usecase.reading import document_of, load_use_case
from perennial.usecase.template import Template


@dataclass(frozen=True)
class Reported:
    """A mistake, and the members that have it."""

    mistake: Mistake
    members: tuple[str, ...]

    def among(self, count: int) -> Mistake:
        """The mistake with the members in its message. count: of all members."""
        who = f"{len(self.members)} of {count} members: {listed(self.members)}"
        return replace(self.mistake, message=f"{self.mistake.message} ({who})")


def require_members(template: Template, *, sources: bool) -> None:
    """Raises DeclarationError with every mistake of the template and its members.

    sources: whether to look for the batches of each member.
    """
    if template.mistakes:
        raise DeclarationError(template.mistakes)
    reported = reported_of(template, sources=sources)
    if reported:
        raise DeclarationError([each.among(len(template.members)) for each in reported])


def reported_of(template: Template, *, sources: bool) -> list[Reported]:
    """The mistakes of all members, each place and kind of mistake once."""
    by_place: dict[tuple[str, int | None, str, str], tuple[Mistake, list[str]]] = {}
    for name in template.members:
        for mistake in _mistakes(name, template, sources=sources):
            key = (mistake.file, mistake.line, mistake.field, mistake.code)
            by_place.setdefault(key, (mistake, []))[1].append(name)
    return [Reported(mistake, tuple(dict.fromkeys(names))) for mistake, names in by_place.values()]


def _mistakes(name: str, template: Template, *, sources: bool) -> tuple[Mistake, ...]:
    try:
        case = load_use_case(name, template.path.parent)
    except DeclarationError as error:
        return error.mistakes
    if sources:
        try:
            source_of(case).windows()
        except PerennialError as error:
            place = ("source", "path") if document_of(case).at("source", "path") else ("source",)
            message = str(error).splitlines()[0].removeprefix(f"{written(place)}: ")
            return (document_of(case).mistake(place, message, error.fix, code=error.code),)
    return ()
