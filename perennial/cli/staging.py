"""`perennial stage`: a look at the candidate in a stage, or a person's word that it gets further."""

from __future__ import annotations

import sys
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.acting import acting_person
from perennial.cli.live import naming_what_is_live
from perennial.cli.output import as_json, flowing
from perennial.cli.reading import open_ledger
from perennial.errors import HeldBack, InputError
from perennial.evaluation.staged.results import Look
from perennial.ledger.entries import Release
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import time_of
from perennial.release.stages import asked_to_go_on, looks_of, running
from perennial.release.words import candidate_at
from perennial.serving.log.segment import SUFFIX
from perennial.settings import settings
from perennial.store.workspace import reading_workspace
from perennial.usecase.reading import UseCase, load_use_case


def stage(usecase: str, advance: bool, by: str, reason: str, dry_run: bool, json: bool) -> None:
    """Exit code 3 if the candidate was taken away, or nothing can be decided. Raises InputError without a candidate."""
    case = load_use_case(usecase, settings().usecases)
    signed = asked_to_go_on(by, reason)
    if advance and signed is None:
        raise InputError(
            "is missing, and --reason too: nobody lets the candidate get further. Nothing was looked at or changed.",
            code="stage-unsigned",
            field="--by",
            fix="Give both with --advance; or leave --advance out, for a look only.",
        )
    if signed is not None and not advance:
        raise InputError(
            f"is missing, though --by is {by!r} and --reason is {reason!r}. Nothing was looked at or changed.",
            code="stage-unsigned",
            field="--advance",
            fix="Add it to let the candidate get further; or leave --by and --reason out, for a look only.",
        )
    ledger = open_ledger()
    now = running(ledger, usecase)
    if now is None:
        raise InputError(
            f"{usecase}: no candidate is in a stage. Nothing was changed.", code="stage-none", fix=_how_one_begins(case)
        )
    release, _ = now
    if dry_run:
        look = None if advance else _would_be(usecase, release)
        _show(usecase, release, look, None, json, note="Nothing was changed.")
        return
    from perennial.cli.running import flows_ready

    with flows_ready(), naming_what_is_live(usecase):
        from flows.stage import stage_by_hand as flow

        made = flow(usecase, acting_person(by, case.declaration).name if signed else None, reason or None)
    newest = _newest(ledger, usecase, release)
    _show(usecase, release, None if advance else newest, made, json)
    if made is not None and made.kind == "abort":
        sys.exit(HeldBack.exit_code)


def _how_one_begins(case: UseCase) -> str:
    if case.declaration.release.stages:
        return "The next decision that releases a challenger begins one."
    return "Declare release.stages; the next decision that releases a challenger then begins one."


def _newest(ledger: Ledger, usecase: str, release: Release) -> Look | None:
    looks = looks_of(ledger, usecase, release.release_no)
    return looks[-1].payload.look if looks else None


def _would_be(usecase: str, release: Release) -> Look:
    from perennial.evaluation.staged.verdict import look_at
    from perennial.release.stage_evidence import stage_evidence
    from perennial.serving.skew import candidates_again

    workspace = reading_workspace(settings())
    case = workspace.use_case(usecase)
    at = time_of(workspace.ledger, case.declaration, machine_clock.now())
    again = candidates_again(workspace, usecase, workspace.ledger, release)
    return look_at(stage_evidence(workspace.tables, workspace.ledger, usecase, release, at, again).evidence)


def _show(usecase: str, release: Release, look: Look | None, made: Release | None, json: bool, note: str = "") -> None:
    if json:
        view: dict[str, Any] = {"usecase": usecase, "look": look.model_dump(mode="json") if look else None}
        as_json({**view, "made": made.model_dump(mode="json") if made else None})
        return
    if release.candidate is not None:
        flowing(f"{usecase}: {candidate_at(release.candidate)}.")
    if look is not None and any(settings().served.glob(f"*{SUFFIX}")):
        then = f"collected by `perennial stage {usecase}`" if note else "counted about a minute after they were given"
        flowing(f"  Answers that are still in the log of a service are not counted; they are {then}.")
    for each in look.findings if look else ():
        flowing(f"  {each.check}, {each.verdict.replace('_', ' ')}: {each.sentence}")
    if look is not None:
        flowing(f"{look.verdict.replace('_', ' ').capitalize()}: {look.reason} {note}".rstrip())
    elif note:
        flowing(note)
    if made is not None:
        flowing(_made_in_words(made))


def _made_in_words(made: Release) -> str:
    if made.candidate is not None:
        return f"Release {made.release_no}: {candidate_at(made.candidate)}."
    if made.kind == "abort":
        return f"Release {made.release_no}: the candidate is taken away; {made.are_live} as before."
    return f"Release {made.release_no}: {made.are_live}."
