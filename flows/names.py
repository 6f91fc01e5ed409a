"""The names of flow runs in Prefect: the use case and the subject of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from perennial.ledger.entries import Trigger

LONGEST = 120
"""Characters of a run's name; what a person wrote may be longer."""


def named_by(parameter: str, otherwise: str) -> Callable[[], str]:
    """A name such as `shop-2023-01`, from the use case and one parameter, or `otherwise` if that is empty."""

    def name() -> str:
        given = flow_run.parameters[parameter]
        about = given.kind if isinstance(given, Trigger) else str(given or "")
        return run_name(flow_run.parameters["usecase"], about or otherwise)

    return name


def run_name(usecase: str, about: str) -> str:
    """`shop` and `new_batch` are `shop-new-batch`."""
    return f"{usecase}-{about}".replace("_", "-")[:LONGEST]


def rename_run(usecase: str, about: str) -> None:
    """Rename the running flow after its subject, if that was not known at its start."""
    _rename(usecase, run_name(usecase, about))


def note_outcome(usecase: str, outcome: str, window: str = "") -> None:
    """Put the outcome into the name of the running flow: `shop-2013-07: version 4 released`.

    The list of runs then reads as a diary.
    """
    _rename(usecase, f"{run_name(usecase, window) if window else usecase}: {outcome}"[:LONGEST])


def tag_run(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tag a run with its use case, by which Prefect's lists filter. A hook for when a run starts."""
    usecase = flow_run.parameters.get("usecase")
    if usecase is not None and usecase not in flow_run.tags:
        with get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, tags=[*flow_run.tags, usecase])


def _rename(usecase: str, name: str) -> None:
    """A run of a whole fleet is about no single use case, and keeps its name."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.name == name:
        return
    if flow_run.parameters.get("usecase") != usecase:
        return
    context.client.set_flow_run_name(flow_run_id=context.flow_run.id, name=name)
    context.flow_run.name = name
