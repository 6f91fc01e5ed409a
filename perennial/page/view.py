"""What the page shows about a use case, gathered from the ledger's rows: plain values, already in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from perennial.clock import day
from perennial.evaluation.figures import counted
from perennial.evaluation.intervals.student_t import student_t
from perennial.evaluation.metrics.possible import possible_part
from perennial.governance.tier import lacked
from perennial.ledger.entries import BatchEntry, Decision, Waiver
from perennial.page.first_screen import Answer, answers, facts, live_in_words
from perennial.page.groups import GroupsView, groups_view
from perennial.page.history import TABLED, History
from perennial.page.question import Question, question_of
from perennial.page.serving import ServingView, serving_view
from perennial.page.watching import WatchingView, watching_view
from perennial.release.words import answer_in_words, decision_in_words, made_because, outcome_word

NEWEST = 12
"""How many decisions are explained in full."""


@dataclass(frozen=True)
class BatchLine:
    """A batch on the timeline. status: accepted, held or revised (a later revision took its place)."""

    window: str
    revision: int
    status: str
    arrived: int
    accepted: int
    aside: int
    unlabelled: int
    why: tuple[str, ...]


@dataclass(frozen=True)
class LossPoint:
    """The champion's loss on a batch, the possible part of its 95 % interval, and its loss where it was evaluated."""

    batch: str
    value: float
    low: float
    high: float
    reference: float | None
    rows: int


@dataclass(frozen=True)
class GainPoint:
    """A challenger's gain and its own loss, each with its 95 % interval; None where no number could be given.

    bound: what the gain is above, one-sided at `alpha`: what the policy tested.
    """

    batch: str
    gain: float | None
    low: float | None
    high: float | None
    bound: float | None
    alpha: float
    champion: float | None
    challenger: float | None
    challenger_low: float | None
    challenger_high: float | None
    rows: int
    outcome: str


@dataclass(frozen=True)
class DecisionCard:
    """A decision: its headline, the markdown that `perennial decision ID` prints, and what people decided of it.

    markdown: empty for older decisions, which are listed only. word: the outcome as people read it.
    """

    id: str
    batch: str
    as_of: str
    outcome: str
    word: str
    headline: str
    markdown: str
    answered: str


@dataclass(frozen=True)
class Month:
    """The decisions of a calendar month, the newest first. summary: how many came out how."""

    name: str
    summary: str
    decisions: tuple[DecisionCard, ...]


@dataclass(frozen=True)
class View:
    """The content of the page. arrivals, measured, compared: how many batches, losses and decisions there are."""

    usecase: str
    description: str
    metric: str
    live: str
    answers: tuple[Answer, ...]
    is_held: bool
    question: Question | None
    facts: tuple[tuple[str, str], ...]
    batches: tuple[BatchLine, ...]
    losses: tuple[LossPoint, ...]
    gains: tuple[GainPoint, ...]
    releases: tuple[tuple[str, str, str, str], ...]
    months: tuple[Month, ...]
    watching: WatchingView
    serving: ServingView | None
    groups: GroupsView | None
    footer: str
    arrivals: int
    measured: int
    compared: int


def view_of(history: History) -> View:
    """Everything that the page shows. Whatever is not known yet is reported as unknown."""
    return View(
        usecase=history.usecase,
        description=history.description,
        metric=history.metric,
        live=live_in_words(history.live),
        answers=answers(history),
        is_held=bool(history.held),
        question=question_of(history.question, history.approvers, lacked(history.question))
        if history.question
        else None,
        facts=facts(history),
        batches=tuple(_batch_lines(history)),
        losses=tuple(_losses(history)),
        gains=tuple(_gain(decision) for decision in history.decisions[-TABLED:]),
        releases=tuple(
            (str(r.release_no), r.versions, day(r.as_of), made_because(r))
            for r in sorted(history.releases, key=lambda r: -r.release_no)
        ),
        months=tuple(_months(history)),
        watching=watching_view(history),
        serving=serving_view(history),
        groups=groups_view(history.decisions),
        footer=f"Made from {counted(history.rows, 'ledger row', 'ledger rows')}, the newest of {history.recorded_at} "
        f"(head {history.rows}:{history.head}).",
        arrivals=len(history.batches),
        measured=sum(cycle.health.loss is not None for cycle in history.cycles),
        compared=len(history.decisions),
    )


