"""How files are written, as lines of a draft and as a person writes it on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from perennial.errors import InputError
from perennial.sources.read_options import ReadOptions
from perennial.sources.written import Decimal
from perennial.usecase.drafting.guess import Guess
from perennial.usecase.mistakes import hint

Form = Sequence[tuple[str, Guess[Any]]]


def read_lines(form: Form) -> list[str]:
    """The lines of `read:` below `source:`; none where files are written the usual way."""
    lines = [
        f"    {name}: {_value(guess.value)}  # {guess.certainty}: {' '.join(guess.why.split())}"
        for name, guess in form
        if name != "decimal"
    ]
    return ["  read:", *lines] if lines else []


def _value(value: Any) -> str:
    """A value as YAML reads it back, on one line: JSON is."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def given_form(words: Sequence[str]) -> tuple[ReadOptions, Decimal | None]:
    """What `--read NAME=VALUE` gives, one word each: `decimal=,`, `nulls=[N/A, '-']`, `epochs={at: ms}`.

    Raises InputError for a name that is no option, or a value that it does not take.
    """
    options: dict[str, Any] = {}
    decimal: Decimal | None = None
    for word in words:
        name, equals, value = word.partition("=")
        if name != "decimal" and name not in ReadOptions.model_fields:
            known = ("decimal", *ReadOptions.model_fields)
            raise _wrong(word, f"there is no option '{name}'", hint(name, known, "options"))
        if not equals:
            raise _wrong(word, f"{name} has no value", f"write --read {name}=…")
        options[name] = _parsed(word, value)
    if (mark := options.pop("decimal", None)) is not None:
        if mark not in (".", ","):
            raise _wrong(f"decimal={mark}", "the decimal mark is a point or a comma", "write --read decimal=,")
        decimal = "," if mark == "," else "."
    try:
        return ReadOptions.model_validate(options), decimal
    except ValidationError as problem:
        error = problem.errors()[0]
        name = str(error["loc"][0])
        about = ReadOptions.model_fields[name].description or ""
        raise _wrong(f"{name}={options[name]}", error["msg"].removeprefix("Value error, "), about) from problem


def _parsed(word: str, value: str) -> Any:
    """A list, a mapping or a truth value as YAML has it; anything else is the text that stands there."""
    if value in ("true", "false"):
        return value == "true"
    if not value.startswith(("[", "{")):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as problem:
        raise _wrong(word, "its value cannot be read", "write --read 'nulls=[N/A, none]'") from problem


def _wrong(word: str, message: str, fix: str) -> InputError:
    return InputError(message, field="--read", value=word, fix=fix)
