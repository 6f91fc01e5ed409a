"""What a command that fails leaves behind: a message on standard error, JSON where asked for, an exit code."""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from perennial.cli.hints import as_typed, command_for, example_of
from perennial.cli.output import as_json, flowing_note, json_wanted, note
from perennial.errors import DiskFull, InputError, PerennialError, TerminalError, TransientError
from perennial.secrets import masked
from perennial.usecase.mistakes import DeclarationError, Mistake

DOCS = "docs/errors.md"
_NO_ANSWER = {("httpx", "TransportError"), ("prefect.exceptions", "PrefectHTTPStatusError")}
"""What Prefect's client raises where its server is gone or too busy. Named, so that they need not be imported."""


class Unexpected(TerminalError):
    """Something that Perennial did not foresee. Its trace is in a file, whose name is in the message."""

    code = "unexpected"


class Interrupted(TransientError):
    """A person stopped the command, usually with Ctrl-C."""

    code = "interrupted"
    exit_code = 130


@cache
def usage_error() -> type[Exception]:
    """What the command line raises for an unknown command or option, or an argument that is missing."""
    from typer import BadParameter

    usage: type[Exception] = BadParameter.__mro__[1]
    return usage


def report(error: Exception) -> int:
    """Print the error, as JSON too where the command has `--json`; the exit code."""
    ours = error if isinstance(error, PerennialError) else _misused(error)
    if json_wanted():
        as_json({"error": error_view(ours)})
    flowing_note(as_typed(ours, str(ours)))
    hint = command_for(ours)
    if hint and not hint.startswith(f"`{command_run()}`"):  # advice to run what was just run would be none
        flowing_note(f"  {hint}")
    return ours.exit_code


def command_run() -> str:
    """The command that was typed, without its options."""
    words = takewhile(lambda word: not word.startswith("-"), sys.argv[1:])
    return f"perennial {' '.join(words)}"


def error_view(error: PerennialError) -> dict[str, Any]:
    """An error in the field names of `--json`."""
    mistakes = error.mistakes if isinstance(error, DeclarationError) else ()
    return {
        "code": error.code,
        "kind": error.kind,
        "message": as_typed(error, str(error)),
        "field": as_typed(error, error.field) if error.field else None,
        "value": _plain(error.value),
        "fix": error.fix,
        "command": command_for(error),
        "docs": f"{DOCS}#{error.code}",
        "mistakes": [_mistake_view(mistake) for mistake in mistakes],
    }


def unexpected(error: Exception) -> PerennialError:
    """The error to report for one that is not ours: what the system refuses by name, anything else with a log file."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("the disk is full: what was being written does not count\n  Make room and run it again.")
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return InputError(
            f"{error.filename or 'a file'} cannot be used: {(error.strerror or str(error)).lower()}",
            code="permission-denied",
            value=error.filename,
            fix="Give yourself access to it, or set PERENNIAL_HOME to a folder you can write to.",
        )
    if (no_answer := _no_answer(error)) is not None:
        return TransientError(
            f"the Prefect server did not answer: {type(no_answer).__name__}",
            code="prefect-unreachable",
            fix="Run the same command again: it goes on where this one stopped.",
        )
    message = " ".join(masked(str(error)).split())[:200]
    return Unexpected(
        f"something unexpected happened: {type(error).__name__}{f': {message}' if message else ''}",
        fix=f"The whole trace is in {_trace_of(error)}; please report it with that file. `perennial doctor` shows "
        "whether anything was left half done.",
    )


def was_interrupted(error: BaseException | None) -> bool:
    """Whether it was raised while Ctrl-C was answered, as by Prefect in a task that has not begun."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_answer(error: BaseException | None) -> BaseException | None:
    """What Prefect's client met, if that is what an error was raised from; Prefect wraps it in a RuntimeError."""
    while error is not None:
        if any((kind.__module__, kind.__name__) in _NO_ANSWER for kind in type(error).__mro__):
            return error
        error = error.__cause__
    return None


def _misused(error: Exception) -> InputError:
    """A command that was typed wrong, in the words of the command line's library."""
    context = getattr(error, "ctx", None)
    words = error.format_message() if hasattr(error, "format_message") else str(error)
    command = context.command_path if context is not None else " ".join(["perennial", *_commands_typed()])
    parameter = getattr(error, "param", None)
    options = [each for each in context.command.params if each.param_type_name == "option"] if context else []
    if words.startswith("Missing option") and len(missing := _missing(options)) > 1:
        words = f"Missing options {', '.join(repr(each) for each in missing)}."
    extra = re.search(r"unexpected extra argument.*\((\S+)\)", words)
    if extra and any("--batch" in each.opts for each in options):
        words = f"{words.rstrip('.')}: did you mean --batch {extra.group(1)}?"
    example = example_of(_missing(options)) if words.startswith("Missing option") else ""
    if words.endswith("requires an argument."):
        example = example_of([str(getattr(error, "option_name", ""))])
    words = re.sub(
        r"Input should be a valid (integer|number),.*",
        lambda kind: f"it should be a {'whole number' if kind[1] == 'integer' else 'number'}",
        words,
    )
    field = getattr(error, "option_name", None) or _typed(parameter)
    helps = f"{command} --help shows what it takes"
    misuse = InputError(words, code="usage", fix=f"{example}; {helps}" if example else helps)
    misuse.field = field
    return misuse


def _commands_typed() -> list[str]:
    """The command among the words that were typed: the library's parser does not name it in all of its errors."""
    from typer.main import get_command

    from perennial.cli.app import app

    typed, group = [], get_command(app)
    for word in sys.argv[1:]:
        inner = getattr(group, "commands", {}).get(word)
        if inner is None:
            break
        typed.append(word)
        group = inner
    return typed


def _missing(options: Sequence[Any]) -> list[str]:
    """The required options that were not typed, all of them: the library stops at the first."""
    typed = {word.partition("=")[0] for word in sys.argv}
    return [max(each.opts, key=len) for each in options if each.required and not typed & {*each.opts}]


def _typed(parameter: Any) -> str | None:
    """An option or argument as a person types it; None where the error is about none."""
    if parameter is None:
        return None
    return max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.name.upper()


def _mistake_view(mistake: Mistake) -> dict[str, Any]:
    return {
        "code": mistake.code,
        "file": mistake.file,
        "line": mistake.line,
        "field": mistake.field,
        "value": _plain(mistake.value),
        "message": mistake.message,
        "fix": mistake.fix,
        "docs": f"{DOCS}#{mistake.code}",
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; of another type, as text."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _trace_of(error: Exception) -> Path:
    """Write the trace to a file in the home, or in the system's folder for passing things where that fails."""
    name = f"perennial-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    text = masked("".join(["$ ", " ".join(_without_keys(sys.argv)), "\n", *traceback.format_exception(error)]))
    for folder in (_home() / "failures", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue  # a home that is not there or takes no writes: the next folder
        return folder / name
    note(text)
    return Path("the lines above")


def _without_keys(words: list[str]) -> list[str]:
    """What was typed, without the keys of persons who are to be erased."""
    before = ["", *words]
    return [
        "--key=…" if word.startswith("--key=") else "…" if former == "--key" else word
        for former, word in zip(before, words, strict=False)
    ]


def _home() -> Path:
    from perennial.settings import settings

    try:
        return settings().home
    except InputError:
        return Path(tempfile.gettempdir())
