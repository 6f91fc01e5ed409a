"""Batches, cycles and decisions in words, the same in Prefect's artifacts and on the terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from perennial.clock import day, instant, write_instant
from perennial.deciding.decision import Waits
from perennial.evaluation.bias.markdown import bias_as_markdown
from perennial.evaluation.figures import between, change, counted, figure, percent
from perennial.evaluation.words import Columns, escape, headline, in_words
from perennial.ledger.entries import (
    NO_CHALLENGER,
    Alarm,
    Approval,
    BatchEntry,
    Candidate,
    ChallengerEntry,
    Cycle,
    Decision,
    Postponed,
    Refusal,
    Release,
    Snapshot,
    versions_in_words,
)
from perennial.ledger.ledger import Ledger
from perennial.release.planned_stages import begins_with, ends_at, stage_in_words
from perennial.usecase.declaration import Declaration
from perennial.watching.explained import NOT_ABOUT_MODELS


def batch_in_words(usecase: str, batch: BatchEntry) -> str:
    """A batch as markdown."""
    rows = batch.rows
    lines = [
        f"### {escape(usecase)}: batch {escape(batch.window)}"
        f"{f', revision {batch.revision}' if batch.revision > 1 else ''}: {batch.status}",
        "",
        f"{counted(rows.arrived, 'row', 'rows')} arrived, {rows.accepted:,} accepted (of these {rows.unlabelled:,} "
        f"have no label yet), {rows.quarantined:,} set aside.",
    ]
    if batch.held_because:
        lines += ["", "**Held**, no row is used:", "", *[f"- {escape(why)}" for why in batch.held_because]]
    if batch.quarantine:
        lines += ["", "| failed check | rows set aside |", "|---|---:|"]
        lines += [f"| {escape(r.reason)} | {r.rows:,} |" for r in batch.quarantine]
    if batch.warnings:
        lines += ["", "Warnings, rows accepted:", "", *[f"- {escape(w)}" for w in batch.warnings]]
    if batch.notes:
        lines += ["", "Not evaluated:", "", *[f"- {escape(note)}" for note in batch.notes]]
    if batch.extra_columns:
        lines += ["", f"Undeclared columns, kept with the landed bytes: {escape(', '.join(batch.extra_columns))}."]
    return "\n".join(lines)


def decision_in_words(decision: Decision, answer: Approval | Refusal | None = None) -> str:
    """A decision as markdown. answer: what people decided of a held one, None while it waits."""
    words = in_words(
        headline_of(decision, answer),
        decision.reasons,
        decision.metrics,
        decision.evaluation,
        columns=columns_of(decision),
        slices=decision.slices,
        flips=decision.flips,
        policy=decision.policy,
    )
    return words if decision.bias is None else f"{words}\n{bias_as_markdown(decision.bias)}"


def headline_of(decision: Decision, answer: Approval | Refusal | None = None, *, over: bool = False) -> str:
    """A decision in a sentence.

    answer: what people decided of a held one, None without one. over: whether it needs none any more, because another
    decision or release followed.
    """
    answered = "approved" if isinstance(answer, Approval) else "refused"
    unanswered = "got no answer" if over else ""
    return headline(
        decision.outcome,
        decision.champions,
        decision.challenger.version,
        decision.batch,
        first_stage=begins_with(decision),
        mixture=versions_in_words(decision.releases) if len(decision.releases) > 1 else "",
        answer=f"{answered} by {answer.by}" if answer is not None else unanswered,
    )


def columns_of(decision: Decision) -> Columns:
    """The headings of the two values that a decision compares."""
    one = f"champion {decision.champion.version}" if decision.champion else "naive baseline"
    return Columns("champions" if decision.live else one, "mixture" if decision.mixture else "challenger")


def outcome_in_words(decision: Decision | Waits, *, frozen: bool = False) -> str:
    """What a decision leads to, in a few words. frozen: whether a freeze keeps it from being carried out."""
    if isinstance(decision, Waits):
        return "no decision"
    if frozen:
        return f"version {decision.challenger.version} not released, releases are frozen"
    challenger, champion = decision.challenger.version, decision.champions
    stays = f"{champion} {'stay' if decision.live else 'stays'}"
    return {
        "first": f"version {challenger} released as the first",
        "release": _released(decision),
        "keep": stays if champion else f"version {challenger} not released",
        "undecided": f"undecided, {stays}" if champion else "undecided",
        "blocked": f"version {challenger} blocked by a guard",
        "held": f"version {challenger} waits for approval",
    }[decision.outcome]


def _released(decision: Decision) -> str:
    version, first = decision.challenger.version, begins_with(decision)
    if first:
        mixed, made = len(decision.releases) > 1, versions_in_words(decision.releases)
        tried = f"the mixture of {made}" if mixed else f"version {version}"
        return f"{tried} begins with {first}"
    return f"{versions_in_words(decision.releases)} released"


def answer_in_words(answer: Approval | Refusal) -> str:
    """Who approved or refused a held decision, when by the use case's clock, and why."""
    did = "Approved" if isinstance(answer, Approval) else "Refused"
    return f"{did} by {answer.by} on {day(answer.as_of)}: {answer.reason}"


