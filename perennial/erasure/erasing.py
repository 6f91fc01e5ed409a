"""Erase the rows of keys from every place of a home, then record it. Killed anywhere, the same call goes on.

Landed bytes come last, because from them is known what belongs to the rows alone; then models, which cannot be loaded
until the record has their new digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from perennial.clock import write_instant
from perennial.erasure.databases import Database, databases, has_traces, remove_from_database
from perennial.erasure.in_ledger import refuse_what_stays, rows_in_ledger
from perennial.erasure.keys import Keys
from perennial.erasure.landed import LandedRows, erase_from_landing, rows_in_landing
from perennial.erasure.models import Touched, refuse_unsignable, rewrite_model, touched_models
from perennial.erasure.own_texts import OwnTexts, own_texts
from perennial.erasure.recording import Request, next_number, recorded, unfinished
from perennial.erasure.tabled import Found, erase_from_tables, rows_in_tables
from perennial.erasure.traces import remove_from_results, remove_traces, traces, traces_in_results
from perennial.erasure.unfinished import Begun, Note
from perennial.ledger.entries import Erased, ModelErased
from perennial.ledger.present import time_of
from perennial.release.approvals import Person
from perennial.release.archiving import models_of, take_back
from perennial.store.site import forget_shared
from perennial.store.workspace import Workspace


@dataclass(frozen=True)
class Here:
    """What is kept of the keys. own: texts that only their rows have. results: names of results of checks.

    in_ledger: see `rows_in_ledger`.
    """

    landed: list[LandedRows]
    tables: Found
    own: OwnTexts
    results: list[str]
    files: list[Path]
    databases: list[Database]
    models: list[Touched]
    in_ledger: dict[str, int]

    def counts(self, home: Path) -> dict[str, int]:
        """Place → how many rows or files; places without any are left out."""
        landed = sum(each.rows for each in self.landed)
        counts: dict[str, int] = {"landing": landed} if landed else {}
        counts |= {name: sum(batches.values()) for name, batches in self.tables.items()}
        return counts | {kind: len(names) for kind, names in self.files_by_kind(home).items()}

    def files_by_kind(self, home: Path) -> dict[str, list[str]]:
        """Kind of file, which is the folder that it is in, or `models` → the names of those to change."""
        kinds: dict[str, list[str]] = {"validations": self.results} if self.results else {}
        for path in self.files:
            kinds.setdefault(path.relative_to(home).parts[0], []).append(str(path))
        for database in self.databases:
            kinds.setdefault(database.of, []).append(str(database))
        if changed := [str(each.entry.model.version) for each in self.models if each.has_texts or each.goes]:
            kinds["models"] = changed
        return kinds


def what_is_here(workspace: Workspace, keys: Keys) -> Here:
    """Look in every place. Nothing is changed."""
    usecase = keys.declaration.name
    landed = rows_in_landing(workspace.landing, workspace.ledger, keys)
    tables = rows_in_tables(workspace.tables, keys)
    own = own_texts(workspace, keys, landed, tables)
    models = touched_models(workspace, usecase, tables.get("accepted", {}), own)
    in_databases = [each for each in databases(workspace.settings) if own and has_traces(each, own)]
    in_ledger = rows_in_ledger(workspace.ledger, usecase, own) if own.words else {}
    results, files = traces_in_results(workspace.validations, own), traces(workspace.settings, own)
    return Here(landed, tables, own, results, files, in_databases, models, in_ledger)


def erase_keys(
    workspace: Workspace, keys: Keys, person: Person, reason: str, now: datetime, leave_record: bool = False
) -> Erased | None:
    """Erase the keys while no other run of the use case goes on; None if nothing is here and nothing is unfinished.

    now: by the machine's clock. leave_record: go on although the ledger has a value of the rows, which stays.
    Raises InputError for such a value, TransientError if another run holds its turn.
    """
    usecase = keys.declaration.name
    with workspace.undisturbed(usecase):
        take_back(workspace, usecase, models_of(workspace.ledger, usecase))
        forget_shared(workspace.files, usecase)
        as_of = time_of(workspace.ledger, keys.declaration, now)
        here = what_is_here(workspace, keys)
        if not leave_record:
            refuse_what_stays(here.in_ledger, usecase)
        refuse_unsignable(here.models, workspace.signatures)
        return _erase(workspace, keys, here, person, reason, as_of)


def _erase(workspace: Workspace, keys: Keys, here: Here, person: Person, reason: str, as_of: datetime) -> Erased | None:
    usecase, home = keys.declaration.name, workspace.settings.home
    number = next_number(workspace, usecase)
    former = unfinished(workspace, usecase, "asked", number)
    if not here.counts(home) and former is None:
        return None
    begun = _begun(workspace, usecase, number, here).with_former(former)
    Note(workspace.files, usecase, "asked").begin(begun)
    remove_from_results(workspace.validations, here.results, here.own)
    remove_traces(home, here.files, here.own)
    for database in databases(workspace.settings):
        if str(database) in begun.files.get(database.of, ()):  # also one that a killed call did not write anew
            remove_from_database(database, here.own)
    erase_from_tables(workspace.tables, keys, here.tables)
    for name in begun.tables:
        workspace.tables.forget(usecase, name)
    for model in here.models:
        if rewrite_model(model, here.own, number, workspace.signatures) and model.folder is not None:
            workspace.registry.write_back(usecase, model.entry.model, model.folder)
    for landed in here.landed:
        erase_from_landing(workspace.landing, usecase, landed)
    policy = keys.declaration.governance.erasure
    request = Request(
        "asked", person.name, person.proof, reason, write_instant(as_of), policy.models, policy.reason.strip()
    )
    return recorded(workspace, usecase, begun, request)


def _begun(workspace: Workspace, usecase: str, number: int, here: Here) -> Begun:
    tables = workspace.tables
    before = {
        name: {batch: tables.count(usecase, name, batch) for batch in batches} for name, batches in here.tables.items()
    }
    models = [
        ModelErased(
            version=each.entry.model.version,
            challenger=each.entry.challenger,
            was=workspace.registry.digest(usecase, each.entry.model),
            now="",
            learned=each.learned,
            keeps_rows=each.keeps_rows and not each.goes,
            in_use=each.in_use,
        )
        for each in here.models
    ]
    landings = {each.name: each.rows for each in here.landed}
    return Begun(number, before, landings, here.files_by_kind(workspace.settings.home), tuple(models), here.in_ledger)
