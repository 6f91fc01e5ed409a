"""`perennial dossier`: writes a dossier and lists what is missing in it."""

from __future__ import annotations

from pathlib import Path

from perennial.cli.decisions import find_decision
from perennial.cli.output import as_json, flowing, say
from perennial.cli.reading import open_ledger
from perennial.errors import HeldBack, InputError
from perennial.evaluation.figures import counted
from perennial.governance.dossier import Dossier, dossier_of
from perennial.governance.records import Records, records_of
from perennial.governance.tier import lacking
from perennial.ledger.ledger import Ledger
from perennial.page.dossier import data_of, publish_dossier
from perennial.settings import settings
from perennial.usecase.reading import load_use_case


def dossier(usecase: str, decision: str | None, release: int | None, out: Path | None, check: bool, json: bool) -> None:
    """Raises HeldBack if a declared risk has lost its measure or, with `check`, if a required part is missing."""
    if decision is not None and release is not None:
        raise InputError(
            "--decision: is given together with --release\n  Give one of them.", code="dossier-two-subjects"
        )
    case, ledger = load_use_case(usecase, settings().usecases), open_ledger()
    named = None if decision is None else _id_of(ledger, usecase, decision)
    records = records_of(ledger, case.declaration, named, release)
    made = dossier_of(records)
    files = _written(out or settings().dossiers / usecase / made.about, made, records)
    if json:
        as_json({"files": [str(path) for path in files], **data_of(made)})
    else:
        _show(made, files)
    if made.gone:
        raise HeldBack("\n".join(map(str, made.gone)), code="dossier-measure-gone", field="governance.risk_items")
    lacks = [each for each in lacking(ledger, case.declaration) if check and not made.gaps]
    if lacks:
        raise HeldBack(
            f"{usecase}: risk tier {case.declaration.governance.risk} also requires {'; '.join(lacks)}",
            code="dossier-incomplete",
            field="governance",
        )
    if check and made.gaps:
        raise HeldBack(
            f"{usecase}: the dossier lacks {counted(len(made.gaps), 'required part', 'required parts')}",
            code="dossier-incomplete",
            field="governance",
        )


def _id_of(ledger: Ledger, usecase: str, given: str) -> str:
    """The id of the use case's decision that begins so. Raises InputError."""
    taken = find_decision(ledger, given, "--decision").payload
    if taken.usecase != usecase:
        raise InputError(f"--decision: {taken.id} is a decision of {taken.usecase}, not of {usecase}", value=taken.id)
    return taken.id


def _written(folder: Path, made: Dossier, records: Records) -> list[Path]:
    """Raises InputError where the folder cannot be written."""
    folder = folder.expanduser().resolve()
    try:
        return publish_dossier(folder, made, records)
    except OSError as error:
        raise InputError(
            f"--out: {folder} cannot be written: {error.strerror}", fix="Choose a folder you can write to."
        ) from error


def _show(made: Dossier, files: list[Path]) -> None:
    first, *others = files
    flowing(f"{made.usecase}: the dossier is {first}")
    if others:
        flowing(f"Beside it: {', '.join(path.name for path in others)}")
    if not made.gaps:
        say("Every required part is there.")
        return
    flowing(f"{counted(len(made.gaps), 'required part is', 'required parts are')} missing:")
    for gap in made.gaps:
        flowing(f"  {gap.chapter}. {gap.name}: {gap.field or gap.why}")
