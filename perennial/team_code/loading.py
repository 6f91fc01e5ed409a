"""Loading a team's own functions: the text of their files, each a module named by its own digest.

The source travels with what it made, so a model of last year computes with last year's code.
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


class TeamCodeFailed(TerminalError):
    """A team's function raised, or gave back something that is not one value a row."""

    code = "team-code-failed"


def sources_of(derived: tuple[str, ...], folder: Path) -> dict[str, str]:
    """File name → source text of every file that `derived` (`file.py:function`) names.

    Raises TeamCodeFailed for a file that cannot be read.
    """
    texts: dict[str, str] = {}
    for name in sorted({spec.split(":")[0] for spec in derived}):
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise TeamCodeFailed(f"features.derived: {name} cannot be read below {folder}: {error}") from error
    return texts


def load_functions(derived: tuple[str, ...], sources: Mapping[str, str]) -> dict[str, Function]:
    """Feature name → function. Raises as `load_function`."""
    return {spec.split(":")[1]: load_function(spec, sources, "features.derived") for spec in derived}


def load_function(spec: str, sources: Mapping[str, str], field: str) -> Callable[..., Any]:
    """The function of a `file.py:function`, its file a module named by its own digest: versions live side by side.

    field: of the declaration that names it, for errors.
    Raises TeamCodeFailed where the file does not run or lacks the function.
    """
    file, name = spec.split(":")
    function: Callable[..., Any] | None = getattr(_module(file, sources[file], field), name, None)
    if not callable(function):
        raise TeamCodeFailed(f"{field}: {file} has no function {name!r}")
    return function


def _module(file: str, source: str, field: str) -> ModuleType:
    name = f"perennial_features_{digest_bytes(source.encode())[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    try:
        exec(compile(source, file, "exec"), module.__dict__)  # the team's own file, named in its declaration
    except Exception as error:
        raise TeamCodeFailed(f"{field}: {file} does not run: {error!r}") from error
    sys.modules[name] = module
    return module
