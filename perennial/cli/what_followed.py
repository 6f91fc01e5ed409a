"""What a decision led to, and what comes next, in a sentence that is true of the ledger now."""

from __future__ import annotations

from perennial.cli.to_approve import approve_command, approved_by, written_before
from perennial.clock import day
from perennial.deciding.at_once import is_evaluated_at_once
from perennial.ledger.entries import ChallengerEntry, Decision, Release, versions_in_words
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import (
    answer_to,
    frozen_decision,
    open_question,
    undone_decision,
    waiting_challenger,
)
from perennial.release.freeze import freezes_in_words
from perennial.release.words import answer_in_words, candidate_at, headline_of, outcome_word
from perennial.usecase.declared_judge import NEXT_BATCH


def what_followed(ledger: Ledger, taken: Decision) -> list[str]:
    """A sentence about what people decided, if they did, and one about what was released, waits or came later."""
    answer = answer_to(ledger, taken)
    return [*([f"{answer_in_words(answer)}."] if answer is not None else []), _since_then(ledger, taken)]


def trained_in_words(ledger: Ledger, usecase: str, challenger: ChallengerEntry) -> list[str]:
    """What a training led to: a decision about the challenger where the newest days evaluated it, or that it waits."""
    taken = [each.payload for each in ledger.all(usecase, Decision) if each.payload.challenger_id == challenger.key]
    if taken:
        return [
            f"{usecase}: {headline_of(taken[-1], answer_to(ledger, taken[-1]))}.",
            *what_followed(ledger, taken[-1]),
        ]
    named = f"{usecase}: version {challenger.model.version} (challenger {challenger.challenger})"
    because = f": {challenger.later_because}" if challenger.later_because else ""
    return [f"{named} waits for rows to evaluate it{because}."]


def _since_then(ledger: Ledger, taken: Decision) -> str:
    version, usecase = taken.challenger.version, taken.usecase
    releases = sorted((row.payload for row in ledger.all(usecase, Release)), key=lambda r: r.release_no)
    made = [number for number, release in enumerate(releases) if release.decision == taken.id]
    if made:
        return _in_stages(version, releases[made[0] :])
    kept_back = frozen_decision(ledger, usecase)
    if kept_back is not None and kept_back.id == taken.id:
        return (
            f"Not released: {freezes_in_words(ledger, usecase)}. To release: "
            f"perennial resume {usecase} --by NAME --reason TEXT"
        )
    question = open_question(ledger, usecase)
    if question is not None and question.id == taken.id:
        before = f" But {written_before(taken)}." if written_before(taken) else ""
        return (
            f"A person decides. To release version {version}: {approve_command(ledger, taken)}"
            f"{approved_by(ledger, taken)}{before}"
        )
    undone = undone_decision(ledger, usecase)
    if undone is not None and undone.id == taken.id:
        return f"The release is not carried out yet. The next run does it: perennial run {usecase}"
    return _not_released(ledger, taken)


def _in_stages(version: int, releases: list[Release]) -> str:
    """releases: the one that the decision made, and all later ones; without stages, the first made the version live."""
    candidate = releases[0].candidate
    if candidate is None:
        return _live(version, releases)
    digest = candidate.model.digest
    tried = [each.candidate is not None and each.candidate.decision == candidate.decision for each in releases]
    if all(tried):
        now = releases[-1].candidate
        assert now is not None
        return f"{candidate_at(now).capitalize()}; {releases[-1].are_live} meanwhile."
    ended = releases[tried.index(False)]
    if ended.champion.model.digest == digest:
        return _live(version, releases[ended.release_no - releases[0].release_no :])
    return (
        f"Version {version} was tried from {day(releases[0].as_of)} until {day(ended.as_of)}, when release "
        f"{ended.release_no} took it away: {ended.reason}"
    )


def _live(version: int, releases: list[Release]) -> str:
    """releases: the one that the decision made, and all later ones."""
    made = releases[0]
    tested = [any(each.model == made.champion.model for each in release.evaluated) for release in releases]
    began = f"{day(made.as_of)} (release {made.release_no})"
    if all(tested):
        goes_on = "Each new batch watches it and compares the next challenger with it."
        unchanged = all(each.evaluated == made.evaluated for each in releases)
        live = versions_in_words(made.evaluated) if unchanged else f"version {version}"
        are = "are" if unchanged and len(made.evaluated) > 1 else "is"
        return f"{live.capitalize()} {are} live since {began}. {goes_on}"
    ended = releases[tested.index(False)]
    until = f"until {day(ended.as_of)}, when release {ended.release_no} ({ended.versions}) took its place"
    back = "; it is live again" if tested[-1] else ""
    return f"Version {version} was live from {began} {until}{back}."


def _not_released(ledger: Ledger, taken: Decision) -> str:
    version, decisions = taken.challenger.version, [row.payload for row in ledger.all(taken.usecase, Decision)]
    place = next(number for number, each in enumerate(decisions) if each.id == taken.id)
    again = next((each for each in decisions[place + 1 :] if each.challenger_id == taken.challenger_id), None)
    if again is not None:
        result = f"{outcome_word(again)} (decision {again.id})"
        return f"Version {version} was evaluated again on batch {again.batch}: {result}."
    waiting = waiting_challenger(ledger, taken.usecase)
    if waiting is not None and waiting.challenger == taken.challenger_id:
        return f"Version {version} waits. It is evaluated again when more labels are known."
    later = [row.payload for row in ledger.all(taken.usecase, ChallengerEntry)]
    newer = [each for each in later if each.model.version > version]
    if newer:
        on = (
            "the newest days, which it has not learned from"
            if is_evaluated_at_once(ledger, taken.usecase, newer[0])
            else "rows that came after its training"
        )
        return f"Version {newer[0].model.version} was trained next, and is evaluated on {on}."
    if taken.policy.parameters.get("judge", NEXT_BATCH) != NEXT_BATCH:
        return "The next challenger is evaluated on days that it has not learned from."
    return "The next challenger is evaluated on rows that come after its training."
