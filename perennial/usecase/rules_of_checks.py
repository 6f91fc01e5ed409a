"""Mistakes in the data checks of a declaration, found without Great Expectations, which takes seconds to import."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from perennial.usecase.document import Document, written
from perennial.usecase.mistakes import Mistake, closest, hint
from perennial.usecase.rules_of_columns import check_columns, known_columns
from perennial.usecase.schema import expectations


def check_rules(document: Document) -> Iterator[Mistake]:
    """Expectations and arguments that Great Expectations does not have, and values that it would refuse."""
    known, columns = expectations(), known_columns(document)
    checks = document.at("checks")
    for number in range(len(checks) if isinstance(checks, list) else 0):
        names = [name for name in document.mapping("checks", number) if name != "severity"]
        if len(names) != 1 or not str(names[0]).startswith("expect_"):
            continue  # the shape of a check is validated elsewhere
        place = ("checks", number, names[0])
        if names[0] not in known:
            yield document.mistake(
                place,
                f"unknown expectation '{names[0]}'",
                hint(names[0], known, "expectations"),
                code="check-unknown-expectation",
            )
            continue
        arguments, expected = document.mapping(*place), known[names[0]]["arguments"]
        for argument in arguments:
            if argument not in expected:
                fix = hint(str(argument), expected, "arguments")
                yield document.mistake(
                    (*place, argument), f"unknown argument '{argument}'", fix, code="check-unknown-argument"
                )
            elif argument.startswith("column") and columns:
                yield from check_columns(document, (*place, argument), columns)
            elif expects := _expected(argument, arguments[argument]):
                message = f"{argument} {written(arguments[argument])} is {expects[0]}"
                yield document.mistake((*place, argument), message, expects[1], code="check-argument-value")
        meant = {closest(str(argument), expected) for argument in arguments}
        for argument, about in expected.items():
            if about["required"] and arguments.get(argument) is None and argument not in meant:
                yield document.mistake(
                    place, f"the argument '{argument}' is missing", f"add {argument}: …", code="check-missing-argument"
                )


def _expected(argument: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with the value of an argument, and what to write; None if nothing is."""
    if value is None or isinstance(value, dict):
        return None  # the argument's default, or a parameter of Great Expectations
    if argument in ("min_value", "max_value") and not _reads_as_number(value) and not _is_time(value):
        return "neither a number nor a time", "write a number such as 0.5, or a time such as 2013-01-31T14:00"
    if argument == "mostly" and not (_is_number(value) and 0 <= value <= 1):
        return "not a share", "write a number from 0 to 1, such as 0.99"
    if argument in ("strict_min", "strict_max") and not isinstance(value, bool):
        return "neither true nor false", "write true or false"
    if argument == "value_set" and not isinstance(value, list):
        return "not a list", "write a list such as [UA, B6]"
    if argument == "regex" and isinstance(value, str) and not _is_pattern(value):
        return "not a regular expression", "write one such as '^N[0-9]+$', in quotes"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reads_as_number(value: Any) -> bool:
    if not isinstance(value, str):
        return _is_number(value)
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_time(value: Any) -> bool:
    if isinstance(value, date):
        return True
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
