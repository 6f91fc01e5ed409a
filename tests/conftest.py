"""Real parts for every test: a separate home, a small world, one Prefect server for the session."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.places import set_places

# Before NumPy is imported: threads that wait for each other at a full machine cost many times what they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import scipy.special  # noqa: F401  # before all that the tests import, see `Registry._client`

from perennial.processes.untracked import report_nothing
from tests import prefect_once
from tests.commands_once import make_commands_once
from tests.extent import part_of
from tests.mlflow_once import MADE_ONCE, copy_databases
from tests.world import World

report_nothing()
# A flow without the session's server fails, instead of starting a server that nobody asked for.
os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"

# A sixth of the time of imports is the search for garbage among what stays.
gc.set_threshold(50_000, 20, 100)

make_commands_once()

# All tests of a process share the one that theirs are forked from: whichever is the first to start it, it is warm.
multiprocessing.get_context("forkserver").set_forkserver_preload(["tests.crashes.preload"])

# A busy machine is no failure.
hypothesis.settings.register_profile("perennial", deadline=None, max_examples=part_of(100))
hypothesis.settings.load_profile("perennial")


_SHARING = ("cli", "postgres", "release", "serving", "year")
"""Folders whose modules share a home that took long to fill."""


def _story(nodeid: str) -> str:
    """What a test shares its homes with, and so its process: a module, or a whole folder."""
    module = nodeid.partition("::")[0]
    folder = module.rpartition("/")[0]
    return folder if folder.endswith(_SHARING) else module


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under `make test-all` a test that skips because a program is missing has failed."""
    report = yield
    needs_a_program = any(item.get_closest_marker(name) for name in ("extended", "browser"))
    if report.skipped and needs_a_program and os.environ.get("PERENNIAL_TEST_ALL"):
        report.outcome = "failed"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long stories begin first, so that the processes end at about the same time. `make test` skips the longest."""
    if not os.environ.get("PERENNIAL_TEST_ALL"):
        later = pytest.mark.skip(reason="takes long: make test-all runs it (PERENNIAL_TEST_ALL=1)")
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(later)
    lengths = {_story(item.nodeid): _length(item) for item in sorted(items, key=_length)}
    items.sort(key=lambda item: -lengths[_story(item.nodeid)])


def _length(item: pytest.Item) -> int:
    """How early a test begins: 3 for a long one, 2 if a whole folder is one story, 1 for a slow one, 0 for others."""
    if item.get_closest_marker("long"):
        return 3
    if _story(item.nodeid) != item.nodeid.partition("::")[0]:
        return 2
    return 1 if item.get_closest_marker("slow") else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """With several processes, a story stays in one process."""

    class ByStory(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _story(nodeid)

    return ByStory(config, log)


@pytest.fixture(scope="session", autouse=True)
def _databases_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All processes of the tests copy one database of MLflow, and one of Prefect."""
    ours = tmp_path_factory.getbasetemp()
    shared = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours
    os.environ[MADE_ONCE] = str(shared / "mlflow" / "mlflow.db")
    os.environ[prefect_once.MADE_ONCE] = str(shared / "prefect_once" / "prefect.db")
    copy_databases()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and settings that lead there and nowhere else."""
    set_places(monkeypatch, tmp_path)
    return tmp_path / "home"


@pytest.fixture
def world(home: Path, tmp_path: Path) -> World:
    """The `shop` use case, declared, with no month yet."""
    return World(tmp_path / "usecases").declare()


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API address of a real Prefect server that all tests of the session share; in the environment too.

    To Prefect its database is one in memory, by its name, so that requests take turns: else those of processes side by
    side meet locks, and Prefect's client waits two seconds for each.
    """
    from perennial.processes.prefect_server import environment, start_server, stop_server, wait_for
    from perennial.settings import PREFECT_DATABASE, prepare_home, settings

    folder = tmp_path_factory.mktemp("prefect")
    where = settings({"PERENNIAL_HOME": str(folder)})
    prepare_home(where)
    database = folder / ":memory:" / "prefect.db"
    database.parent.mkdir()
    with pytest.MonkeyPatch.context() as patch, prefect_once.migrated_once(database):
        patch.setenv(PREFECT_DATABASE, f"sqlite+aiosqlite:///{database}")
        server = start_server(where)
        try:
            wait_for(server)
        except BaseException:
            stop_server(where)
            raise
    os.environ.update(environment(server))
    if "prefect" in sys.modules:  # a module that was collected has imported it, before the variables were set
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    try:
        yield server.url
    finally:
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()  # its last lines still reach the server
        stop_server(where)


@pytest.fixture
def flows(prefect_server: str) -> Iterator[None]:
    """Flows can be imported and called, without heartbeats."""
    from perennial.processes.prefect_server import quiet_flows

    with quiet_flows():
        yield
