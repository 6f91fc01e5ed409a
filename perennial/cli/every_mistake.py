"""Every mistake of a declaration: in the file, against its history and its machines, on its source, in its code.

A mistake of one kind hides another only where that cannot be looked for without knowing what was meant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perennial.cli import machine_clock
from perennial.errors import InputError
from perennial.evaluation.figures import counted
from perennial.ledger.allowed_edits import refuse_edits
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import newest_entries
from perennial.settings import settings
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_judge import Newest
from perennial.usecase.edits import Edit
from perennial.usecase.mistakes import DeclarationError, Mistake
from perennial.usecase.reading import document_of, load_use_case, unchecked_use_case
from perennial.usecase.template import Template
from perennial.work_pools import pool_for

if TYPE_CHECKING:
    from perennial.intake.looking import Looked
    from perennial.sources.window import Source

_A_HISTORY = 90
"""Days after which the next batch of a source is one of the past."""
_OF_THE_ROWS = ("source", "schema", "features", "labels", "clock")
"""Fields that decide which rows are read, and as what."""
_READ_DESPITE = {
    *("column-unknown", "missing-column-feature"),
    *("derived-function", "derived-name-twice", "derived-name-is-column"),
}
"""Mistakes in these fields with which the rows of a source are read as without them."""


@dataclass(frozen=True)
class Tried:
    """On how many rows of which batch the declaration was tried; `why_not`, where on none. notes: what to think of."""

    rows: int
    batch: str
    why_not: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """A declaration without mistakes. edited: what differs from the one of the newest batch."""

    edited: tuple[Edit, ...]
    tried: Tried


def checked(case: UseCase, ledger: Ledger, *, run: bool) -> Checked:
    """Raises DeclarationError with every mistake; InputError if there is only an edit that its history forbids.

    run: whether the source is looked at, and the team's code run.
    """
    refused, edited, tried = None, tuple[Edit, ...](), Tried(0, "", "--no-run")
    try:
        edited = refuse_edits(ledger, case.declaration)
    except InputError as error:
        refused = error
    mistakes = without_pool(case)
    try:
        tried = try_out_on_source(case, ledger) if run else tried
    except DeclarationError as error:
        mistakes += error.mistakes
    if refused is not None:
        raise DeclarationError([_mistake(case, refused), *mistakes]) if mistakes else refused
    if mistakes:
        raise DeclarationError(mistakes)
    return Checked(edited, tried)


def checked_members(template: Template, ledger: Ledger, *, run: bool) -> Tried:
    """As `checked` for each member of a template; rows are tried of the first one alone."""
    from perennial.fleet.checked import grouped, require_members

    early: tuple[Mistake, ...] = ()
    try:
        require_members(template, ledger if run else None)
    except DeclarationError as error:
        if template.mistakes:
            raise
        early = error.mistakes
    cases = [case for name in template.members if (case := _readable(name, template)) is not None]
    refused, mistakes = list[InputError](), list[tuple[str, Mistake]]()
    for case in cases:
        try:
            checked(case, ledger, run=False)
        except DeclarationError as error:
            mistakes += [(case.name, mistake) for mistake in error.mistakes]
        except InputError as error:
            refused.append(error)
            mistakes.append((case.name, _mistake(case, error)))
    later, tried = [each.among(len(template.members)) for each in grouped(mistakes)], Tried(0, "", "--no-run")
    try:
        tried = try_out_on_source(cases[0], ledger) if run and cases else tried
    except DeclarationError as error:
        later += [replace(each, message=f"{each.message} (on rows of {cases[0].name})") for each in error.mistakes]
    reported = {mistake.field for mistake in early}
    later = [mistake for mistake in later if mistake.field not in reported]
    if len(refused) == len(later) == 1 and not early:
        raise refused[0]
    if early or later:
        raise DeclarationError([*early, *later])
    return tried


def _readable(name: str, template: Template) -> UseCase | None:
    try:
        return load_use_case(name, template.path.parent)
    except DeclarationError:
        return None  # reported by `require_members`


def without_pool(case: UseCase) -> list[Mistake]:
    """The sizes of machines that have no pool here, although others do."""
    mistakes = []
    for step, size in case.declaration.compute:
        try:
            pool_for(size, settings().pools, f"compute.{step}")
        except InputError as error:
            mistakes.append(_mistake(case, error))
    return mistakes


def _mistake(case: UseCase, error: InputError) -> Mistake:
    """An error about a field, with the field's place in the file."""
    message = str(error).partition("\n")[0].removeprefix(f"{error.field}: ")
    place = tuple((error.field or "").split("."))
    return document_of(case).mistake(place, message, error.fix, code=error.code)


