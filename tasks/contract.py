"""Watching whether batches come, in time and as agreed, also while there is none to watch the champion on."""

from __future__ import annotations

from datetime import datetime

from perennial.clock import instant, write_instant
from perennial.ledger.entries import BatchEntry
from perennial.ledger.present import current_release, first_with_champion, newest_entries
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.declaration import UseCase
from perennial.watching.channels.contract import CHANNEL, contract
from perennial.watching.health import episode_rows, open_with_severity
from perennial.watching.overdue import Overdue, overdue
from perennial.watching.past import past_before
from tasks.as_of import scheduled_start
from tasks.episodes import commit_episodes
from tasks.events import announce
from tasks.step import step


@step(timeout_minutes=5)
def watch_contract(usecase: str) -> None:
    """Open or raise an episode if the newest batch was held, or if the next one is overdue on the wall clock.

    The next accepted batch closes it, as for every channel: see `watch_champion`. Before the first release there is no
    champion that an episode could be about.
    """
    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    release = current_release(ledger, usecase)
    newest = max((row.payload for row in ledger.all(usecase, BatchEntry)), key=_arrival, default=None)
    if release is None or newest is None or CHANNEL.name not in case.declaration.watch.channels:
        return
    late = _overdue(workspace, case)
    if newest.status == "accepted" and late is None:
        return
    at = newest if late is None else newest.model_copy(update={"arrived_at": write_instant(scheduled_start())})
    rows = episode_rows(
        {CHANNEL.name: contract(newest, late)},
        [each for each in open_with_severity(ledger, usecase) if each.episode.channel == CHANNEL.name],
        at,
        past_before(ledger, usecase, instant(at.arrived_at)).reports,
        release_no=release.release_no,
        since_release=first_with_champion(ledger, usecase, release).release_no,
    )
    commit_episodes(ledger, usecase, rows)
    announce(usecase)


def _arrival(batch: BatchEntry) -> datetime:
    return instant(batch.arrived_at)


def _overdue(workspace: Workspace, case: UseCase) -> Overdue | None:
    """The next batch if it is overdue; on a replay clock, time stands still until it comes."""
    if case.declaration.clock != "wall":
        return None
    batches = list(newest_entries(workspace.ledger, case.name).values())
    cut = getattr(case.declaration.source, "batch", None)
    return overdue(
        batches, scheduled_start(), cut=cut if cut in CUTS else None, timezone=case.declaration.schema_.timezone
    )


CUTS = ("year", "month", "week", "day", "hour")
