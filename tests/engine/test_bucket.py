"""Workers that share nothing with the process of a run but a bucket: a batch, a fit and predictions go through it."""

from __future__ import annotations

from pathlib import Path

import boto3
import pandas as pd
import pytest

from perennial.clock import instant
from perennial.model.released import load_model
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.workspace import open_workspace
from perennial.training.fit import fit
from perennial.training.opened_rows import opened_rows
from tests.dask_cluster import dask_cluster
from tests.engine.test_models import MODEL
from tests.s3 import s3_server
from tests.training.stores import decide_at, take_in, train_at
from tests.world import World


@pytest.mark.slow
def test_a_batch_a_fit_and_predictions_are_those_of_this_process(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "perennial.engine")
    monkeypatch.setattr("perennial.intake.spread._ROWS_OF_A_PIECE", 30)
    monkeypatch.setattr("perennial.scoring.predicted.PART", 100)
    world.rows_a_day = 4
    world.declare(model=MODEL)
    for month in ("2024-01", "2024-02", "2024-03"):
        rows = world.month(month)
        (world.usecases / "shop" / f"{month}.csv").unlink()
        rows = rows.assign(at=pd.to_datetime(rows["at"], utc=True))
        rows.to_parquet(world.usecases / "shop" / f"{month}.parquet", row_group_size=20)
    with s3_server("lake") as bucket, dask_cluster(tmp_path, workers=0) as cluster:
        for name, value in bucket.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PERENNIAL_TABLES_URI", "s3://lake/tables")
        monkeypatch.setenv("PERENNIAL_FILES_URI", "s3://lake/files")
        monkeypatch.setenv("PERENNIAL_DASK_SCHEDULER", cluster.address)
        # Where the workers are, there is no home and no declaration.
        cluster.work(2, {"PERENNIAL_HOME": str(tmp_path / "no-home"), "PERENNIAL_USECASES": str(tmp_path / "none")})

        take_in("2024-01")
        monkeypatch.setenv("PERENNIAL_ENGINE", "dask")
        monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", "50")
        at = instant(take_in("2024-02").arrived_at)
        assert "type: 3 parts on the dask engine" in caplog.text and "check: " in caplog.text
        entry = train_at(at)
        assert f"fit: 3 parts on the dask engine at {cluster.address}, workers: 2" in caplog.text
        march = take_in("2024-03")
        decision = decide_at(instant(march.arrived_at), "2024-03")
        assert "predict: " in caplog.text and decision.outcome == "first"

        monkeypatch.setenv("PERENNIAL_ENGINE", "local")
        workspace = open_workspace(settings())
        case, known = workspace.use_case("shop"), known_at(workspace.ledger, "shop", at)
        with opened_rows(workspace.tables, case.declaration, known) as training:
            here = fit(case, training.rows)
        there = load_model(workspace.registry, "shop", entry.model)
        assert there.pipeline[-1].get_booster().save_raw() == here.fitted.pipeline[-1].get_booster().save_raw()
        left = boto3.client("s3", endpoint_url=bucket["AWS_ENDPOINT_URL"]).list_objects_v2(Bucket="lake")["Contents"]
        folders = {each["Key"].split("/")[1] for each in left}
        assert "landing" in folders and not folders & {"typed", "fitting", "predicting"}
