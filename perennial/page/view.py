"""What the page says of a use case, gathered from the ledger's rows: plain values, already in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perennial.evaluation.figures import between, change, counted, figure, percent, sample
from perennial.evaluation.intervals.student_t import student_t
from perennial.evaluation.words import headline
from perennial.ledger.entries import Approval, BatchEntry, Cycle, Decision, Episode, EpisodeClosed, Release, Waiver
from perennial.release.words import approval_in_words, decision_in_words

NEWEST = 24
"""So many decisions are told in full; all of them are in the charts and tables."""


@dataclass(frozen=True)
class History:
    """All that the ledger holds of a use case that the page tells, each kind in the order of writing."""

    usecase: str
    description: str
    metric: str
    batches: Sequence[BatchEntry]
    decisions: Sequence[Decision]
    releases: Sequence[Release]
    cycles: Sequence[Cycle]
    episodes: Sequence[Episode]
    closed: Sequence[EpisodeClosed]
    approvals: Sequence[Approval]
    waivers: Sequence[Waiver]
    rows: int
    head: str
    recorded_at: str


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
    """The champion's loss on a batch with its 95 % interval, and the loss where it was judged."""

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
    """A decision: its headline, the markdown that `perennial decision ID` prints, and who approved it."""

    id: str
    batch: str
    as_of: str
    outcome: str
    headline: str
    markdown: str
    approved: str


@dataclass(frozen=True)
class View:
    """The page's content."""

    usecase: str
    description: str
    metric: str
    serves: str
    facts: tuple[tuple[str, str], ...]
    batches: tuple[BatchLine, ...]
    losses: tuple[LossPoint, ...]
    gains: tuple[GainPoint, ...]
    releases: tuple[tuple[str, str, str, str], ...]
    decisions: tuple[DecisionCard, ...]
    footer: str


def view_of(history: History) -> View:
    """Everything that the page shows. Whatever is not known yet is said to be unknown."""
    release = max(history.releases, key=lambda r: r.release_no, default=None)
    return View(
        usecase=history.usecase,
        description=history.description,
        metric=history.metric,
        serves=_serving(release) if release else "Nothing serves yet",
        facts=tuple(_facts(history, release)),
        batches=tuple(_batch_lines(history)),
        losses=tuple(_losses(history)),
        gains=tuple(_gain(decision) for decision in history.decisions),
        releases=tuple(
            (str(r.release_no), r.versions, _day(r.as_of), r.reason)
            for r in sorted(history.releases, key=lambda r: -r.release_no)
        ),
        decisions=tuple(_card(decision, history.approvals) for decision in reversed(history.decisions[-NEWEST:])),
        footer=f"Made from {counted(history.rows, 'ledger row', 'ledger rows')}, the newest of {history.recorded_at} "
        f"(head {history.rows}:{history.head}).",
    )


def _serving(release: Release) -> str:
    said = f"{release.versions} serve{'' if release.refit else 's'}"
    return said[0].upper() + said[1:]


def _facts(history: History, release: Release | None) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    if release is not None:
        facts.append(("since", f"{_day(release.as_of)} (release {release.release_no}, {release.kind})"))
        facts.append(("why", release.reason))
        facts.append(("how sure", _how_sure(history, release)))
    facts.append(("on the newest batch", _newest_loss(history)))
    facts.append(("open episodes", "; ".join(e.detail for e in _open(history)) or "none"))
    last = history.decisions[-1] if history.decisions else None
    if last is not None:
        facts.append(("last decision", f"{_headline(last)} ({last.id})"))
    waits = history.cycles[-1].waits if history.cycles else ""
    if waits:
        facts.append(("the challenger waits", waits))
    return facts


