"""One of each kind, added by a package of somebody else's: a declaration may name it, and a cycle uses it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from perennial.clock import instant
from perennial.ledger.entries import ChallengerEntry, Decision, Episode, Snapshot
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from perennial.usecase.schema import json_schema
from tests.training.stores import decide_at, take_in, train_at
from tests.world import World, month_of_rows

HERE, DOCS = Path(__file__).resolve().parent, Path(__file__).resolve().parents[2] / "docs"
ENTRY_POINTS = """
[perennial.sources]
jsonl = json_lines:open_json_lines
[perennial.metrics]
absolute = outside:METRIC
[perennial.policies]
cautious = outside:POLICY
[perennial.windows]
newest = outside:Newest
[perennial.estimators]
trees = outside:Trees
[perennial.channels]
small = outside:CHANNEL
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    info = site / "outside-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    page = (DOCS / "own-source.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (entry,) = re.findall(r"^jsonl = \"(.*)\"$", page, re.MULTILINE)
    (info / "entry_points.txt").write_text(ENTRY_POINTS.replace("json_lines:open_json_lines", entry))
    (site / "json_lines.py").write_text(code)
    (site / "outside.py").write_text((HERE / "outside.py").read_text())
    monkeypatch.syspath_prepend(site)


def declared(world: World, **changes: object) -> World:
    model = {"estimator": "trees", "params": {"max_iter": 5}, "window": {"newest": 0.5}}
    sections = {
        "source": {"kind": "jsonl", "path": "../data"},
        "model": model,
        "evaluation": {"primary": "log_loss", "also": ["absolute"]},
        "release": {"policy": "cautious"},
        "watch": {"channels": ["level", "small"]},
    }
    return world.declare(**sections | changes)


@pytest.mark.usefixtures("installed")
def test_a_cycle_uses_one_of_each_kind(world: World, tmp_path: Path) -> None:
    from tasks.deciding import release
    from tasks.health import watch_champion

    (tmp_path / "data").mkdir()
    for month in ("2024-01", "2024-02", "2024-03"):
        rows = month_of_rows(month, rows_a_day=30)
        rows.to_json(tmp_path / "data" / f"{month}.jsonl", orient="records", lines=True)
    declared(world)
    january = take_in("2024-01")
    train_at(instant(january.arrived_at))
    february = take_in("2024-02")
    decision = decide_at(instant(february.arrived_at), "2024-02")
    assert (decision.outcome, decision.policy.name, decision.policy.alpha) == ("first", "cautious", 0.2)
    assert decision.reasons == ("The policy of another package decided it.",)
    assert [metric.name for metric in decision.metrics] == ["log_loss", "absolute"]
    assert decision.metrics[1].gain is not None
    release.fn("shop", decision.id)
    health = watch_champion.fn("shop", take_in("2024-03"))
    readings = {reading.channel: reading.value for reading in health.readings}
    assert set(readings) == {"level", "small"} and readings["small"] == health.rows
    assert [(alarm.channel, alarm.severity) for alarm in health.alarms] == [("small", "info")]
    assert health.action == "none", "this channel may not ask for a retraining"
    ledger = open_workspace(settings()).ledger
    (snapshot,) = [row.payload for row in ledger.all("shop", Snapshot)]
    assert 0.4 < snapshot.rows / january.rows.accepted < 0.6, "the newest half"
    assert len(ledger.all("shop", ChallengerEntry)) == len(ledger.all("shop", Decision)) == 1
    assert [row.payload.channel for row in ledger.all("shop", Episode)] == ["small"]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("section", "value", "field", "meant", "known"),
    [
        ("release", {"policy": "cautius"}, "release.policy", "cautious", "strict"),
        ("watch", {"channels": ["smal"]}, "watch.channels[0]", "small", "unseen"),
        ("evaluation", {"also": ["absolut"]}, "evaluation.also[0]", "absolute", "recall"),
        ("model", {"estimator": "treess"}, "model.estimator", "trees", "trees"),
        ("source", {"kind": "jsonll", "path": "../data"}, "source.kind", "jsonl", "files"),
    ],
)
def test_a_misspelled_name_is_reported_with_what_is_installed(
    world: World, section: str, value: dict[str, object], field: str, meant: str, known: str
) -> None:
    declared(world, **{section: value})
    with pytest.raises(DeclarationError) as found:
        load_use_case("shop", world.usecases)
    (mistake,) = [each for each in found.value.mistakes if each.field == field]
    assert f"did you mean '{meant}'?" in str(mistake) and known in str(mistake)


@pytest.mark.usefixtures("installed")
def test_a_window_of_another_package_is_read_by_it_before_anything_runs(world: World) -> None:
    declared(world, model={"estimator": "trees", "window": {"newest": 2}})
    with pytest.raises(DeclarationError, match=r"model\.window\.newest.*less than or equal to 1"):
        load_use_case("shop", world.usecases)


@pytest.mark.usefixtures("installed")
def test_the_editors_schema_knows_what_is_installed() -> None:
    text = json.dumps(json_schema())
    assert all(f'"{name}"' in text for name in ("cautious", "newest", "jsonl"))


def test_without_the_package_its_names_are_unknown(world: World) -> None:
    declared(world)
    with pytest.raises(DeclarationError) as found:
        load_use_case("shop", world.usecases)
    fields = {mistake.field for mistake in found.value.mistakes}
    assert {"source.kind", "evaluation.also[0]", "release.policy", "watch.channels[1]", "model.estimator"} <= fields
    assert "model.window.newest" in fields
