"""The names of flow runs in Prefect: the use case and the subject of the run."""

from __future__ import annotations

from collections.abc import Callable

from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from perennial.ledger.entries import Trigger


def named_by(parameter: str, otherwise: str) -> Callable[[], str]:
    """A name such as `shop-2023-01`, from the use case and one parameter, or `otherwise` if that is empty."""

    def name() -> str:
        given = flow_run.parameters[parameter]
        about = given.kind if isinstance(given, Trigger) else given
        return run_name(flow_run.parameters["usecase"], about or otherwise)

    return name


def run_name(usecase: str, about: str) -> str:
    """`shop` and `new_batch` are `shop-new-batch`."""
    return f"{usecase}-{about}".replace("_", "-")


def rename_run(usecase: str, about: str) -> None:
    """Rename the running flow after its subject, if that was not known at its start."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.name == run_name(usecase, about):
        return
    context.client.set_flow_run_name(flow_run_id=context.flow_run.id, name=run_name(usecase, about))
    context.flow_run.name = run_name(usecase, about)
