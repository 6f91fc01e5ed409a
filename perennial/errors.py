"""The errors of Perennial. Each is made from data: a stable code, the field, the value, how to fix it, and a message.

The kind determines what the orchestrator does: a `TransientError` may resolve itself and is retried by the task's
policy, a `TerminalError` requires someone to act. `docs/errors.md` has a section for every code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from perennial.secrets import mask_deep, masked

Kind = Literal["transient", "terminal", "input", "held"]

_FIELD = re.compile(r"(--?[a-z][a-z-]*|[A-Z][A-Z0-9_]+|[a-z_]+(?:\.[a-z_]+)+(?:\[\d+\])?): ")


class PerennialError(Exception):
    """Everything Perennial raises on purpose.

    code: stable, in kebab case. Each class has one; a single error may have a more specific one.
    field: the field, option or variable concerned, None if there is none.
    value: its value, if that is known and not secret.
    fix: how to fix it; empty if the message contains it.
    exit_code: of the command line.

    Without `fix`, it is taken from the lines of the message after the first; without `field`, from the dotted name,
    variable or option that the message begins with.

    >>> str(InputError("is not a day", field="source.first", value="soon", fix="write it as 2024-01-01"))
    'source.first: is not a day\\n  write it as 2024-01-01'
    >>> InputError("source.first: is not a day\\n  write it as 2024-01-01").field
    'source.first'
    """

    exit_code = 1
    kind: Kind = "terminal"
    code = "failed"

    def __init__(
        self,
        message: object = "",
        *,
        code: str | None = None,
        field: str | None = None,
        value: Any = None,
        fix: str | None = None,
    ) -> None:
        first, _, more = masked(str(message)).partition("\n")
        if field is not None and not first.startswith(f"{field}: "):
            first = f"{field}: {first}"
        super().__init__("\n".join(part for part in (first, more, f"  {masked(fix)}" if fix else "") if part))
        named = _FIELD.match(first)
        if code is not None:
            self.code = code
        self.field = field if field is not None else named[1] if named else None
        self.value = mask_deep(value)
        self.fix = masked(fix) if fix is not None else " ".join(more.split())

    def __str__(self) -> str:
        return masked(super().__str__())


class TransientError(PerennialError):
    """A problem that may resolve itself: a locked database, a server that does not answer."""

    kind: Kind = "transient"
    code = "try-again"


class TurnLost(TransientError):
    """Another process has the turn of a run that was paused or cut off. Another run may help, another try does not."""

    code = "turn-lost"


class TerminalError(PerennialError):
    """A problem that retrying does not solve: someone has to act."""


class DiskFull(TerminalError):
    """The disk is full: what was being written is not used, what was committed before is safe."""

    code = "disk-full"


class InputError(TerminalError):
    """The input is wrong and was refused before anything was changed."""

    exit_code = 2
    kind: Kind = "input"
    code = "input-wrong"


class HeldBack(TerminalError):
    """A gate refused: a batch is held, or nothing may be released."""

    exit_code = 3
    kind: Kind = "held"
    code = "held-back"


class Unfinished(TransientError):
    """A command recorded its result and then failed. The message states what is recorded."""

    code = "unfinished"


@contextmanager
def on_record(done: str) -> Iterator[None]:
    """If something fails inside the block, the message states what was done before.

    done: a clause in lower case, for example "the approval by Ada is recorded".
    Raises Unfinished; a HeldBack stays a HeldBack, because repeating the command does not help.
    """
    recorded = f"{done[0].upper()}{done[1:]}."
    try:
        yield
    except HeldBack as error:
        error.args = (f"{error}\n  {recorded}",)
        raise
    except (PerennialError, OSError) as error:
        when = "" if isinstance(error, TransientError) else " once that is fixed"
        raise Unfinished(
            f"{error}\n  {recorded} Only a later step failed: run the same command again{when}. "
            "It finishes the rest and records nothing twice."
        ) from error


class RegistryProblem(PerennialError):
    """Something is wrong with the model registry or its contents."""


class RegistryDown(RegistryProblem, TransientError):
    """The model registry does not answer. No release happens without it."""

    code = "registry-unreachable"


class RegistryRefused(RegistryProblem, TerminalError):
    """The model registry answers, but does not let us in: no password, a wrong one, or no right to do that."""

    code = "registry-refused"


class RegistryStranger(RegistryProblem, TerminalError):
    """Something answers in the model registry's place, but it is not MLflow."""

    code = "registry-not-mlflow"


class RegistryRejected(RegistryProblem, TerminalError):
    """The model registry does not take what it was given."""

    code = "registry-rejected"


class RegistryDamaged(RegistryProblem, TerminalError):
    """The model registry's database cannot be read."""

    code = "registry-damaged"


class ExperimentDeleted(RegistryProblem, TerminalError):
    """A use case's experiment was deleted or renamed in MLflow, so no run can be recorded."""

    code = "experiment-deleted"


class RunDeleted(RegistryProblem, TerminalError):
    """A run was deleted in MLflow, so nothing can be noted on it."""

    code = "run-deleted"


class TableUnreadable(TerminalError):
    """A table's files are missing or damaged."""

    code = "table-unreadable"


class ModelUnloadable(TerminalError):
    """A registered model cannot be loaded: bytes missing, changed, or of a type we do not trust."""

    code = "model-unloadable"


class ModelDeleted(ModelUnloadable):
    """A model version is no longer in the registry under its name: it was deleted, or its model renamed."""

    code = "model-deleted"


class ReleaseLost(HeldBack):
    """Somebody else released first; the message names who."""

    code = "release-lost"


class LedgerBroken(TerminalError):
    """The hash chain does not hold: a row was changed, removed or inserted behind our back."""

    code = "ledger-broken"
