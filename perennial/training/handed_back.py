"""What a training on another machine hands back: labels of its run in Prefect, since memory and disk are not shared.

The models and the rows are in the stores that all machines share, so a label has an id, a reason or an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from perennial.errors import HeldBack, InputError, PerennialError, TerminalError, TransientError
from perennial.ledger.entries import ChallengerEntry
from perennial.training.readiness import NotYet

CHALLENGER, NOT_YET, ERROR = "perennial.challenger", "perennial.not_yet", "perennial.error"
Label = bool | int | float | str
_OF_KIND = {each.kind: each for each in (TransientError, TerminalError, InputError, HeldBack)}


def labels_of(made: ChallengerEntry | NotYet | PerennialError) -> dict[str, Label]:
    """A challenger by its id, the reason why there is none, or the error that ended the training."""
    if isinstance(made, PerennialError):
        error = {"class": type(made).__name__, "code": made.code, "kind": made.kind, "message": str(made)}
        more = {"field": made.field, "value": made.value, "fix": made.fix}
        return {ERROR: json.dumps(error | more, default=str)}
    return {NOT_YET: made.why} if isinstance(made, NotYet) else {CHALLENGER: made.challenger}


def error_in(labels: Mapping[str, Label]) -> PerennialError | None:
    """The error as it was raised there, of the same class if that is made from a message; None without one."""
    if ERROR not in labels:
        return None
    given = json.loads(str(labels[ERROR]))
    named = {each.__name__: each for each in _classes(PerennialError)}.get(given["class"], PerennialError)
    made = named if named.__init__ is PerennialError.__init__ and named is not PerennialError else None
    error = (made or _OF_KIND[given["kind"]])(given["message"], code=given["code"])
    error.field, error.value, error.fix = given["field"], given["value"], given["fix"]
    return error


def _classes(of: type[PerennialError]) -> Iterator[type[PerennialError]]:
    for each in of.__subclasses__():
        yield each
        yield from _classes(each)
