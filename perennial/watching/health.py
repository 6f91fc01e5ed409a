"""A health report: how the champion did on one batch, and what that opens or closes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perennial.clock import instant
from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.paired import Clusters
from perennial.ledger.entries import Alarm, ChallengerEntry, Episode, EpisodeClosed, Health, Reference
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import Fitted
from perennial.model.predicting import text_columns
from perennial.store.rows import labels_of
from perennial.usecase.declaration import Declaration
from perennial.watching.channels.level import LevelFinding, level
from perennial.watching.channels.unseen import UnseenFinding, unseen
from perennial.watching.episodes import Channel, EpisodeChanges, Finding, ToOpen, episode_changes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Findings:
    """What the two channels found on a batch."""

    level: LevelFinding
    unseen: UnseenFinding
    rows: int
    labelled_rows: int


def look(
    declaration: Declaration,
    champion: Fitted,
    predicted: np.ndarray,
    reference: Reference,
    rows: pd.DataFrame,
    labelled: pd.DataFrame,
    codes: np.ndarray,
    metric: Metric,
) -> Findings:
    """Hold the champion against its reference on the labelled rows, and every row against its training categories.

    predicted: what served for the labelled rows, which may be a mixture with the champion. metric: the reference's.
    rows: all accepted rows of the batch; labelled: those with a label, aligned with `codes`, their cluster.
    """
    watch = declaration.watch
    found = level(
        labels_of(labelled, declaration.schema_),
        predicted,
        Clusters(codes, declaration.evaluation.cluster_name),
        reference,
        metric=metric,
        tolerance=watch.tolerance,
    )
    inputs = champion.recipe.inputs(rows)
    columns = {name: inputs[name].tolist() for name in text_columns(inputs)}
    # A column that was empty in training is none of the model's inputs: its first values mislead nobody.
    seen = {name: values for name, values in champion.seen.items() if name in columns and values}
    return Findings(found, unseen(columns, seen, threshold=watch.unseen_share), len(rows), len(labelled))


def changes(findings: Findings, open_now: list[Episode], release_no: int) -> EpisodeChanges:
    """Which episodes the findings open and close."""
    by_channel: dict[Channel, Finding] = {"level": findings.level, "unseen": findings.unseen}
    return episode_changes(open_now, by_channel, release_no=release_no)


def open_episodes(ledger: Ledger, usecase: str) -> list[Episode]:
    """Episodes that nobody closed yet, oldest first."""
    closed = {r.key for r in ledger.all(usecase, EpisodeClosed)}
    return [r.payload for r in ledger.all(usecase, Episode) if r.key not in closed]


def wants_retraining(ledger: Ledger, usecase: str) -> str | None:
    """The id of an open episode since whose beginning nothing was trained, or None.

    Whatever asked for it, a challenger of that moment or later knows what the episode was opened by.
    """
    trained = max((instant(r.payload.as_of) for r in ledger.all(usecase, ChallengerEntry)), default=None)
    waiting = [e for e in open_episodes(ledger, usecase) if trained is None or trained < instant(e.opened_at)]
    return waiting[0].episode if waiting else None


def episode_of(opening: ToOpen, batch: str, as_of: str, release_no: int) -> Episode:
    """The ledger's row for an episode that begins with a batch; its key allows one a channel and moment."""
    return Episode(
        episode=f"{opening.channel}@{as_of}",
        channel=opening.channel,
        opened_at=as_of,
        batch=batch,
        release_no=release_no,
        detail=opening.detail,
    )


def health(
    usecase: str, batch: str, as_of: str, findings: Findings | None, open_now: list[Episode], rows: int, retrain: bool
) -> Health:
    """The report; `findings` are None while nothing serves."""
    alarms = tuple(Alarm(channel=e.channel, severity="warning", detail=e.detail, episode=e.episode) for e in open_now)
    return Health(
        usecase=usecase,
        batch=batch,
        as_of=as_of,
        rows=findings.rows if findings else rows,
        labelled_rows=findings.labelled_rows if findings else 0,
        loss=findings.level.loss if findings else None,
        unseen_share=findings.unseen.share if findings else None,
        alarms=alarms,
        action="retrain" if retrain else "none",
    )
