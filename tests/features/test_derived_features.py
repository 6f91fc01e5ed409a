"""Custom functions: kept with the model, named when they fail, and blind to what is not yet known."""

from __future__ import annotations

import pandas as pd
import pytest

from perennial.errors import InputError
from perennial.features.derived import derive
from perennial.features.recipe import Recipe, recipe_of
from perennial.team_code.loading import TeamCodeFailed, load_functions
from perennial.usecase.reading import load_use_case
from tests.world import World

ROWS = pd.DataFrame(
    {
        "order": ["a", "b", "c"],
        "at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"], utc=True),
        "price": [1.0, 2.0, 3.0],
        "weight": [1.0, 1.0, 2.0],
        "carrier": ["post", "van", None],
        "refund": ["0", "1", "0"],
        "settled": pd.to_datetime(["2024-02-01"] * 3, utc=True),
        "returned": [0.0, 1.0, 0.0],
        "__perennial_label": [0.0, 1.0, 0.0],
        "__perennial_known_at": pd.to_datetime(["2024-02-01"] * 3, utc=True),
    }
)


def recipe(world: World, source: str, *derived: str) -> Recipe:
    (world.usecases / "shop.py").write_text(source)
    schema = {k: v for k, v in world.declaration["schema"].items() if k != "label_known_after"}
    features = {**world.declaration["features"], "derived": [f"shop.py:{n}" for n in derived], "never": ["refund"]}
    world.declare(schema={**schema, "label_known_at": "settled"}, features=features)
    return recipe_of(load_use_case("shop", world.usecases))


def test_a_function_sees_no_column_that_is_known_only_after_the_event(world: World) -> None:
    source = "def peek(rows):\n    raise RuntimeError(sorted(rows.columns))\n"
    with pytest.raises(TeamCodeFailed) as message:
        recipe(world, source, "peek").inputs(ROWS)
    assert "'peek'" in str(message.value)
    seen = str(message.value)
    for hidden in ("refund", "returned", "settled", "__perennial_label", "__perennial_known_at"):
        assert f"'{hidden}'" not in seen
    for visible in ("order", "at", "price", "carrier"):
        assert f"'{visible}'" in seen


def test_a_function_that_asks_for_the_target_is_named(world: World) -> None:
    source = "def cheat(rows):\n    return rows['returned']\n"
    with pytest.raises(TeamCodeFailed, match=r"'cheat' on 3 rows failed: shop\.py:2: KeyError.*returned"):
        recipe(world, source, "cheat").inputs(ROWS)


def test_derived_columns_come_after_those_of_the_declaration_and_in_its_order(world: World) -> None:
    source = "def b(rows):\n    return rows['price'] * 2\n\n\ndef a(rows):\n    return rows['weight'] + 1\n"
    inputs = recipe(world, source, "b", "a").inputs(ROWS)
    assert list(inputs.columns) == ["carrier", "price", "weight", "b", "a"]
    assert inputs["b"].tolist() == [2.0, 4.0, 6.0]
    assert inputs["a"].tolist() == [2.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("rows['price'].head(2)", "one value per row (3)"),
        ("rows['price'].iloc[0]", "not float"),
        ("list(rows['price'])", "not list"),
    ],
)
def test_a_result_that_is_not_one_value_for_each_row_is_refused(world: World, body: str, message: str) -> None:
    with pytest.raises(TeamCodeFailed) as error:
        recipe(world, f"def wrong(rows):\n    return {body}\n", "wrong").inputs(ROWS)
    assert "'wrong'" in str(error.value)
    assert message in str(error.value)


def test_a_function_that_changes_its_rows_changes_no_other_column(world: World) -> None:
    source = (
        "def greedy(rows):\n    rows['price'] = 0.0\n    return rows['weight']\n\n\n"
        "def later(rows):\n    return rows['price']\n"
    )
    inputs = recipe(world, source, "greedy", "later").inputs(ROWS)
    assert inputs["price"].tolist() == [1.0, 2.0, 3.0]
    assert inputs["later"].tolist() == [1.0, 2.0, 3.0]
    assert ROWS["price"].tolist() == [1.0, 2.0, 3.0]


def test_a_result_in_another_order_goes_to_its_rows(world: World) -> None:
    source = "def rank(rows):\n    return rows['price'].sort_values(ascending=False).rank()\n"
    assert recipe(world, source, "rank").inputs(ROWS)["rank"].tolist() == [1.0, 2.0, 3.0]


def test_two_versions_of_a_file_live_side_by_side() -> None:
    old = load_functions(("f.py:f",), {"f.py": "STEP = 1\n\n\ndef f(rows):\n    return rows['price'] + STEP\n"})
    new = load_functions(("f.py:f",), {"f.py": "STEP = 100\n\n\ndef f(rows):\n    return rows['price'] + STEP\n"})
    assert derive(ROWS, old)["f"].tolist() == [2.0, 3.0, 4.0]
    assert derive(ROWS, new)["f"].tolist() == [101.0, 102.0, 103.0]
    assert derive(ROWS, old)["f"].tolist() == [2.0, 3.0, 4.0]


def test_a_file_that_does_not_run_is_named() -> None:
    with pytest.raises(TeamCodeFailed, match=r"f\.py does not run: f\.py:1: ZeroDivisionError"):
        load_functions(("f.py:f",), {"f.py": "1 / 0\n"})
    with pytest.raises(TeamCodeFailed, match=r"f\.py has no function 'g'"):
        load_functions(("f.py:g",), {"f.py": "def f(rows):\n    return rows\n"})


def test_a_function_that_is_gone_is_reported_when_the_declaration_is_read(world: World) -> None:
    with pytest.raises(InputError, match=r"no function 'gone' in shop\.py"):
        recipe(world, "def there(rows):\n    return rows['price']\n", "gone")


def test_another_text_of_the_function_is_another_version_of_the_features(world: World) -> None:
    one = recipe(world, "def f(rows):\n    return rows['price']\n", "f")
    other = recipe(world, "def f(rows):\n    return rows['price'] + 0\n", "f")
    assert one.digest != other.digest
    assert one.sources == {"shop.py": "def f(rows):\n    return rows['price']\n"}
