"""`check`: every mistake of a declaration, and whether it runs on rows of the source."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from perennial.cli import machine_clock
from perennial.cli.output import as_json, flowing, working
from perennial.cli.reading import open_ledger
from perennial.errors import InputError
from perennial.evaluation.figures import counted
from perennial.ledger.allowed_edits import refuse_edits
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import newest_entries
from perennial.settings import settings
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_judge import Newest
from perennial.usecase.drafting.release import left_out
from perennial.usecase.mistakes import DeclarationError, listed
from perennial.usecase.reading import document_of, list_templates, list_use_cases, load_use_case, unchecked_use_case
from perennial.usecase.template import Template
from perennial.work_pools import pool_for

if TYPE_CHECKING:
    from perennial.intake.looking import Looked
    from perennial.sources.window import Source

_A_HISTORY = 90
"""Days after which the next batch of a source is one of the past."""
_SOURCE_IS_READ_DESPITE = {
    *("column-unknown", "model-estimator", "metric-unknown", "policy-unknown", "channel-unknown", "slice-of-numbers"),
    *("check-unknown-expectation", "check-unknown-argument", "check-missing-argument", "missing-column-feature"),
    "check-argument-value",
}
"""Mistakes with which the rows of a source are read as without them."""


def check(usecase: str, json: bool, *, run: bool = True) -> None:
    """Raises DeclarationError with every mistake, including a size of machine that has no pool here although others do;
    InputError for an edit that its history forbids.

    run: whether the source is looked at, and the team's code run.
    """
    ledger = open_ledger()
    template = next((each for each in list_templates(settings().usecases) if each.name == usecase), None)
    if template is not None:
        _check_template(template, ledger, json, run=run)
        return
    try:
        case = load_use_case(usecase, settings().usecases)
    except DeclarationError as error:
        raise _with_source(usecase, error, ledger) if run else error from None
    declaration, edited = case.declaration, refuse_edits(ledger, case.declaration)
    _require_pools(case)
    with working("trying the declaration on rows of the source"):
        tried = _try(case, ledger) if run else Tried(0, "", "--no-run")
    if json:
        view = {"usecase": case.name, "file": str(case.path), "digest": declaration.digest, "mistakes": []}
        edits = [asdict(edit) for edit in edited]
        as_json({**view, "edits": edits, "tried": asdict(tried), "left_out": left_out(declaration.release)})
        return
    features = declaration.features
    flowing(
        f"{case.path}: valid. {len(features.numeric)} numeric, {len(features.categorical)} categorical and "
        f"{len(features.derived)} derived features, "
        f"{counted(len(declaration.checks), 'custom check', 'custom checks')}; "
        f"{declaration.primary} decides under policy {declaration.release.policy}."
    )
    if run:
        _show_tried(tried)
    for note in left_out(declaration.release):
        flowing(f"  left out: {note}")
    if edited:
        flowing("These fields changed since the newest batch; the next run records the change:")
        for edit in edited:
            flowing(f"  {edit.field}: {_short(edit.old)} → {_short(edit.new)}")
            flowing(f"    restarts {edit.restarts}")


def _check_template(template: Template, ledger: Ledger, json: bool, *, run: bool) -> None:
    """Every member is read, and its columns are compared with its data; the rows of the first are tried."""
    from perennial.fleet.checked import partly_compared, require_members
    from perennial.fleet.strangers import rows_of_nobody

    with working("checking every member"):
        require_members(template, ledger if run else None)
        names = list(template.members)
        cases = [load_use_case(name, template.path.parent) for name in names]
        for case in cases:
            refuse_edits(ledger, case.declaration)
            _require_pools(case)
        tried = _try_member(cases[0], ledger) if run else Tried(0, "", "--no-run")
        if run:
            tried = replace(tried, notes=(*tried.notes, *partly_compared(template), *rows_of_nobody(cases)))
    with_history = set(ledger.usecases())
    removed = sorted(
        name
        for name in with_history - set(list_use_cases(template.path.parent))
        if name.startswith(f"{template.name}_")
    )
    new = [name for name in names if name not in with_history]
    if json:
        members = {case.name: case.declaration.digest for case in cases}
        as_json(
            {
                "template": template.name,
                "file": str(template.path),
                "members": members,
                "new": new,
                "removed": removed,
                "mistakes": [],
                "tried": asdict(tried),
            }
        )
        return
    flowing(f"{template.path}: valid. A template of {counted(len(names), 'use case', 'use cases')}: {listed(names)}.")
    if run:
        _show_tried(tried, f" of {names[0]}, the first member")
    if new:
        flowing(f"New, without any history: {listed(new)}.")
    if removed:
        flowing(f"No longer declared; their history is kept: {listed(removed)}.")


def _require_pools(case: UseCase) -> None:
    """Raises DeclarationError as `pool_for` its error, with the place in the file."""
    mistakes = []
    for step, size in case.declaration.compute:
        try:
            pool_for(size, settings().pools, f"compute.{step}")
        except InputError as error:
            message = str(error).partition("\n")[0].removeprefix(f"{error.field}: ")
            mistakes.append(document_of(case).mistake(("compute", step), message, error.fix, code=error.code))
    if mistakes:
        raise DeclarationError(mistakes)


@dataclass(frozen=True)
class Tried:
    """On how many rows of which batch the declaration was tried; `why_not`, where on none. notes: what to think of."""

    rows: int
    batch: str
    why_not: str
    notes: tuple[str, ...] = ()


def _show_tried(tried: Tried, of: str = "") -> None:
    """What was run. of: whose batch it was, where that is not clear."""
    on = f"{counted(tried.rows, 'row', 'rows')} of batch {tried.batch}{of}"
    flowing(f"Features and model run on {on}." if tried.rows else f"Nothing was run on rows: {tried.why_not}.")
    for note in tried.notes:
        flowing(f"  note: {note}")


def _try_member(case: UseCase, ledger: Ledger) -> Tried:
    """Raises like `_try`, with the name of the member in each mistake."""
    try:
        return _try(case, ledger)
    except DeclarationError as error:
        mistakes = [replace(each, message=f"{each.message} (on rows of {case.name})") for each in error.mistakes]
        raise DeclarationError(mistakes) from None


def _try(case: UseCase, ledger: Ledger) -> Tried:
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
    why_not = looked.unknown or ("the newest batch lacks columns" if looked.missing else "the source has no batch yet")
    return Tried(
        rows,
        looked.window if rows else "",
        "" if rows else why_not,
        (*_long_ago(case, looked), *_too_short(case, source, looked), *_unscaled(case, looked)),
    )


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


def _with_source(usecase: str, error: DeclarationError, ledger: Ledger) -> DeclarationError:
    """The mistakes with what the columns of the source show about unknown ones: which of two names is misspelt."""
    from perennial.intake.due import source_of
    from perennial.intake.looking import look, named_from_source, source_mistakes

    codes = {mistake.code for mistake in error.mistakes}
    if "column-unknown" not in codes or codes - _SOURCE_IS_READ_DESPITE:
        return error
    case = unchecked_use_case(usecase, settings().usecases)
    if case is None:
        return error
    looked = look(case, source_of(case), newest_entries(ledger, case.name))
    named = [named_from_source(mistake, looked) for mistake in error.mistakes]
    return DeclarationError([*named, *source_mistakes(case, document_of(case), looked)])


def _short(value: object) -> str:
    """A value for a table: a digest by its beginning."""
    text = str(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{64}", text) else text
