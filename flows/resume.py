"""Let a use case release again after an episode has frozen its releases."""

from __future__ import annotations

from prefect import flow
from pydantic import SecretStr

from flows.forms import UseCaseName, Words, text_of
from flows.names import named_by, note_outcome, tag_run
from perennial.ledger.entries import Release
from tasks.page import renew_page
from tasks.people import resume_releases
from tasks.turn import in_turn


@flow(
    name="resume",
    flow_run_name=named_by("by", otherwise="resume"),
    on_running=[tag_run],
    timeout_seconds=2 * 3600,
)
@in_turn
def resume(usecase: UseCaseName, by: Words, reason: Words, token: SecretStr | None = None) -> Release | None:
    """End the freeze of releases and release what the newest decision calls for. Repeated, it changes nothing more.

    Args:
        usecase: The use case whose releases are frozen.
        by: Your name, for the record.
        reason: Why it is safe to release again, in your words, for the record.
        token: Your signed token, where tokens are required.
    """
    done = resume_releases(usecase, by, reason, text_of(token))
    if not done.ended:
        note_outcome(usecase, "releases were not frozen")
    elif done.made is None:
        note_outcome(usecase, f"{by} resumed releases")
    else:
        note_outcome(usecase, f"{by} resumed releases, {done.made.are_live}")
    renew_page(usecase)
    return done.made
