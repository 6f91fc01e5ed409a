"""Loads and calls custom functions from the text of their files. Each file becomes a module named by its digest.

The source is stored with the model, so a model of last year computes with last year's code. Errors in a function are
reported with the file and line of the custom code.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from perennial.errors import PerennialError, TerminalError
from perennial.identity import digest_bytes
from perennial.usecase.built_in import built_in

if TYPE_CHECKING:
    import pandas as pd


Function = Callable[["pd.DataFrame"], "pd.Series"]

_PREFIX = "perennial_team_"
_LOADED: dict[str, ModuleType] = {}
_one_loads = RLock()  # rivals of a race are fitted side by side


class TeamCodeFailed(TerminalError):
    """A custom function raised an error or returned something unusable."""

    code = "team-code-failed"


def load_functions(derived: tuple[str, ...], sources: Mapping[str, str]) -> dict[str, Function]:
    """Feature name → function, built-in ones left out. Raises like `load_function`."""
    own = [spec for spec in derived if built_in(spec) is None]
    return {spec.split(":")[1]: load_function(spec, sources, "features.derived") for spec in own}


def load_function(spec: str, sources: Mapping[str, str], field: str) -> Callable[..., Any]:
    """The function of a `file.py:function`. Modules are named by digest, so several versions can be loaded at once.

    field: of the declaration that names it, for errors.
    Raises TeamCodeFailed if the file does not run or lacks the function.
    """
    file, name = spec.split(":")
    function: Callable[..., Any] | None = getattr(_module(file, sources[file], field), name, None)
    if not callable(function):
        raise TeamCodeFailed(f"{field}: {file} has no function {name!r}")
    return function


def call(what: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a custom function and return its result.

    what: describes the call, at the start of an error message: `derived feature 'speed' on 3 rows`.
    Raises TeamCodeFailed with the file and line of the custom code if it raises or exits.
    """
    try:
        return function(*arguments, **named)
    except PerennialError:
        raise
    except (Exception, SystemExit) as error:
        raise TeamCodeFailed(f"{what} failed: {in_words(error)}") from error


def one_per_row(what: str, function: Function, rows: pd.DataFrame) -> pd.Series:
    """The column that a custom function returns for the rows, in their order.

    what: as in `call`. Raises TeamCodeFailed like `call`, and for anything but a Series with one value per row.
    """
    import pandas as pd

    # Each function gets a copy, so that its changes do not affect others.
    column = call(what, function, rows.copy(deep=False))
    if not isinstance(column, pd.Series) or len(column) != len(rows):
        raise TeamCodeFailed(
            f"{what} must return a pandas Series with one value per row ({len(rows)}), not {type(column).__name__}"
        )
    if not column.index.equals(rows.index) and column.index.is_unique and column.index.isin(rows.index).all():
        return column.reindex(rows.index)  # the same rows in another order
    return column


def in_words(error: BaseException) -> str:
    """An error with the last line of the custom code that led to it: `shop.py:3: KeyError('x')`."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {error.msg}"
    description = f"{type(error).__name__}({str(error)!r})" if not isinstance(error, KeyError) else repr(error)
    theirs = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith(_PREFIX)
    ]
    return f"{theirs[-1]}: {description}" if theirs else description


def _module(file: str, source: str, field: str) -> ModuleType:
    name = _PREFIX + digest_bytes(f"{file}\0{source}".encode())[:16]
    with _one_loads:
        if name not in _LOADED:
            _LOADED[name] = _run(name, file, source, field)
        return _LOADED[name]


def _run(name: str, file: str, source: str, field: str) -> ModuleType:
    module = ModuleType(name)
    vars(module)["print"] = _print
    sys.modules[name] = module  # dataclasses look their module up while the file still runs
    try:
        code = compile(source, file, "exec", dont_inherit=True)  # without the `__future__` imports of this file
        exec(code, vars(module))  # a file that the declaration names
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TeamCodeFailed(f"{field}: {file} does not run: {in_words(error)}") from error
    return module


def _print(*values: object, **how: Any) -> None:
    """Prints of custom code go to stderr, because stdout may be JSON for a program."""
    print(*values, **{"file": sys.stderr, **how})  # noqa: T201 - called by custom code
