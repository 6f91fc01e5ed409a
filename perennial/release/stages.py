"""Stages of a release: a candidate is tried beside the live models, and becomes the champion at the end or leaves.

Each change is one insert under the next release number, as every release. A look at the evidence is recorded first and
names the change that follows from it, so that a run killed between the two is completed by the next.
"""

from __future__ import annotations

from datetime import datetime
from itertools import permutations

from perennial.clock import write_instant
from perennial.errors import HeldBack, InputError
from perennial.ledger.entries import Candidate, ChallengerEntry, Decision, Release, StageLooked
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import current_release
from perennial.release.freeze import refuse_frozen
from perennial.release.planned_stages import full_release
from perennial.release.promote import insert_release

LEADS_ON = ("advance", "abort")
"""Verdicts of a look that a change of the release follows from."""


class NoStage(HeldBack):
    """No candidate is in a stage."""

    code = "stage-none"


def running(ledger: Ledger, usecase: str) -> tuple[Release, Candidate] | None:
    """The live release and its candidate, if one is in a stage."""
    release = current_release(ledger, usecase)
    return (release, release.candidate) if release is not None and release.candidate is not None else None


def looks_of(ledger: Ledger, usecase: str, release_no: int) -> list[Row[StageLooked]]:
    """The looks at the stage that a release began, in order."""
    return [row for row in ledger.all(usecase, StageLooked) if row.payload.release_no == release_no]


def undone_look(ledger: Ledger, usecase: str) -> Row[StageLooked] | None:
    """The look whose change of the release is missing, because a crash came in between."""
    now = running(ledger, usecase)
    if now is None:
        return None
    looks = looks_of(ledger, usecase, now[0].release_no)
    return looks[-1] if looks and looks[-1].payload.look.verdict in LEADS_ON else None


def follow_look(ledger: Ledger, usecase: str, looked: Row[StageLooked]) -> Row[Release] | None:
    """The change that follows from a look: the next stage, all keys, or the end of the candidate. None if it waits.

    Raises ReleaseLost if another release was made since, LedgerBroken; HeldBack while releases are frozen, which keeps
    a candidate from getting further but never from being taken away.
    """
    seen = looked.payload
    if seen.look.verdict not in LEADS_ON:
        return None
    began = _began(ledger, usecase, seen.release_no)
    if seen.look.verdict == "abort":
        change = _without_candidate(began, seen.as_of, seen.look.reason)
    else:
        refuse_frozen(ledger, usecase)
        change = _next(ledger, usecase, began, seen.as_of, seen.look.reason)
    change = change.model_copy(update={"look": looked.key})
    return insert_release(ledger, usecase, change, [looked.position])


def go_on(ledger: Ledger, usecase: str, release_no: int, as_of: datetime, by: str, reason: str) -> Row[Release]:
    """A person ends the stage that a release began, and the candidate gets further. Repeating it changes nothing more.

    Raises NoStage if that release has no candidate, ReleaseLost, HeldBack while releases are frozen, LedgerBroken.
    """
    refuse_frozen(ledger, usecase)
    began = _began(ledger, usecase, release_no)
    because = f"{by} ended the stage: {reason}"
    made = ledger.get(usecase, Release, str(release_no + 1))
    if made is not None and made.payload.reason.startswith(because):
        return made
    return insert_release(ledger, usecase, _next(ledger, usecase, began, write_instant(as_of), because))


def asked_to_go_on(by: str | None, reason: str | None) -> tuple[str, str] | None:
    """Who lets a candidate get further and why, for the record; None if nobody asks for it.

    Raises InputError, code `stage-unsigned`, for one without the other.

    >>> asked_to_go_on("Ada ", "no traffic in summer"), asked_to_go_on(None, "")
    (('Ada', 'no traffic in summer'), None)
    """
    asked = {"by": by or "", "reason": reason or ""}
    if not any(asked.values()):
        return None
    for (field, value), (other, given) in permutations(asked.items()):
        if not value.strip():
            raise InputError(
                f"{value!r} is empty, though {other} is {given!r}. Nothing was looked at or changed.",
                code="stage-unsigned",
                field=field,
                value=value,
                fix="Give both, who lets the candidate get further and why; or neither, for a look only.",
            )
    return asked["by"].strip(), asked["reason"].strip()


def _began(ledger: Ledger, usecase: str, release_no: int) -> Release:
    row = ledger.get(usecase, Release, str(release_no))
    if row is None or row.payload.candidate is None:
        raise NoStage(f"{usecase}: release {release_no} began no stage", value=release_no)
    return row.payload


def _without_candidate(began: Release, as_of: str, reason: str) -> Release:
    return began.model_copy(
        update={
            "release_no": began.release_no + 1,
            "kind": "abort",
            "stage": "full",
            "candidate": None,
            "look": None,
            "live_since": began.since,
            "as_of": as_of,
            "reason": reason,
        }
    )


def _next(ledger: Ledger, usecase: str, began: Release, as_of: str, reason: str) -> Release:
    candidate = began.candidate
    assert candidate is not None
    if candidate.at + 1 < len(candidate.stages):
        entered = candidate.model_copy(update={"at": candidate.at + 1, "since": as_of})
        return began.model_copy(
            update={
                "release_no": began.release_no + 1,
                "kind": "stage",
                "stage": entered.stage.kind,
                "candidate": entered,
                "look": None,
                "as_of": as_of,
                "reason": reason,
            }
        )
    decision = ledger.get(usecase, Decision, candidate.decision)
    challenger = ledger.get(usecase, ChallengerEntry, candidate.challenger)
    if decision is None or challenger is None:
        raise LookupError(f"decision {candidate.decision} of the candidate is not in the ledger")
    digest = challenger.payload.declaration_digest
    return full_release(decision.payload, digest, began.release_no + 1, as_of, reason)
