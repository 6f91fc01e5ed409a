"""Remove what is older than its declared retention."""

from __future__ import annotations

from prefect import flow

from tasks.page import renew_page
from tasks.retaining import retain_rows, retained_usecases


@flow(name="retain", flow_run_name="retain", timeout_seconds=6 * 3600)
def retain() -> list[str]:
    """Apply the retention of every use case that declares one; return those from which something was removed."""
    removed = [usecase for usecase in retained_usecases() if retain_rows(usecase)]
    for usecase in removed:
        renew_page(usecase)
    return removed
