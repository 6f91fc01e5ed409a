"""One served prediction, found by the id in its answer, and recomputed by the pipelines of its release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from perennial.clock import from_microseconds
from perennial.errors import InputError, ModelUnloadable
from perennial.ledger.entries import Release, SegmentCollected
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import made_live
from perennial.our_columns import (
    ARM,
    CANDIDATE,
    CANDIDATE_FAILED,
    CANDIDATE_US,
    CHAMPION_US,
    OTHER_PROBABILITIES,
    OTHER_SCORE,
    PREDICTION,
    PROBABILITIES,
    RECEIVED,
    RELEASE_NO,
    SCORE,
    SCORED_AT,
)
from perennial.scoring.arms import Arm
from perennial.serving.live import Live, open_live
from perennial.serving.log.segment import SUFFIX, InStage, Place, place_of, read_segment
from perennial.serving.served import ServedRelease, pipeline_of
from perennial.store.workspace import Workspace


@dataclass(frozen=True)
class Found:
    """A served prediction.

    score: one number, or one for each declared class. received: the record's text. release: that made it.
    collected: whether it is in the table; a service's log still has it otherwise.
    in_stage: what both models gave, if the release had a candidate.
    """

    id: str
    usecase: str
    at: datetime
    score: tuple[float, ...]
    received: str
    release: Release
    collected: bool
    in_stage: InStage | None = None

    @property
    def by_candidate(self) -> bool:
        """Whether the score is the candidate's."""
        return self.in_stage is not None and self.in_stage.arm == "candidate" and self.in_stage.failed is None

    @property
    def versions(self) -> str:
        """The model versions that scored it, in words."""
        candidate = self.release.candidate
        return candidate.versions if candidate and self.by_candidate else self.release.versions


def decision_behind(ledger: Ledger, known: Found) -> str | None:
    """The decision that made the model live, or a candidate, that answered; None after a rollback."""
    if known.by_candidate:
        return known.release.decision
    releases = [row.payload for row in ledger.all(known.usecase, Release)]
    made = made_live(each for each in releases if each.release_no <= known.release.release_no)
    return made.decision if made is not None else None


def look_up(workspace: Workspace, prediction: str) -> Found:
    """The served prediction with that id. Raises InputError if there is none."""
    place = place_of(prediction)
    known = place and (_in_table(workspace, prediction, place) or _in_log(workspace, place))
    if not known:
        raise InputError(
            f"no prediction {prediction!r} was served here",
            code="prediction-unknown",
            value=prediction,
            fix="the id is in the answer, as predictions[0].id",
        )
    return known


def _in_table(workspace: Workspace, prediction: str, place: Place) -> Found | None:
    for usecase in workspace.ledger.usecases():
        if workspace.ledger.get(usecase, SegmentCollected, place.segment) is None:
            continue
        table = workspace.tables.read(usecase, "predictions", [place.segment])
        rows = table.to_pylist() if table is not None else []
        for row in rows:
            if row[PREDICTION] == prediction:
                release, at, stage = _release(workspace, usecase, row[RELEASE_NO]), row[SCORED_AT], _in_stage(row)
                return Found(prediction, usecase, at, score_in(row), row[RECEIVED], release, True, stage)
    return None


def is_candidates(row: Mapping[str, Any]) -> bool:
    """Whether the score in a row of the table is a candidate's."""
    return row.get(ARM) == "candidate" and row.get(CANDIDATE_FAILED) is None


def score_in(row: Mapping[str, Any]) -> tuple[float, ...]:
    """The score in a row of the table, which was answered."""
    return tuple(row[PROBABILITIES]) if row.get(PROBABILITIES) else (row[SCORE],)


def other_in(row: Mapping[str, Any]) -> tuple[float, ...] | None:
    """The score of the model that did not answer; None without one."""
    if row.get(OTHER_PROBABILITIES):
        return tuple(row[OTHER_PROBABILITIES])
    one = row.get(OTHER_SCORE)
    return None if one is None else (one,)


def _in_stage(row: dict[str, Any]) -> InStage | None:
    """A row's columns of a stage; None if it was served without one, or before there were any."""
    if row.get(ARM) is None:
        return None
    failed, took = row[CANDIDATE_FAILED], (row[CHAMPION_US], row[CANDIDATE_US])
    return InStage(row[ARM], row[CANDIDATE], other_in(row), failed, *took)


def _in_log(workspace: Workspace, place: Place) -> Found | None:
    path = workspace.settings.served / f"{place.segment}{SUFFIX}"
    if "/" in place.segment or not path.exists():
        return None
    for position, each in enumerate(read_segment(path)):
        if position == place.position:
            release = _release(workspace, each.usecase, each.release_no)
            at, received = from_microseconds(each.at), each.received.decode("utf-8", "replace")
            return Found(place.id, each.usecase, at, each.score, received, release, False, each.in_stage)
    return None


def _release(workspace: Workspace, usecase: str, release_no: int) -> Release:
    row = workspace.ledger.get(usecase, Release, str(release_no))
    if row is None:
        raise LookupError(f"release {release_no} of {usecase} is not in the ledger")
    return row.payload


@dataclass(frozen=True)
class Recomputed:
    """A prediction made again. other: that of the model that did not answer; None if it had no score then."""

    score: tuple[float, ...]
    other: tuple[float, ...] | None = None


def recomputed(workspace: Workspace, known: Found) -> Recomputed:
    """The prediction made again from the record by the pipelines of both arms, without the service's scorers.

    Raises ModelUnloadable, RegistryDown; BadRecords if the declaration no longer takes the record.
    """
    live = open_live(workspace, known.usecase, known.release, workspace.settings.serving)
    (score,) = recomputed_all(workspace, live, [known.received])
    if known.in_stage is None or known.in_stage.failed is not None:
        return Recomputed(score)
    (other,) = recomputed_all(workspace, live, [known.received], "candidate")
    return Recomputed(other, score) if known.by_candidate else Recomputed(score, other)


def recomputed_all(
    workspace: Workspace, live: Live, received: Sequence[str], of: Arm = "champion"
) -> list[tuple[float, ...]]:
    """The predictions of a release for the texts of several records, by its pipelines. Raises as `recomputed` does.

    of: `champion` for the live models, `candidate` for the one in a stage.
    """
    candidate = live.release.candidate
    served, refs = live.served, [each.model for each in live.release.serves]
    if of == "candidate":
        if candidate is None or live.candidate is None:
            raise ModelUnloadable(f"{live.usecase}: the candidate cannot be loaded: {live.candidate_wrong}")
        served, refs = live.candidate, [each.model for each in candidate.serves]
    folders = [workspace.registry.folder(live.usecase, each) for each in refs]
    models = zip(served.models, folders, strict=True)
    by_pipeline = tuple(model.scored_by(pipeline_of(folder, model.artifact)) for model, folder in models)
    checked = live.checker.decode(f"[{','.join(received)}]".encode())
    scores = ServedRelease(by_pipeline, served.weights, served.classes).score(checked)
    return [tuple(np.atleast_1d(score).tolist()) for score in scores]
