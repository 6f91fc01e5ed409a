"""Models in a bucket or with an MLflow server, tables and landed bytes in a bucket: erased and archived there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from perennial.ledger.entries import ChallengerEntry, Erased, ModelArchived
from perennial.model.artifact import digest_model
from perennial.release import archiving
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.cli.conftest import payloads
from tests.erasure.conftest import ASKED, OF_THE_PERSON, Ask, meet_the_person
from tests.erasure.search import files_with
from tests.mlflow_server import mlflow_server
from tests.places import lead_to
from tests.s3 import s3_server
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Elsewhere:
    """archive: of old models. copied: copies all files that are there into a folder, and returns it."""

    archive: str
    copied: Callable[[Path], Path]


@pytest.fixture(params=["bucket", "server"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """What a shop that knows a person keeps outside of its home."""
    lead_to(monkeypatch, tmp_path)
    with s3_server("lake") if request.param == "bucket" else mlflow_server(tmp_path / "mlflow") as there:
        if isinstance(there, str):
            monkeypatch.setenv("MLFLOW_TRACKING_URI", there)
            found = Elsewhere(
                f"{tmp_path}/archive", lambda to: Path(shutil.copytree(tmp_path / "mlflow" / "files", to))
            )
        else:
            for name, value in there.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("PERENNIAL_MLFLOW_ARTIFACTS", "s3://lake/models")
            monkeypatch.setenv("PERENNIAL_TABLES_URI", "s3://lake/tables")
            monkeypatch.setenv("PERENNIAL_FILES_URI", "s3://lake/files")
            found = Elsewhere("s3://lake/archive", lake)
        meet_the_person(World(tmp_path / "usecases", rows_a_day=20), tmp_path / "home")
        yield found


def lake(to: Path) -> Path:
    """A copy of what is in the bucket."""
    bucket = boto3.resource("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).Bucket("lake")
    for each in bucket.objects.all():
        path = to / each.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.get()["Body"].read())
    return to


def test_nothing_of_the_person_is_left_and_old_models_move_to_an_archive_and_are_used_from_there(
    elsewhere: Elsewhere, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_with(elsewhere.copied(tmp_path / "before"), OF_THE_PERSON)
    assert {Path(name).name for name in before} >= {"model.json", "model.skops"}
    erased = ask(*ASKED)
    assert erased.code == 0, erased.err
    assert files_with(elsewhere.copied(tmp_path / "after"), OF_THE_PERSON) == []
    assert files_with(settings().home, OF_THE_PERSON) == []
    (entry,) = payloads(Erased)
    assert isinstance(entry, Erased) and entry.counts["models"] == 2
    workspace = open_workspace(settings())
    models = [each.model for each in payloads(ChallengerEntry) if isinstance(each, ChallengerEntry)]
    for model in models:
        assert digest_model(workspace.registry.folder("shop", model)) == workspace.registry.digest("shop", model)
    assert {each.was for each in entry.models if each.was != each.now} <= {each.digest for each in models}

    monkeypatch.setenv("PERENNIAL_MODEL_ARCHIVE", elsewhere.archive)
    monkeypatch.setenv("PERENNIAL_MODELS_KEPT", "0d")
    monkeypatch.setattr(archiving, "versions_in_use", lambda *_: {models[0].version})
    assert ask("maintain", "shop").code == 0
    archived = [each.version for each in payloads(ModelArchived) if isinstance(each, ModelArchived)]
    assert archived == [each.version for each in models[1:]]
    workspace = open_workspace(settings())
    assert [workspace.registry.has_files("shop", each) for each in models] == [True, *[False] * len(archived)]
    assert all(workspace.model_archive.has(row.payload) for row in workspace.ledger.all("shop", ModelArchived))
    assert ask("replay", "shop", "--deep").code == 0
    assert ask("doctor", "shop").code == 0
