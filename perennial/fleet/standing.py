"""How each use case of a fleet stands, from a few queries over the ledger for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perennial.clock import day, instant
from perennial.fleet.budget import still_waits
from perennial.ledger.entries import (
    Approval,
    ChallengerEntry,
    Cycle,
    Decision,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Recorded,
    Refusal,
    Release,
    ReleasesFrozen,
    ReleasesResumed,
    RunFailed,
    RunSucceeded,
)
from perennial.ledger.ledger import Ledger
from perennial.ledger.many import BatchesNow
from perennial.ledger.present import first_live
from perennial.watching.explained import is_of_former
from perennial.watching.health import severity_of

STATES = ("failed", "broken", "held", "approve", "frozen", "blocked", "alarm", "new", "unknown", "good")
"""The states, worst first: the run failed, the declaration of a new one has mistakes, those that wait for a person, an
alarm, no model or no loss yet, nothing. The ledger knows nothing of `broken`: see `perennial.fleet.broken`."""
BAD = STATES[:7]
"""The states in which something is wrong or waits for a person."""
NEWEST = (ChallengerEntry, Cycle, Decision, Release)
EVERY = (
    *(Episode, EpisodeClosed, EpisodeRose, ReleasesFrozen, ReleasesResumed, Approval, Refusal),
    *(RunFailed, RunSucceeded),
)

SHOWN = 3
"""Of so many held batches and label files the reason is shown."""
_REPLACES = ("first", "release", "rollback")
"""The kinds of releases after which other models are live."""

Payload = Mapping[str, Any]
Rows = Mapping[type[Recorded], Sequence[Payload]]


@dataclass(frozen=True)
class Alarm:
    """An open episode that is more than information. new_values: column and value that no training had.

    release_no: of what was live when it opened.
    """

    channel: str
    severity: str
    opened_at: str
    batch: str
    detail: str
    new_values: tuple[tuple[str, str], ...] = ()
    release_no: int = 0


@dataclass(frozen=True)
class HeldBatch:
    """A batch that is still held, whatever came after it."""

    window: str
    because: tuple[str, ...]

    def __str__(self) -> str:
        return f"batch {self.window}: {'; '.join(self.because)}"


@dataclass(frozen=True)
class HeldLabels:
    """A label file that is held."""

    file: str
    because: tuple[str, ...]

    def __str__(self) -> str:
        return f"label file {self.file}: {'; '.join(self.because)}"


@dataclass(frozen=True)
class Standing:
    """A use case in one row. Whatever is not known is None.

    state: one of STATES. batch: the one that arrived last. loss: of what is live on it, on that many `rows`, with its
    95 % interval, or where it was evaluated if it was released since; reference: where it was evaluated; metric: the
    name of what both measure. age_days: of what is live, at that batch. held, held_labels: every batch and label file
    that is held.
    """

    usecase: str
    state: str
    batch: str | None = None
    metric: str | None = None
    loss: float | None = None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    rows: int | None = None
    age_days: int | None = None
    alarms: tuple[Alarm, ...] = ()
    why: str = ""
    held: tuple[HeldBatch, ...] = ()
    held_labels: tuple[HeldLabels, ...] = ()

    @property
    def excess(self) -> float:
        """How much worse the loss is than its reference, as a share; -1 where either is unknown."""
        if self.loss is None or not self.reference:
            return -1.0
        return (self.loss - self.reference) / abs(self.reference)


def standings(ledger: Ledger, names: Iterable[str]) -> list[Standing]:
    """How these use cases stand, worst first: by state, then by how much worse the loss is than its reference."""
    rows, batches = ledger.everywhere(NEWEST, EVERY), ledger.batches_now()
    return sorted(
        (
            standing(name, mine := rows.get(name, {}), batches.get(name, BatchesNow()), _first(ledger, name, mine))
            for name in names
        ),
        key=worst_first,
    )


def _first(ledger: Ledger, usecase: str, rows: Rows) -> int:
    """The first release with the live champion; 0 where no open alarm is older, without a look at all releases."""
    newest = _last(rows, Release)
    if newest is None or all(each.release_no >= newest["release_no"] for each in open_alarms(rows)):
        return 0
    return first_live([row.payload for row in ledger.all(usecase, Release)])


def worst_first(each: Standing) -> tuple[int, float, str]:
    """By what use cases are sorted."""
    return STATES.index(each.state), -each.excess, each.usecase


def standing(usecase: str, rows: Rows, batches: BatchesNow, first: int = 0) -> Standing:
    """How one use case stands. rows: the newest of some kinds, all of others.

    first: the first release with the live champion; alarms about earlier ones are left out.
    """
    batch, cycle, release = batches.last, _last(rows, Cycle), _last(rows, Release)
    loss, labelled = _loss_and_rows(cycle, release)
    alarms = tuple(each for each in open_alarms(rows) if not is_of_former(each.channel, each.release_no, first))
    held = tuple(HeldBatch(each["window"], tuple(each["held_because"])) for each in batches.held)
    held_labels = tuple(HeldLabels(each["file"], tuple(each["held_because"])) for each in batches.held_labels)
    state, why = _state(rows, (*held, *held_labels), alarms, loss)
    since = (release.get("live_since") or release["as_of"]) if release else None
    age = (instant(batch["arrived_at"]) - instant(since)).days if batch and since else None
    return Standing(
        usecase=usecase,
        state=state,
        batch=batch["window"] if batch else None,
        metric=release["reference"]["metric"] if release and loss else None,
        loss=loss.get("value"),
        low=loss.get("ci_low"),
        high=loss.get("ci_high"),
        reference=loss.get("reference"),
        rows=labelled,
        age_days=None if age is None else max(age, 0),
        alarms=alarms,
        why=why,
        held=held,
        held_labels=held_labels,
    )


def _loss_and_rows(cycle: Payload | None, release: Payload | None) -> tuple[Payload, int | None]:
    """The loss of what is live and on how many labelled rows; empty and None where it is unknown.

    It is that of the newest cycle, unless other models went live after it was measured: then it is the one with which
    these were released, and unknown after a rollback.
    """
    if cycle is None:
        return {}, None
    if release is None or release["kind"] not in _REPLACES or instant(release["as_of"]) < instant(cycle["as_of"]):
        return cycle["health"].get("loss") or {}, cycle["health"].get("labelled_rows")
    if release["kind"] == "rollback":
        return {}, None
    reference = release["reference"]
    return {"value": reference["value"], "reference": reference["value"]}, reference["rows"]


def open_alarms(rows: Rows) -> tuple[Alarm, ...]:
    """The open episodes with their highest severity, without those that only inform."""
    closed = {each["episode"] for each in rows.get(EpisodeClosed, ())}
    risen = {each["episode"]: each["severity"] for each in rows.get(EpisodeRose, ())}
    alarms = []
    for each in rows.get(Episode, ()):
        severity = risen.get(each["episode"]) or each.get("severity") or severity_of(each["channel"])
        if each["episode"] not in closed and severity != "info":
            alarms.append(
                Alarm(
                    channel=each["channel"],
                    severity=severity,
                    opened_at=each["opened_at"],
                    batch=each["batch"],
                    detail=each["detail"],
                    new_values=_new_values(each),
                    release_no=each["release_no"],
                )
            )
    return tuple(alarms)


def _new_values(episode: Payload) -> tuple[tuple[str, str], ...]:
    columns = (episode.get("evidence") or {}).get("columns", ()) if episode["channel"] == "unseen" else ()
    return tuple((column["column"], value["value"]) for column in columns for value in column["values"])


def _state(
    rows: Rows, held: Sequence[HeldBatch | HeldLabels], alarms: Sequence[Alarm], loss: Payload
) -> tuple[str, str]:
    """The worst state that holds, and why."""
    decision, release = _last(rows, Decision), _last(rows, Release)
    failed = _last(rows, RunFailed)
    if failed and failed["number"] > len(rows.get(RunSucceeded, ())):
        return "failed", RunFailed.model_validate(failed).in_words
    if held:
        more = f"; and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
        return "held", "; ".join(map(str, held[:SHOWN])) + more
    if decision and _waits(rows, decision, release):
        return "approve", f"version {decision['challenger']['version']} waits for approval (decision {decision['id']})"
    resumed = {each["episode"] for each in rows.get(ReleasesResumed, ())}
    frozen = [each for each in rows.get(ReleasesFrozen, ()) if each["episode"] not in resumed]
    if frozen:
        return "frozen", f"releases are frozen because of episode {frozen[0]['episode']}"
    if decision and decision["outcome"] == "blocked":
        return "blocked", f"a guard blocked version {decision['challenger']['version']} (decision {decision['id']})"
    if alarms:
        return "alarm", " ".join(f"{each.channel} since {day(each.opened_at)}: {each.detail}" for each in alarms)
    if release is None:
        return "new", "no model is live yet"
    waits = _postponed(rows)
    return ("good", waits) if loss else ("unknown", waits or "no loss on the newest batch yet")


def _postponed(rows: Rows) -> str:
    """That the refit had to wait and nothing was trained since; empty otherwise."""
    cycle, trained = _last(rows, Cycle), _last(rows, ChallengerEntry)
    if not cycle or not still_waits(cycle.get("postponed"), cycle["as_of"], trained["as_of"] if trained else None):
        return ""
    return f"waits for budget: its refit is number {cycle['postponed']['rank']} of {cycle['postponed']['due']}"


def _waits(rows: Rows, decision: Payload, release: Payload | None) -> bool:
    """Whether a decision waits for a person: held, not answered, and nothing was released since."""
    answered = {each["decision"] for kind in (Approval, Refusal) for each in rows.get(kind, ())}
    live = release["release_no"] if release else 0
    return bool(decision["outcome"] == "held" and decision["id"] not in answered and live == decision["release_no"])


def _last(rows: Rows, kind: type[Recorded]) -> Payload | None:
    return rows[kind][-1] if rows.get(kind) else None
