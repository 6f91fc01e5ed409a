"""What `check` accepts runs: the source is looked at, and the team's functions are run on some of its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perennial.cli.checking import check
from perennial.errors import InputError
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.training.fit import fit
from perennial.usecase.mistakes import DeclarationError, Mistake
from perennial.usecase.reading import load_use_case, use_case_name
from tests.training.conftest import Saved, accepted
from tests.training.conftest import saved as saved
from tests.training.stores import take_in
from tests.world import World, month_of_rows

MAKE = "def make():\n    from sklearn.{module} import {name}\n    return {name}({how})\n"


def told(world: World, files: dict[str, str] | None = None, **changes: Any) -> list[Mistake]:
    """The mistakes that `check` reports."""
    for file, text in (files or {}).items():
        (world.usecases / file).parent.mkdir(exist_ok=True)
        (world.usecases / file).write_text(text)
    world.declare(**changes)
    with pytest.raises(DeclarationError) as refused:
        check("shop", json=True)
    return list(refused.value.mistakes)


def derived(world: World, body: str) -> list[Mistake]:
    features = {**world.declaration["features"], "derived": ["shop.py:speed"]}
    return told(world, {"shop.py": f"import numpy as np\n\n\ndef speed(rows):\n    {body}\n"}, features=features)


def metric(world: World, text: str, per: str = "row") -> list[Mistake]:
    own = {"primary": "cost", "metrics": {"cost": {"function": "shop.py:cost", "per": per}}}
    return told(world, {"shop.py": text}, evaluation=own)


@pytest.fixture
def month(world: World) -> World:
    """A world with a batch to come."""
    world.rows_a_day = 6
    world.month("2024-01")
    return world


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise ValueError('no such thing')", "shop.py:5: ValueError('no such thing')"),
        ("return rows['nothing']", "shop.py:5: KeyError('nothing')"),
        ("return rows['returned']", "shop.py:5: KeyError('returned')"),
        ("return rows['price'].head(3)", "one value per row"),
        ("return 3", "not int"),
        ("return rows['price'] / 0", "infinite in 186 of 186 rows"),
        ("return rows['at']", "returned datetime64 values"),
        ("return rows['price'].map(lambda price: [price])", "returned mixed values"),
        ("import nothing_of_that_name", "shop.py:5: ModuleNotFoundError"),
        ("raise SystemExit(0)", "shop.py:5: SystemExit"),
    ],
)
def test_what_a_derived_feature_does_wrong_is_reported_with_its_line(month: World, body: str, expected: str) -> None:
    (mistake,) = derived(month, body)
    assert expected in mistake.message
    assert (mistake.field, mistake.value, mistake.code) == ("features.derived[0]", "shop.py:speed", "does-not-run")
    assert mistake.line is not None


@pytest.mark.parametrize(
    ("text", "per", "expected"),
    [
        ("def cost(labels, predictions):\n    return labels[:3]\n", "row", "returned shape (3,)"),
        ("def cost(labels, predictions):\n    return labels / 0\n", "row", "did not return a finite number"),
        ("def cost(labels, predictions):\n    return labels\n", "all", "TypeError"),
        ("def cost(labels, predictions):\n    return labels[10_000]\n", "all", "shop.py:2: IndexError"),
        ("x = 1 / 0\n\n\ndef cost(labels, predictions):\n    return 0\n", "all", "shop.py:1: ZeroDivisionError"),
    ],
)
def test_what_a_metric_does_wrong_is_reported_with_its_line(month: World, text: str, per: str, expected: str) -> None:
    (mistake,) = metric(month, text, per)
    assert expected in mistake.message
    assert mistake.field == "evaluation.metrics.cost.function"


@pytest.mark.parametrize(
    ("protected", "field", "expected", "code"),
    [
        (["shop.py:region"], "governance.protected[0]", "shop.py:2: ValueError('no map')", "does-not-run"),
        (["carrier", "order"], "governance.protected[1]", "'order' has 2,480 groups; at most 50", "bias-many-groups"),
        (["carrier", "shop.py:each"], "governance.protected[1]", "'each' has 2,480 groups", "bias-many-groups"),
        (["carrier", "shop.py:some"], "governance.intersections[0]", "'carrier and some' has ", "bias-many-groups"),
    ],
)
def test_groups_of_persons_are_counted_in_all_rows_of_the_batch(
    month: World, protected: list[str], field: str, expected: str, code: str
) -> None:
    month.rows_a_day = 80
    month.month("2024-01")
    text = (
        "def region(rows):\n    raise ValueError('no map')\n\n\ndef each(rows):\n    return rows['order']\n\n\n"
        "def some(rows):\n    return rows['order'].str[-1].map(str) + (rows['price'] > 50).map(str)\n"
    )
    both = [["carrier", "some"]] if "shop.py:some" in protected else []
    governance = {"protected": protected, "intersections": both, "selected": {"above": 0.5}}
    (mistake,) = told(month, {"shop.py": text}, governance=governance)
    assert (mistake.field, mistake.code) == (field, code) and expected in mistake.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MAKE.format(module="svm", name="LinearSVC", how=""), "has no predict_proba"),
        (MAKE.format(module="linear_model", name="LogisticRegression", how="C='much'"), "could not be fitted"),
        ("def make():\n    from sklearn.linear_model import Ridge\n    return Ridge\n", "not the class Ridge"),
        ("def make():\n    return 3\n", "must return an estimator, not int"),
        ("def make():\n    return 1 / 0\n", "shop.py:2: ZeroDivisionError"),
        ("def make(depth):\n    return depth\n", "does not accept them: missing a required argument: 'depth'"),
    ],
)
def test_what_an_estimator_does_wrong_is_reported(month: World, text: str, expected: str) -> None:
    (mistake,) = told(month, {"shop.py": text}, model={"estimator": "shop.py:make"}, features={"numeric": ["price"]})
    assert expected in mistake.message
    assert mistake.field in ("model.estimator", "model.params")


@pytest.mark.parametrize(
    "line", ["import helper", "from helper import half", "from . import helper", "from .helper import half"]
)
def test_code_beside_that_would_not_be_kept_with_the_model_is_refused(month: World, line: str) -> None:
    (month.usecases / "helper.py").write_text("def half(x):\n    return x / 2\n")
    (mistake,) = derived(month, f"{line}\n    return rows['price']")
    assert mistake.message.startswith("shop.py:5 imports '")
    assert mistake.code == "derived-function"


def test_a_file_beside_with_the_name_of_an_installed_package_is_no_helper(month: World) -> None:
    (month.usecases / "calendar.py").write_text("")
    (month.usecases / "numpy.py").write_text("")
    features = {**month.declaration["features"], "derived": ["shop.py:speed"]}
    (month.usecases / "shop.py").write_text(
        "import calendar\nimport numpy\n\n\ndef speed(rows):\n    return rows['price']\n"
    )
    month.declare(features=features)
    check("shop", json=True)


def test_dataclasses_prints_and_folders_work(month: World, capsys: pytest.CaptureFixture[str]) -> None:
    source = (
        "from __future__ import annotations\n\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n\n\n"
        "@dataclass\nclass Step:\n    by: float = 2.0\n    kind: ClassVar[str] = 'half'\n\n\n"
        "def half(rows):\n    print('halving')\n    return rows['price'] / Step().by\n"
    )
    (month.usecases / "lib").mkdir()
    (month.usecases / "lib" / "features.py").write_text(source)
    month.declare(features={"numeric": ["price"], "derived": ["lib/features.py:half"]})
    capsys.readouterr()
    check("shop", json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["tried"] == {"rows": 186, "batch": "2024-01", "why_not": "", "notes": []}
    assert "halving" in said.err, "what a team prints goes beside the JSON"


def test_a_model_with_code_in_a_folder_is_saved_and_loaded(world: World, saved: Saved) -> None:
    from perennial.model.artifact import digest_model, load

    (world.usecases / "lib").mkdir()
    (world.usecases / "lib" / "features.py").write_text("def half(rows):\n    return rows['price'] / 2\n")
    world.declare(features={"numeric": ["price"], "derived": ["lib/features.py:half"]})
    made = fit(load_use_case("shop", world.usecases), accepted(month_of_rows("2024-01", rows_a_day=6)))
    folder = saved(made)
    assert (folder / "extra_files" / "lib" / "features.py").is_file()
    load(folder, digest_model(folder))


def test_a_source_that_is_missing_or_lacks_a_column_is_reported(world: World) -> None:
    (mistake,) = told(world, source={"kind": "files", "path": "elsewhere", "batch": "file"})
    assert (mistake.field, mistake.value) == ("source.path", "elsewhere")
    assert "there is no" in mistake.message and "declaration's folder" in mistake.fix
    world.month("2024-01")
    changed = {"numeric": ["price", "wieght"], "categorical": ["carrier"]}
    (mistake,) = told(world, source={"kind": "files", "path": "shop", "batch": "file"}, features=changed)
    assert (mistake.field, mistake.value) == ("features.numeric[1]", "wieght")
    assert mistake.fix == "did you mean 'weight'?"


def test_rows_that_the_checks_set_aside_need_not_run(month: World) -> None:
    rows = month.month("2024-01")
    rows.loc[rows.index[:3], "price"] = 0.0
    rows.to_csv(month.usecases / "shop" / "2024-01.csv", index=False)
    (month.usecases / "shop.py").write_text("def cheap(rows):\n    return 1 / rows['price']\n")
    month.declare(
        features={"numeric": ["price"], "derived": ["shop.py:cheap"]},
        checks=[{"expect_column_values_to_be_between": {"column": "price", "min_value": 1}}],
    )
    assert take_in("2024-01").rows.quarantined == 3


def test_a_first_batch_of_few_rows_is_not_what_an_estimator_is_refused_for(month: World) -> None:
    month.month("2024-01").head(5).to_csv(month.usecases / "shop" / "2024-01.csv", index=False)
    month.declare(
        features={"numeric": ["price"]},
        model={"estimator": "sklearn.neighbors.KNeighborsClassifier", "params": {"n_neighbors": 100}},
    )
    assert take_in("2024-01").status == "accepted"


def test_check_writes_nothing_and_without_running_runs_nothing(month: World, home: Path) -> None:
    (month.usecases / "shop.py").write_text("raise SystemExit(7)\n\n\ndef speed(rows):\n    return rows['price']\n")
    month.declare(features={"numeric": ["price"], "derived": ["shop.py:speed"]})
    check("shop", json=True, run=False)
    with pytest.raises(DeclarationError, match=r"shop\.py:1: SystemExit"):
        check("shop", json=True)
    assert not (home / "landing").exists() or not any((home / "landing").rglob("*.csv"))


def test_a_path_in_the_folder_of_use_cases_is_the_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.usecases.parent)
    for given in ("shop", "shop.yaml", "usecases/shop.yaml", "./usecases/shop.yaml", str(world.usecases / "shop.yaml")):
        assert use_case_name(given, world.usecases) == "shop"
    for given in ("other/shop.yaml", "/elsewhere/shop.yaml", "other/shop"):
        with pytest.raises(InputError, match="PERENNIAL_USECASES") as refused:
            use_case_name(given, world.usecases)
        assert "(shop)" in refused.value.fix


def test_a_run_that_is_given_a_path_suggests_the_name(world: World) -> None:
    with pytest.raises(InputError, match="takes its name, shop"):
        open_workspace(settings()).use_case(str(world.usecases / "shop.yaml"))


WEIGHTED = {"key": ["order"], "time": "at", "target": "returned", "task": "binary", "weight": "exposure"}


def weighed(world: World) -> World:
    """A month with weights, two of which are no positive numbers."""
    rows = month_of_rows("2024-01", rows_a_day=6)
    rows = rows.assign(exposure=[0, "", *([2, 0.5] * (len(rows) // 2 - 1))])
    rows.to_csv(world.declare().usecases / "shop" / "2024-01.csv", index=False)
    return world


def test_an_estimator_that_takes_no_weights_is_reported_before_a_run(world: World) -> None:
    neighbours = {"estimator": "sklearn.neighbors.KNeighborsClassifier", "categories": "onehot"}
    (mistake,) = told(weighed(world), schema=WEIGHTED, model=neighbours)
    assert mistake.field == "model.estimator"
    assert "KNeighborsClassifier does not support sample weights, which schema.weight needs" in mistake.message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("labels, predictions", "'cost' takes no weights, and schema.weight is declared"),
        ("labels, predictions, weights", "shop.py:2: ValueError('4')"),
    ],
)
def test_a_metric_of_all_rows_takes_the_weights_as_its_third_argument(
    world: World, arguments: str, expected: str
) -> None:
    body = "raise ValueError(f'{weights.max() / weights.min():g}')"
    weighed(world).declaration["schema"] = WEIGHTED
    (mistake,) = metric(world, f"def cost({arguments}):\n    {body}\n", per="all")
    assert expected in mistake.message


def test_a_weight_is_no_feature(world: World) -> None:
    features = {"numeric": ["price", "exposure"], "categorical": ["carrier"]}
    (mistake,) = told(weighed(world), schema=WEIGHTED, features=features)
    assert "'exposure' cannot be a feature: it is the weight" in mistake.message


def test_what_needs_all_rows_cannot_be_fitted_in_parts(month: World) -> None:
    mean = {"shop.py": "def speed(rows):\n    return rows['price'] / rows['price'].mean()\n"}
    features = {**month.declaration["features"], "derived": ["shop.py:speed"]}
    boosted = {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 3}, "parts": {}}
    (mistake,) = told(month, mean, features=features, model=boosted)
    assert "derived feature 'speed' is not row-wise" in mistake.message and "remove model.parts" in mistake.message
    own = {"make.py": MAKE.format(module="linear_model", name="LogisticRegression", how="")}
    numbers = {"numeric": ["price", "weight"]}
    (mistake,) = told(month, own, features=numbers, model={"estimator": "make.py:make", "parts": {}})
    assert "LogisticRegression, which has no partial_fit" in mistake.message and mistake.value == "make.py:make"
    exact = {**boosted, "params": {"n_estimators": 3, "tree_method": "exact"}}
    (mistake,) = told(month, features=numbers, model=exact)
    assert mistake.field == "model.params" and "tree_method" in mistake.message


def test_a_batch_without_a_row_is_why_nothing_was_tried(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.declare()
    header = world.month("2024-01").head(0)
    header.to_csv(world.usecases / "shop" / "2024-01.csv", index=False)
    capsys.readouterr()
    check("shop", json=True)
    tried = json.loads(capsys.readouterr().out)["tried"]
    assert (tried["rows"], tried["why_not"]) == (0, "the batch 2024-01 has no row")
