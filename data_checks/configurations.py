"""Saves Great Expectations from making the same configuration of an expectation again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


@contextmanager
def made_once() -> Iterator[None]:
    """Within it, each expectation makes its configuration at the first look at it.

    In 1.24, `Expectation.configuration` is made anew at every look at one of its arguments, about 90 times per
    expectation and run, which takes a third of the run. Nothing may change an expectation within it, and no two threads
    may be in it at once: hold `quiet.ONE_AT_A_TIME`.
    """
    from great_expectations.expectations.expectation import Expectation

    anew: Any = vars(Expectation)["configuration"]
    made: dict[int, tuple[Expectation, ExpectationConfiguration]] = {}  # the expectation too: its id is its own then

    def configuration(expectation: Expectation) -> ExpectationConfiguration:
        if id(expectation) not in made:
            made[id(expectation)] = (expectation, anew.fget(expectation))
        return made[id(expectation)][1]

    Expectation.configuration = property(configuration)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Expectation.configuration = anew  # type: ignore[method-assign]
