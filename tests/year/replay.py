"""The year 2013 through the real flows: January to March taken in, one model trained, then a cycle a month.

In April the model of January to March is not proven better than the base rate, so the gate does not start it.
It is released by hand, and since no gain is large enough for the declaration, it serves for the rest of the year.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from perennial.ledger.entries import BatchEntry, ChallengerEntry, Decision, ModelRef, Recorded, Release, Snapshot
from perennial.release.promote import release_decided
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.places import lead_to

ROOT = Path(__file__).resolve().parents[2]
MONTHS = tuple(f"2013-{month:02}" for month in range(1, 13))
FACED = MONTHS[4:]
"""Months in which a challenger, trained on all months before, faces the model of January to March."""
FEATURES: dict[str, list[str]] = {
    "categorical": ["carrier", "origin", "dest"],
    "numeric": [
        *("distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    ],
    "derived": ["flights.py:hour_of_day", "flights.py:day_of_week"],
    "never": ["dep_time", "dep_delay", "arr_time", "air_time", "arr_delay"],
}
FUNCTIONS = """
def hour_of_day(rows):
    scheduled = rows["sched_dep_time"]
    return scheduled // 100 + scheduled % 100 / 60


def day_of_week(rows):
    return rows["time_hour"].dt.tz_convert("America/New_York").dt.day_of_week.astype("float64")
"""


def declaration() -> dict[str, Any]:
    """The demo's declaration with everything pinned that decides a number, and a gain to ask for that no model has."""
    said: dict[str, Any] = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text())
    return said | {
        "features": FEATURES,
        "model": {
            "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
            "params": {"max_iter": 100, "random_state": 0},
            "window": "expanding",
        },
        "evaluation": {"primary": "log_loss", "cluster_by": "day"},
        "release": {"min_gain": 9, "refresh_after": "3650d"},
        "triggers": {"on_new_batch": True, "on_drift": False},
    }


@dataclass(frozen=True)
class Year:
    """The home of a year that was replayed, read afresh at each question."""

    workspace: Workspace

    def payloads(self, kind: type[Recorded]) -> list[Any]:
        """Every ledger row of a kind, in order."""
        return [row.payload for row in self.workspace.ledger.all("flights", kind)]

    @property
    def batches(self) -> dict[str, BatchEntry]:
        """Window → batch."""
        return {batch.window: batch for batch in self.payloads(BatchEntry)}

    @property
    def decisions(self) -> dict[str, Decision]:
        """Window of the batch on which it was taken → decision."""
        return {decision.batch: decision for decision in self.payloads(Decision)}

    @property
    def releases(self) -> list[Release]:
        """Every release."""
        return self.payloads(Release)

    def snapshot_of(self, decision: Decision) -> Snapshot:
        """What the challenger of a decision was trained on."""
        entry = next(c for c in self.payloads(ChallengerEntry) if c.challenger == decision.challenger_id)
        found: Snapshot = next(s for s in self.payloads(Snapshot) if s.snapshot == entry.snapshot)
        return found

    def table(self, name: Any, batch: str) -> pd.DataFrame:
        """A batch's rows in one of the tables."""
        found = self.workspace.tables.read("flights", name, [batch])
        assert found is not None
        return found.to_pandas()

    def model_file(self, model: ModelRef) -> Path:
        """Where the skops file of a registered version lies."""
        # Opened anew, since MLflow has one tracking address for the whole process and other tests have theirs.
        return Workspace(self.workspace.settings).registry.folder("flights", model) / "model.skops"


def replay(folder: Path) -> Year:
    """Replay the year below `folder`. The environment leads there only meanwhile."""
    from perennial.processes.prefect_server import quiet_flows

    usecases = folder / "usecases"
    usecases.mkdir()
    (usecases / "flights.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(declaration()))))
    (usecases / "flights.py").write_text(FUNCTIONS)
    with pytest.MonkeyPatch.context() as patch, quiet_flows():
        lead_to(patch, folder)
        from flows.cycle import cycle
        from flows.decide import decide
        from flows.ingest import ingest
        from flows.train import train
        from perennial.ledger.entries import Trigger

        for month in MONTHS[:3]:
            ingest("flights", month)
        train("flights", Trigger(kind="person", detail="the first three months"))
        cycle("flights", "2013-04")
        year = Year(open_workspace(settings()))
        started = year.decisions["2013-04"].model_copy(update={"outcome": "first"})
        release_decided(year.workspace.ledger, started)
        for month in FACED[:-1]:
            cycle("flights", month)
        ingest("flights", FACED[-1])  # what December's cycle would train is never evaluated
        decide("flights", FACED[-1])
        return year
