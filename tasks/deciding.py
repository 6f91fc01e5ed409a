"""Compares the waiting challenger with the champion, and releases according to the policy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from perennial.clock import write_instant
from perennial.deciding import decision as deciding
from perennial.deciding.at_once import is_evaluated_at_once
from perennial.deciding.decision import Decided, Waits
from perennial.deciding.evaluation_rows import evaluation_rows
from perennial.deciding.family import family_of, having, ruled_in, tested
from perennial.deciding.labelled_rows import EvaluationRows
from perennial.deciding.loading import Pool, load_contest
from perennial.deciding.recall import batches_to_follow, past_challengers
from perennial.deciding.requirements import held_for
from perennial.errors import RunDeleted, TransientError
from perennial.governance.tier import required
from perennial.ledger.declaration_history import record_declaration
from perennial.ledger.entries import NO_CHALLENGER, ChallengerEntry, Decision, Family, Tested, Trigger
from perennial.ledger.ledger import Ledger, Position
from perennial.ledger.present import (
    current_release,
    decision_taken,
    frozen_decision,
    open_question,
    says_release,
    undone_decision,
    waiting_challenger,
)
from perennial.release.promote import mirror_alias, release_blend, release_decided
from perennial.release.words import candidate_in_words, headline_of, held_in_words, made_in_words
from perennial.scoring.predicted import Predictor
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.newly_wrong import keep_newly_wrong
from perennial.store.workspace import Workspace, open_workspace
from perennial.team_code.groups import evaluation_sources
from perennial.training.readiness import NotYet
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.reading import template_of
from tasks.artifacts import show_decision
from tasks.events import announce
from tasks.scoring import elsewhere_of
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@dataclass(frozen=True)
class Compared:
    """A comparison that was made to test its gain. end: of the use case's chain before it. case: as declared then."""

    made: Decided
    end: Position | None
    case: UseCase

    @property
    def test(self) -> Tested | None:
        """None if nothing is tested, as for a first model."""
        return tested(self.made.decision)


@step(timeout_minutes=60)
def compare(
    usecase: str, batch: str, as_of: datetime, trigger: Trigger, compared: Compared | None = None
) -> Decision | Waits:
    """Score champion and waiting challenger on the same fresh rows and commit the decision.

    A decision whose release was prevented by a crash is returned first, and so is one already taken at this time, so
    that its release, the alias and the notes in the registry follow.

    compared: by `waiting_test`, for the same batch, time and trigger. It is used if neither the record of the use case
    nor its declaration has changed since.
    """
    workspace = open_workspace(settings())
    ledger = workspace.ledger
    made: Decided | Decision | Waits
    if compared and (compared.end, compared.case) == (ledger.newest(usecase), workspace.use_case(usecase)):
        made = compared.made
    else:
        made = _compared(workspace, usecase, batch, as_of, trigger)
    if not isinstance(made, Decided):
        return made
    decision = _among_its_family(workspace, made.decision)
    keep_newly_wrong(workspace.tables, usecase, decision.id, made.newly_wrong)
    tier = required(ledger, workspace.use_case(usecase).declaration)
    row, _ = ledger.append(usecase, held_for(decision, tier))
    log.info("decision %s %s: %s", usecase, row.key, row.payload.outcome)
    return row.payload


@step(timeout_minutes=60)
def waiting_test(usecase: str, batch: str, as_of: datetime, trigger: Trigger) -> Compared | None:
    """The comparison that `compare` would commit now; None if it would compare nothing."""
    workspace = open_workspace(settings())
    end, case = workspace.ledger.newest(usecase), workspace.use_case(usecase)
    made = _compared(workspace, usecase, batch, as_of, trigger)
    return Compared(made, end, case) if isinstance(made, Decided) else None


@step(timeout_minutes=10)
def fix_family(template: str, fdr: float, tests: Sequence[Tested]) -> None:
    """Commit which decisions are taken together, before the first of them; without those that a family has already."""
    _families_with(open_workspace(settings()).ledger, template, fdr, tests)


def _families_with(ledger: Ledger, template: str, fdr: float, tests: Sequence[Tested]) -> list[Family]:
    """All families of a template, once the tests that none has are one more."""
    families = [row.payload for row in ledger.all(template, Family)]
    fresh = [each for each in tests if having(families, each.usecase, each.decision) is None]
    if fresh:
        row, _ = ledger.append(template, family_of(template, fdr, fresh))
        log.info("family %s of %s: %d decisions", row.key, template, len(fresh))
        families.append(row.payload)
    return families


def _among_its_family(workspace: Workspace, decision: Decision) -> Decision:
    """The decision at the level that the other members of its template leave for it; alone, at that of a family of one.

    Unchanged if the template controls no releases.
    """
    template = template_of(decision.usecase, workspace.settings.usecases)
    test = tested(decision)
    if template is None or template.fleet.releases is None or test is None:
        return decision
    ledger, usecase = workspace.ledger, decision.usecase
    families = _families_with(ledger, template.name, template.fleet.releases.fdr, [test])
    family = having(families, usecase, decision.id)
    if family is None:
        raise LookupError(f"decision {decision.id} of {usecase} is in no family of {template.name}")
    history = [row.payload for row in ledger.all(usecase, Decision)]
    return ruled_in(decision, family.level_of(usecase, decision.id), current_release(ledger, usecase), history)


