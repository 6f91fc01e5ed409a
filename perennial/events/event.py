"""One event per ledger row that others may want to act on. The names and fields are stable: automations use them.

The id follows from the hash of the row, so that an event that is sent twice can be recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

from perennial.ledger.entries import (
    BatchEntry,
    Decision,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Recorded,
    Release,
    ReleasesFrozen,
    ReleasesResumed,
)
from perennial.ledger.ledger import Row

_NAMES = uuid5(NAMESPACE_URL, "perennial/ledger")


@dataclass(frozen=True)
class Event:
    """name: such as `perennial.batch.accepted`. occurred: when its row was written, ISO 8601 in UTC."""

    id: UUID
    usecase: str
    name: str
    occurred: str
    payload: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As Prefect's API takes it."""
        return {
            "id": str(self.id),
            "event": self.name,
            "occurred": self.occurred,
            "resource": resource_of(self.usecase),
            "payload": dict(self.payload),
        }


def resource_of(usecase: str) -> dict[str, str]:
    """What an event is about: automations match `perennial.usecase.*`."""
    return {"prefect.resource.id": f"perennial.usecase.{usecase}", "prefect.resource.name": usecase}


def event_of(usecase: str, row: Row[Recorded]) -> Event | None:
    """The event of a row; None for rows that announce nothing."""
    make = _MAKERS.get(type(row.payload))
    if make is None:
        return None
    name, payload = make(row.payload)
    place = {"usecase": usecase, "ledger_position": row.position}
    return Event(uuid5(_NAMES, row.hash), usecase, name, row.recorded_at, {**place, **payload})


Made = tuple[str, dict[str, Any]]


def _batch(batch: BatchEntry) -> Made:
    fields = {"batch": batch.window, "revision": batch.revision, "rows": batch.rows.model_dump(mode="json")}
    return f"perennial.batch.{batch.status}", {**fields, "held_because": list(batch.held_because)}


def _opened(episode: Episode) -> Made:
    fields = {"episode": episode.episode, "channel": episode.channel, "release_no": episode.release_no}
    return "perennial.drift.opened", {
        **fields,
        "severity": episode.severity,
        "at": episode.opened_at,
        "detail": episode.detail,
    }


def _rose(rose: EpisodeRose) -> Made:
    fields = {"episode": rose.episode, "channel": _channel(rose.episode), "severity": rose.severity}
    return "perennial.drift.rose", {**fields, "at": rose.risen_at, "detail": rose.detail}


def _closed(closed: EpisodeClosed) -> Made:
    fields = {"episode": closed.episode, "channel": _channel(closed.episode)}
    return "perennial.drift.closed", {**fields, "at": closed.closed_at, "detail": closed.detail}


def _decision(decision: Decision) -> Made:
    primary = next(iter(decision.metrics), None)
    return "perennial.decision.made", {
        "decision": decision.id,
        "batch": decision.batch,
        "outcome": decision.outcome,
        "champion_version": decision.champion.version if decision.champion else None,
        "challenger_version": decision.challenger.version,
        "metric": primary.name if primary else None,
        "gain": primary.gain if primary else None,
        "ci_low": primary.ci_low if primary else None,
        "ci_high": primary.ci_high if primary else None,
        "rows": decision.evaluation.rows,
        "clusters": decision.evaluation.clusters,
        "reasons": list(decision.reasons),
    }


def _release(release: Release) -> Made:
    return "perennial.release.changed", {
        "release_no": release.release_no,
        "kind": release.kind,
        "serves": [{"version": each.model.version, "weight": each.weight} for each in release.serves],
        "decision": release.decision,
        "restores": release.restores,
        "stage": release.stage,
        "candidate_version": release.candidate.model.version if release.candidate else None,
        "reason": release.reason,
    }


def _frozen(frozen: ReleasesFrozen) -> Made:
    fields = {"episode": frozen.episode, "channel": _channel(frozen.episode), "batch": frozen.batch}
    return "perennial.releases.frozen", {**fields, "at": frozen.as_of, "detail": frozen.detail}


def _resumed(resumed: ReleasesResumed) -> Made:
    fields = {"episode": resumed.episode, "channel": _channel(resumed.episode)}
    return "perennial.releases.resumed", {**fields, "at": resumed.as_of, "by": resumed.by, "reason": resumed.reason}


def _channel(episode: str) -> str:
    """Of an episode's id, `channel@opened_at`."""
    return episode.partition("@")[0]


_MAKERS = cast(
    dict[type[Recorded], Callable[[Recorded], Made]],
    {
        BatchEntry: _batch,
        Episode: _opened,
        EpisodeRose: _rose,
        EpisodeClosed: _closed,
        Decision: _decision,
        Release: _release,
        ReleasesFrozen: _frozen,
        ReleasesResumed: _resumed,
    },
)