def _how_sure(history: History, release: Release) -> str:
    tested = release.champion.model
    judged = next((d for d in reversed(history.decisions) if d.challenger.digest == tested.digest), None)
    if judged is None or release.decision is None:
        return "brought back by a rollback; no comparison of its own"
    untested = f"; nobody judged version {release.refit.model.version} yet" if release.refit else ""
    its = f"version {tested.version}: " if release.refit else ""
    primary, rows = judged.metrics[0], judged.evaluation
    over = f"version {judged.champion.version}" if judged.champion else "a constant"
    better = "worse" if primary.gain is not None and primary.gain < 0 else "better"
    return (
        f"{its}{primary.name} {better} than {over}: gain {change(primary.gain)}{_tested(judged)}, 95 % interval "
        f"{between(primary.ci_low, primary.ci_high)}, on {sample(rows.rows, rows.clusters, rows.cluster_by)}"
        f"{untested}"
    )


def _tested(decision: Decision) -> str:
    policy = decision.policy
    if policy.lower_bound is None:
        return ""
    return f", at least {change(policy.lower_bound)} (one-sided at {percent(policy.level)})"


def _newest_loss(history: History) -> str:
    cycle = history.cycles[-1] if history.cycles else None
    if cycle is None or cycle.health.loss is None:
        rows = cycle.health.labelled_rows if cycle else 0
        return f"{history.metric} unknown ({counted(rows, 'labelled row', 'labelled rows')})"
    loss = cycle.health.loss
    beside = "" if loss.reference is None else f"; where it was judged {figure(loss.reference)}"
    return (
        f"{history.metric} {figure(loss.value)}, 95 % interval {figure(loss.ci_low)} to {figure(loss.ci_high)}, on "
        f"{counted(cycle.health.labelled_rows, 'labelled row', 'labelled rows')}{beside}"
    )


def _open(history: History) -> list[Episode]:
    closed = {each.episode for each in history.closed}
    return [episode for episode in history.episodes if episode.episode not in closed]


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
        for batch in history.batches
    ]


def _why(batch: BatchEntry, waivers: Sequence[Waiver]) -> list[str]:
    """What is out of the ordinary: faults, warnings, and what people had done about them."""
    said = [*batch.held_because, *(f"{r.reason} ({counted(r.rows, 'row', 'rows')})" for r in batch.quarantine)]
    said += [f"warning: {warning}" for warning in batch.warnings]
    if batch.because in ("restated", "requeued"):
        said.append(
            "other content came" if batch.because == "restated" else "checked again under a changed declaration"
        )
    for waiver in waivers:
        if waiver.landing == batch.landing and (waived := [c for c in waiver.checks if c in batch.waived]):
            said.append(f"waived by {waiver.by}: {', '.join(waived)} ({waiver.reason})")
    return said


def _losses(history: History) -> list[LossPoint]:
    window = {batch.batch: batch.window for batch in history.batches}
    return [
        LossPoint(
            batch=window[cycle.batch],
            value=cycle.health.loss.value,
            low=cycle.health.loss.ci_low,
            high=cycle.health.loss.ci_high,
            reference=cycle.health.loss.reference,
            rows=cycle.health.labelled_rows,
        )
        for cycle in history.cycles
        if cycle.health.loss is not None
    ]


def _gain(decision: Decision) -> GainPoint:
    primary, own = decision.metrics[0], decision.reference
    around = student_t(own.value, own.se, own.df) if own else None
    return GainPoint(
        batch=decision.batch,
        gain=primary.gain,
        low=primary.ci_low,
        high=primary.ci_high,
        bound=decision.policy.lower_bound,
        alpha=decision.policy.level,
        champion=primary.champion if decision.champion else None,
        challenger=primary.challenger,
        challenger_low=around.ci_low if around else None,
        challenger_high=around.ci_high if around else None,
        rows=decision.evaluation.rows,
        outcome=decision.outcome,
    )


def _card(decision: Decision, approvals: Sequence[Approval]) -> DecisionCard:
    _, _, body = decision_in_words(decision).partition("\n\n")
    return DecisionCard(
        id=decision.id,
        batch=decision.batch,
        as_of=_day(decision.as_of),
        outcome=decision.outcome,
        headline=_headline(decision),
        markdown=body,
        approved=next((approval_in_words(a) for a in approvals if a.decision == decision.id), ""),
    )


def _headline(decision: Decision) -> str:
    champion = decision.champion.version if decision.champion else None
    return headline(decision.outcome, champion, decision.challenger.version, decision.batch)


def _day(instant: str) -> str:
    return instant.partition("T")[0]
