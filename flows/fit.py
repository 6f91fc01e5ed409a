"""Train in place of a run on another machine."""

from __future__ import annotations

from datetime import datetime

from prefect import flow

from flows.forms import UseCaseName
from flows.names import named_by, tag_run
from perennial.ledger.entries import ChallengerEntry, Trigger
from perennial.training.readiness import NotYet
from tasks.training import fit_challenger
from tasks.work_pools import hand_back, in_place_of_another


@flow(
    name="fit",
    flow_run_name=named_by("trigger", otherwise="fit"),
    on_running=[tag_run],
    timeout_seconds=6 * 3600,
)
def fit(
    usecase: UseCaseName, as_of: datetime, trigger: Trigger, declaration: str, ledger: str
) -> ChallengerEntry | NotYet:
    """The training of a run that waits for it and has the turn of the use case. People use retrain.

    Args:
        usecase: Name of the use case, as in its declaration.
        as_of: Only what was known by then counts.
        trigger: What requests the training.
        declaration: Digest of the declaration of the run that waits.
        ledger: Hash of the first row of its ledger.
    """
    with in_place_of_another(usecase, declaration, ledger):
        challenger = fit_challenger(usecase, as_of, trigger)
    hand_back(challenger)
    return challenger