def _batch_lines(history: History) -> list[BatchLine]:
    newest = {batch.window: batch.revision for batch in history.batches if batch.status == "accepted"}
    return [
        BatchLine(
            window=batch.window,
            revision=batch.revision,
            status="revised" if batch.revision < newest.get(batch.window, 0) else batch.status,
            arrived=batch.rows.arrived,
            accepted=batch.rows.accepted,
            aside=batch.rows.quarantined,
            unlabelled=batch.rows.unlabelled,
            why=tuple(_why(batch, history.waivers)),
        )
        for batch in history.batches[-TABLED:]
    ]


def _why(batch: BatchEntry, waivers: Sequence[Waiver]) -> list[str]:
    """What is out of the ordinary: faults, warnings, and what people had done about them."""
    lines = [*batch.held_because, *(f"{r.reason} ({counted(r.rows, 'row', 'rows')})" for r in batch.quarantine)]
    lines += [f"warning: {warning}" for warning in batch.warnings]
    if batch.because in ("restated", "requeued"):
        lines.append(
            "other content came" if batch.because == "restated" else "checked again under a changed declaration"
        )
    for waiver in waivers:
        if waiver.landing == batch.landing and (waived := [c for c in waiver.checks if c in batch.waived]):
            lines.append(f"waived by {waiver.by}: {', '.join(waived)} ({waiver.reason})")
    return lines


def _losses(history: History) -> list[LossPoint]:
    window = {batch.batch: batch.window for batch in history.batches}
    points = []
    for cycle in history.cycles[-TABLED:]:
        if (loss := cycle.health.loss) is None:
            continue
        low, high = possible_part(history.metric, loss.ci_low, loss.ci_high)
        points.append(
            LossPoint(window[cycle.batch], loss.value, low, high, loss.reference, rows=cycle.health.labelled_rows)
        )
    return points


def _gain(decision: Decision) -> GainPoint:
    primary, own = decision.metrics[0], decision.reference
    around = student_t(own.value, own.se, own.df) if own else None
    low, high = possible_part(primary.name, around.ci_low, around.ci_high) if around else (None, None)
    return GainPoint(
        batch=decision.batch,
        gain=primary.gain,
        low=primary.ci_low,
        high=primary.ci_high,
        bound=decision.policy.lower_bound,
        alpha=decision.policy.level,
        champion=primary.champion if decision.champion else None,
        challenger=primary.challenger,
        challenger_low=low,
        challenger_high=high,
        rows=decision.evaluation.rows,
        outcome=decision.outcome,
    )


def _months(history: History) -> list[Month]:
    """The decisions by calendar month of their `as_of`, the newest month first."""
    in_full = {decision.id for decision in history.decisions[-NEWEST:]}
    months = []
    newest_first = sorted(history.decisions[-TABLED:], key=lambda decision: decision.as_of, reverse=True)
    for name, decisions in groupby(newest_first, key=lambda decision: decision.as_of[:7]):
        cards = tuple(_card(each, history, in_full=each.id in in_full) for each in decisions)
        outcomes = Counter(card.word for card in cards)
        months.append(Month(name, ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items()), cards))
    return months


def _card(decision: Decision, history: History, *, in_full: bool) -> DecisionCard:
    answer = history.answers.get(decision.id)
    _, _, body = decision_in_words(decision, answer).partition("\n\n") if in_full else ("", "", "")
    return DecisionCard(
        id=decision.id,
        batch=decision.batch,
        as_of=day(decision.as_of),
        outcome=decision.outcome,
        word=outcome_word(decision),
        headline=history.headline(decision),
        markdown=body,
        answered=answer_in_words(answer) if answer else "",
    )
