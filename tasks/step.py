"""The settings of every task: retried only if that may help, and stopped if it hangs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.client.schemas.objects import State

from perennial.errors import PerennialError, TerminalError, TransientError
from perennial.secrets import masked

P = ParamSpec("P")
R = TypeVar("R")


def step(timeout_minutes: float) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a Prefect task with its name: three retries for transient errors, none for others."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        decorated: Task[P, R] = task(
            name=function.__name__.replace("_", "-"),
            retries=3,
            retry_delay_seconds=[1, 5, 20],
            retry_condition_fn=_is_transient,
            timeout_seconds=timeout_minutes * 60,
        )(_without_secrets(function))
        return decorated

    return decorate


def _without_secrets(function: Callable[P, R]) -> Callable[P, R]:
    """The function, with any foreign error that shows a secret, which Prefect would store, replaced by one of ours."""

    @wraps(function)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        try:
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
    except TransientError:
        return True
    except BaseException:  # noqa: BLE001 - the error of the state, which Prefect reports; only its kind matters here
        return False
    return False