def made_because(release: Release) -> str:
    """What a release changed and why, for a list of them."""
    if release.candidate is not None:
        begun = stage_in_words(release.candidate.stage)
        return f"{release.candidate.versions} begins {begun}: {release.reason}"
    if release.kind == "abort":
        return f"the candidate is taken away: {release.reason}"
    return release_reason(release.kind, release.reason, release.by)


def release_reason(kind: str, reason: str, by: str | None) -> str:
    """Why a release was made: a rollback has the words, and if it is known the name, of whoever asked for it.

    >>> release_reason("rollback", "complaints", "Ada"), release_reason("rollback", "complaints", None)
    ('rolled back by Ada: complaints', 'rolled back: complaints')
    >>> release_reason("release", "It is better.", None)
    'It is better.'
    """
    return f"rolled back{f' by {by}' if by else ''}: {reason}" if kind == "rollback" else reason


def change_in_words(release: Release, before: Release | None) -> str:
    """What a release changed, in a clause. before: the release before it, None for the first.

    The stages of a candidate: it entered one, was taken out, or passed them all. Otherwise what is live since.
    """
    tried = before.candidate if before is not None else None
    if release.candidate is not None:
        candidate = release.candidate
        began = "got into" if tried is not None and tried.decision == candidate.decision else "began with"
        return f"{candidate.versions} {began} {stage_in_words(candidate.stage)}"
    live = release.are_live
    if tried is None:
        return f"{live} again after a rollback" if release.kind == "rollback" else live
    stage = stage_in_words(tried.stage)
    if release.champion.model.digest == tried.model.digest:
        return f"{tried.versions} passed {stage} and is live"
    by = " by a rollback" if release.kind == "rollback" else ""
    return f"{tried.versions} was taken out of {stage}{by}; {live}"


def made_in_words(release: Release) -> str:
    """What a release of a decision made live, in a clause that names each version that answers or is tried."""
    beside = f" beside {release.versions}" if release.candidate is not None else ""
    return f"{change_in_words(release, None)}{beside}"


def labels_in_words(count: int, first: Sequence[object]) -> str:
    """How many labels match no row, and the key of the first one."""
    match = "label matches" if count == 1 else "labels match"
    return f"{count:,} {match} no row; the first is {', '.join(map(str, first))}"


def postponed_in_words(postponed: Postponed) -> str:
    """Why a fleet's budget had no room for a refit."""
    return (
        f"it waits for the fleet's budget as number {postponed.rank} of {postponed.due}: its last fit took "
        f"{figure(postponed.seconds, 3)} s, and {figure(postponed.planned_seconds, 3)} of "
        f"{figure(postponed.budget_seconds, 3)} s were planned for others"
    )


