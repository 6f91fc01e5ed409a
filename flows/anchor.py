"""Anchor the ledger."""

from __future__ import annotations

from prefect import flow

from tasks.anchoring import anchor_ledger, anchored_usecases


@flow(name="anchor", flow_run_name="anchor", timeout_seconds=3600)
def anchor() -> int:
    """Write the signed head of every use case's chain to the places outside the home; return how many failed.

    Cycles do so at their end. A schedule also covers what people did since, such as approvals.
    """
    return sum(anchor_ledger(usecase) for usecase in anchored_usecases())
