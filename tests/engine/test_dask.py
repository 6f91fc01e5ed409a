"""A cluster returns what this process would return, or the step fails with what to start."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from perennial.cli.repair import doctor
from perennial.engine import LOCAL
from perennial.engine.dask import Dask
from perennial.errors import InputError, PerennialError, TerminalError, TransientError
from tests.dask_cluster import Cluster, dask_cluster
from tests.world import World


def squared(number: int) -> int:
    """Fails for 3."""
    if number == 3:
        raise TerminalError("is three", code="three", field="number", value=number, fix="take another one")
    return number * number


def fatal(number: int) -> int:
    """Ends its worker."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def without_scheduler(scheduler: int) -> None:
    """Ends the scheduler."""
    os.kill(scheduler, signal.SIGKILL)


def test_results_come_in_the_order_of_the_files(cluster: Cluster) -> None:
    assert Dask(cluster.address).map_files("square", squared, [7, 5, 1]) == [49, 25, 1]


def test_a_result_may_take_longer_to_fetch_than_a_look_whether_it_is_there(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perennial.engine.dask._POLL", 1e-9)
    assert Dask(cluster.address).map_files("square", squared, [4, 2]) == [16, 4]


def test_an_error_arrives_with_its_code_field_value_and_fix(cluster: Cluster) -> None:
    caught: list[PerennialError] = []
    for engine in (LOCAL, Dask(cluster.address)):
        with pytest.raises(TerminalError, match="number: is three\n  take another one") as error:
            engine.map_files("square", squared, [1, 3, 2])
        caught.append(error.value)
    ours, theirs = caught
    assert vars(ours) == vars(theirs)


def test_a_worker_with_another_version_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    other = tmp_path / "perennial-0.0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: perennial\nVersion: 0.0.1\n")
    cluster.work(1, {"PYTHONPATH": str(tmp_path)})
    try:
        with pytest.raises(InputError, match=r"1 of 3 workers have another version of perennial: tcp://.* has 0\.0\.1"):
            Dask(cluster.address).map_files("square", squared, [1])
    finally:
        stranger = cluster.workers.pop()
        stranger.kill()
        stranger.wait()


def test_a_part_that_ends_one_worker_after_another_is_given_up_with_what_to_change(tmp_path: Path) -> None:
    once_more = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with dask_cluster(tmp_path, workers=3, environ=once_more) as cluster:
        with pytest.raises(TerminalError) as given_up:
            Dask(cluster.address).map_files("check", fatal, [1])
        assert cluster.alive == 1
    error = given_up.value
    assert (error.code, error.field, error.value) == ("workers-killed", "PERENNIAL_DASK_SCHEDULER", cluster.address)
    assert "check: a part of the step ended 2 workers, one after another" in str(error)
    assert "Give workers more memory" in str(error) and "Nothing of the step counts" in str(error)


def test_a_cluster_that_is_lost_is_reported_when_that_is_seen_and_then_with_what_to_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waits = []
    with dask_cluster(tmp_path, workers=1) as cluster:
        engine = Dask(cluster.address, patience=1)
        for lost, step in (("has no worker any more", fatal), ("has no worker", squared)):
            with pytest.raises(TransientError, match=f"PERENNIAL_DASK_SCHEDULER: the Dask scheduler at .* {lost}\n"):
                engine.map_files("step", step, [1])
            waits.append(f"the Dask scheduler at {cluster.address} {lost}; waiting for up to 1 s")
        cluster.work(1)
        (scheduler,) = cluster.others
        with pytest.raises(TransientError, match="was lost during a step\n"):
            engine.map_files("step", without_scheduler, [scheduler.pid])
    with pytest.raises(TransientError, match="does not answer\n  Start the scheduler and its workers"):
        engine.map_files("step", squared, [1])
    waits.append(f"the Dask scheduler at {cluster.address} does not answer; waiting for up to 1 s")
    assert [each.getMessage() for each in caplog.records if each.name == "perennial.story"] == waits


def test_doctor_asks_for_the_workers(
    world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERENNIAL_ENGINE", "dask")
    monkeypatch.setenv("PERENNIAL_DASK_SCHEDULER", cluster.address)
    doctor("shop", dry_run=False, json=False)
    assert f"Large batches run on the dask engine at {cluster.address}, workers: 2." in capsys.readouterr().out
