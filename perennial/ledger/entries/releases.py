"""Releases, and the alias that mirrors them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from perennial.evaluation.figures import percent
from perennial.ledger.entries.decisions import Reference
from perennial.ledger.entries.entry import Entry, Recorded
from perennial.ledger.entries.training import ModelRef


class Served(Entry):
    """One model of a release and its weight in the mean of predictions; the weights of a release add up to 1."""

    model: ModelRef
    challenger: str
    weight: float


class Release(Recorded):
    """The models that are live from now on: the tested champion and, under a blending policy, the newest refit.

    Key: `release_no`; the process that inserts it first makes the release. reference, snapshot and digests are the
    champion's. cause: the episode that rolled back automatically; None, which is left out of the row, otherwise.
    """

    release_no: int
    kind: Literal["first", "release", "rollback", "blend"]
    serves: tuple[Served, ...]
    stage: Literal["full"]
    as_of: str
    reason: str
    decision: str | None
    restores: int | None
    reference: Reference
    snapshot: str
    features_digest: str
    declaration_digest: str
    cause: str | None = None

    @property
    def key(self) -> str:
        return str(self.release_no)

    @model_serializer(mode="wrap")
    def _without_none(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As before `cause` was added if no episode caused it."""
        return {name: value for name, value in serialize(self).items() if name != "cause" or value is not None}

    @property
    def champion(self) -> Served:
        """The tested model, which challengers are compared with."""
        return self.serves[0]

    @property
    def refit(self) -> Served | None:
        """The newest refit, which has not been evaluated, if it is live beside the champion."""
        return self.serves[1] if len(self.serves) > 1 else None

    @property
    def versions(self) -> str:
        """The live models in words: `version 3`, or `version 3 (50 %) and version 4 (50 %)`."""
        if self.refit is None:
            return f"version {self.champion.model.version}"
        return " and ".join(f"version {each.model.version} ({percent(each.weight)})" for each in self.serves)


class AliasMoved(Recorded):
    """MLflow's alias was moved outside Perennial. Key: `number`, counted up; its `AliasPutBack` follows."""

    number: int
    at: str
    found: int | None
    release_no: int

    @property
    def key(self) -> str:
        return str(self.number)


class AliasPutBack(Recorded):
    """The alias points to the live version again. Key: that of the move."""

    number: int
    at: str
    restored: int

    @property
    def key(self) -> str:
        return str(self.number)


class ReleasesFrozen(Recorded):
    """From now on nothing is released until a person resumes. Key: the episode that caused it, so it freezes once."""

    episode: str
    as_of: str
    batch: str
    detail: str

    @property
    def key(self) -> str:
        return self.episode


class ReleasesResumed(Recorded):
    """A person's end of a freeze. Key: the freeze's. as_of: by the use case's clock."""

    episode: str
    by: str
    reason: str
    as_of: str

    @property
    def key(self) -> str:
        return self.episode


class RollbackNotPossible(Recorded):
    """An episode was to roll back, and why that could not be done. Key: the episode's."""

    episode: str
    as_of: str
    why: str

    @property
    def key(self) -> str:
        return self.episode
