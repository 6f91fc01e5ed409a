"""Old models move to an archive and are used from there; killed anywhere, nothing is lost."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from perennial.ledger.entries import ChallengerEntry, Decision, ModelArchived, ModelRef
from perennial.model.artifact import digest_model
from perennial.release import archiving
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.cli.conftest import Perennial
from tests.crashes.conftest import killable as killable
from tests.crashes.processes import Place
from tests.world import World

KILLED = (
    "model_archive.before",
    "model_archive.after",
    "model_archived_row.before",
    "model_archived_row.after",
    "model_files.before",
    "model_files.after",
)

pytestmark = pytest.mark.slow


def kept(workspace: Workspace, model: ModelRef) -> tuple[bool, bool]:
    """Whether the files of a version are in MLflow, and whether they are in the archive; they can always be used."""
    assert digest_model(workspace.registry.folder("shop", model)) == workspace.registry.digest("shop", model)
    entries = [row.payload for row in workspace.ledger.all("shop", ModelArchived)]
    there = [each for each in entries if each.version == model.version and workspace.model_archive.has(each)]
    return workspace.registry.has_files("shop", model), bool(there)


def test_an_old_model_is_archived_replayed_taken_back_for_an_erasure_and_missed_if_it_is_gone(
    settled: World, perennial: Perennial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killable: None
) -> None:
    settled.month("2024-03")
    assert perennial("run", "shop").code == 0
    ledger = open_workspace(settings()).ledger
    (decision,) = [row.payload for row in ledger.all("shop", Decision) if row.payload.challenger.version == 2]
    assert decision.outcome in ("keep", "undecided"), "version 2 is neither live nor what a rollback restores"
    models = {row.payload.model.version: row.payload.model for row in ledger.all("shop", ChallengerEntry)}
    archive = tmp_path / "archive"
    variables = {"PERENNIAL_MODEL_ARCHIVE": str(archive), "PERENNIAL_MODELS_KEPT": "0d"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    workspace = open_workspace(settings())
    would = json.loads(perennial("maintain", "shop", "--dry-run", "--json").out)
    assert would[0]["would_archive"] == [2] and not archive.exists()

    place = Place(tmp_path / "home", settled.usecases, variables)
    for point in KILLED:
        assert place.run("maintain", "shop", crash_at=point) == -signal.SIGKILL, point
        assert any(kept(workspace, models[2])), point
    assert json.loads(perennial("maintain", "shop", "--json").out)[0]["archived"] == []
    assert {version: kept(workspace, model) for version, model in models.items()} == {
        1: (True, False),
        2: (False, True),
        3: (True, False),
    }
    shown = perennial("replay", decision.id, "--deep")
    assert shown.code == 0 and "to the last bit" in shown.out, shown.out
    assert perennial("doctor", "shop").code == 0

    with monkeypatch.context() as patch:
        patch.setattr(archiving, "versions_in_use", lambda *_: set(models))
        assert perennial("maintain", "shop").code == 0
        assert kept(workspace, models[2]) == (True, False), "a version that is live again comes back"
    assert perennial("maintain", "shop").out.endswith("shop: version 2: moved its files to the archive.\n")

    with monkeypatch.context() as patch:
        patch.delenv("PERENNIAL_MODEL_ARCHIVE")
        shown = perennial("doctor", "shop")
        assert shown.code == 1, shown.out
        assert "version 2 were archived, and PERENNIAL_MODEL_ARCHIVE, which models/" in " ".join(shown.out.split())
    archive.rename(tmp_path / "lost")
    shown = perennial("doctor", "shop")
    assert shown.code == 1 and f"the files of version 2 were archived, and {archive}/models" in shown.out, shown.out
    shown = perennial("replay", decision.id, "--deep")
    assert shown.code == 1 and "CANNOT BE COMPARED: its models cannot be read" in shown.out, shown.out
    shown = perennial("erase", "shop", "--key", "2024-01-00003", "--by", "Ada", "--reason", "asked")
    assert shown.code == 1 and "Set PERENNIAL_MODEL_ARCHIVE to the place with that file" in shown.err, shown.err
    (tmp_path / "lost").rename(archive)

    erase = ("erase", "shop", "--key", "2024-01-00003", "--by", "Ada", "--reason", "asked")
    for point in ("model_taken_back.before", "model_taken_back.after"):
        assert place.run(*erase, crash_at=point) == -signal.SIGKILL
        assert any(kept(workspace, models[2])), point
    assert perennial(*erase).code == 0
    assert kept(open_workspace(settings()), models[2]) == (True, False)
    assert not [path for path in archive.rglob("*") if path.is_file()]