def with_later_ones(usecase: str, error: DeclarationError, ledger: Ledger) -> DeclarationError:
    """The mistakes of a declaration with those that its history, machines, source and code show nevertheless.

    The columns of the source show which of two names is misspelt.
    """
    from perennial.intake.due import source_of
    from perennial.intake.looking import look, named_from_source, source_mistakes
    from perennial.training.trial import try_out

    case = unchecked_use_case(usecase, settings().usecases)
    if case is None:
        return error
    document, named = document_of(case), list(error.mistakes)
    more = without_pool(case)
    try:
        refuse_edits(ledger, case.declaration)
    except InputError as refused:
        more.append(_mistake(case, refused))
    if not any(_is_of_rows(mistake) for mistake in named):
        looked = look(case, source_of(case), newest_entries(ledger, case.name))
        named = [named_from_source(mistake, looked) for mistake in named]
        more += source_mistakes(case, document, looked)
    more += try_out(case, document, None)
    reported = {mistake.field for mistake in named}
    return DeclarationError([*named, *(mistake for mistake in more if mistake.field not in reported)])


def _is_of_rows(mistake: Mistake) -> bool:
    """Whether it is unknown, because of the mistake, which rows are read or as what."""
    return mistake.field.partition(".")[0].partition("[")[0] in _OF_THE_ROWS and mistake.code not in _READ_DESPITE


def try_out_on_source(case: UseCase, ledger: Ledger) -> Tried:
    """Raises DeclarationError with every mistake that shows in a look at the source and a trial on some of its rows."""
    from perennial.intake.due import source_of
    from perennial.intake.looking import look, source_mistakes
    from perennial.training.trial import rows_tried, try_out

    source = source_of(case)
    looked = look(case, source, newest_entries(ledger, case.name))
    document = document_of(case)
    mistakes = [*source_mistakes(case, document, looked), *try_out(case, document, looked.batch)]
    if mistakes:
        raise DeclarationError(mistakes)
    rows = rows_tried(looked.batch)
    return Tried(
        rows,
        looked.window if rows else "",
        "" if rows else _why_untried(looked),
        (
            *_long_ago(case, looked),
            *_other_values(case, looked),
            *_too_short(case, source, looked),
            *_unscaled(case, looked),
        ),
    )


def _why_untried(looked: Looked) -> str:
    """Why no row was tried."""
    if looked.unknown or looked.missing:
        return looked.unknown or "the newest batch lacks columns"
    return "the source has no batch yet" if looked.batch is None else f"the batch {looked.window} has no row"


def _too_short(case: UseCase, source: Source, looked: Looked) -> tuple[str, ...]:
    """That the history is no longer than the days which are to evaluate a challenger."""
    from perennial.intake.at_hand import days_at_hand

    judge = case.declaration.release.judge
    days = days_at_hand(case, source, looked) if isinstance(judge, Newest) else None
    if not isinstance(judge, Newest) or days is None or days > judge.days:
        return ()
    return (
        f"the source has {counted(days, 'day', 'days')}, and `release.judge: {{newest: {judge.days}d}}` leaves out the "
        f"newest {judge.days} of a training. Until there are more, every challenger waits for the next batch. To "
        "evaluate it at once, write fewer days.",
    )


def _other_values(case: UseCase, looked: Looked) -> tuple[str, ...]:
    """That a few rows have a value of the target that is not declared."""
    from perennial.intake.unusable import other_values

    other = other_values(case.declaration, looked.batch) if looked.is_new and looked.batch is not None else None
    if other is None:
        return ()
    target = case.declaration.schema_.target
    values = f"column '{target}' of batch {looked.window}: {other.words}"
    return (f"{values}. These rows would be set aside: {other.fix}.",)


def _unscaled(case: UseCase, looked: Looked) -> tuple[str, ...]:
    """That an estimator would hardly learn from numbers of this size."""
    from perennial.training.unscaled import unscaled

    if looked.batch is None:
        return ()
    model, frame = case.declaration.model, looked.batch.frame
    names = [name for name in case.declaration.features.numeric if name in frame]
    numbers = {name: frame[name].to_numpy(dtype="float64", na_value=float("nan")) for name in names}
    note = unscaled([model.estimator, *(rival.estimator for rival in model.rivals)], numbers)
    return (note,) if note else ()


def _long_ago(case: UseCase, looked: Looked) -> tuple[str, ...]:
    """That a history would be gone through on today's clock, by which all its labels are known at once."""
    import pandas as pd

    declaration = case.declaration
    time = declaration.schema_.time
    if declaration.clock != "wall" or not looked.is_new or looked.batch is None or time not in looked.batch.frame:
        return ()
    newest = looked.batch.frame[time].max()
    age = 0 if pd.isna(newest) else (machine_clock.now() - newest).days
    if age < _A_HISTORY:
        return ()
    return (
        f"the newest row of batch {looked.window} is {age:,} days old, and `clock: wall` counts its rows and labels as "
        "known from today. To go through a history as if each batch came at its time, write `clock: replay`.",
    )
