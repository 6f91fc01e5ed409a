"""Which command helps with an error: the core knows none, so that its messages are true in a form and a log as well."""

from __future__ import annotations

from perennial.errors import PerennialError

_COMMANDS = {
    "batch-none": "`perennial ingest USECASE` takes the first one in",
    "batch-unknown": "`perennial batches USECASE` lists them",
    "batch-unreadable": "`perennial run USECASE --batch NAME` lets a later batch go first",
    "decisions-none": "`perennial decisions USECASE` lists what was compared",
    "experiment-deleted": "`perennial doctor USECASE` shows whether all is back",
    "model-deleted": "`perennial rollback USECASE` makes the former version live again, if this one was live",
    "model-unloadable": "`perennial doctor USECASE` shows what is live and cannot be loaded",
    "ledger-broken": "`perennial ledger verify` follows the whole chain",
    "release-lost": "`perennial status USECASE` shows what is live",
}


def command_for(error: PerennialError) -> str | None:
    """A sentence with the command that helps, None where no single one does."""
    return _COMMANDS.get(error.code)
