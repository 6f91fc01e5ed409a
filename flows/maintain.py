"""Remove what the home keeps and nothing reads, and move old models to the archive."""

from __future__ import annotations

from prefect import flow

from tasks.upkeep import archive_old_models, declared_usecases, remove_unread_files


@flow(name="maintain", flow_run_name="maintain", timeout_seconds=6 * 3600)
def maintain() -> list[str]:
    """Remove the unread files of every use case's tables, archive its old models; return those that had some."""
    return [usecase for usecase in declared_usecases() if [*remove_unread_files(usecase), *archive_old_models(usecase)]]
