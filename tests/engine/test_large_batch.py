"""A large batch that a cluster ingests is the batch that this process would ingest."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from perennial.intake.spread import Piece, typed_piece
from perennial.settings import settings
from perennial.sources.typed_rows import Typed
from tests.dask_cluster import Cluster
from tests.tasks.test_large_batches import CHECKS, typed, validated
from tests.training.stores import take_in
from tests.world import World


def killed_once(mark: Path, piece: Piece) -> Typed:
    """Type a piece; the first worker that has done so dies before it reports it."""
    done = typed_piece(piece)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return done


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_it_has_the_entry_the_results_and_the_rows_that_it_has_in_memory(
    shop: World,
    cluster: Cluster,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from tasks.batches import land

    monkeypatch.setattr("perennial.intake.spread._ROWS_OF_A_PIECE", 30)
    monkeypatch.setattr("perennial.intake.spread.typed_piece", partial(killed_once, tmp_path / "killed"))
    shop.declare(checks=CHECKS, set_aside={"total": 0.5, "per_reason": 0.5})
    january = shop.month("2024-01")
    take_in("2024-01")
    february = typed(pd.concat([shop.month("2024-02"), january[100:101]], ignore_index=True))
    (shop.usecases / "shop" / "2024-02.csv").unlink()
    is_parquet = suffix == ".parquet"
    write = partial(february.to_parquet, row_group_size=20) if is_parquet else partial(february.to_csv, index=False)
    write(shop.usecases / "shop" / f"2024-02{suffix}")
    landing = land.fn("shop", "2024-02")
    in_memory = validated(landing, 10**9, monkeypatch)
    monkeypatch.setenv("PERENNIAL_ENGINE", "dask")
    monkeypatch.setenv("PERENNIAL_DASK_SCHEDULER", cluster.address)
    caplog.set_level("INFO", "perennial.engine")
    # Rows that a former run wrote stay where they are only if they are the same, so the tables' versions show it.
    assert validated(landing, 50, monkeypatch) == in_memory
    assert not list(Path(settings().files_uri, "typed").rglob("*.parquet"))
    assert (f"type: 3 parts on the dask engine at {cluster.address}, workers: 2" in caplog.text) == is_parquet
    assert f"check: 12 parts on the dask engine at {cluster.address}, workers: " in caplog.text
    assert (tmp_path / "killed").exists() == is_parquet
