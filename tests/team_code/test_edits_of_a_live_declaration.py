"""Single-field edits of a live declaration, each followed by a cycle: it works, or is refused as `check` announced."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from perennial.cli.checking import check
from perennial.errors import PerennialError
from perennial.ledger.entries import ChallengerEntry, Cycle, Decision, RaceStep
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.places import lead_to
from tests.team_code.conftest import FEATURES, METRIC
from tests.training.stores import cycle
from tests.world import World

pytestmark = pytest.mark.slow

NEXT = "the next challenger"
CHECKS = "data checks from the next batch, and the next challenger"
NOTHING = "nothing: it applies from the next run"
HISTORY = "a new comparison history"
WATCHED = "the champion is monitored with the former metric until the next release"
GONE = None


def month(world: World, name: str) -> None:
    """A month with a column beside those of the world, which is not known when the order is made."""
    rows = world.month(name)
    rows.assign(
        shop=["east", "west"] * (len(rows) // 2),
        refund=rows["returned"],
        at2=pd.to_datetime(rows["at"]) + pd.Timedelta("9D"),
    ).to_csv(world.usecases / "shop" / f"{name}.csv", index=False)


@dataclass(frozen=True)
class Shop:
    """A live shop after three months: version 1 serves, watched by the team's own metric; version 3 waits."""

    world: World
    folder: Path

    def restore(self) -> None:
        """Put home and files back as they were."""
        home, kept = self.folder / "home", self.folder / "kept"
        shutil.rmtree(home / "tables")
        shutil.copytree(kept / "tables", home / "tables")
        for database in ("ledger.db", "mlflow/mlflow.db"):
            with closing(sqlite3.connect(kept / database)) as former, closing(sqlite3.connect(home / database)) as now:
                former.backup(now)
        shutil.rmtree(self.world.usecases)
        shutil.copytree(self.folder / "kept_usecases", self.world.usecases)

    def edit(self, **fields: Any) -> None:
        """Set fields by their dotted names (`__` for the dots); None removes one. `file` edits a team's file."""
        declared = yaml.safe_load((self.world.usecases / "shop.yaml").read_text())
        for name, value in fields.items():
            *above, last = name.split("__")
            part = declared
            for step in above:
                part = part.setdefault(step, {})
            part.pop(last, None)
            if value is not None:
                part[last] = value
        (self.world.usecases / "shop.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("edits")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        world = World(folder / "usecases", rows_a_day=14)
        declared = world.declaration
        declared["schema"]["types"] = {"shop": "text"}
        declared["features"]["derived"] = ["features.py:half"]
        declared["model"]["params"]["max_iter"] = 5
        declared["evaluation"] = {
            "primary": "cost",
            "also": ["brier"],
            "guards": {"roc_auc": {"margin": 0.5}},
            "slices": ["carrier"],
            "metrics": {"cost": {"function": "metric.py:cost", "direction": "lower"}},
        }
        world.declare()
        (world.usecases / "features.py").write_text(FEATURES)
        (world.usecases / "metric.py").write_text(METRIC)
        for name in ("2024-01", "2024-02", "2024-03"):
            month(world, name)
            cycle()
        month(world, "2024-04")
        (world.usecases / "late").mkdir()
        late = pd.read_csv(world.usecases / "shop" / "2024-01.csv")[["order", "returned", "at2"]]
        late.head(9).to_csv(world.usecases / "late" / "1.csv", index=False)
        shutil.copytree(folder / "home", folder / "kept")
        shutil.copytree(folder / "usecases", folder / "kept_usecases")
        yield Shop(world, folder)


@pytest.fixture
def shop(live: Shop) -> Shop:
    live.restore()
    return live


def checked(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str], str]:
    """What `check` reports: its exit code, what each edit restarts, its message."""
    capsys.readouterr()
    try:
        check("shop", json=True)
    except PerennialError as error:
        return error.exit_code, {}, str(error)
    return 0, {edit["field"]: edit["restarts"] for edit in json.loads(capsys.readouterr().out)["edits"]}, ""


