"""Watching the champion on a batch, opening and closing episodes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from perennial.clock import instant
from perennial.deciding.evaluation_rows import rows_to_watch
from perennial.deciding.labelled_rows import clusters_of, labels_in
from perennial.errors import TransientError
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Health, Release, Snapshot, Trigger
from perennial.ledger.present import batch_named, first_with_champion, release_to_watch
from perennial.model.released import evaluated_among, load_served
from perennial.scoring.predicted import Predictor
from perennial.scoring.stored import stored_scores
from perennial.serving.skew import new_segments, served_again
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.stored_rows import StoredRows
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.declaration import UseCase
from perennial.watching.after_release import rows_after_release
from perennial.watching.calibration import recalibrated
from perennial.watching.channels.channel import Watched
from perennial.watching.health import (
    episode_rows,
    health,
    look,
    lost_value_of,
    open_with_severity,
    opened_since,
    unwatched,
)
from perennial.watching.past import Past, past_before
from perennial.watching.reason_to_train import for_drift
from perennial.watching.reference import metric_of_reference
from perennial.watching.served_again import ServedAgain
from perennial.watching.wanting import wants_retraining
from tasks.episodes import commit_episodes
from tasks.events import announce
from tasks.scoring import elsewhere_of
from tasks.statistics import batch_statistics, count_before_a_champion, days_by_champion, metrics_per_row
from tasks.step import step

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("perennial.tasks")

DEPLOYMENT = "train/train"


@step(timeout_minutes=5)
def batch_of(usecase: str, window: str | None) -> BatchEntry | None:
    """The newest revision of a window, or of the newest window; None before the first batch."""
    return batch_named(open_workspace(settings()).ledger, usecase, window)


@step(timeout_minutes=30)
def watch_champion(usecase: str, batch: BatchEntry) -> Health:
    """Watch a batch with every declared channel; open an episode for an alarm, close one that is over."""
    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    release = release_to_watch(ledger, usecase, instant(batch.arrived_at))
    if release is None or batch.status == "held":
        count_before_a_champion(workspace, case, batch)
        return unwatched(usecase, batch)
    past = past_before(ledger, usecase, instant(batch.arrived_at))
    first = first_with_champion(ledger, usecase, release)
    on = _watched(workspace, case, batch, release, first, past)
    findings = look(on)
    rows = episode_rows(
        findings,
        open_with_severity(ledger, usecase),
        batch,
        past.reports,
        release_no=release.release_no,
        since_release=first.release_no,
        value=lost_value_of(on, findings),
    )
    commit_episodes(ledger, usecase, rows)
    announce(usecase)
    retrain = wants_retraining(ledger, usecase, case.declaration.triggers) is not None
    return health(usecase, batch, on, findings, open_with_severity(ledger, usecase), retrain=retrain)


def _watched(
    workspace: Workspace,
    case: UseCase,
    batch: BatchEntry,
    release: Release,
    first: Release,
    past: Past,
) -> Watched:
    """The batch's rows and the live model's predictions, read from the stores. first: release of the champion."""
    ledger, declaration, at = workspace.ledger, case.declaration, instant(batch.arrived_at)
    current, since = known_at(ledger, case.name, at), instant(first.since)
    rows, known = rows_to_watch(workspace.tables, declaration, current, batch, instant(release.since))
    served = load_served(workspace.registry, case.name, release)
    evaluated = evaluated_among(served, release)
    version, schema = release.champion.model, declaration.schema_
    stored = stored_scores(workspace.tables, ledger, case.name, schema, version, served.champion)
    predictor = Predictor(elsewhere_of(workspace, case.name), stored)
    known.have_predicted(predictor, served.models)
    snapshot = ledger.get(case.name, Snapshot, release.snapshot)
    trained = instant(snapshot.payload.as_of if snapshot else release.since)
    recorded = past.days_since(since)
    metric = metric_of_reference(ledger, case, release.reference, known.rows, known.codes)
    statistics = batch_statistics(
        *(workspace, case, current, batch, release, evaluated, rows, snapshot.payload if snapshot else None),
        predictor=predictor,
    )
    channels = declaration.watch.channels
    return Watched(
        declaration=declaration,
        champion=served.champion,
        rows=rows,
        labelled=known.rows,
        labels=labels_in(known, declaration.schema_),
        predicted=served.blended([known.predictions(each) for each in served.models], declaration.schema_.classes),
        clusters=clusters_of(declaration, known),
        reference=release.reference,
        metric=metric,
        age_days=(at - trained).total_seconds() / 86400,
        batch=batch,
        statistics=statistics,
        worths=metrics_per_row(case) if "business" in channels else {},
        past=past.readings,
        at=at,
        recorded_days=recorded,
        all_days=past.days,
        evaluated=(trained, since),
        after_release=lambda: rows_after_release(
            workspace.tables, declaration, current, evaluated, since, recorded, predictor
        ),
        calibration=recalibrated(ledger, declaration, first, past, at, lambda: days_by_champion(statistics, channels)),
        episodes=opened_since(ledger, case.name, first.release_no, at),
        served=_served(workspace, case.name, batch, rows),
    )


def _served(
    workspace: Workspace, usecase: str, batch: BatchEntry, rows: pd.DataFrame | StoredRows
) -> Callable[[], ServedAgain] | None:
    """Compares what was collected since the cycle of another batch; None if nothing was."""
    if not new_segments(workspace, usecase, after=0):
        return None
    finished = [row.position for row in workspace.ledger.all(usecase, Cycle) if row.payload.batch != batch.batch]
    new = new_segments(workspace, usecase, after=max(finished, default=0))
    return (lambda: served_again(workspace, usecase, new, rows)) if new else None


@step(timeout_minutes=10)
def ask_for_retraining(usecase: str) -> Trigger | None:
    """Start the train deployment once for the open episode that wants a retraining, and the newest challenger.

    None if a run was started, by this call or an earlier one, or if no retraining is needed; the trigger to train with
    if there is no deployment. The key is theirs, so calling it again (after a crash, or from another watcher)
    starts nothing new; only if the requested run failed, another one is started.
    """
    workspace = open_workspace(settings())
    wanted = wants_retraining(workspace.ledger, usecase, workspace.use_case(usecase).declaration.triggers)
    if wanted is None:
        return None
    trigger = for_drift(wanted)
    newest = [row.payload.challenger for row in workspace.ledger.all(usecase, ChallengerEntry)[-1:]]
    run = _asked_run(usecase, trigger, key := ":".join(["drift", usecase, wanted, *newest]))
    while run is not None and run.state is not None and (run.state.is_failed() or run.state.is_crashed()):
        log.warning("the run %s, asked for because of episode %s %s, failed; asking again", run.name, usecase, wanted)
        run = _asked_run(usecase, trigger, key := f"{key}:after-{str(run.id)[:8]}")
    if run is None:
        return trigger
    log.info("episode %s %s: flow run %s trains", usecase, wanted, run.name)
    return None


def _asked_run(usecase: str, trigger: Trigger, key: str) -> FlowRun | None:
    """The flow run with that key, created now or earlier; None if no deployment accepts the request.

    Raises TransientError if the server is overloaded.
    """
    try:
        run = run_deployment(
            DEPLOYMENT,
            parameters={"usecase": usecase, "trigger": trigger.model_dump(mode="json")},
            flow_run_name=f"{usecase}-{trigger.kind}",
            idempotency_key=key,
            timeout=0,
            as_subflow=False,
        )
        return cast(FlowRun, run)
    except ObjectNotFound:
        log.info("%s: no deployment %s; training in this process", usecase, DEPLOYMENT)
        return None
    except PrefectHTTPStatusError as error:
        if error.response.status_code >= 500:
            raise TransientError(f"{usecase}: a retraining could not be requested from Prefect: {error}") from error
        log.warning(
            "%s: the deployment %s did not accept the request (status %d), so training happens in this "
            "process. If the use case was declared after `prefect deploy --all`, deploy again.",
            usecase,
            DEPLOYMENT,
            error.response.status_code,
        )
        return None