def _compared(
    workspace: Workspace, usecase: str, batch: str, as_of: datetime, trigger: Trigger
) -> Decided | Decision | Waits:
    """The decision as it would be taken alone, one to be returned first, or why there is none."""
    ledger, registry, case = workspace.ledger, workspace.registry, workspace.use_case(usecase)
    unfinished = undone_decision(ledger, usecase) or decision_taken(ledger, usecase, as_of)
    if unfinished is not None:
        return unfinished
    waiting, release = waiting_challenger(ledger, usecase), current_release(ledger, usecase)
    if release is not None and release.candidate is not None:
        return Waits(candidate_in_words(release.candidate))
    if waiting is None:
        question = open_question(ledger, usecase)
        return Waits(NO_CHALLENGER if question is None else held_in_words(question, case.declaration, as_of))
    registry.refuse_deleted(usecase)
    rows = evaluation_rows(workspace.tables, ledger, case.declaration, known_at(ledger, usecase, as_of), waiting)
    sources = evaluation_sources(case)
    recalls = release is not None and case.declaration.release.serve == "recall"
    pool = follow(workspace, case.declaration, sources, waiting, rows) if recalls else None
    contest = load_contest(registry, case.declaration, waiting, release, pool)
    if rows.are_on_disk and (elsewhere := elsewhere_of(workspace, usecase)):
        rows.have_predicted(Predictor(elsewhere), contest.models)
    record_declaration(ledger, case)
    history = [r.payload for r in ledger.all(usecase, Decision)]
    made = deciding.decide(case.declaration, contest, rows, history, batch, write_instant(as_of), trigger, sources)
    if isinstance(made, Waits):
        log.info("challenger %s %s waits: %s", usecase, waiting.challenger, made.why)
    return made


def follow(
    workspace: Workspace,
    declaration: Declaration,
    sources: Mapping[str, str],
    challenger: ChallengerEntry,
    rows: EvaluationRows,
) -> Pool:
    """Commit what the past challengers lose on the batches before these rows; return them with their weights."""
    ledger, tables, registry = workspace.ledger, workspace.tables, workspace.registry
    for batch in batches_to_follow(tables, ledger, registry, declaration, sources, challenger, rows):
        ledger.append(declaration.name, batch)
    return Pool(past_challengers(ledger, declaration, challenger, rows), rows)


def is_evaluated_now(usecase: str, challenger: ChallengerEntry | NotYet | None) -> bool:
    """Whether a challenger was trained without the newest days, so that their rows can evaluate it at once."""
    ledger = open_workspace(settings()).ledger
    return isinstance(challenger, ChallengerEntry) and is_evaluated_at_once(ledger, usecase, challenger)


def is_kept_back(usecase: str) -> bool:
    """Whether only a freeze of releases keeps the newest decision from being carried out."""
    try:
        return frozen_decision(open_workspace(settings()).ledger, usecase) is not None
    except TransientError as error:
        log.warning("%s: the ledger does not answer, so the run is not named after a freeze: %s", usecase, error)
        return False


@step(timeout_minutes=20)
def carry_out(usecase: str, decision: Decision) -> None:
    """What follows from a decision: the release where it makes one, MLflow's record of it, an artifact."""
    release.fn(usecase, decision.id)
    announce(usecase)
    note_in_registry.fn(usecase, decision.id)
    show_decision(usecase, decision)


@step(timeout_minutes=10)
def release(usecase: str, decision: str) -> int | None:
    """Carry out a decision; return the number of its release, or None if it releases nothing."""
    workspace = open_workspace(settings())
    taken = _taken(workspace, usecase, decision)
    made = None
    if says_release(workspace.ledger, taken):
        release_made = release_decided(workspace.ledger, taken).payload
        made = release_made.release_no
        log.info("release %s %d: %s", usecase, made, made_in_words(release_made))
    mirror_alias(workspace.ledger, workspace.registry, usecase)
    return made


@step(timeout_minutes=10)
def blend(usecase: str, as_of: datetime) -> int | None:
    """Let the newest refit serve its share, or remove it; return that release number, None if nothing changes."""
    workspace = open_workspace(settings())
    made = release_blend(workspace.ledger, usecase, as_of)
    if made is None:
        return None
    log.info("release %s %d: %s", usecase, made.payload.release_no, made.payload.reason)
    mirror_alias(workspace.ledger, workspace.registry, usecase)
    announce(usecase)
    return made.payload.release_no


@step(timeout_minutes=10)
def note_in_registry(usecase: str, decision: str) -> None:
    """Record the decision in MLflow too: outcome and reason as tags, values as metrics."""
    workspace = open_workspace(settings())
    taken = _taken(workspace, usecase, decision)
    of = "decision_mixture" if taken.mixture else "decision"
    metrics = {f"{of}_{m.name}": m.challenger for m in taken.metrics if m.challenger is not None}
    gains = {f"{of}_{m.name}_gain": m.gain for m in taken.metrics if m.gain is not None}
    reason = " ".join((headline_of(taken) + ".", *taken.reasons))
    try:
        workspace.registry.record_decision(usecase, taken.challenger, taken.outcome, reason, {**metrics, **gains})
    except RunDeleted as error:
        # The ledger has the decision; MLflow has no run left to copy it to.
        log.warning("decision %s %s is not noted in MLflow: %s", usecase, taken.id, error)


def _taken(workspace: Workspace, usecase: str, decision: str) -> Decision:
    row = workspace.ledger.get(usecase, Decision, decision)
    if row is None:
        raise LookupError(f"decision {decision} is not in the ledger of {usecase}")
    return row.payload
