"""Which command helps with an error: the core knows none, so that its messages are true in a form and a log as well."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perennial.errors import PerennialError
from perennial.usecase.mistakes import DeclarationError

_COMMANDS = {
    "anchor-key-missing": "`perennial keys FILE --name NAME` makes one",
    "anchor-none": "`perennial anchor` writes one",
    "anchor-incomplete": "`perennial anchor` writes the next",
    "batch-none": "`perennial ingest USECASE` takes the first one in",
    "batch-unknown": "`perennial batches USECASE` lists them",
    "batch-unreadable": "`perennial run {value}` goes on once it is corrected; --batch NAME takes a later one",
    "declaration-empty": "`perennial init DATA` drafts a declaration from data",
    "declaration-not-found": "`perennial init DATA` drafts a declaration from data",
    "decisions-none": "`perennial decisions USECASE` lists what was compared",
    "erase-in-ledger": "`perennial erase USECASE --key KEY --leave-record --reason TEXT` erases the rest",
    "erasure-unfinished": "`perennial erase USECASE --key KEY --reason TEXT` or `perennial retain USECASE` goes on",
    "fleet-nothing-chosen": "`perennial fleet` lists all use cases",
    "experiment-deleted": "`perennial doctor USECASE` shows whether all is back",
    "model-key-missing": "`perennial keys FILE --models` makes one",
    "model-signature": "`perennial verify-model USECASE` shows the state of each version",
    "model-deleted": "`perennial rollback USECASE --reason TEXT` makes the former version live again, if this one was",
    "model-unloadable": "`perennial doctor USECASE` shows what is live and cannot be loaded",
    "head-invalid": "`perennial status USECASE` prints it",
    "lineage-unknown": "`perennial batches USECASE` and `perennial decisions USECASE` list ids",
    "ledger-broken": "`perennial ledger verify` follows the whole chain",
    "pool-not-deployed": "`perennial deploy` does so",
    "releases-frozen": "`perennial resume USECASE --by NAME --reason TEXT` ends it",
    "rollback-nothing": "`perennial status {value}` shows what is live; `perennial train {value}` trains another model",
    "template-is-use-case": "`perennial run {value}` runs it",
    "template-unknown": "`perennial fleet` lists all use cases",
    "release-lost": "`perennial status USECASE` shows what is live",
    "rollback-live": "`perennial rollback USECASE --from {value} --reason TEXT` takes it back too",
}
_OPTIONS = {
    "anchor-authority-missing": ("authority",),
    "anchor-key-missing": ("key",),
    "anchor-key-invalid": ("key",),
    "anchor-key-name": ("name",),
    "anchor-missing": ("key", "authority"),
    "anchor-place-invalid": ("anchor",),
    "backtest-unknown-life": ("policies", "windows", "schedule", "serve", "evaluate"),
    "backtest-no-alarm": ("schedule",),
    "batch-not-in-source": ("batch", "first", "last"),
    "batch-unknown": ("batch",),
    "range-reversed": ("last",),
    "init-needs-answer": ("target", "time", "key"),
    "check-unclear": ("batch", "check"),
    "erase-key": ("key", "keys-file"),
    "fleet-nothing-chosen": ("owner", "tag"),
    "head-invalid": ("head",),
    "release-unknown": ("from",),
    "tag-invalid": ("tag",),
    "version-unknown": ("version",),
    "stage-unsigned": ("by", "reason"),
    **dict.fromkeys(
        ("approver-twice", "approver-unknown", "person-differs", "person-missing", "person-not-proven"), ("by",)
    ),
}
"""code → what the core asks for, each an option here."""

_ARGUMENTS = dict.fromkeys(("template-is-use-case", "template-unknown"), "template")
"""code → what the core asks for that is an argument here, written as help shows it."""


EXAMPLES = {
    "--batch": "--batch 2024-03",
    "--by": "--by Ada",
    "--reason": '--reason "as agreed in ticket 123"',
}
"""Every option that a command needs, and others whose value is often forgotten, as they can be typed."""


def example_of(options: Sequence[str]) -> str:
    """How to write these options; empty if none needs an example.

    >>> example_of(["--reason", "--by"])
    'write for example --reason "as agreed in ticket 123" --by Ada'
    """
    examples = " ".join(EXAMPLES[each] for each in options if each in EXAMPLES)
    return f"write for example {examples}" if examples else ""


def command_for(error: PerennialError) -> str | None:
    """A sentence with the command that helps, which may name the error's value; None where no single one does."""
    codes = (
        [error.code, *(each.code for each in error.mistakes)] if isinstance(error, DeclarationError) else [error.code]
    )
    value = "USECASE" if error.value is None else str(error.value)
    return next((_COMMANDS[code].replace("{value}", value) for code in codes if code in _COMMANDS), None)


def as_typed(error: PerennialError, text: str) -> str:
    """A text of an error, with what it asks for written as the option that a person types: `time: ` as `--time: `."""
    if argument := _ARGUMENTS.get(error.code):
        return re.sub(rf"^{argument}(?=: |$)", argument.upper(), text, flags=re.MULTILINE)
    names = "|".join(_OPTIONS.get(error.code, ()))
    return re.sub(rf"^({names})(?=: |$)", r"--\1", text, flags=re.MULTILINE) if names else text
