"""The training windows by the word a declaration uses: `{last: 90d}`. `expanding` is not among them: all rows.

Installed packages can add windows through the entry-point group `perennial.windows`: the name is the word, the object
a pydantic model with that one field and the methods of `perennial.usecase.windows.window.Window`.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from perennial.errors import InputError
from perennial.registered import Registered
from perennial.usecase.windows.batches import LastBatches
from perennial.usecase.windows.decay import Decay
from perennial.usecase.windows.last import LastWindow
from perennial.usecase.windows.season import Season

if TYPE_CHECKING:
    from perennial.usecase.windows.window import Window

OURS: dict[str, type[BaseModel]] = {
    "last": LastWindow,
    "batches": LastBatches,
    "decay": Decay,
    "season": Season,
}

REGISTERED = Registered(
    "windows", "perennial.windows", {word: f"{kind.__module__}:{kind.__name__}" for word, kind in OURS.items()}
)


class OtherWindow(BaseModel):
    """A window from an installed package, as written. It is parsed when it is used."""

    model_config = ConfigDict(extra="allow", frozen=True)


def _tag(value: Any) -> str:
    """Which window is given: a mapping by its word, everything else `expanding`."""
    if isinstance(value, dict):
        word = next(iter(value), "last")
        return f"window:{word if word in OURS else 'other' if word in REGISTERED.installed() else 'last'}"
    words: dict[type, str] = {kind: word for word, kind in OURS.items()} | {OtherWindow: "other"}
    return f"window:{words.get(type(value), 'expanding')}"


if TYPE_CHECKING:
    OneWindow = Any
else:
    OneWindow = Annotated[
        reduce(
            or_,
            [Annotated[kind, Tag(f"window:{word}")] for word, kind in OURS.items()],
            Annotated[Literal["expanding"], Tag("window:expanding")],
        )
        | Annotated[OtherWindow, Tag("window:other")],
        Discriminator(_tag),
    ]

TrainingWindow = Annotated[
    Annotated[OneWindow, Tag("window:one")] | Annotated[tuple[OneWindow, ...], Field(min_length=2), Tag("window:race")],
    Discriminator(lambda value: "window:race" if isinstance(value, list | tuple) else "window:one"),
]


def read_window(window: Any) -> Window | None:
    """The declared window; None for `expanding`. Raises InputError if its package does not accept it."""
    if isinstance(window, str):
        return None
    if not isinstance(window, OtherWindow):
        declared: Window = window
        return declared
    written = window.model_dump()
    word = next(iter(written), "")
    if not REGISTERED.has(word):
        raise InputError(f"model.window: unknown window '{word}'\n  {REGISTERED.hint(word)}")
    try:
        read: Window = REGISTERED.load(word).model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"model.window.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return read


def is_by_row(window: Window | None) -> bool:
    """Whether a window keeps each row by that row alone; see `Window`."""
    return window is None or getattr(window, "by_row", False)


def earliest(window: Window | None, as_of: datetime) -> datetime | None:
    """The time before which a window keeps no row; None if it is not known. See `Window`."""
    since = getattr(window, "earliest", None)
    return since(as_of) if since else None


def window_in_words(window: Any) -> str:
    """A window in words: `expanding`, `last 90d`."""
    if isinstance(window, str):
        return window
    return ", ".join(f"{word} {length}" for word, length in window.model_dump(mode="json").items())
