"""What a result depends on beside data and declaration: this program's version and its libraries'."""

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
    """Name → version of Python and of the libraries that results depend on."""
    found = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    for extra, packages in EXTRAS.items():
        for package in packages:
            try:
                found.setdefault(extra, version(package))
            except PackageNotFoundError:
                continue  # what is not installed made no result
    return found


@cache
def code_version() -> str:
    """Perennial's version, with the commit (and `dirty`) where it runs from a checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return __version__
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True
        )
    except OSError:  # no git on this machine: the version alone has to do
        return __version__
    return f"{__version__}+{described.stdout.strip()}" if described.returncode == 0 else __version__
