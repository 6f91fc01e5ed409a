"""`erase`: remove the rows of keys from everything that the home stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perennial.cli import machine_clock
from perennial.cli.acting import acting_person
from perennial.cli.approving import given
from perennial.cli.output import as_json, flowing
from perennial.erasure.erasing import erase_keys, what_is_here
from perennial.erasure.keys import keys_of
from perennial.erasure.unwritten import wait_until_written
from perennial.erasure.words import erased_in_words, not_reached, places_in_words, planned_in_words
from perennial.errors import on_record
from perennial.ledger.entries import Erased
from perennial.ledger.learned_erased import learned_erased
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import open_question
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace, reading_workspace


@dataclass(frozen=True)
class Asked:
    """What a person asks to erase. keys: typed. file: with more of them. leave_record: see `erase_keys`."""

    keys: tuple[str, ...]
    file: Path | None
    leave_record: bool


def erase(usecase: str, asked: Asked, by: str | None, reason: str, dry_run: bool, json: bool) -> None:
    """Not through Prefect, which keeps the parameters of its runs, and with them the keys."""
    acting_person(by)
    given("--reason", reason)
    workspace = reading_workspace(settings()) if dry_run else open_workspace(settings())
    declaration = workspace.use_case(usecase).declaration
    person, keys = acting_person(by, declaration), keys_of(declaration, asked.keys, asked.file)
    if dry_run:
        here = what_is_here(workspace, keys)
        counts = here.counts(workspace.settings.home)
        _show_here(usecase, counts, here.in_ledger, json)
        for line in planned_in_words(workspace.settings, declaration) if counts and not json else ():
            flowing(line)
        return
    _collect(workspace)
    from perennial.processes.prefect_server import running_server

    if server := running_server(workspace.settings):
        wait_until_written(server.url, machine_clock.now())
    erased = erase_keys(workspace, keys, person, reason, machine_clock.now(), asked.leave_record)
    if erased is not None:
        with on_record(f"erasure {erased.number} is recorded"):
            _renew_page(workspace, usecase)
    if json:
        as_json(erased.model_dump(mode="json") if erased else None)
        return
    if erased is None:
        of = f"{'this key' if len(keys.wanted) == 1 else 'any of these keys'} ({', '.join(declaration.schema_.key)})"
        flowing(f"{usecase}: no row with {of} is here. Nothing was changed.")
        return
    for line in (*erased_in_words(usecase, erased), *_waiting_in_words(workspace.ledger, usecase, erased)):
        flowing(line)
    for line in not_reached(workspace.settings):
        flowing(f"  not reached: {line}")


def _waiting_in_words(ledger: Ledger, usecase: str, erased: Erased) -> Iterator[str]:
    """That versions which wait may still go live although they may have learned from the rows, and what prevents it."""
    if erased.then != "retrain":
        return
    question = open_question(ledger, usecase)
    for each in learned_erased(ledger, usecase):
        if each.is_live or erased.number not in each.erasures:
            continue
        if question is not None and question.challenger.version == each.version:
            yield (
                f"  version {each.version} waits for a person, who may still release it: "
                f"`perennial refuse {question.id} --by NAME --reason TEXT` ends that"
            )
        else:
            yield (
                f"  version {each.version} waits, and the next cycle may still release it before it trains: "
                f"`perennial train {usecase} --reason TEXT` trains a version that takes its place"
            )


def _show_here(usecase: str, counts: dict[str, int], in_ledger: dict[str, int], json: bool) -> None:
    if json:
        as_json({"usecase": usecase, "would_erase": counts, "stays": in_ledger})
        return
    flowing(f"{usecase}: would erase {places_in_words(counts)}. Nothing was changed.")
    if in_ledger:
        flowing(f"  would stay in the ledger: {', '.join(f'{kind} ({rows})' for kind, rows in in_ledger.items())}")


def _collect(workspace: Workspace) -> None:
    """Served predictions become rows of a table, from which they can be removed."""
    if any(workspace.settings.served.glob("*.served")):
        from tasks.collecting import collect_segments

        collect_segments.fn()


def _renew_page(workspace: Workspace, usecase: str) -> None:
    from tasks.page import refresh_page

    refresh_page(workspace, usecase)