WORKS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a column more": ({"schema__types__refund": "number"}, {"schema.types.refund": CHECKS}),
    "a column less": ({"schema__types": GONE}, {"schema.types.shop": CHECKS}),
    "timezone": ({"schema__timezone": "America/New_York"}, {"schema.timezone": CHECKS}),
    "labels later": ({"schema__label_known_after": "20d"}, {"schema.label_known_after": CHECKS}),
    "labels earlier": ({"schema__label_known_after": "1h"}, {"schema.label_known_after": CHECKS}),
    "a feature more": ({"features__numeric": ["price", "weight", "refund"]}, {"features.numeric": CHECKS}),
    "a feature less": (
        {"features__numeric": ["price"], "schema__types": {"shop": "text", "weight": "number"}},
        {"features.numeric": CHECKS, "schema.types.weight": CHECKS},
    ),
    "a feature never": (
        {
            "features__numeric": ["price"],
            "features__never": ["weight"],
            "schema__types": {"shop": "text", "weight": "number"},
        },
        {"features.numeric": CHECKS, "features.never": CHECKS, "schema.types.weight": CHECKS},
    ),
    "no derived one": ({"features__derived": GONE}, {"features.derived": NEXT}),
    "built-in ones": (
        {"features__derived": ["features.py:half", "hour_of:at", "days_since:at2"]},
        {"features.derived": NEXT},
    ),
    "checks": ({"checks": GONE}, {"checks": "data checks, from the next batch"}),
    "estimator": (
        {"model": {"estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}}},
        {"model.estimator": NEXT, "model.params.n_estimators": NEXT},
    ),
    "params": ({"model__params__max_iter": 6}, {"model.params.max_iter": NEXT}),
    "window": ({"model__window": {"batches": 1}}, {"model.window": NEXT}),
    "race": ({"model__window": ["expanding", {"batches": 1}]}, {"model.window": NEXT}),
    "seed": ({"model__seed": 3}, {"model.seed": NEXT}),
    "categories": ({"model__categories": "onehot"}, {"model.categories": NEXT}),
    "search": (
        {"model__search": {"space": {"max_leaf_nodes": [3, 7]}, "trials": 2, "folds": 2}},
        {"model.search": NEXT},
    ),
    "primary": ({"evaluation__primary": "log_loss"}, {"evaluation.primary": f"{HISTORY}; {WATCHED}"}),
    "guards": ({"evaluation__guards": GONE}, {"evaluation.guards.roc_auc": NOTHING}),
    "also": ({"evaluation__also": ["log_loss"]}, {"evaluation.also": NOTHING}),
    "own metric removed": (
        {"evaluation__primary": "log_loss", "evaluation__metrics": GONE},
        {"evaluation.primary": f"{HISTORY}; {WATCHED}", "evaluation.metrics.cost": WATCHED},
    ),
    "own metric renamed": (
        {
            "evaluation__primary": "price",
            "evaluation__metrics": {"price": {"function": "metric.py:cost", "direction": "lower"}},
        },
        {
            "evaluation.primary": f"{HISTORY}; {WATCHED}",
            "evaluation.metrics.cost": WATCHED,
            "evaluation.metrics.price": NOTHING,
        },
    ),
    "own metric turned": (
        {"evaluation__metrics__cost__direction": "higher"},
        {"evaluation.metrics.cost.direction": f"{HISTORY} of cost; {WATCHED}"},
    ),
    "slices": ({"evaluation__slices": ["shop"]}, {"evaluation.slices": NOTHING}),
    "slice_harm": ({"evaluation__slice_harm": 0.2}, {"evaluation.slice_harm": NOTHING}),
    "weeks": ({"evaluation__cluster_by": "week"}, {"evaluation.cluster_by": HISTORY}),
    "groups": ({"evaluation__cluster_by": ["carrier"]}, {"evaluation.cluster_by": HISTORY}),
    "policy": ({"release__policy": "newest_unless_worse"}, {"release.policy": NOTHING}),
    "refresh_after": ({"release__refresh_after": "10d"}, {"release.refresh_after": NOTHING}),
    "patience": ({"release__patience": "90d"}, {"release.patience": NOTHING}),
    "tolerance": ({"watch__tolerance": 0.01}, {"watch.tolerance": NOTHING}),
    "triggers": ({"triggers__on_new_batch": False}, {"triggers.on_new_batch": NOTHING}),
    "source": ({"source__batch": "month"}, {"source.batch": NOTHING}),
    "labels": ({"labels": {"path": "late", "known_at": "at2"}}, {"labels": NOTHING}),
    "description": ({"description": "Is it sent back?"}, {"description": NOTHING}),
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"schema__types": {"shop": "number"}}, "column 'shop' is declared as number, but is text in"),
    "a feature moved": (
        {"features__numeric": ["price"], "features__categorical": ["carrier", "weight"]},
        "features.categorical: column 'weight' is declared as text, but is number in the accepted batches",
    ),
    "a feature gone": (
        {"features__numeric": ["price"]},
        "'weight' is no longer declared, but version 1, which is live",
    ),
    "labels by a column that is not there": (
        {"schema__label_known_after": GONE, "schema__label_known_at": "known"},
        "schema.label_known_at: batch 2024-04 of the source has no column 'known'",
    ),
    "key": ({"schema__key": ["order", "at"]}, "schema.key: was"),
    "time": ({"schema__time": "at2"}, "schema.time: was"),
    "target": ({"schema__target": "refund"}, "schema.target: was"),
    "task": (
        {"schema__task": "multiclass", "schema__classes": [0, 1], "evaluation": {"primary": "log_loss"}},
        "schema.task: was",
    ),
    "a parameter that is none": ({"model__params__max_itre": 7}, "model.params: "),
    "an estimator without probabilities": (
        {"model": {"estimator": "sklearn.svm.LinearSVC"}},
        "has no predict_proba, but task binary needs",
    ),
    "a metric that gives rows": ({"evaluation__metrics__cost__per": "all"}, "evaluation.metrics.cost.function: metric"),
    "a path that is not there": ({"source__path": "elsewhere"}, "source.path: there is no"),
    "a decimal sign that no number has": ({"schema__decimal": ","}, "is a number"),
    "labels that are not there": ({"labels": {"path": "nowhere", "known_at": "at2"}}, "does not exist"),
    "another name": ({"name": "shops"}, "name: 'shops' differs from the name of the file"),
}


