"""The first screen of the page: is the model fine, what happened last, what needs a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from perennial.clock import day, instant
from perennial.evaluation.figures import change, counted, figure, interval_in_words, percent, sample
from perennial.evaluation.intervals.student_t import student_t
from perennial.evaluation.metrics.possible import possible_part
from perennial.evaluation.reason import meanings, without_numbers, without_passed_guards
from perennial.ledger.entries import NO_CHALLENGER, Decision, Release, versions_in_words
from perennial.ledger.present import made_live
from perennial.page.history import History
from perennial.release.waited import waited_in_words
from perennial.release.words import candidate_at, change_in_words, cycle_waits, release_reason
from perennial.watching.channels.level import UNKNOWN
from perennial.watching.repaired import repaired

FEWEST_LOSSES = 3
"""So many earlier batches show what is usual at least."""

State = Literal["good", "wait", "bad"]


@dataclass(frozen=True)
class Answer:
    """A question with its answer in a few words, and the lines that support it. state: how the answer is coloured."""

    question: str
    state: State
    answer: str
    lines: tuple[str, ...]


def answers(history: History) -> tuple[Answer, Answer, Answer]:
    """The three answers. Whatever is not known yet is reported as unknown."""
    fine = _fine(history)
    learned = tuple(each.in_words for each in history.learned_erased)
    return replace(fine, lines=(*fine.lines, *learned)), _last(history), _needed(history)


def _fine(history: History) -> Answer:
    question, loss = "Is the model fine?", newest_loss(history)
    if history.live is None:
        return Answer(question, "wait", "No model is live yet", (_waiting(history),) if _waiting(history) else ())
    episodes = tuple(
        " ".join(
            (
                f"{each.channel} since {day(each.opened_at)}: {each.detail}",
                *repaired(each, history.rises, history.batches),
            )
        )
        for each in history.open_alarms
    )
    former = tuple(
        f"{each.channel} since {day(each.opened_at)} is about the former champion (release {each.release_no}); the "
        "next cycle closes it"
        for each in history.open_of_former
    )
    if episodes:
        open_now = counted(len(episodes), "alarm is open", "alarms are open")
        return Answer(question, "bad", f"Check it: {open_now}", (*episodes, *former, loss, *compared_with(history)))
    informs = tuple(
        f"{each.channel} informs since {day(each.opened_at)}, which is no alarm" for each in history.open_information
    )
    health = history.cycles[-1].health if history.cycles else None
    if health is None or health.loss is None:
        few = "too few labels" if health is not None and health.labelled_rows else "no labels"
        return Answer(question, "wait", f"Unknown: no alarm, but {few} yet", (loss, *former, *informs))
    return Answer(question, "good", "Yes: no alarm is open", (loss, *compared_with(history), *former, *informs))


def _last(history: History) -> Answer:
    question = "What happened last?"
    if not history.batches:
        return Answer(question, "wait", "Nothing yet: no batch has arrived", ())
    batch, decided = history.batches[-1], history.decisions[-1] if history.decisions else None
    again = batch.because in ("requeued", "waived")
    rows = f"{counted(batch.rows.arrived, 'row', 'rows')} {'checked again' if again else 'arrived'}"
    aside = f", {batch.rows.quarantined:,} set aside" if batch.rows.quarantined else ""
    arrived = f"Batch {batch.window}: {'held' if batch.status == 'held' else rows + aside}"
    lines = [f"{history.headline(decided)} ({day(decided.as_of)})"] if decided else []
    lines += [_changed(history)] if _changed(history) else []
    lines += [_waiting(history)] if _waiting(history) else []
    return Answer(question, "bad" if batch.status == "held" else "good", arrived, tuple(lines))


def _changed(history: History) -> str:
    """What the newest release changed; empty if the newest decision made it, or it is older than that and its cycle."""
    live, decided = history.live, history.decisions[-1] if history.decisions else None
    against = decided.release_no if decided is not None else 0
    if live is None or live.kind == "blend" or (live.release_no <= against and not _looked_in_newest_cycle(history)):
        return ""
    if decided is not None and live.decision == decided.id and live.release_no == against + 1:
        return ""
    before = next((each for each in history.releases if each.release_no == live.release_no - 1), None)
    changed = change_in_words(live, before)
    return f"{changed[0].upper()}{changed[1:]} ({day(live.as_of)})"


def _looked_in_newest_cycle(history: History) -> bool:
    """Whether a look at a stage made the newest release in the newest cycle, before that one decided."""
    live, newest = history.live, history.cycles[-1] if history.cycles else None
    return (
        live is not None
        and live.look is not None
        and newest is not None
        and instant(live.as_of) >= instant(newest.as_of)
    )


def _needed(history: History) -> Answer:
    question = "What needs you?"
    lines = [f"The last run of the fleet failed here, {history.failed.in_words}"] if history.failed else []
    lines += [f"Batch {batch.window} is held: {'; '.join(batch.held_because)}" for batch in history.held]
    lines += [f"Label file {file.file} is held: {'; '.join(file.held_because)}" for file in history.held_labels]
    if history.question is not None:
        version, id = history.question.challenger.version, history.question.id
        lines.append(f"Version {version} waits for your approval since {day(history.question.as_of)} (decision {id})")
    if history.frozen:
        kept = f"; version {history.kept_back.challenger.version} would be released" if history.kept_back else ""
        lines.append(f"{history.frozen[0].upper()}{history.frozen[1:]}, until a person resumes them{kept}")
    look = history.newest_look
    if look is not None and look.look.verdict == "not_decidable" and history.live and history.live.candidate:
        lines.append(f"Let {history.live.candidate.versions} get further, or take it away. {look.look.reason}")
    if not lines:
        return Answer(question, "good", "Nothing", ())
    return Answer(question, "bad", counted(len(lines), "thing", "things"), tuple(lines))


def _waiting(history: History) -> str:
    """Why nothing was decided in the newest cycle; empty if something was, or if a person has answered since."""
    if not history.cycles:
        return ""
    newest = history.cycles[-1]
    answer = history.answers.get(history.decisions[-1].id) if history.decisions else None
    if newest.waits and newest.waits != NO_CHALLENGER and answer and instant(answer.as_of) >= instant(newest.as_of):
        return ""
    if newest.not_trained:
        return f"No new challenger: {newest.not_trained}"
    if newest.waits == NO_CHALLENGER:
        text = cycle_waits(newest)
        return text[0].upper() + text[1:]
    if not newest.waits:
        return ""
    if newest.challenger is None or not history.challengers:
        return f"The challenger {cycle_waits(newest)}"
    version = history.challengers[-1].model.version
    return f"The former challenger was not decided: {newest.waits}. Version {version} now waits instead"


def live_in_words(release: Release | None) -> str:
    """Which versions are live, as a headline."""
    if release is None:
        return "No model is live yet"
    text = release.are_live
    return text[0].upper() + text[1:]


def facts(history: History) -> tuple[tuple[str, str], ...]:
    """Since when and why the live model is live, and how sure that is; empty before the first release.

    A number is in one of them: the reason is without those that show how sure it is.
    """
    release, now, look = made_live(history.releases), history.live, history.newest_look
    if release is None or now is None:
        return ()
    kind = "" if release.kind == "release" else f", {release.kind}"
    since = f"{day(release.as_of)} (release {release.release_no}{kind})"
    return (
        ("since", since),
        ("why", _why(history, release)),
        ("how sure", _how_sure(history, release)),
        *([("waiting", cost)] if (cost := waited_in_words(history.decisions, now)) else []),
        *([("candidate", f"{candidate_at(now.candidate)} (release {now.release_no})")] if now.candidate else []),
        *([("newest look", f"on {day(look.as_of)}: {look.look.reason}")] if look else []),
    )


def _why(history: History, release: Release) -> str:
    reason = release_reason(release.kind, release.reason, release.by)
    decided = next((each for each in history.decisions if each.id == release.decision), None)
    if decided is not None and release.kind in ("first", "release"):
        first = reason.removesuffix(decided.recalls).rstrip()  # a later reason has it too, and the next one
        first = first.replace(f" {decided.prefers_alone}", "") if decided.prefers_alone else first
        short = without_numbers(first, decided.metrics[0]).replace(f" on {_sample(decided)}", "")
        reason = " ".join(without_passed_guards([short, *decided.reasons[1:]]))
    return f"{reason} {meanings(reason)}".rstrip()


def _how_sure(history: History, release: Release) -> str:
    tested, evaluated = release.evaluated, _evaluated_in(history, release)
    if evaluated is None or release.decision is None:
        return "brought back by a rollback, without a new comparison"
    untested = f"; version {release.refit.model.version} was not evaluated yet" if release.refit else ""
    its = f"{versions_in_words(tested)}: " if release.refit else ""
    primary = evaluated.of_released[0]
    over = evaluated.champions or "the naive baseline"
    return (
        f"{its}{primary.name} {figure(primary.challenger)} instead of {figure(primary.champion)} of {over}: "
        f"gain {change(primary.gain)}{_tested(evaluated)}, "
        f"{interval_in_words(primary.ci_low, primary.ci_high, change)}, on {_sample(evaluated)}{untested}"
    )


def _evaluated_in(history: History, release: Release) -> Decision | None:
    """The newest decision that evaluated the models of a release."""
    return next((each for each in reversed(history.decisions) if each.releases == release.evaluated), None)


def _sample(decision: Decision) -> str:
    rows = decision.evaluation
    return sample(rows.rows, rows.clusters, rows.cluster_by)


def _tested(decision: Decision) -> str:
    policy = decision.policy
    if policy.lower_bound is None:
        return ""
    return f", at least {change(policy.lower_bound)} (one-sided at {percent(policy.level)})"


def newest_loss(history: History) -> str:
    """The loss on the newest batch of the models that were live then, with its interval and its number of rows."""
    cycle = history.cycles[-1] if history.cycles else None
    if cycle is None or cycle.health.loss is None:
        rows = cycle.health.labelled_rows if cycle else 0
        why = next((r.words for r in cycle.health.readings if r.channel == "level"), "") if cycle else ""
        few = f"; {why.removeprefix(UNKNOWN).rstrip('.')}" if rows and why.startswith(UNKNOWN) else ""
        return f"{history.metric} on the newest batch: unknown ({counted(rows, 'labelled row', 'labelled rows')}{few})"
    loss = cycle.health.loss
    low, high = possible_part(history.metric, loss.ci_low, loss.ci_high)
    return (
        f"{history.metric} on the newest batch: {figure(loss.value)}, "
        f"{interval_in_words(low, high)}, on {counted(cycle.health.labelled_rows, 'labelled row', 'labelled rows')}"
        f"{_by_former(history)}"
    )


def _by_former(history: History) -> str:
    """Which models the newest loss is of, if others are live since; else empty."""
    as_of = instant(history.cycles[-1].as_of)
    then = made_live([each for each in history.releases if instant(each.as_of) < as_of])
    if then is None or history.live is None or then.evaluated == history.live.evaluated:
        return ""
    former = versions_in_words(then.evaluated)
    return f", by {former}, which {'was' if len(then.evaluated) == 1 else 'were'} live then"


def compared_with(history: History) -> tuple[str, ...]:
    """What the newest loss is compared with: the live model's own evaluation, and the losses of earlier batches.

    Where the evaluation's batch was easier or harder than every one since, that is reported: a loss beside it then
    shows the batch, not the model.
    """
    lines, live = [], history.live
    reference = live.reference if live else None
    if live is not None and reference is not None and reference.metric == history.metric:
        around = student_t(reference.value, reference.se, reference.df)
        low, high = possible_part(history.metric, around.ci_low, around.ci_high)
        evaluated = _evaluated_in(history, live)
        by = evaluated.evaluation.cluster_by if evaluated else None
        on = sample(reference.rows, reference.clusters, by) if by else counted(reference.rows, "row", "rows")
        of = versions_in_words(live.evaluated) if _by_former(history) else "it"
        were = "was" if of == "it" or len(live.evaluated) == 1 else "were"
        where = f"where {of} {were} evaluated"
        lines.append(f"{figure(reference.value)} {where}, {interval_in_words(low, high)}, on {on}")
    losses = [cycle.health.loss.value for cycle in history.cycles[:-1] if cycle.health.loss is not None]
    if len(losses) == 1:
        lines.append(f"{figure(losses[0])} in the only earlier batch, by the model that was live then")
    elif losses:
        lines.append(
            f"{figure(median(losses))} in the middle one of {counted(len(losses), 'earlier batch', 'earlier batches')} "
            f"({figure(min(losses))} to {figure(max(losses))}), by the model that was live then"
        )
    since = _losses_since_evaluated(history)
    if reference is not None and len(since) >= FEWEST_LOSSES and not min(since) <= reference.value <= max(since):
        side = "below" if reference.value < min(since) else "above"
        lines.append(
            f"The evaluation's {figure(reference.value)} is {side} every batch since, so that batch was unusual: "
            "compare with the other batches instead"
        )
    return tuple(lines)


def _losses_since_evaluated(history: History) -> list[float]:
    """On the batches after the one that evaluated the live model, without the newest: those before had other models."""
    evaluated = _evaluated_in(history, history.live) if history.live is not None else None
    if evaluated is None:
        return []
    later = [each for each in history.cycles[:-1] if instant(each.as_of) > instant(evaluated.as_of)]
    return [each.health.loss.value for each in later if each.health.loss is not None]
