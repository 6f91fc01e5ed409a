"""Automated responses to an episode: freezing releases, and rolling back, each once per episode."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from perennial.clock import instant, write_instant
from perennial.errors import HeldBack, InputError, ModelUnloadable
from perennial.ledger.entries import Episode, Recorded, Release, ReleasesFrozen, RollbackNotPossible, Severity
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release
from perennial.release.rollback import roll_back
from perennial.usecase.declared_alerts import Responses
from perennial.watching.explained import OF_STAGES


def respond(
    ledger: Ledger,
    usecase: str,
    responses: Responses,
    episode: Episode,
    severity: Severity,
    as_of: datetime,
    batch: str,
    try_out: Callable[[Release], object],
) -> list[Recorded]:
    """Do what is declared for an open episode of that severity; the rows that this call wrote.

    A repeated call writes nothing more, even after a person has resumed or released something else.
    try_out: called with the release to restore before anything is written. Raises LedgerBroken.
    """
    written: list[Recorded] = []
    if episode.channel == OF_STAGES:
        return written  # the candidate was taken away already, and the champion did nothing
    for action in responses.to(severity):
        if action == "freeze":
            frozen = ReleasesFrozen(
                episode=episode.episode, as_of=write_instant(as_of), batch=batch, detail=episode.detail
            )
            row, new = ledger.append(usecase, frozen)
            written += [row.payload] if new else []
        elif action == "roll_back":
            written += _roll_back(ledger, usecase, episode, as_of, try_out)
    return written


def _roll_back(
    ledger: Ledger, usecase: str, episode: Episode, as_of: datetime, try_out: Callable[[Release], object]
) -> list[Recorded]:
    """Restore the former champion unless this episode has done so, or could not.

    The restored model is live from `as_of`, or from the start of the release that it replaces if that is later.
    """
    if any(row.payload.cause == episode.episode for row in ledger.all(usecase, Release)):
        return []
    if ledger.get(usecase, RollbackNotPossible, episode.episode) is not None:
        return []
    try:
        live = _still_live(ledger, usecase, episode)
        since = max(as_of, instant(live.as_of))
        asked = (episode.detail, live.release_no, try_out, episode.episode)
        done = roll_back(ledger, usecase, since, *asked, of_champion=True)
        return [done.row.payload]
    except (HeldBack, InputError, ModelUnloadable) as error:
        why = str(error).partition("\n")[0]
        row, _ = ledger.append(
            usecase, RollbackNotPossible(episode=episode.episode, as_of=write_instant(as_of), why=why)
        )
        return [row.payload]


def _still_live(ledger: Ledger, usecase: str, episode: Episode) -> Release:
    """The live release if its champion is the one that the episode is about, whatever refits joined it since.

    Raises HeldBack if another champion is live, or if it is itself a restored one.
    """
    live = current_release(ledger, usecase)
    opened = ledger.get(usecase, Release, str(episode.release_no))
    if live is None or opened is None or live.champion.model != opened.payload.champion.model:
        raise HeldBack(f"{usecase}: the model that the episode is about is no longer live")
    if live.kind == "rollback" and not live.leaves_models:
        raise HeldBack(f"{usecase}: release {live.release_no} is itself a rollback; going further back takes a person")
    return live
