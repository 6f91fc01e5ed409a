"""The versions that decide which bits a step returns: those of this process, and those of the workers of a cluster."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from perennial.errors import InputError

_PACKAGES = ("perennial", "numpy", "pandas", "pyarrow", "scikit-learn", "great-expectations")
ASKED: dict[str, tuple[Callable[..., object], tuple[str, ...]]] = {
    "Python": (platform.python_version, ()),
    **{name: (version, (name,)) for name in _PACKAGES},
}
"""What the functions of steps compute with → a function of the standard library that has its version, as a worker may
lack anything else. What only carries the calls, such as Dask itself, changes no result and is not asked for."""
_XGBOOST = ("xgboost-cpu", "xgboost")
"""The packages that have it, of which one is installed."""


def installed() -> dict[str, object]:
    """The versions of this process."""
    return {name: ask(*given) for name, (ask, given) in ASKED.items()}


def installed_xgboost() -> dict[str, object]:
    """The version of XGBoost of this process, under the name of the package that has it."""
    for name in _XGBOOST:
        with suppress(PackageNotFoundError):
            return {name: version(name)}
    return {}


def refuse_other_versions(ours: Mapping[str, object], workers: Mapping[str, Mapping[str, object]]) -> None:
    """Raises InputError if a worker has another version of something, or lacks it.

    ours: as `installed`. workers: the same names → worker → its version, or the error that asking for it raised. Of
    Python, 3.11.4 and 3.11.9 compute the same.
    """
    for name, answers in workers.items():
        other = {
            worker: theirs
            for worker, theirs in answers.items()
            if _compared(name, theirs) != _compared(name, ours[name])
        }
        if other:
            worker, theirs = min(other.items())
            raise InputError(
                f"{len(other)} of {len(answers)} workers have another version of {name}: {worker} has "
                f"{theirs if isinstance(theirs, str) else 'none'}, this process has {ours[name]}",
                code="worker-version",
                field="PERENNIAL_ENGINE",
                value="dask",
                fix="Install the same versions on all workers, best from the same image, and start them again. "
                "Nothing of the step counts.",
            )


def _compared(name: str, version: object) -> object:
    return version.rpartition(".")[0] if name == "Python" and isinstance(version, str) else version