@pytest.mark.parametrize("name", WORKS)
def test_an_edit_works_and_restarts_what_check_announced(
    shop: Shop, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fields, restarts = WORKS[name]
    before = open_workspace(settings()).ledger.all("shop", ChallengerEntry)[-1].payload
    shop.edit(**fields)
    code, told, message = checked(capsys)
    assert (code, message) == (0, "")
    assert {field: told[field] for field in restarts} == restarts
    done = cycle()
    ledger = open_workspace(settings()).ledger
    assert isinstance(done, Cycle)
    assert done.health.loss is None or done.health.loss.reference is not None
    newest = ledger.all("shop", ChallengerEntry)[-1].payload
    if any("challenger" in text for text in restarts.values()) and newest.challenger != before.challenger:
        assert newest.model_digest != before.model_digest
    elif newest.challenger != before.challenger:
        assert newest.model_digest == before.model_digest, "nothing of the model was edited"
    decision = ledger.all("shop", Decision)[-1].payload
    if any(text.startswith(HISTORY) for text in restarts.values()) and decision.id == done.decision:
        assert decision.metrics[0].inflation is None, "earlier decisions show nothing of it"
    assert (len(ledger.all("shop", RaceStep)) > 0) == (name == "race")


@pytest.mark.parametrize("name", REFUSED)
def test_an_edit_is_refused_before_anything_is_written_as_check_announced(
    shop: Shop, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fields, expected = REFUSED[name]
    rows = open_workspace(settings()).ledger.verify("shop")
    landed = sorted((shop.folder / "home" / "landing").rglob("*"))
    shop.edit(**fields)
    code, _, message = checked(capsys)
    assert expected in message
    with pytest.raises(PerennialError) as refused:
        cycle()
    assert expected in str(refused.value)
    assert refused.value.exit_code == code == 2
    assert open_workspace(settings()).ledger.verify("shop") == rows
    assert sorted((shop.folder / "home" / "landing").rglob("*")) == landed


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("features.py", "def half(rows):\n    return rows['prise'] / 2\n", "features.py:2: KeyError('prise')"),
        ("features.py", "def half(rows):\n    return rows['price'] / 0\n", "'half' of features.py is infinite in"),
        ("metric.py", "import nothing_of_that_name\n\n\n" + METRIC, "metric.py:1: ModuleNotFoundError"),
        ("metric.py", METRIC.replace("** 2", ")"), "metric.py is not Python"),
    ],
)
def test_code_that_does_not_run_is_refused_with_its_file_and_line(
    shop: Shop, file: str, text: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = open_workspace(settings()).ledger.verify("shop")
    (shop.world.usecases / file).write_text(text)
    code, _, message = checked(capsys)
    assert (code, expected in message) == (2, True), message
    with pytest.raises(PerennialError, match=expected.replace("(", r"\(").replace(")", r"\)")) as refused:
        cycle()
    assert refused.value.exit_code == 2
    assert open_workspace(settings()).ledger.verify("shop") == rows


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        ("features.py", FEATURES.replace("/ 2", "/ 4"), NEXT),
        ("metric.py", METRIC.replace("** 2", "** 4"), f"{HISTORY} of cost; {WATCHED}"),
    ],
)
def test_edited_code_works_and_restarts_what_check_announced(
    shop: Shop, file: str, text: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = open_workspace(settings()).ledger.all("shop", ChallengerEntry)[-1].payload
    (shop.world.usecases / file).write_text(text)
    assert checked(capsys) == (0, {f"code.{file}": what}, "")
    done = cycle()
    assert isinstance(done, Cycle)
    newest = open_workspace(settings()).ledger.all("shop", ChallengerEntry)[-1].payload
    assert (newest.model_digest != before.model_digest) == (what == NEXT)
    assert done.health.loss is not None and done.health.loss.value < 1, (
        "watched by the squared cost, as it was evaluated"
    )
