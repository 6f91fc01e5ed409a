"""An episode in words: since when, what about, where most, what it costs, what was started, what a person can do.

Page, status and alerts show this; none of them explains an episode itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from perennial.clock import day
from perennial.evaluation.figures import counted, figure, interval_in_words, percent, sample
from perennial.ledger.entries import (
    BatchEntry,
    ChallengerEntry,
    Decision,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Evidence,
    Release,
    Severity,
)
from perennial.ledger.present import first_live
from perennial.watching.episodes import severity_so_far
from perennial.watching.repaired import repaired

Action = Literal["retrain", "approve", "roll_back", "look_at_rows", "adjust_limits"]
"""What a person can do; whoever shows it knows the command, form or link for it."""

ABOUT_BATCHES = ("contract",)
"""Channels about what arrives, not about the model."""
OF_STAGES = "stage"
"""The channel of episodes about a candidate that was taken away; the champion is live as before."""

NOT_ABOUT_MODELS = (*ABOUT_BATCHES, OF_STAGES)
"""Channels whose episodes another champion does not make obsolete."""


def is_of_former(channel: str, release_no: int, first: int) -> bool:
    """Whether an episode is about a champion that is not live any more; the next cycle closes it if it is open.

    release_no: live when it opened. first: see `first_live`.
    """
    return channel not in NOT_ABOUT_MODELS and release_no < first


@dataclass(frozen=True)
class Explanation:
    """An episode for people. Times are instants as text; None: still open, or not measured.

    what: the channel's finding when it opened, and of each rise. repaired: held batches that it is about and that were
    accepted since. about: columns and values, or the slice that contributes most. costs: what it costs per day, in the
    loss and in the declared value; empty if not measured. started: what followed from it. can_do: actions with their
    words.
    of_former: the release of the former champion that it is about, if it is still open although another one is live.
    """

    episode: str
    channel: str
    severity: Severity
    since: str
    until: str | None
    what: tuple[str, ...]
    repaired: tuple[str, ...]
    about: tuple[str, ...]
    costs: tuple[str, ...]
    started: tuple[str, ...]
    can_do: tuple[tuple[Action, str], ...]
    of_former: int | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it as sentences, in the order in which a person reads them."""
        until = "" if self.until is None else f", closed on {day(self.until)}"
        meaning = "for information, no alarm" if self.severity == "info" else self.severity
        former = "" if self.of_former is None else f" about the former champion (release {self.of_former})"
        closes = "" if self.of_former is None else "; the next cycle closes it"
        since = f"{self.channel} ({meaning}){former}, open since {day(self.since)}{until}{closes}."
        actions = tuple(f"You can {words}." for _, words in self.can_do)
        return (since, *self.what, *self.repaired, *self.about, *self.costs, *self.started, *actions)


def explained(
    episode: Episode,
    *,
    of_channel: Severity,
    rises: Iterable[EpisodeRose] = (),
    closed: EpisodeClosed | None = None,
    challengers: Iterable[ChallengerEntry] = (),
    decisions: Iterable[Decision] = (),
    releases: Iterable[Release] = (),
    batches: Iterable[BatchEntry] = (),
) -> Explanation:
    """Explain an episode from the ledger's rows.

    of_channel: the channel's own severity. The rows may be those of all episodes.
    """
    mine = [rise for rise in rises if rise.episode == episode.episode]
    trained = [each for each in challengers if each.trigger.event == episode.episode]
    ids = {each.challenger: each for each in trained}
    decided = [each for each in decisions if each.challenger_id in ids]
    evidence = episode.evidence
    severity = severity_so_far(episode, mine, of_channel)
    all_releases = list(releases)
    has_former = any(each.release_no < episode.release_no for each in all_releases)
    replaced = closed is None and any(each.release_no > episode.release_no for each in all_releases)
    of_former = replaced and is_of_former(episode.channel, episode.release_no, first_live(all_releases))
    return Explanation(
        episode=episode.episode,
        channel=episode.channel,
        severity=severity,
        since=episode.opened_at,
        until=closed.closed_at if closed else None,
        what=(episode.detail, *(f"{day(rise.risen_at)}, now {rise.severity}: {rise.detail}" for rise in mine)),
        repaired=() if closed else repaired(episode, mine, batches),
        about=_about(evidence) if evidence else (),
        costs=_costs(evidence) if evidence else (),
        started=tuple(_started(each, decided) for each in trained),
        can_do=()
        if closed or of_former
        else _can_do(episode, trained, decided, alarms=severity != "info", has_former=has_former),
        of_former=episode.release_no if of_former else None,
    )


