"""Write a dossier for a risk officer."""

from __future__ import annotations

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, tag_run
from tasks.dossiers import write_dossier
from tasks.page import renew_page


@flow(
    name="dossier", flow_run_name=named_by("usecase", otherwise="dossier"), on_running=[tag_run], timeout_seconds=1800
)
def dossier(usecase: UseCaseName, decision: str | None = None, release: int | None = None) -> str:
    """Write what the record proves and people stated about a model, for a risk officer.

    It changes nothing that is recorded, so it needs no turn: cycles go on meanwhile.

    Args:
        usecase: The use case that the dossier is about.
        decision: The whole id of a decision. Empty: what is live now.
        release: The number of a release, instead of a decision. Empty: what is live now.
    """
    written = write_dossier(usecase, decision, release)
    renew_page(usecase)
    return written