def cycle_waits(cycle: Cycle) -> str:
    """Why a cycle decided nothing, and whether it trained a challenger."""
    if cycle.waits != NO_CHALLENGER:
        return f"waits: {cycle.waits}"
    if cycle.not_trained:
        return f"no challenger yet: {cycle.not_trained}"
    return "first challenger trained" if cycle.challenger and not cycle.health.readings else "no challenger"


def challenger_waits(waiting: ChallengerEntry, newest: Cycle | None, *, at_once: bool = False) -> str:
    """Why nothing was decided about the waiting challenger yet.

    at_once: whether it left out the newest days of its training, so that the next run evaluates it on them.
    newest: the newest cycle. Its reason is about this challenger only if it was trained before: a cycle first decides
    about the former one, then trains the next.
    """
    was_there = newest is not None and instant(waiting.as_of) < instant(newest.as_of)
    reason = newest.waits if newest is not None and was_there and newest.waits != NO_CHALLENGER else ""
    if reason:
        return reason
    if at_once:
        return "the next run evaluates it on the newest days, which it has not learned from"
    later = f"; not at once, since {waiting.later_because}" if waiting.later_because else ""
    return f"evaluated once labels come that it has not seen{later}"


def held_in_words(question: Decision, declaration: Declaration, as_of: datetime) -> str:
    """What a cycle waits for while a decision is held: a person, and until when nothing else is trained."""
    again = instant(question.as_of) + declaration.release.refresh_after
    learns = (
        f"nothing new is trained until then, or {day(write_instant(again))}"
        if as_of < again
        else "a new one is trained now"
    )
    return (
        f"for the approval of version {question.challenger.version} since {day(question.as_of)}, "
        f"decision {question.id}; {learns}"
    )


def candidate_in_words(candidate: Candidate) -> str:
    """Why nothing is decided while a candidate is in a stage."""
    return f"{candidate_at(candidate)}; the next decision comes after its last stage"


def candidate_at(candidate: Candidate) -> str:
    """The stage of a candidate, since when, and until when at least."""
    return (
        f"{candidate.versions} is in {stage_in_words(candidate.stage)} since {day(candidate.since)}, at "
        f"least until {day(write_instant(ends_at(candidate)))}"
    )


def trained_through(ledger: Ledger, decision: Decision) -> str:
    """Through when the decision's challenger was trained, a clause to append; empty if that is not on record."""
    snapshot = ledger.get(decision.usecase, Snapshot, decision.snapshot)
    if snapshot is None:
        return ""
    up_to = f" of events up to {day(snapshot.payload.last)}" if snapshot.payload.until is not None else ""
    return f", trained on what was known by {day(snapshot.payload.as_of)}{up_to}"


def outcome_word(decision: Decision) -> str:
    """The outcome for a column: without a champion there is none to keep."""
    if decision.outcome == "first":
        return "first release"
    return "not released" if decision.outcome == "keep" and decision.champion is None else decision.outcome


def _outcome_in_short(decision: Decision) -> str:
    """For a column of ten characters: `release v3`, `mix v3+v2`, `undecided`."""
    if decision.outcome not in ("first", "release"):
        return outcome_word(decision)
    versions = "+".join(f"v{each.model.version}" for each in decision.releases)
    return f"{'mix' if len(decision.releases) > 1 else decision.outcome} {versions}"


def bound_in_words(decision: Decision) -> str:
    """What a release was tested by, if its two-sided interval contains 0; empty otherwise."""
    primary, policy = decision.metrics[0], decision.policy
    if decision.outcome not in ("first", "release", "held") or policy.lower_bound is None:
        return ""
    if primary.ci_low is None or primary.ci_low > 0:
        return ""
    return f"policy {policy.name} tests one side: at least {change(policy.lower_bound)} at {percent(policy.level)}"


