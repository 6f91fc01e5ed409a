"""The record of an erasure, from what was noted before its first change and what is there after its last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perennial.erasure.models import files_of
from perennial.erasure.unfinished import Begun, Note
from perennial.errors import HeldBack
from perennial.ledger.entries import ChallengerEntry, Erased, LandingErased, ModelErased, Proof, RowsErased
from perennial.ledger.erased import erasures
from perennial.model.artifact import PIPELINE_FILE, digest_model
from perennial.release.doctor import Disagreement
from perennial.store.workspace import Workspace

Cause = Literal["asked", "retention"]
CAUSES: tuple[Cause, ...] = ("asked", "retention")
_GO_ON: dict[Cause, str] = {
    "asked": "run the erasure again with the same keys: it goes on where it was killed",
    "retention": "apply the retention again: it goes on where it was killed",
}


@dataclass(frozen=True)
class Request:
    """Why something is erased. as_of: by the use case's clock. then, kept_because: what happens with models in use."""

    cause: Cause
    by: str
    proof: Proof
    reason: str
    as_of: str
    then: Literal["retrain", "keep"] = "retrain"
    kept_because: str = ""


def next_number(workspace: Workspace, usecase: str) -> int:
    """The number of the next erasure of a use case."""
    return len(erasures(workspace.ledger, usecase)) + 1


def unfinished(workspace: Workspace, usecase: str, cause: Cause, number: int) -> Begun | None:
    """What a killed call noted, which has no record yet; the note of one that was recorded is removed.

    Raises HeldBack if an erasure with the other cause is unfinished, because both would have the same number.
    """
    for each in CAUSES:
        note = Note(workspace.files, usecase, each)
        former = note.read()
        if former is not None and former.number < number:
            note.end()
        elif former is not None and each != cause:
            raise HeldBack(
                f"{usecase}: an erasure is unfinished ({'a person asked for it' if each == 'asked' else each})",
                code="erasure-unfinished",
                fix="Run it again first, with the same keys if a person asked for it: it goes on where it was killed.",
            )
        elif former is not None:
            return former
    return None


def left_unfinished(workspace: Workspace, usecase: str) -> list[Disagreement]:
    """Erasures that were killed on their way. Only who has the keys can let one go on."""
    notes = {cause: Note(workspace.files, usecase, cause).read() for cause in CAUSES}
    number = next_number(workspace, usecase)
    return [
        Disagreement(
            f"erasure {number} was interrupted, so that rows are removed from some places only", _GO_ON[cause], None
        )
        for cause, begun in notes.items()
        if begun is not None and begun.number == number
    ]


def recorded(workspace: Workspace, usecase: str, begun: Begun, request: Request) -> Erased:
    """Write the record, and remove the note."""
    left, tables = workspace.landing.erased(usecase), workspace.tables
    entry = Erased(
        number=begun.number,
        because=request.cause,
        by=request.by,
        proof=request.proof,
        reason=request.reason,
        as_of=request.as_of,
        landings=tuple(
            LandingErased(was=name, left=left[name], rows=rows)
            for name, rows in sorted(begun.landings.items())
            if name in left
        ),
        rows=tuple(
            RowsErased(table=name, batch=batch, rows=before - now, of=before)
            for name, batches in sorted(begun.tables.items())
            for batch, before in sorted(batches.items())
            if (now := tables.count(usecase, name, batch)) != before
        ),
        files={kind: len(names) for kind, names in sorted(begun.files.items())},
        models=tuple(_as_they_are(workspace, usecase, model) for model in begun.models),
        then=request.then,
        kept_because=request.kept_because,
        stays=begun.stays,
    )
    row, _ = workspace.ledger.append(usecase, entry)
    Note(workspace.files, usecase, request.cause).end()
    return row.payload


def _as_they_are(workspace: Workspace, usecase: str, before: ModelErased) -> ModelErased:
    """The same with the digest that its files have now."""
    entry = workspace.ledger.get(usecase, ChallengerEntry, before.challenger)
    assert entry is not None, "the model is one of a challenger"
    folder = files_of(workspace, usecase, entry.payload.model)
    gone = folder is None or not (folder / PIPELINE_FILE).exists()
    return before.model_copy(update={"now": "" if folder is None or gone else digest_model(folder)})
