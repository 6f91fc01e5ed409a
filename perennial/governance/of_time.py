"""Points 6 and 9: everything that changed, and how the system is monitored after its release."""

from __future__ import annotations

from collections.abc import Collection

from perennial.clock import write_duration
from perennial.evaluation.figures import figure, interval_in_words, percent
from perennial.governance.items import Item, Table, computed, unknown
from perennial.governance.records import Records
from perennial.ledger.entries import Approval, Endorsement, Proof, Refusal
from perennial.release.words import made_because

RELEASES = ("release", "live", "as of", "decision", "because")
EDITS = ("recorded", "field", "before", "after", "restarts")
STEPS = ("recorded", "decision", "step", "by", "known by", "reason")
EPISODES = ("channel", "opened", "closed", "about")
_KNOWN_BY: dict[Proof, str] = {
    "stated": "a typed name",
    "environment": "PERENNIAL_USER",
    "token": "a signed token",
    "key": "a key of the site",
    "proxy": "the proxy before the site",
}
REPLAYED = "The history is replayed: except in columns `recorded`, times are those of its batches."
CHANNELS = ("channel", "newest result", "false alarms a year")


def changes(records: Records) -> tuple[Item, ...]:
    """Point 6."""
    releases = tuple(
        (str(each.release_no), each.versions, each.as_of, each.decision or "–", made_because(each))
        for each in records.releases
    )
    edits = tuple(
        (row.recorded_at, edit.field, _short(edit.old), _short(edit.new), edit.restarts)
        for row in records.declarations
        for edit in row.payload.edits
    )
    waivers = tuple(
        (row.recorded_at, row.payload.window, ", ".join(row.payload.checks), row.payload.by, row.payload.reason)
        for row in records.waivers
    )
    in_roles = {row.payload.decision for row in records.by_people if isinstance(row.payload, Endorsement)}
    by_people = tuple((row.recorded_at, *_step(row.payload, in_roles)) for row in records.by_people)
    return (
        *([computed("Clock", REPLAYED)] if records.declaration.clock == "replay" else []),
        computed("Releases, rollbacks and stages", table=Table(RELEASES, releases))
        if releases
        else unknown("Releases, rollbacks and stages", "no model was released yet"),
        _listed("Edits of the declaration", EDITS, edits),
        _listed("Waived checks", ("recorded", "batch", "checks", "by", "reason"), waivers),
        _listed("Approvals and refusals", STEPS, by_people),
    )


def monitoring(records: Records) -> tuple[Item, ...]:
    """Point 9."""
    watch, triggers = records.declaration.watch, records.declaration.triggers
    closed = {each.episode: each.closed_at for each in records.closed}
    episodes = tuple(
        (each.channel, each.opened_at, closed.get(each.episode, "open"), each.detail) for each in records.episodes
    )
    plan = [
        f"channels: {', '.join(watch.channels)}",
        f"tolerance: the loss may rise by {percent(watch.tolerance)} of that of the evaluation",
        f"at most {figure(watch.page_per_year, 3)} pages a year may be false alarms",
        f"schedule: {triggers.schedule or 'none'}{f' ({triggers.timezone})' if triggers.schedule else ''}",
    ]
    rules = records.declaration.release
    if rules.policy == "balanced":
        plan.append(f"a challenger that is no worse replaces a model after {write_duration(rules.refresh_after)}")
    return (
        computed("Monitoring plan", *plan),
        _channels(records),
        _listed("Episodes", EPISODES, episodes),
    )


def _channels(records: Records) -> Item:
    if not records.cycles:
        return unknown("Newest results", "no cycle is finished yet", required=False)
    newest = records.cycles[-1]
    rates = {each.channel: each for each in records.calibration.rates} if records.calibration else {}
    rows = []
    for reading in newest.health.readings:
        rate = rates.get(reading.channel)
        measured = "not calibrated"
        if rate is not None and rate.rate is not None:
            interval = interval_in_words(rate.low, rate.high, lambda value: figure(value, 2))
            measured = f"{figure(rate.rate, 2)} ({interval}, {figure(rate.years, 3)} resampled years)"
        rows.append((reading.channel, reading.words, measured))
    if not rows:
        return unknown("Newest results", "no model was live in the newest cycle", required=False)
    return computed("Newest results", f"as of {newest.as_of}", table=Table(CHANNELS, tuple(rows)))


def _step(step: Endorsement | Approval | Refusal, in_roles: Collection[str]) -> tuple[str, ...]:
    """What people did, and how they are known. in_roles: the decisions that several roles approved, each in a step."""
    did = "refused" if isinstance(step, Refusal) else "released"
    did = f"approved as {step.role}" if isinstance(step, Endorsement) else did
    unproven = "the steps before" if step.decision in in_roles else "not on record"
    return (step.decision, did, step.by, _KNOWN_BY[step.proof] if step.proof else unproven, step.reason)


def _listed(name: str, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Item:
    return computed(name, table=Table(columns, rows)) if rows else computed(name, "none")


def _short(value: object) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