def _alarm_in_words(alarm: Alarm, as_of: str) -> str:
    """An open episode in a few words: drift, what arrived, or nothing but information; since when, if not now."""
    kind = "for information" if alarm.severity == "info" else "drift"
    if alarm.channel in NOT_ABOUT_MODELS and alarm.severity != "info":
        kind = "alarm"
    opened = (alarm.episode or "").partition("@")[2]
    since = f", open since {day(opened)}" if opened and opened != as_of else ""
    return f"{kind}: {alarm.channel}{since}"


HEADING = f"{'batch':<10} {'rows':>7} {'aside':>5} {'loss ±95 %':<12} {'gain, 95 % interval':<31} outcome"
"""The columns of `cycle_in_lines`: 80 characters wide."""
GAIN_WIDTH, GAIN_AND_OUTCOME = 31, 41
"""Characters of the gain, and of the gain and the outcome: the gain's spaces give way to a version of more digits."""


def cycle_in_lines(
    batch: BatchEntry,
    cycle: Cycle,
    decision: Decision | None,
    *,
    frozen: bool = False,
    later_because: str = "",
    looked: Sequence[str] = (),
    over: Collection[str] = (),
) -> list[str]:
    """A cycle for the terminal: a line in the columns of `HEADING`, then one indented line per thing to know.

    The columns: rows that arrived, rows set aside, the champion's loss, the challenger's gain, the outcome.
    frozen: whether a freeze keeps the decision from being carried out. later_because: why the challenger that was
    trained waits for later rows, where it could have been evaluated at once. looked: what looks at a stage changed.
    over: episodes that are closed by now, though they were open when the champion was watched.
    """
    health, notes = cycle.health, list(looked)
    if batch.revision > 1:
        notes.append(f"revision {batch.revision}, {batch.because}: labels and alarms are those of {day(cycle.as_of)}")
    loss = "no champion"
    if health.loss is not None:
        loss = f"{figure(health.loss.value, 3)} ±{figure((health.loss.ci_high - health.loss.ci_low) / 2, 2)}"
    elif health.readings:
        loss = "unknown"
        notes.append(f"the loss is unknown: {counted(health.labelled_rows, 'new label', 'new labels')} so far")
    gain, _, why = cycle_waits(cycle).partition(": ")
    if decision is None:
        notes += [why] if why else []
    else:
        primary = decision.metrics[0]
        outcome = _outcome_in_short(decision)
        gain = f"{change(primary.gain)} ({between(primary.ci_low, primary.ci_high, 2)})"
        gain = f"{gain:<{min(GAIN_WIDTH, GAIN_AND_OUTCOME - len(outcome))}} {outcome}"
        notes += [words] if (words := bound_in_words(decision)) else []
        if frozen:
            notes.append("not released: releases are frozen")
        elif decision.outcome == "release" and begins_with(decision):
            notes.append(_released(decision))
        if decision.policy.refit_weight:
            notes.append(f"{percent(decision.policy.refit_weight)} of the vote goes to the newest refit")
    if cycle.not_trained and cycle.waits != NO_CHALLENGER:
        notes.append(f"no new challenger: {cycle.not_trained}")
    if later_because:
        notes.append(f"the new challenger waits for later rows: {later_because}")
    notes += [_alarm_in_words(alarm, cycle.as_of) for alarm in health.alarms if alarm.episode not in over]
    if health.unseen_share is not None and health.unseen_share >= 0.01:
        notes.append(f"{percent(health.unseen_share)} of rows have a category never seen in training")
    notes += [f"warning: {warning}" for warning in batch.warnings]
    notes += [f"note: {note}" for note in batch.notes]
    rest = f" {batch.rows.arrived:>7,} {batch.rows.quarantined:>5,} {loss:<12} {gain}"
    return [f"{batch.window:<{min(10, max(80 - len(rest), 0))}}{rest}", *(f"  {note}" for note in notes)]
