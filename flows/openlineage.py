"""Send OpenLineage events."""

from __future__ import annotations

from prefect import flow

from tasks.lineage import send_lineage, usecases_with_lineage


@flow(name="openlineage", flow_run_name="openlineage", timeout_seconds=3600)
def openlineage() -> int:
    """Send every use case's OpenLineage events that receivers have not taken yet; return how many failed.

    Cycles do so at their end. A schedule also covers what people did since, and receivers that were away.
    """
    return sum(send_lineage(usecase) for usecase in usecases_with_lineage())
