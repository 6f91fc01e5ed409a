"""`perennial prediction`: one served prediction, what made it, and whether it can be made again."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from perennial.cli.output import as_json, working
from perennial.cli.tables import pairs
from perennial.settings import settings
from perennial.store.workspace import reading_workspace

if TYPE_CHECKING:
    from perennial.serving.looking_up import Found, Recomputed

_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\S)')
"""A text of a record, which stays as it is, or a comma between two of its fields."""


def prediction(id: str, replay: bool, json: bool) -> None:
    """Exit code 1 if the recomputed prediction differs in a bit."""
    from perennial.serving.looking_up import decision_behind, look_up, recomputed

    workspace = reading_workspace(settings())
    known = look_up(workspace, id)
    again = None
    if replay:
        with working("recomputing the prediction"):
            again = recomputed(workspace, known)
    classes = [str(each) for each in workspace.use_case(known.usecase).declaration.schema_.classes]
    decision = decision_behind(workspace.ledger, known)
    if json:
        as_json(_view(known, decision, classes, again))
    else:
        _show(known, decision, classes, again)
    if again is not None and not _same(known, again):
        sys.exit(1)


def _same(known: Found, again: Recomputed) -> bool:
    other = known.in_stage.other if known.in_stage is not None else None
    return (again.score, again.other) == (known.score, other)


def _view(known: Found, decision: str | None, classes: list[str], again: Recomputed | None) -> dict[str, Any]:
    candidate = known.release.candidate
    serves = candidate.serves if candidate and known.by_candidate else known.release.serves
    return {
        "id": known.id,
        "usecase": known.usecase,
        "at": known.at.isoformat(),
        "score": _named(known.score, classes),
        "received": known.received,
        "release_no": known.release.release_no,
        "versions": [{"version": each.model.version, "weight": each.weight} for each in serves],
        "decision": decision,
        "collected": known.collected,
        "recomputed": None if again is None else _named(again.score, classes),
        "same": None if again is None else _same(known, again),
        "stage": _stage_view(known, classes, again),
    }


def _stage_view(known: Found, classes: list[str], again: Recomputed | None) -> dict[str, Any] | None:
    if known.in_stage is None:
        return None
    stage, other = known.in_stage, again.other if again is not None else None
    return {
        "kind": known.release.stage,
        "arm": stage.arm,
        "candidate": stage.candidate,
        "other_score": None if stage.other is None else _named(stage.other, classes),
        "other_recomputed": None if other is None else _named(other, classes),
        "failed": stage.failed,
        "champion_us": stage.champion_us,
        "candidate_us": stage.candidate_us,
    }


def _named(score: tuple[float, ...], classes: list[str]) -> Any:
    return dict(zip(classes, score, strict=True)) if classes else score[0]


def _show(known: Found, decision: str | None, classes: list[str], again: Recomputed | None) -> None:
    release = known.release
    decided = decision or "none: see the release's reason"
    rows = [
        ("use case", known.usecase),
        ("answered", f"{known.at:%Y-%m-%dT%H:%M:%S.%fZ}"),
        ("score", str(_named(known.score, classes))),
        ("release", f"{release.release_no} ({release.versions}), live since {release.since}"),
        *_stage_rows(known, classes),
        ("decision", decided),
        ("record", _breakable(known.received)),
        ("stored", "in the table `predictions`" if known.collected else "in the log of the service, not collected yet"),
    ]
    if again is not None:
        rows.append(("recomputed", _compared(known.score, again.score, classes)))
    if again is not None and again.other is not None and known.in_stage is not None:
        rows.append(("other recomputed", _compared(known.in_stage.other, again.other, classes)))
    pairs(rows)


def _breakable(record: str) -> str:
    """A record with a space between fields, so that its lines can end there.

    >>> _breakable('{"at":"5th, 7 pm","price":80}')
    '{"at":"5th, 7 pm", "price":80}'
    """
    return _COMMA.sub(lambda part: part[1] or ", ", record)


def _compared(then: tuple[float, ...] | None, again: tuple[float, ...], classes: list[str]) -> str:
    return "the same, to the last bit" if again == then else f"DIFFERS: {_named(again, classes)}"


def _stage_rows(known: Found, classes: list[str]) -> list[tuple[str, str]]:
    if known.in_stage is None:
        return []
    stage = known.in_stage
    answered = f"the candidate, version {stage.candidate}" if known.by_candidate else f"{known.release.versions}, live"
    rows = [("stage", known.release.stage), ("arm", stage.arm), ("answered by", answered)]
    if stage.failed is not None:
        rows.append(("candidate", f"version {stage.candidate} had no score: {stage.failed}"))
    elif stage.other is not None:
        other = f"{known.release.versions}, live" if known.by_candidate else f"candidate, version {stage.candidate}"
        rows.append(("other score", f"{_named(stage.other, classes)} ({other})"))
    return [*rows, ("time", f"champion {stage.champion_us:,} µs, candidate {stage.candidate_us:,} µs")]
