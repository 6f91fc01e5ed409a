"""What made the predictions of a batch: the live models of a release, or the candidate in its stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perennial.ledger.entries import Release, Served


@dataclass(frozen=True)
class MadeBy:
    """Models of a release, with their weights. of: None for the live ones. features_digest: of the first."""

    release_no: int
    serves: tuple[Served, ...]
    features_digest: str
    of: Literal["candidate"] | None = None

    @property
    def versions(self) -> str:
        """The model versions with their weights."""
        return versions_in_short(self.serves)

    def __str__(self) -> str:
        return f"the candidate of release {self.release_no}" if self.of else f"release {self.release_no}"


def live_models(release: Release) -> MadeBy:
    """Those that answer."""
    return MadeBy(release.release_no, release.serves, release.features_digest)


def candidate_model(release: Release) -> MadeBy | None:
    """The model in a stage; None if the release has none."""
    candidate = release.candidate
    if candidate is None:
        return None
    return MadeBy(release.release_no, candidate.serves, candidate.features_digest, "candidate")


def versions_in_short(serves: Sequence[Served]) -> str:
    """`3`, or with several models `3 × 0.5 + 4 × 0.5`."""
    if len(serves) == 1:
        return str(serves[0].model.version)
    return " + ".join(f"{each.model.version} × {each.weight:g}" for each in serves)