def _about(evidence: Evidence) -> tuple[str, ...]:
    columns = tuple(
        f"Column {column.column}: {percent(column.share)} of {counted(evidence.rows, 'row', 'rows')}"
        + (", most often " + ", ".join(f"'{v.value}' ({v.rows:,})" for v in column.values) if column.values else "")
        + "."
        for column in evidence.columns
    )
    worst = evidence.slice
    if worst is None:
        return columns
    sample = f"{counted(worst.rows, 'row', 'rows')} of {counted(evidence.days, 'day', 'days')}"
    return (
        *columns,
        f"{worst.column} = {worst.value} contributes most: {figure(worst.contribution, 3)} of the mean excess "
        f"{evidence.loss}, with {percent(worst.share)} of the rows ({sample}).",
    )


def _costs(evidence: Evidence) -> tuple[str, ...]:
    cost, value = evidence.cost_per_day, evidence.value
    lines = []
    if cost is not None:
        lines.append(
            f"It costs {figure(cost, 3)} {evidence.loss} per day "
            f"({_beside(evidence.cost_low, evidence.cost_high, evidence.rows, evidence.days)})."
        )
    if value is not None:
        side, sign = ("above", -1) if value.lost < 0 else ("below", 1)
        low, high = sorted((sign * value.low, sign * value.high))
        lines.append(
            f"The value {value.name} is {figure(abs(value.lost), 3)} per day {side} that of the champion's evaluation "
            f"({_beside(low, high, value.rows, value.days)})."
        )
    return tuple(lines)


def _beside(low: float | None, high: float | None, rows: int, days: int) -> str:
    """The interval and the size of the sample that a number per day stands on."""
    around = interval_in_words(low, high, lambda value: figure(value, 3))
    return f"{around}, {sample(rows, days, 'day')}"


def _started(challenger: ChallengerEntry, decided: Iterable[Decision]) -> str:
    made = f"Version {challenger.model.version} was trained because of it on {day(challenger.as_of)}"
    newest = [each for each in decided if each.challenger_id == challenger.challenger]
    return f"{made}; decision of {day(newest[-1].as_of)}: {newest[-1].outcome}." if newest else f"{made} and waits."


def _can_do(
    episode: Episode, trained: list[ChallengerEntry], decided: list[Decision], *, alarms: bool, has_former: bool
) -> tuple[tuple[Action, str], ...]:
    """Only what is possible now and helps: a held decision can be approved, a first release cannot be rolled back.

    alarms: whether the episode does more than inform. What is wrong with a batch is not repaired by another model.
    """
    actions: list[tuple[Action, str]] = []
    about_model = episode.channel not in ABOUT_BATCHES
    if decided and decided[-1].outcome == "held":
        actions.append(("approve", f"approve version {decided[-1].challenger.version}, which waits for a person"))
    if not trained and about_model:
        actions.append(("retrain", "train a challenger now"))
    if episode.channel == OF_STAGES:
        return (*actions, ("adjust_limits", "change release.stages in the declaration"))
    if has_former and about_model and alarms:
        actions.append(("roll_back", "bring the former champion back"))
    if episode.channel in ("unseen", "contract", "features"):
        actions.append(("look_at_rows", "look at the rows of the batch and their source"))
    limits = f"the limits of {episode.channel}" if about_model else "the checks"
    actions.append(("adjust_limits", f"change {limits} in the declaration"))
    return tuple(actions)
