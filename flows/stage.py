"""Look at the candidate in a stage."""

from __future__ import annotations

from prefect import flow
from pydantic import SecretStr

from flows.forms import UseCaseName, text_of
from flows.names import named_by, note_outcome, tag_run
from perennial.ledger.entries import Release
from perennial.release.stages import asked_to_go_on
from tasks.alerts import notify_people, respond_to_episodes
from tasks.as_of import present
from tasks.collecting import collect_if_any
from tasks.page import renew_page
from tasks.people import form_person
from tasks.staging import end_stage, look_at_stage
from tasks.turn import in_turn


@flow(name="stage", flow_run_name=named_by("reason", otherwise="look"), on_running=[tag_run], timeout_seconds=3600)
@in_turn
def stage(
    usecase: UseCaseName, by: str | None = None, reason: str | None = None, token: SecretStr | None = None
) -> Release | None:
    """Look at the evidence about the candidate in a stage: it gets further, waits, or is taken away.

    A cycle does this for each batch. Between batches, a schedule of this flow finds harm in served predictions sooner.

    Args:
        usecase: Name of the use case, as in its declaration.
        by: To let the candidate get further now, without waiting for evidence: your name. Needs a reason too.
        reason: Your reason for that, for the record. Leave both empty to look only.
        token: Your signed token, where tokens are required to let it get further.
    """
    advance = asked_to_go_on(by, reason)
    if advance is not None:
        person = form_person(usecase, advance[0], text_of(token))
        advance = person.name, advance[1]
    return _looked(usecase, advance)


@flow(name="stage", flow_run_name=named_by("reason", otherwise="look"), on_running=[tag_run], timeout_seconds=3600)
@in_turn
def stage_by_hand(usecase: str, by: str | None, reason: str | None) -> Release | None:
    """The same for a person whom the command line knows, or for nobody. No deployment has it."""
    return _looked(usecase, asked_to_go_on(by, reason))


def _looked(usecase: str, advance: tuple[str, str] | None) -> Release | None:
    now = present(usecase, None, None)
    collect_if_any()
    made = end_stage(usecase, now.as_of, *advance) if advance else look_at_stage(usecase, now.as_of)
    respond_to_episodes(usecase)
    if made is not None:
        note_outcome(usecase, f"{made.kind}: release {made.release_no}")
    renew_page(usecase)
    notify_people(usecase)
    return made
