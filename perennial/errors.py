"""Our few errors. An error names the field, the value, what state remains and the way out.

Two kinds decide what the orchestrator does: a `TransientError` may pass by itself
and is retried by the task's policy, a `TerminalError` is told to the person.
"""

from __future__ import annotations


class PerennialError(Exception):
    """Everything Perennial raises on purpose. `exit_code` is the command line's."""

    exit_code = 1


class TransientError(PerennialError):
    """Worth trying again: a locked database, a registry that does not answer."""


class TerminalError(PerennialError):
    """Trying again gives the same: somebody has to act."""


class DiskFull(TerminalError):
    """The disk took no more: what was being written does not count, what was committed before is safe."""


class InputError(TerminalError):
    """What the person gave is wrong; nothing has been changed."""

    exit_code = 2


class HeldBack(TerminalError):
    """A gate said no: a batch is held, or nothing may be released."""

    exit_code = 3


class RegistryDown(TransientError):
    """The model registry does not answer. No release happens without it."""


class TableUnreadable(TerminalError):
    """A table's files are missing or damaged."""


class ModelUnloadable(TerminalError):
    """A registered model cannot be loaded: bytes missing, changed, or of a type we do not trust."""


class ReleaseLost(HeldBack):
    """Somebody else released first; the message says who."""


class LedgerBroken(TerminalError):
    """The hash chain does not hold: a row was changed, removed or inserted behind our back."""
