"""What a flow run is called in Prefect's lists: the use case and what the run is about."""

from __future__ import annotations

from collections.abc import Callable

from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from perennial.ledger.entries import Trigger


def named_by(parameter: str, otherwise: str) -> Callable[[], str]:
    """A name like `shop-2023-01`, of the use case and one parameter; `otherwise` stands where that is empty."""

    def name() -> str:
        given = flow_run.parameters[parameter]
        about = given.kind if isinstance(given, Trigger) else given
        return run_name(flow_run.parameters["usecase"], about or otherwise)

    return name


def run_name(usecase: str, about: str) -> str:
    """`shop` and `new_batch` are `shop-new-batch`."""
    return f"{usecase}-{about}".replace("_", "-")


def rename_run(usecase: str, about: str) -> None:
    """Call the running flow by what it turned out to be about, where it did not know at its start."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.name == run_name(usecase, about):
        return
    context.client.set_flow_run_name(flow_run_id=context.flow_run.id, name=run_name(usecase, about))
    context.flow_run.name = run_name(usecase, about)
