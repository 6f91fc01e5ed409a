"""Archived models that are not in the archive, as differences that only a person can repair."""

from __future__ import annotations

from perennial.release.archiving import missing_models
from perennial.release.doctor import Disagreement
from perennial.store.workspace import Workspace


def not_archived(workspace: Workspace, usecase: str) -> list[Disagreement]:
    """One difference for each version whose files are nowhere."""
    archive = workspace.model_archive
    return [
        Disagreement(
            f"the files of version {each.version} were archived, and {archive.absence(each)}",
            "set PERENNIAL_MODEL_ARCHIVE to the place with that file, or restore it from a backup; without it, "
            "decisions about this version cannot be replayed in depth",
            None,
        )
        for each in missing_models(workspace, usecase)
    ]
