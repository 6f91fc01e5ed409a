"""The settings of every task: retried only if that may help, and stopped if it hangs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.utilities.timeout import timeout

from perennial.errors import PerennialError, TerminalError, TransientError, TurnLost
from perennial.ledger.connections import one_connection
from perennial.secrets import masked

P = ParamSpec("P")
R = TypeVar("R")

PAUSES = (1.0, 5.0, 20.0)
"""Seconds before each retry."""

log = logging.getLogger("perennial.tasks")

_in_fleet: ContextVar[bool] = ContextVar("whether steps are calls, and not task runs", default=False)


class Step(Task[P, R]):
    """A Prefect task; in a fleet a plain call with the same retries and time limit, since a task run costs more."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Run the step, as a task run or as a call."""
        return self._called(*arguments, **named) if in_fleet() else super().__call__(*arguments, **named)

    def _called(self, *arguments: Any, return_state: bool = False, **named: Any) -> Any:
        try:
            return self._retried(*arguments, **named)
        except Exception as error:
            if not return_state:
                raise
            log.warning("%s failed, and the run goes on: %s", self.name, error)
            return None

    def _retried(self, *arguments: Any, **named: Any) -> Any:
        for pause in PAUSES:
            try:
                return self._once(*arguments, **named)
            except TurnLost:
                raise
            except TransientError as error:
                log.warning("%s: %s; tried again in %.0f s", self.name, error, pause)
                time.sleep(pause)
        return self._once(*arguments, **named)

    def _once(self, *arguments: Any, **named: Any) -> Any:
        with timeout(seconds=self.timeout_seconds):
            return self.fn(*arguments, **named)


@contextmanager
def as_fleet() -> Iterator[None]:
    """Inside, steps are calls, and what is done once per run waits for the end of the fleet's run."""
    token = _in_fleet.set(True)
    try:
        yield
    finally:
        _in_fleet.reset(token)


def in_fleet() -> bool:
    """Whether this run is that of a fleet."""
    return _in_fleet.get()


def step(timeout_minutes: float) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a Prefect task with its name: three retries for transient errors, none for others."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        decorated: Task[P, R] = Step(
            fn=_without_secrets(function),
            name=function.__name__.replace("_", "-"),
            retries=len(PAUSES),
            retry_delay_seconds=list(PAUSES),
            retry_condition_fn=_is_transient,
            timeout_seconds=timeout_minutes * 60,
        )
        return decorated

    return decorate


def _without_secrets(function: Callable[P, R]) -> Callable[P, R]:
    """The function, with any foreign error that shows a secret, which Prefect would store, replaced by one of ours."""

    @wraps(function)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            with one_connection():
                return function(*arguments, **named)
        except PerennialError:
            raise
        except Exception as error:
            if masked(str(error)) == str(error):
                raise
            raise TerminalError(f"{type(error).__name__}: {error}") from None

    return run


def _is_transient(_: Any, __: Any, state: State[Any]) -> bool:
    try:
        state.result()
    except TransientError as error:
        return not isinstance(error, TurnLost)
    except BaseException:  # noqa: BLE001 - the error of the state, which Prefect reports; only its kind matters here
        return False
    return False
