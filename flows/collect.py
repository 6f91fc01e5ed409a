"""Collect served predictions."""

from __future__ import annotations

from prefect import flow

from tasks.collecting import collect_segments


@flow(name="collect", flow_run_name="collect", timeout_seconds=2 * 3600)
def collect() -> int:
    """Move the predictions that services have answered into the tables; each is moved once.

    Segments that a service still writes to wait until it closes them, within a minute or two.
    """
    return collect_segments()
