"""`check`: every mistake of a declaration, and whether it runs on rows of the source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace

from perennial.cli.every_mistake import Tried, checked, checked_members, with_later_ones
from perennial.cli.output import as_json, flowing, working
from perennial.cli.reading import open_ledger
from perennial.evaluation.figures import counted
from perennial.ledger.ledger import Ledger
from perennial.settings import settings
from perennial.usecase.declaration import UseCase
from perennial.usecase.drafting.release import left_out
from perennial.usecase.mistakes import DeclarationError, listed
from perennial.usecase.reading import list_templates, list_use_cases, load_use_case
from perennial.usecase.template import Template


def check(usecase: str, json: bool, *, run: bool = True) -> None:
    """Raises what `checked` raises.

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
        raise with_later_ones(usecase, error, ledger) if run else error from None
    with working("trying the declaration on rows of the source"):
        result = checked(case, ledger, run=run)
    declaration, edited, tried = case.declaration, result.edited, result.tried
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
    from perennial.fleet.checked import partly_compared
    from perennial.fleet.strangers import rows_of_nobody

    with working("checking every member"):
        tried = checked_members(template, ledger, run=run)
        names = list(template.members)
        cases = [load_use_case(name, template.path.parent) for name in names]
        if run:
            tried = replace(tried, notes=(*tried.notes, *partly_compared(template), *rows_of_nobody(cases)))
    with_history = set(ledger.usecases())
    removed = sorted(
        name
        for name in with_history - set(list_use_cases(template.path.parent))
        if name.startswith(f"{template.name}_")
    )
    new = [name for name in names if name not in with_history]
    omitted = _left_out(cases)
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
                "left_out": omitted,
            }
        )
        return
    flowing(f"{template.path}: valid. A template of {counted(len(names), 'use case', 'use cases')}: {listed(names)}.")
    if run:
        _show_tried(tried, f" of {names[0]}, the first member")
    for note in omitted:
        flowing(f"  left out: {note}")
    if new:
        flowing(f"New, without any history: {listed(new)}.")
    if removed:
        flowing(f"No longer declared; their history is kept: {listed(removed)}.")


def _left_out(cases: Sequence[UseCase]) -> list[str]:
    """As `left_out` for the members of a template: each note once, with the members it is about unless it is all."""
    about: dict[str, list[str]] = {}
    for case in cases:
        for note in left_out(case.declaration.release):
            about.setdefault(note, []).append(case.name)
    return [
        note if len(names) == len(cases) else f"{note} ({len(names)} of {len(cases)} members: {listed(names)})"
        for note, names in about.items()
    ]


def _show_tried(tried: Tried, of: str = "") -> None:
    """What was run. of: whose batch it was, where that is not clear."""
    on = f"{counted(tried.rows, 'row', 'rows')} of batch {tried.batch}{of}"
    flowing(f"Features and model run on {on}." if tried.rows else f"Nothing was run on rows: {tried.why_not}.")
    for note in tried.notes:
        flowing(f"  note: {note}")


def _short(value: object) -> str:
    """A value for a table: a digest by its beginning."""
    text = str(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{64}", text) else text
