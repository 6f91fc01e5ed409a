"""One served prediction, found by the id in its answer, and recomputed by the pipelines of its release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from perennial.clock import from_microseconds
from perennial.errors import InputError
from perennial.ledger.entries import Release, SegmentCollected
from perennial.our_columns import PREDICTION, PROBABILITIES, RECEIVED, RELEASE_NO, SCORE, SCORED_AT
from perennial.serving.live import Live, open_live
from perennial.serving.log.segment import SUFFIX, Place, place_of, read_segment
from perennial.serving.served import ServedRelease, pipeline_of
from perennial.store.workspace import Workspace


@dataclass(frozen=True)
class Found:
    """A served prediction.

    score: one number, or one for each declared class. received: the record's text. release: that made it.
    collected: whether it is in the table; a service's log still has it otherwise.
    """

    id: str
    usecase: str
    at: datetime
    score: tuple[float, ...]
    received: str
    release: Release
    collected: bool


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
                score = tuple(row[PROBABILITIES]) if row.get(PROBABILITIES) else (row[SCORE],)
                release = _release(workspace, usecase, row[RELEASE_NO])
                return Found(prediction, usecase, row[SCORED_AT], score, row[RECEIVED], release, True)
    return None


def _in_log(workspace: Workspace, place: Place) -> Found | None:
    path = workspace.settings.served / f"{place.segment}{SUFFIX}"
    if "/" in place.segment or not path.exists():
        return None
    for position, each in enumerate(read_segment(path)):
        if position == place.position:
            release = _release(workspace, each.usecase, each.release_no)
            at, received = from_microseconds(each.at), each.received.decode("utf-8", "replace")
            return Found(place.id, each.usecase, at, each.score, received, release, False)
    return None


def _release(workspace: Workspace, usecase: str, release_no: int) -> Release:
    row = workspace.ledger.get(usecase, Release, str(release_no))
    if row is None:
        raise LookupError(f"release {release_no} of {usecase} is not in the ledger")
    return row.payload


def recomputed(workspace: Workspace, known: Found) -> tuple[float, ...]:
    """The prediction made again from the record by the release's pipelines, without the service's scorers.

    Raises ModelUnloadable, RegistryDown; BadRecords if the declaration no longer takes the record.
    """
    live = open_live(workspace, known.usecase, known.release, workspace.settings.serving)
    return recomputed_all(workspace, live, [known.received])[0]


def recomputed_all(workspace: Workspace, live: Live, received: Sequence[str]) -> list[tuple[float, ...]]:
    """The predictions of a release for the texts of several records, by its pipelines. Raises as `recomputed` does."""
    folders = [workspace.registry.folder(live.usecase, each.model) for each in live.release.serves]
    models = zip(live.served.models, folders, strict=True)
    by_pipeline = tuple(model.scored_by(pipeline_of(folder, model.artifact)) for model, folder in models)
    served = ServedRelease(by_pipeline, live.served.weights, live.served.classes)
    checked = live.checker.decode(f"[{','.join(received)}]".encode())
    return [tuple(np.atleast_1d(score).tolist()) for score in served.score(checked)]
