"""One run per use case at a time. Runs of different use cases may overlap."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from perennial.errors import TransientError
from perennial.settings import settings
from perennial.store.workspace import RUN, open_workspace

P = ParamSpec("P")
R = TypeVar("R")

RUN_SECONDS = 3600.0
"""How long a run waits for another run of its use case."""

_mine: ContextVar[frozenset[str]] = ContextVar("use cases whose turn this run has", default=frozenset())


def in_turn(flow: Callable[P, R]) -> Callable[P, R]:
    """Let a flow's function run only while it has the turn of its use case."""
    signature = inspect.signature(flow, eval_str=True)

    @wraps(flow)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        with turn(signature.bind(*arguments, **named).arguments["usecase"]):
            return flow(*arguments, **named)

    run.__signature__ = signature  # type: ignore[attr-defined] # Prefect would look for its types in this module
    return run


@contextmanager
def turn(usecase: str, seconds: float = RUN_SECONDS) -> Iterator[None]:
    """Keep out other runs of a use case; a flow that is called within the turn shares it.

    Raises TransientError if another run holds it that long.
    """
    if usecase in _mine.get():
        yield
        return
    with ExitStack() as held:
        _take(held, usecase, seconds)
        token = _mine.set(_mine.get() | {usecase})
        try:
            yield
        finally:
            _mine.reset(token)


def _take(held: ExitStack, usecase: str, seconds: float) -> None:
    """Wait for the turn. If the ledger does not answer, it is tried three more times, as in every task."""
    for pause in (1, 5, 20, None):
        workspace = open_workspace(settings())
        workspace.declared(usecase)  # an unknown name is refused before anything is written under it
        try:
            held.enter_context(workspace.only_one(usecase, RUN, seconds))
            return
        except TransientError as error:
            if error.code != "ledger-unreachable" or pause is None:
                raise
            time.sleep(pause)
