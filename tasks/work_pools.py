"""A training on another work pool: one run of `fit` there, which the run that needs the model waits for.

Parameters and results are ids; rows and models are in the stores that all machines share. The key of the run follows
from what is trained, so a run that is killed and repeated waits for the same training.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, StateType, WorkerStatus
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.runtime import flow_run
from prefect.states import Crashed

from perennial.clock import write_instant
from perennial.errors import PerennialError, TerminalError, TransientError
from perennial.identity import digest
from perennial.ledger.entries import ChallengerEntry, Trigger
from perennial.ledger.erased import erasures
from perennial.settings import settings
from perennial.store.at_work import at_work_since
from perennial.store.known import known_at
from perennial.store.workspace import Workspace, open_workspace
from perennial.training.handed_back import CHALLENGER, NOT_YET, error_in, labels_of
from perennial.training.readiness import NotYet
from perennial.work_pools import WorkPool

FIT = "fit"
"""The flow, and the step of which a run there has the turn as long as it works."""
POLL_SECONDS = 1.0
NO_WORKER_SECONDS = 120.0
"""So long a training waits although no worker of its pool is online; Prefect notices a lost one after 90 seconds."""
GONE_SECONDS = {StateType.RUNNING: 60.0, StateType.PENDING: 900.0}
"""A run without its turn for so long has lost its machine: running, or being started, for which images are pulled."""

log = logging.getLogger("perennial.tasks")


def trained_on(pool: WorkPool, usecase: str, as_of: datetime, trigger: Trigger) -> ChallengerEntry | NotYet:
    """Train on a machine of the pool, and wait for it.

    Raises the error that the training ended with, TerminalError if the pool has no deployment or no worker,
    TransientError if its machine is lost or Prefect does not answer.
    """
    workspace = open_workspace(settings())
    with _prefect() as client:
        run = _requested(workspace, pool, usecase, as_of, trigger)
        log.info("%s: trained on work pool %s by flow run %s", usecase, pool.name, run.name)
        return _result(workspace, pool, usecase, _awaited(workspace, client, pool, usecase, run))


def hand_back(made: ChallengerEntry | NotYet | PerennialError) -> None:
    """Leave the result of this run for the one that waits for it."""
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(flow_run.id, labels_of(made))


@contextmanager
def in_place_of_another(usecase: str, declaration: str, ledger: str) -> Iterator[None]:
    """Inside, this run works for another one, which sees that it is alive, and gets its error.

    declaration, ledger: what the other one sees. Raises TerminalError if they are others here.
    """
    try:
        workspace = open_workspace(settings())
        _refuse_others(workspace, usecase, declaration, ledger)
        with workspace.only_one(usecase, FIT):
            yield
    except PerennialError as error:
        hand_back(error)
        raise


def _refuse_others(workspace: Workspace, usecase: str, declaration: str, ledger: str) -> None:
    if _first_row(workspace, usecase) != ledger:
        raise TerminalError(
            f"{usecase}: the worker that was to train has another ledger than the run that waits for it",
            code="pool-other-ledger",
            fix="Start the worker with the same PERENNIAL_DATABASE_URL, PERENNIAL_TABLES_URI, PERENNIAL_FILES_URI and "
            "MLFLOW_TRACKING_URI.",
        )
    if workspace.use_case(usecase).declaration.digest != declaration:
        raise TerminalError(
            f"{usecase}: the worker that was to train has another declaration, or other code of yours, than the run "
            "that waits for it",
            code="pool-other-declaration",
            fix="Give all machines the same files in PERENNIAL_USECASES.",
        )


def _first_row(workspace: Workspace, usecase: str) -> str:
    """The hash of the first row of its chain: what a ledger has in common at all its addresses."""
    return next(iter(workspace.ledger.hashes(usecase).values()), "")


def _requested(workspace: Workspace, pool: WorkPool, usecase: str, as_of: datetime, trigger: Trigger) -> FlowRun:
    """The run of this training: the one that is at work or has ended, and a new one if the last did not complete.

    Another batch, other labels or an erasure makes it another training.
    """
    known, erased = known_at(workspace.ledger, usecase, as_of), len(erasures(workspace.ledger, usecase))
    parameters = {
        "usecase": usecase,
        "as_of": write_instant(as_of),
        "trigger": trigger.model_dump(mode="json"),
        "declaration": workspace.use_case(usecase).declaration.digest,
        "ledger": _first_row(workspace, usecase),
    }
    key = ":".join([FIT, usecase, digest([parameters, known.batch_ids, known.label_batch_ids, erased])])
    while _has_failed(run := _run_of(pool, usecase, parameters, key)):
        key = f"{key}:after-{str(run.id)[:8]}"
    return run


def _has_failed(run: FlowRun) -> bool:
    state = _state(run)
    return state.is_final() and not state.is_completed()


def _state(run: FlowRun) -> State[Any]:
    assert run.state is not None, "a run of a deployment is scheduled when it is made"
    return run.state


def _run_of(pool: WorkPool, usecase: str, parameters: dict[str, Any], key: str) -> FlowRun:
    name = f"{FIT}/{pool.size}"
    try:
        run = run_deployment(name, parameters=parameters, flow_run_name=usecase, idempotency_key=key, timeout=0)
        return cast(FlowRun, run)
    except ObjectNotFound as error:
        raise _not_deployed(pool, usecase, f"the Prefect server has no deployment {name}") from error
    except PrefectHTTPStatusError as error:
        if error.response.status_code >= 500:
            raise
        refused = f"the deployment {name} did not accept the request (status {error.response.status_code})"
        raise _not_deployed(pool, usecase, refused) from error


def _not_deployed(pool: WorkPool, usecase: str, problem: str) -> TerminalError:
    return TerminalError(
        f"{usecase} trains on a machine of size '{pool.size}', but {problem}",
        code="pool-not-deployed",
        value=pool.size,
        fix="Deploy again, with PERENNIAL_POOLS set.",
    )


def _awaited(workspace: Workspace, client: SyncPrefectClient, pool: WorkPool, usecase: str, run: FlowRun) -> FlowRun:
    """The run once it has ended. Raises TerminalError if no worker takes it, TransientError if it lost its machine."""
    started = seen = time.monotonic()
    former = _state(run)
    while not (state := _state(run)).is_final():
        now = time.monotonic()
        at_work = state.is_running() and at_work_since(workspace.settings, workspace.ledger, usecase, FIT)
        if at_work or state.type != former.type:
            seen = now
        if now - started > NO_WORKER_SECONDS and not state.is_running() and not _has_worker(client, pool):
            raise TerminalError(
                f"no worker of work pool '{pool.name}' is online; {usecase} has waited {now - started:.0f} seconds "
                "for one to train",
                code="pool-no-worker",
                value=pool.name,
                fix="Start one, and run the same command again: the training stays requested, and what was committed "
                "is safe.",
            )
        if now - seen > GONE_SECONDS.get(state.type, float("inf")):
            gone = "its machine was lost: the turn that it had is free"
            client.set_flow_run_state(run.id, Crashed(message=gone), force=True)
        former = state
        time.sleep(POLL_SECONDS)
        run = client.read_flow_run(run.id)
    return run


def _has_worker(client: SyncPrefectClient, pool: WorkPool) -> bool:
    workers = client.read_workers_for_work_pool(pool.name)
    return any(worker.status == WorkerStatus.ONLINE for worker in workers)


def _result(workspace: Workspace, pool: WorkPool, usecase: str, run: FlowRun) -> ChallengerEntry | NotYet:
    if NOT_YET in run.labels:
        return NotYet(str(run.labels[NOT_YET]))
    if CHALLENGER in run.labels:
        row = workspace.ledger.get(usecase, ChallengerEntry, str(run.labels[CHALLENGER]))
        if row is not None:
            return row.payload
    if (error := error_in(run.labels)) is not None:
        raise error
    state = _state(run)
    ended = f"{usecase}: the training on work pool '{pool.name}', flow run {run.name}, ended as {state.name}"
    ended += f": {state.message}" if state.message else ""
    if state.is_crashed():
        raise TransientError(ended, fix="Run the same command again: what was committed is safe.")
    raise TerminalError(ended, code="pool-failed", fix="Its log in Prefect has more. Then run the same command again.")


@contextmanager
def _prefect() -> Iterator[SyncPrefectClient]:
    """Asks the server. Raises TransientError if it does not answer."""
    try:
        with get_client(sync_client=True) as client:
            yield client
    except httpx.HTTPError as error:
        raise TransientError(f"the Prefect server does not answer: {error}", code="prefect-unreachable") from error
