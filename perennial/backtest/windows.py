"""The windows that lives train on: those of the declaration, and others by the words that a declaration uses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from perennial.backtest.stream import RACE
from perennial.errors import InputError
from perennial.usecase.declaration import Declaration, UseCase
from perennial.usecase.windows import REGISTERED, TrainingWindow, read_window, window_in_words

OTHER, OTHER_OF_ALL = "expanding", "batches 3"
"""The window beside a single declared one: all rows, or if that is declared, the newest batches."""


def declared_window(declaration: Declaration) -> str:
    """`RACE`, or the name of the single model."""
    racing = declaration.model.racing
    return RACE if len(racing) > 1 else next(iter(racing))


def other_window(declaration: Declaration) -> str | None:
    """A window beside a single declared one; None if several race."""
    if declared_window(declaration) == RACE:
        return None
    return OTHER_OF_ALL if window_in_words(declaration.model.window) == OTHER else OTHER


def window_named(declaration: Declaration, words: str) -> str:
    """The name by which lives know a window: `race`, a model of the race, or a window such as `last 90d`.

    Raises InputError.
    """
    racing, declared = declaration.model.racing, declared_window(declaration)
    if words == RACE and declared != RACE:
        raise _refused(words, "the declaration has one window and one estimator, so nothing races")
    if words == RACE or words in racing:
        return words
    name = window_in_words(_read(words))
    return declared if declared != RACE and name == window_in_words(declaration.model.window) else name


def trained_as(case: UseCase, name: str) -> UseCase:
    """The use case with a window's model: one of the race, or the first declared estimator on another window."""
    racing = case.declaration.model.racing
    if name in racing:
        return case.racing_as(name)
    model = next(iter(racing.values())).model_copy(update={"window": _read(name)})
    return replace(case, declaration=case.declaration.model_copy(update={"model": model}))


def _read(words: str) -> Any:
    """A window in words, as a declaration holds it: `expanding`, `last 90d`, or `last: 90d`."""
    word, _, length = words.replace(":", " ").strip().partition(" ")
    written: Any = {word: length.strip()} if length else word
    if length and not REGISTERED.has(word):
        raise _refused(words, f"there is no window '{word}'")
    try:
        window: Any = TypeAdapter(TrainingWindow).validate_python(written)
        read_window(window)
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise _refused(words, why[0].lower() + why[1:]) from error
    return window


def _refused(words: str, why: str) -> InputError:
    known = ", ".join([OTHER, *(f"'{word} …'" for word in REGISTERED.names()), RACE])
    return InputError(
        f"windows: '{words}' is not a window here: {why}\n  known ones: {known}",
        code="backtest-unknown-life",
        field="windows",
        value=words,
        fix="Write it as in a declaration, for example 'last 90d' or 'batches 3'.",
    )
