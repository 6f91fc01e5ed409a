"""What a dossier is about: a decision, the model that it evaluated, and what that was trained on."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.errors import InputError
from perennial.evaluation.results import Flips, MetricResult, SliceResult
from perennial.ledger.declaration_history import recorded
from perennial.ledger.entries import (
    BatchEntry,
    ChallengerEntry,
    Decision,
    Release,
    Served,
    Snapshot,
    versions_in_words,
)
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import made_live
from perennial.usecase.declaration import Declaration


@dataclass(frozen=True)
class Member:
    """One of the models, and what it was trained on.

    batches: in the order of their arrival. trained_under: the declaration at its training.
    """

    served: Served
    challenger: ChallengerEntry
    snapshot: Snapshot
    batches: tuple[BatchEntry, ...]
    trained_under: Declaration

    @property
    def signature(self) -> str:
        """Whether its files were signed when it was registered, in words."""
        with_key = self.served.model.signed_with
        return f"signed when it was registered, with the key {with_key}" if with_key else "registered without one"


@dataclass(frozen=True)
class Subject:
    """A decision and the models that it evaluated. release: what it made live, None if it released nothing.

    members: the models that are live together, or would be, the one that was trained last first.
    """

    decision: Row[Decision]
    release: Release | None
    members: tuple[Member, ...]

    @property
    def newest(self) -> Member:
        """The challenger of the decision, or what was trained last if that is not among the members."""
        challenger = self.decision.payload.challenger_id
        return next((each for each in self.members if each.served.challenger == challenger), self.members[0])

    @property
    def metrics(self) -> tuple[MetricResult, ...]:
        """The results of what the decision would make live, the primary metric first."""
        return self.decision.payload.of_released

    @property
    def slices(self) -> tuple[SliceResult, ...]:
        """The slices of the same."""
        alone = self.decision.payload.alone_released
        return alone.slices if alone is not None else self.decision.payload.slices

    @property
    def flips(self) -> Flips:
        """The flips of the same."""
        alone = self.decision.payload.alone_released
        return alone.flips if alone is not None and alone.flips is not None else self.decision.payload.flips

    @property
    def versions(self) -> str:
        """The models of the dossier in words."""
        return self.release.versions if self.release else versions_in_words(self.decision.payload.releases)

    @property
    def name(self) -> str:
        """For the name of a file: `release-3`, or `decision-…`."""
        return f"release-{self.release.release_no}" if self.release else f"decision-{self.decision.key}"


def subject_of(
    ledger: Ledger, usecase: str, decision: str | None = None, release_no: int | None = None
) -> Subject | None:
    """The asked decision or release; without any, what is live now. None before the first release.

    Raises InputError for a decision or release that the ledger does not hold.
    """
    releases = [row.payload for row in ledger.all(usecase, Release)]
    release = made_live(releases)
    if release_no is not None:
        release = next((each for each in releases if each.release_no == release_no), None)
        if release is None:
            newest = max((each.release_no for each in releases), default=0)
            there = f"it has releases 1 to {newest}" if newest else "it has none yet"
            raise InputError(f"{usecase}: there is no release {release_no}; {there}", code="release-unknown")
    if decision is None:
        return None if release is None else _of_release(ledger, usecase, release, releases)
    row = ledger.get(usecase, Decision, decision)
    if row is None:
        raise InputError(f"{usecase}: there is no decision {decision!r}", code="decision-unknown", value=decision)
    return _of_decision(ledger, usecase, row, next((each for each in releases if each.decision == decision), None))


def _of_release(ledger: Ledger, usecase: str, release: Release, releases: list[Release]) -> Subject:
    """What evaluated the models of a release: its decision, or that of the release that made them live first."""
    decisions = {row.key: row for row in ledger.all(usecase, Decision)}
    earlier = [each for each in releases if each.release_no <= release.release_no and each.decision is not None]
    same = [each for each in earlier if _models(each) == _models(release)] or earlier
    named = release.decision or (same[0].decision if same else None)
    if named is None or named not in decisions:
        raise LookupError(f"{usecase}: no decision of release {release.release_no} is in the ledger")
    return _of_decision(ledger, usecase, decisions[named], release)


def _models(release: Release) -> list[str]:
    return [each.model.digest for each in release.evaluated]


def _of_decision(ledger: Ledger, usecase: str, row: Row[Decision], release: Release | None) -> Subject:
    serves = release.serves if release is not None else row.payload.releases
    return Subject(row, release, tuple(_member(ledger, usecase, each) for each in serves))


def _member(ledger: Ledger, usecase: str, served: Served) -> Member:
    challenger = ledger.get(usecase, ChallengerEntry, served.challenger)
    snapshot = ledger.get(usecase, Snapshot, challenger.payload.snapshot) if challenger else None
    if challenger is None or snapshot is None:
        raise LookupError(f"{usecase}: the training of version {served.model.version} is not in the ledger")
    learned = set(snapshot.payload.batches)
    return Member(
        served=served,
        challenger=challenger.payload,
        snapshot=snapshot.payload,
        batches=tuple(b.payload for b in ledger.all(usecase, BatchEntry) if b.payload.batch in learned),
        trained_under=recorded(ledger, usecase, challenger.payload.declaration_digest)[0],
    )
