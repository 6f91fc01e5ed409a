"""Answers to decisions on the site: the section of a page for whoever asks for it, and what a form posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from perennial.access.grant import Grant
from perennial.access.posted import FormTokens, refuse_foreign
from perennial.access.proxy import Values
from perennial.errors import InputError
from perennial.governance.answering import approve_held, refuse_held
from perennial.governance.person import person_on_site
from perennial.governance.tier import lacking
from perennial.ledger.entries import Decision
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import answer_to, open_question
from perennial.page.question import Form, Question, question_of
from perennial.page.render import render_question, with_question
from perennial.processes.following import follow_answer, follow_release
from perennial.processes.up_record import UpRecord
from perennial.release.approvals import Person, Standing, endorsements, standing
from perennial.release.words import answer_in_words
from perennial.settings import Settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.declaration import Declaration
from perennial.usecase.reading import load_use_case


@dataclass(frozen=True)
class Taken:
    """An answer that is on record. decision: its id. follow: lets aliases, pages and events follow it."""

    decision: str
    follow: Callable[[], None]


@dataclass(frozen=True)
class Answers:
    """tokens: of the forms of this process."""

    where: Settings
    tokens: FormTokens

    def shown(self, page: str, usecase: str, grant: Grant, answered: str) -> str:
        """A written page with what waits now and, for whoever may answer it, a form.

        answered: the id of the decision that the caller has just answered; empty for none.
        """
        ledger, declaration = Ledger(self.where.database_url), load_use_case(usecase, self.where.usecases).declaration
        decision, approvers = open_question(ledger, usecase), declaration.governance.approvers
        question, form, why_not = None, None, ""
        if decision is not None:
            so_far = standing(endorsements(ledger, decision), approvers, datetime.now(UTC))
            lacks = lacking(ledger, declaration)
            question = question_of(decision, approvers, lacks, so_far)
            form, why_not = self._form(declaration, question, grant, so_far, lacks)
        record = UpRecord.read(self.where)
        ui = record.addresses.get("prefect") if record else None
        return with_question(page, render_question(question, form, _notice(ledger, usecase, answered), why_not, ui))

    def _form(
        self, declaration: Declaration, question: Question, grant: Grant, so_far: Standing, lacks: list[str]
    ) -> tuple[Form | None, str]:
        """The form of a person who may answer; otherwise None and why not."""
        if grant.known_by is None:
            return None, "To answer here, sign in with a key that has a name, or through a proxy that names you."
        if not grant.may_act:
            return None, f"{grant.name} may only read here."
        approvers = declaration.governance.approvers
        roles = [role for role, names in approvers.items() if grant.name in names]
        if approvers and not roles:
            return None, f"{grant.name} is not among the approvers of {declaration.name}."
        has_approved = any(each.by == grant.name for each in so_far.given.values())
        is_left = not has_approved and any(role in so_far.missing for role in roles)
        form = Form(
            address=f"../answers/{declaration.name}",
            by=grant.name,
            token=self.tokens.of(grant, question.id),
            may_approve=(is_left or not so_far.missing) and not lacks,
            signed=self.where.token_key is not None,
        )
        return form, ""

    def take(self, usecase: str, grant: Grant, values: Values, posted: Mapping[str, str]) -> Taken:
        """Record an answer.

        values: the headers of the request. posted: decision, form, answer, reason and token, as they were filled in.
        Raises what refuses an answer, with nothing recorded.
        """
        refuse_foreign(values)
        id, reason = posted.get("decision", ""), posted.get("reason", "").strip()
        person = person_on_site(grant, posted.get("token"), self.where.token_key)
        self.tokens.check(posted.get("form", ""), grant, id)
        if not reason:
            raise InputError("is empty; the record needs it", code="reason-missing", field="reason")
        workspace = open_workspace(self.where)
        row = workspace.ledger.get(usecase, Decision, id)
        if row is None:
            raise InputError(f"{usecase} has no decision {id!r}", code="decisions-none", field="decision", value=id)
        match posted.get("answer"):
            case "approve":
                return Taken(id, _approved(workspace, row.payload, person, reason))
            case "refuse":
                refused = refuse_held(workspace, row.payload, person, reason, asked_at=datetime.now(UTC))
                done = f"the refusal by {refused.by} is recorded"
                return Taken(id, partial(follow_answer, workspace, usecase, done))
            case other:
                raise InputError(
                    f"'{other or ''}' is neither approve nor refuse", code="answer-unknown", field="answer", value=other
                )


def _approved(workspace: Workspace, decision: Decision, person: Person, reason: str) -> Callable[[], None]:
    """Record an approval, and what follows it."""
    now = datetime.now(UTC)
    done = approve_held(workspace, decision, person, reason, asked_at=now, now=now)
    if done.made is None:
        text = f"the approval by {person.name} is recorded"
        return partial(follow_answer, workspace, decision.usecase, text)
    text = f"the approval by {person.name} and release {done.made.payload.release_no} are recorded"
    return partial(follow_release, workspace, decision.usecase, text)


def _notice(ledger: Ledger, usecase: str, answered: str) -> str:
    """What came of a decision, by the ledger; nothing for one that still waits, whose approvals are shown with it."""
    row = ledger.get(usecase, Decision, answered) if answered else None
    answer = answer_to(ledger, row.payload) if row else None
    if row is None or answer is None:
        return ""
    return f"Version {row.payload.challenger.version}: {answer_in_words(answer)}."
