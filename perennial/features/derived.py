"""Derived features: functions of the team's own, versioned by their source, loaded under a name of their own.

The source travels with the model, so a model of last year computes its features with last year's code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from perennial.errors import TerminalError
from perennial.identity import digest_bytes

if TYPE_CHECKING:
    import pandas as pd

Function = Callable[["pd.DataFrame"], "pd.Series"]


class DerivedFeatureFailed(TerminalError):
    """A team's function raised, or gave back something that is not one value a row."""


def sources_of(derived: tuple[str, ...], folder: Path) -> dict[str, str]:
    """File name → source text of every file that `derived` (`file.py:function`) names.

    Raises DerivedFeatureFailed for a file that cannot be read.
    """
    texts: dict[str, str] = {}
    for name in sorted({spec.split(":")[0] for spec in derived}):
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise DerivedFeatureFailed(f"features.derived: {name} cannot be read below {folder}: {error}") from error
    return texts


def load_functions(derived: tuple[str, ...], sources: Mapping[str, str]) -> dict[str, Function]:
    """Feature name → function. Raises as `load_function`."""
    return {spec.split(":")[1]: load_function(spec, sources, "features.derived") for spec in derived}


def load_function(spec: str, sources: Mapping[str, str], field: str) -> Callable[..., Any]:
    """The function of a `file.py:function`, its file a module named by its own digest: versions live side by side.

    field: of the declaration that names it, for errors.
    Raises DerivedFeatureFailed where the file does not run or lacks the function.
    """
    file, name = spec.split(":")
    function: Callable[..., Any] | None = getattr(_module(file, sources[file], field), name, None)
    if not callable(function):
        raise DerivedFeatureFailed(f"{field}: {file} has no function {name!r}")
    return function


def derive(rows: pd.DataFrame, functions: Mapping[str, Function]) -> pd.DataFrame:
    """One column a function, aligned with `rows`, in the order of `functions`.

    Raises DerivedFeatureFailed naming the function where it raises or its result has another length.
    """
    import pandas as pd

    columns = {}
    for name, function in functions.items():
        try:
            column = function(rows.copy(deep=False))  # what a function changes, no other one sees
        except Exception as error:
            raise DerivedFeatureFailed(f"derived feature {name!r} failed on {len(rows)} rows: {error!r}") from error
        if not isinstance(column, pd.Series) or len(column) != len(rows):
            raise DerivedFeatureFailed(
                f"derived feature {name!r} must return a pandas Series with one value a row ({len(rows)}), "
                f"not {type(column).__name__}"
            )
        if not column.index.equals(rows.index) and column.index.is_unique and column.index.isin(rows.index).all():
            column = column.reindex(rows.index)  # the same rows in another order
        columns[name] = column.to_numpy()
    return pd.DataFrame(columns, index=rows.index)


def _module(file: str, source: str, field: str) -> ModuleType:
    name = f"perennial_features_{digest_bytes(source.encode())[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    try:
        exec(compile(source, file, "exec"), module.__dict__)  # the team's own file, named in its declaration
    except Exception as error:
        raise DerivedFeatureFailed(f"{field}: {file} does not run: {error!r}") from error
    sys.modules[name] = module
    return module
