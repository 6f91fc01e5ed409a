"""What a result depends on besides data and declaration: the versions of Perennial and of its libraries."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perennial import __version__
from perennial.usecase.importable import EXTRAS

LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "skops", "deltalake", "duckdb", "mlflow", "optuna")


@cache
def libraries() -> dict[str, str]:
    """Name → version of Python and of the libraries that results depend on.

    A package that is not installed cannot affect results: an optional one, or any in the slim image of the service.
    """
    versions = {"python": platform.python_version()}
    named = [(name, name) for name in LIBRARIES]
    for name, package in named + [(extra, package) for extra, packages in EXTRAS.items() for package in packages]:
        try:
            versions.setdefault(name, version(package))
        except PackageNotFoundError:
            continue
    return versions


@cache
def code_version() -> str:
    """Perennial's version, with the commit (and `dirty`) if it runs from a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return __version__
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True
        )
    except OSError:  # git is not installed: use the version alone
        return __version__
    return f"{__version__}+{described.stdout.strip()}" if described.returncode == 0 else __version__
