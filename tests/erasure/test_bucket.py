"""Tables, landed bytes and models in a bucket: what an erasure, an archive and a replay do there."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
from tests.places import lead_to
from tests.s3 import s3_server
from tests.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A shop that knows a person, with all that may be there in the bucket `lake`."""
    with s3_server("lake") as variables:
        lead_to(monkeypatch, tmp_path)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PERENNIAL_MLFLOW_ARTIFACTS", "s3://lake/models")
        monkeypatch.setenv("PERENNIAL_TABLES_URI", "s3://lake/tables")
        monkeypatch.setenv("PERENNIAL_FILES_URI", "s3://lake/files")
        shop = World(tmp_path / "usecases", rows_a_day=20)
        meet_the_person(shop, tmp_path / "home")
        yield shop


def lake(to: Path) -> Path:
    """A copy of what is in the bucket."""
    bucket = boto3.resource("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).Bucket("lake")
    for each in bucket.objects.all():
        path = to / each.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.get()["Body"].read())
    return to


def test_nothing_of_the_person_is_left_and_old_models_move_to_an_archive_and_are_used_from_there(
    shop: World, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_with(lake(tmp_path / "before"), OF_THE_PERSON)
    assert {name.split("/")[0] for name in before} == {"files", "models", "tables"}
    erased = ask(*ASKED)
    assert erased.code == 0, erased.err
    assert files_with(lake(tmp_path / "after"), OF_THE_PERSON) == files_with(settings().home, OF_THE_PERSON) == []
    (entry,) = payloads(Erased)
    assert isinstance(entry, Erased) and entry.counts["models"] == 2
    workspace = open_workspace(settings())
    models = [each.model for each in payloads(ChallengerEntry) if isinstance(each, ChallengerEntry)]
    for model in models:
        assert digest_model(workspace.registry.folder("shop", model)) == workspace.registry.digest("shop", model)
    assert {each.was for each in entry.models if each.was != each.now} <= {each.digest for each in models}

    monkeypatch.setenv("PERENNIAL_MODEL_ARCHIVE", "s3://lake/archive")
    monkeypatch.setenv("PERENNIAL_MODELS_KEPT", "0d")
    monkeypatch.setattr(archiving, "versions_in_use", lambda *_: {models[0].version})
    assert ask("maintain", "shop").code == 0
    archived = [each.version for each in payloads(ModelArchived) if isinstance(each, ModelArchived)]
    assert archived == [each.version for each in models[1:]]
    names = {path.relative_to(tmp_path / "archived").parts[0] for path in lake(tmp_path / "archived").rglob("*.tar")}
    assert names == {"archive"}
    workspace = open_workspace(settings())
    assert [workspace.registry.has_files("shop", each) for each in models] == [True, *[False] * len(archived)]
    assert ask("replay", "shop", "--deep").code == 0
    assert ask("doctor", "shop").code == 0
