"""`perennial prediction`: one served prediction, what made it, and whether it can be made again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from perennial.cli.output import as_json, working
from perennial.cli.tables import pairs
from perennial.settings import settings
from perennial.store.workspace import reading_workspace

if TYPE_CHECKING:
    from perennial.serving.looking_up import Found


def prediction(id: str, replay: bool, json: bool) -> None:
    """Exit code 1 if the recomputed prediction differs in a bit."""
    from perennial.serving.looking_up import look_up, recomputed

    workspace = reading_workspace(settings())
    known = look_up(workspace, id)
    again = None
    if replay:
        with working("recomputing the prediction"):
            again = recomputed(workspace, known)
    classes = [str(each) for each in workspace.use_case(known.usecase).declaration.schema_.classes]
    if json:
        as_json(_view(known, classes, again))
    else:
        _show(known, classes, again)
    if again is not None and again != known.score:
        sys.exit(1)


def _view(known: Found, classes: list[str], again: tuple[float, ...] | None) -> dict[str, Any]:
    return {
        "id": known.id,
        "usecase": known.usecase,
        "at": known.at.isoformat(),
        "score": _named(known.score, classes),
        "received": known.received,
        "release_no": known.release.release_no,
        "versions": [{"version": e.model.version, "weight": e.weight} for e in known.release.serves],
        "decision": known.release.decision,
        "collected": known.collected,
        "recomputed": None if again is None else _named(again, classes),
        "same": None if again is None else again == known.score,
    }


def _named(score: tuple[float, ...], classes: list[str]) -> Any:
    return dict(zip(classes, score, strict=True)) if classes else score[0]


def _show(known: Found, classes: list[str], again: tuple[float, ...] | None) -> None:
    release = known.release
    decided = release.decision or "none: see the release's reason"
    rows = [
        ("use case", known.usecase),
        ("answered", f"{known.at:%Y-%m-%dT%H:%M:%S.%fZ}"),
        ("score", str(_named(known.score, classes))),
        ("release", f"{release.release_no} ({release.versions}), live since {release.as_of}"),
        ("decision", decided),
        ("record", known.received),
        ("stored", "in the table `predictions`" if known.collected else "in the log of the service, not collected yet"),
    ]
    if again is not None:
        same = "the same, to the last bit" if again == known.score else f"DIFFERS: {_named(again, classes)}"
        rows.append(("recomputed", same))
    pairs(rows)
