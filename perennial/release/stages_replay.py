"""Looks at stages computed again from the tables, and compared with the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from perennial.clock import instant
from perennial.deciding.replay import Deviation, Replayed, first_difference
from perennial.deciding.then import Gone, needed
from perennial.errors import TableUnreadable
from perennial.evaluation.staged.verdict import look_at
from perennial.ledger.entries import Release, StageLooked
from perennial.ledger.erased import erased_since
from perennial.ledger.ledger import Ledger, Row
from perennial.release.stage_evidence import stage_evidence
from perennial.store.tables import Tables


def replay_look(
    ledger: Ledger,
    tables: Tables,
    usecase: str,
    row: Row[StageLooked],
    recomputed: Callable[[Ledger, Release], tuple[int, int]],
) -> Replayed:
    """Compute a look again from the predictions and labels that were known then.

    recomputed: the served predictions that are computed again, see `stage_evidence`, by the ledger of that time.
    Where rows were erased since, only the record is left, and nothing is compared.
    """
    looked, past = row.payload, ledger.before(row.position)
    try:
        release = needed(past.get(usecase, Release, str(looked.release_no)), f"release {looked.release_no}").payload
        seen = stage_evidence(tables, past, usecase, release, instant(looked.as_of), recomputed(past, release))
    except (Gone, TableUnreadable) as error:
        return _replayed(looked, 0, Deviation("data", None, None, str(error)))
    if not any(each.check == "scores" for each in looked.look.findings):
        seen = replace(seen, evidence=replace(seen.evidence, scores=None))  # earlier versions did not count them
    then = {"evidence": looked.evidence, "look": looked.look.model_dump(mode="json")}
    now = {"evidence": seen.digest, "look": look_at(seen.evidence).model_dump(mode="json")}
    numbers, differing = first_difference(then, now, exact=True)
    of_rows = differing is not None and differing[0] == "evidence"
    if of_rows and (erased := erased_since(ledger, usecase, row.position)):
        return replace(_replayed(looked, 0, None), erased=erased)
    cause = "predictions or labels were changed in the tables" if of_rows else "unknown"
    return _replayed(looked, numbers, Deviation(*differing, cause) if differing else None)


def _replayed(looked: StageLooked, numbers: int, difference: Deviation | None) -> Replayed:
    return Replayed(f"look {looked.key}", "", looked.look.verdict, True, True, numbers, difference)
