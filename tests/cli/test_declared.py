"""What a mistake in a declaration looks like on the command line, and what it leaves to be seen."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from perennial.usecase.declaration import ReleaseRules
from perennial.usecase.reading import load_use_case
from tests.cli.conftest import command, write
from tests.places import lead_to
from tests.world import World

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A declared shop with a file of one month, of which nothing has been ingested."""
    lead_to(monkeypatch, tmp_path)
    world = World(tmp_path / "usecases", rows_a_day=3).declare()
    world.month("2024-01")
    return world


@pytest.mark.parametrize(
    ("arguments", "code"), [(("status",), 0), (("doctor",), 1), (("alerts",), 0), (("alerts", "send"), 0)]
)
def test_a_broken_declaration_hides_no_other_use_case(
    shop: World, capsys: Captured, arguments: tuple[str, ...], code: int
) -> None:
    (shop.usecases / "bad.yaml").write_text("a: [")
    assert command(*arguments) == code
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and "bad is left out: " in told.err
    assert "bad.yaml:1: not YAML: a [ or { is opened and never closed" in told.err
    assert told.err.endswith("perennial check bad\n")
    assert "shop" in told.out or arguments[0] == "alerts"
    assert command("status", "bad") == 2, "the one that is named is reported in full"


def test_json_of_status_has_the_use_cases_that_can_be_read(shop: World, capsys: Captured) -> None:
    (shop.usecases / "bad.yaml").write_text("a: [")
    assert command("status", "--json") == 0
    assert [view["usecase"] for view in json.loads(capsys.readouterr().out)] == ["shop"]


def test_a_misspelt_feature_is_corrected_by_the_columns_of_the_source(shop: World, capsys: Captured) -> None:
    check = {"expect_column_values_to_be_between": {"column": "weight", "min_value": 0}}
    shop.declare(features={"numeric": ["price", "weigth"], "categorical": ["carrier"]}, checks=[check])
    assert command("check", "shop") == 2
    told = capsys.readouterr().err
    assert "did you mean 'weigth'" not in told
    assert "the source has it: correct 'weigth', which the source does not have" in told
    assert "batch 2024-01 of the source has no column 'weigth'\n  did you mean 'weight'?" in told


@pytest.mark.parametrize(
    ("section", "column", "field", "values", "fix"),
    [
        ({"weight": "carrier"}, "carrier", "schema.weight", "a number: '", "every value is a number"),
        ({"weight": "debt"}, "debt", "schema.weight", "above 0, as a weight must be: '-1'", "positive numbers"),
        ({"time": "carrier"}, "carrier", "schema.time", "a time: '", "day_first, short_years and epochs"),
        ({"label_known_at": "carrier"}, "carrier", "schema.label_known_at", "a time: '", "source.read"),
        ({"target": "mood"}, "mood", "schema.target", "usable (neither 0 nor 1): 'bad', '7'", "schema.positive"),
        (
            {"target": "mood", "task": "multiclass", "classes": ["calm", "glad"]},
            "mood",
            "schema.target",
            "usable (none of calm, glad): 'bad', '7'",
            "schema.classes",
        ),
        ({"target": "carrier", "task": "regression"}, "carrier", "schema.target", "a number: '", "is a number"),
        ({"types": {"mood": "boolean"}}, "mood", "schema.types.mood", "true or false: 'bad', '7'", "true or false"),
        ({"features": "mood"}, "mood", "features.numeric[1]", "a number: 'bad', 'sad'", "features.categorical"),
    ],
)
def test_check_refuses_a_column_of_which_no_value_can_be_used(
    shop: World, capsys: Captured, section: dict[str, object], column: str, field: str, values: str, fix: str
) -> None:
    rows = pd.read_csv(shop.usecases / "shop" / "2024-01.csv").assign(debt=-1.0, mood=["bad", "7", "bad"] * 31)
    feature = section.pop("features", None)
    if feature:
        rows["mood"] = ["bad", "sad", "mad"] * 31
    write(shop, "2024-01", rows)
    numeric = ["price", *([str(feature)] if feature else [])]
    categorical = [] if column == "carrier" else ["carrier"]
    schema = {**shop.declaration["schema"], **section}
    if "label_known_at" in section:
        del schema["label_known_after"]
    evaluation = {} if schema["task"] == "regression" else {"also": ["accuracy"]}
    features = {"numeric": numeric, "categorical": categorical}
    shop.declare(schema=schema, features=features, evaluation=evaluation)
    assert command("check", "shop", "--json") == 2
    mistakes = json.loads(capsys.readouterr().out)["error"]["mistakes"]
    assert [(m["code"], m["field"], m["value"]) for m in mistakes] == [
        ("source-column-unusable", field, "boolean" if "types" in section else column)
    ]
    message = mistakes[0]["message"]
    assert message.startswith(f"column '{column}' of batch 2024-01: none of the 93 values is ") and values in message
    assert fix in mistakes[0]["fix"]


