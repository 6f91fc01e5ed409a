"""Settings that lead into a folder of a test and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

OTHERS = ("PERENNIAL_DATABASE_URL", "PERENNIAL_TABLES_URI", "MLFLOW_TRACKING_URI", "PERENNIAL_THREADS")
"""Variables that would lead elsewhere. MLflow itself sets its own to the registry of the home it was last used in."""


def lead_to(patch: pytest.MonkeyPatch, folder: Path, usecases: str = "usecases") -> None:
    """Let the environment lead to the home of a folder, and make its folder of declarations. usecases: its name."""
    (folder / usecases).mkdir(parents=True, exist_ok=True)
    set_places(patch, folder, usecases)


def set_places(patch: pytest.MonkeyPatch, folder: Path, usecases: str = "usecases") -> None:
    """The same, for tests that make the folder of declarations or show that it is made."""
    for name in OTHERS:
        patch.setenv(name, "")  # so that it is removed again at the end, whoever sets it until then
        patch.delenv(name)
    patch.setenv("PERENNIAL_HOME", str(folder / "home"))
    patch.setenv("PERENNIAL_USECASES", str(folder / usecases))
