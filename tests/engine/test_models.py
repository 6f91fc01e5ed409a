"""Models that a cluster fits, and what it predicts with them: as in this process, or it ends with a clear error."""

from __future__ import annotations

import os
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from perennial.clock import instant
from perennial.deciding.replay import replay_deep
from perennial.engine import LOCAL
from perennial.engine.dask import Dask
from perennial.engine.together import Rank
from perennial.errors import TerminalError, TransientError
from perennial.ledger.entries import Decision
from perennial.model.released import Serving, load_model
from perennial.scoring.batch import scored
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.workspace import open_workspace
from perennial.training.fit import fit
from perennial.training.fit_together import Share, boosted
from perennial.training.opened_rows import opened_rows
from tasks.deciding import release
from tasks.health import watch_champion
from tasks.scoring import score_arrived
from tests.dask_cluster import Cluster
from tests.training.stores import decide_at, take_in, train_at
from tests.world import World

PARTS = {"rows": 100, "prepared_on": 1000, "workers": 3}
MODEL = {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 12, "max_depth": 3}, "parts": PARTS}


def killed_once(mark: Path, share: Share, rank: Rank) -> bytes | None:
    """The last worker dies in its first fit, when the others wait for its sums."""
    if rank.number == 2 and not mark.exists():
        mark.touch()
        with rank.joined():
            os.kill(os.getpid(), signal.SIGKILL)
    return boosted(share, rank)


def full(number: int, rank: Rank) -> int:
    """Fails before it joins the others."""
    if number == 1:
        raise TerminalError("is one", code="one", field="number", value=number, fix="take another one")
    with rank.joined():
        return number


def files_of_statistics() -> dict[str, bytes]:
    folder = settings().home / "statistics"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_killed_worker_ends_the_fit_and_the_next_try_gives_the_model_of_this_process(
    shop: World, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shop.declare(model=MODEL, watch={"channels": ["level", "features", "gap", "predictions"]})
    for month in ("2024-01", "2024-02"):
        shop.month(month)
        at = instant(take_in(month).arrived_at)
    workspace = open_workspace(settings())
    case, known = workspace.use_case("shop"), known_at(workspace.ledger, "shop", at)
    with opened_rows(workspace.tables, case.declaration, known) as training:
        here = fit(case, training.rows)
    monkeypatch.setenv("PERENNIAL_ENGINE", "dask")
    monkeypatch.setenv("PERENNIAL_DASK_SCHEDULER", cluster.address)
    monkeypatch.setattr("perennial.training.fit_together.boosted", partial(killed_once, tmp_path / "killed"))
    with pytest.raises(TransientError, match=r"the Dask scheduler at .* lost a worker during a step"):
        train_at(at)
    assert not list(Path(settings().files_uri, "fitting").rglob("*"))
    caplog.set_level("INFO", "perennial.engine")
    entry = train_at(at)
    assert f"fit: 3 parts on the dask engine at {cluster.address}, workers: 1" in caplog.text
    assert not list(Path(settings().files_uri, "fitting").rglob("*"))
    there = load_model(workspace.registry, "shop", entry.model)
    assert there.pipeline[-1].get_booster().save_raw() == here.fitted.pipeline[-1].get_booster().save_raw()
    assert (there.seen, there.naive) == (here.fitted.seen, here.fitted.naive)
    monkeypatch.setenv("PERENNIAL_ENGINE", "local")
    shop.month("2024-03")
    march = take_in("2024-03")
    shop.month("2024-04")
    april = take_in("2024-04")
    monkeypatch.setenv("PERENNIAL_ENGINE", "dask")
    monkeypatch.setenv("PERENNIAL_ROWS_IN_MEMORY", "1")
    monkeypatch.setattr("perennial.scoring.predicted.PART", 100)
    monkeypatch.setattr("perennial.scoring.batch.CHUNK", 100)
    first = decide_at(instant(march.arrived_at), "2024-03")
    assert f"predict: 2 parts on the dask engine at {cluster.address}, workers: 1" in caplog.text
    assert not list(Path(settings().files_uri, "predicting").rglob("*"))
    (decided,) = workspace.ledger.all("shop", Decision)
    again = replay_deep(workspace.ledger, workspace.tables, workspace.registry, decided)
    assert (first.outcome, again.exact, again.difference) == ("first", True, None)
    release.fn("shop", first.id)
    predicted = score_arrived.fn("shop", april)
    watched = watch_champion.fn("shop", april)
    assert caplog.text.count("predict: ") == 5  # of the watch: labelled rows, those since the release, the batch
    counted = files_of_statistics()
    assert counted and f"count: 1 part on the dask engine at {cluster.address}, workers: 1" in caplog.text
    monkeypatch.setenv("PERENNIAL_ENGINE", "local")
    known = known_at(workspace.ledger, "shop", instant(april.arrived_at))
    rows = read_rows(workspace.tables, "shop", case.declaration.schema_, known, only=(april.batch,))
    live = Serving((there,), (1.0,))
    assert predicted is not None and predicted.digest == scored(live, rows, case.declaration.schema_, None).digest
    shutil.rmtree(settings().home / "statistics")
    assert watch_champion.fn("shop", april) == watched
    assert files_of_statistics() == counted


@pytest.mark.slow
def test_an_error_of_one_call_ends_the_others(cluster: Cluster) -> None:
    for engine in (LOCAL, Dask(cluster.address)):
        with pytest.raises(TerminalError, match="number: is one\n  take another one"):
            engine.train("step", full, [0, 1, 2])
        assert engine.train("step", full, [0, 2, 3]) == [0, 2, 3]