@pytest.mark.parametrize(
    ("target", "rows", "found", "fix"),
    [
        ({"task": "multiclass", "classes": ["calm", "glad"]}, {"sad": 12}, "'sad' (12)", "add it to schema.classes"),
        (
            {"task": "multiclass", "classes": ["calm", "glad"]},
            {"sad": 12, "mad": 2},
            "'sad' (12), 'mad' (2)",
            "add them to schema.classes",
        ),
        ({"task": "multiclass", "classes": ["1", "2"]}, {"9": 12}, "'9' (12)", "add it to schema.classes"),
        ({"positive": "glad", "negative": "calm"}, {"sad": 12}, "'sad' (12)", "schema.positive and schema.negative"),
        ({}, {"9": 12}, "'9' (12)", "schema.positive and schema.negative"),
    ],
)
def test_check_names_the_values_of_the_target_for_which_the_batch_would_be_held(
    shop: World, capsys: Captured, target: dict[str, object], rows: dict[str, int], found: str, fix: str
) -> None:
    classes = target.get("classes") or ([target["negative"], target["positive"]] if target else ["0", "1"])
    assert isinstance(classes, list)
    frame = pd.read_csv(shop.usecases / "shop" / "2024-01.csv")
    mood = [classes[number % 2] for number in range(len(frame))]
    others = [value for value, count in rows.items() for _ in range(count)]
    mood[: len(others)] = others
    write(shop, "2024-01", frame.assign(mood=mood))
    evaluation = {"also": ["accuracy"]}
    shop.declare(schema={**shop.declaration["schema"], "target": "mood", **target}, evaluation=evaluation)
    assert command("check", "shop", "--json") == 2
    (mistake,) = json.loads(capsys.readouterr().out)["error"]["mistakes"]
    assert (mistake["code"], mistake["field"]) == ("source-other-target-values", "schema.target")
    count = sum(rows.values())
    assert mistake["message"].startswith(f"column 'mood' of batch 2024-01: {count} of the 93 values are ")
    assert mistake["message"].endswith(f": {found}; the batch would be held") and fix in mistake["fix"]
    mood[1 : len(others)] = classes[:1] * (len(others) - 1)
    write(shop, "2024-01", frame.assign(mood=mood))
    assert command("check", "shop") == 0, "one row holds no batch"
    told = " ".join(capsys.readouterr().out.split())
    assert "1 of the 93 values is n" in told and f": {others[0]!r} (1). These rows would be set aside: " in told


def test_check_accepts_a_column_with_some_unusable_values(shop: World) -> None:
    rows = pd.read_csv(shop.usecases / "shop" / "2024-01.csv").astype({"weight": "object"})
    rows.loc[1:, "weight"] = "n.a."
    write(shop, "2024-01", rows)
    assert command("check", "shop") == 0


def test_a_column_that_the_source_lacks_is_answered_with_how_many_it_has(shop: World, capsys: Captured) -> None:
    rows = pd.read_csv(shop.usecases / "shop" / "2024-01.csv")
    write(shop, "2024-01", rows.assign(**{f"note_{i}": 0 for i in range(15)}))
    shop.declare(schema={**shop.declaration["schema"], "weight": "nosuch"})
    assert command("check", "shop") == 2
    told = capsys.readouterr().err
    assert "has no column 'nosuch'\n  its columns are order, at, returned, price, weight, carrier, note_0" in told
    assert "… and 9 more" in told


def test_check_notes_newest_days_that_are_longer_than_the_history(shop: World, capsys: Captured) -> None:
    shop.month("2024-02")
    shop.declare(release={"judge": {"newest": "400d"}})
    assert command("check", "shop") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "the source has 60 days, and `release.judge: {newest: 400d}` leaves out the newest 400" in told
    shop.declare(release={"judge": {"newest": "30d"}})
    assert command("check", "shop") == 0
    assert "leaves out the newest" not in capsys.readouterr().out


def test_a_misspelt_column_of_a_check_is_corrected_as_the_source_has_it(shop: World, capsys: Captured) -> None:
    shop.declare(checks=[{"expect_column_values_to_be_between": {"column": "wieght", "min_value": 0}}])
    assert command("check", "shop") == 2
    assert (
        "no column 'wieght' in this declaration\n  did you mean 'weight', as in the source?" in capsys.readouterr().err
    )


def test_a_history_on_todays_clock_is_noticed_before_it_is_run(shop: World, capsys: Captured) -> None:
    shop.declare(clock="wall")
    assert command("check", "shop") == 0
    told = capsys.readouterr().out
    assert "note: the newest row of batch 2024-01 is" in told and "write `clock: replay`" in told
    shop.declare(clock="replay")
    assert command("check", "shop", "--json") == 0
    assert json.loads(capsys.readouterr().out)["tried"]["notes"] == []


def test_what_init_writes_today_and_a_declaration_leaves_out_is_named_and_keeps_its_meaning(
    shop: World, capsys: Captured
) -> None:
    shop.declare(release={"policy": "balanced"})
    assert command("check", "shop", "--no-run") == 0
    out = capsys.readouterr().out
    assert "left out: release.serve: single (init writes mixture)" in out
    assert "left out: release.judge: next_batch (init writes {newest: 15d})" in out
    shop.declare(release={"policy": "blend"})
    assert command("check", "shop", "--no-run") == 0
    assert "{newest: 15d}" not in capsys.readouterr().out, "check refuses it for this policy"
    shop.declare(release={"serve": "single", "judge": "next_batch"})
    assert command("check", "shop", "--json", "--no-run") == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == []
    assert load_use_case("shop", shop.usecases).declaration.release == ReleaseRules()


def test_check_refuses_a_size_of_machine_without_a_pool_here(
    shop: World, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.declare(compute={"train": "big"})
    assert command("check", "shop", "--no-run") == 0
    monkeypatch.setenv("PERENNIAL_POOLS", "huge=trainers")
    capsys.readouterr()
    assert command("check", "shop", "--no-run") == 2
    file, _, rest = capsys.readouterr().err.partition(":")
    assert Path(file).name == "shop.yaml"
    line, said = rest.split(": compute.train: no work pool has the size 'big'")
    assert (shop.usecases / "shop.yaml").read_text().splitlines()[int(line) - 1].strip() == "train: big"
    assert "declare one of its sizes: huge" in said
