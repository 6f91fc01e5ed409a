"""A guess with its reasons, and a question that only a person can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from perennial.errors import InputError

T = TypeVar("T")
Certainty = Literal["given", "sure", "likely", "unsure"]


@dataclass(frozen=True)
class Guess(Generic[T]):
    """A value, how sure it is, and why.

    given: by a person. sure: the rows show it. likely: it fits the rows and names. unsure: look at it.
    """

    value: T
    certainty: Certainty
    why: str


class NeedsAnswer(InputError):
    """The data leave open what a declaration needs: the message begins with what is asked for."""

    code = "init-needs-answer"

    def __init__(self, message: object = "", **named: Any) -> None:
        super().__init__(message, **named)
        asked = str(message).partition(": ")[0]
        if self.field is None and asked in ("target", "time", "key"):
            self.field = asked
