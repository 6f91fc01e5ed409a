"""Rows of a person's own file: read as batches are, without target or key, and refused with every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import InputError
from perennial.model.artifact import Fitted
from perennial.scoring.rows_to_score import rows_to_score
from perennial.usecase.declaration import UseCase
from perennial.usecase.reading import load_use_case
from tests.world import World


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> UseCase:
    """The shop's declaration."""
    world = World(tmp_path_factory.mktemp("scored") / "usecases").declare()
    return load_use_case("shop", world.usecases)


def _models() -> tuple[Fitted, ...]:
    """Of a model, only the categories that it was trained on are looked at."""
    return (Fitted(None, None, "binary", {"carrier": ("bike", "post", "van")}, 0.5),)  # type: ignore[arg-type]


def _csv(**columns: list[object]) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


def test_a_file_needs_the_features_alone(case: UseCase) -> None:
    data = _csv(price=[12.5, 80], weight=[1.0, None], carrier=["post", "van"])
    rows = rows_to_score(case.declaration, data, ".csv", _models())
    assert list(rows.frame.columns) == ["price", "weight", "carrier"] and rows.warnings == ()
    assert rows.frame["weight"].isna().tolist() == [False, True]


def test_every_mistake_is_named_at_once(case: UseCase) -> None:
    data = _csv(Price=[1], weight=["heavy"], order=["a"])
    with pytest.raises(InputError) as wrong:
        rows_to_score(case.declaration, data, ".csv", _models())
    said = str(wrong.value)
    assert "price: there is no such column; did you mean 'Price'?" in said
    assert "carrier: there is no such column" in said
    assert "weight: 1 value cannot be read: 'heavy' (row 1)" in said
    assert "returned" not in said, "a target is not asked for"


def test_a_file_without_rows_is_refused(case: UseCase) -> None:
    with pytest.raises(InputError, match="the file has no rows to score"):
        rows_to_score(case.declaration, b"price,weight,carrier\n", ".csv", _models())


def test_numbers_that_are_written_in_another_way_than_in_batches_are_recognised(case: UseCase) -> None:
    with pytest.raises(InputError) as wrong:
        rows_to_score(case.declaration, b'price,weight,carrier\n"12,5",1,van\n', ".csv", _models())
    assert 'With schema.decimal: "," it could be read' in str(wrong.value)


def test_a_time_in_the_key_comes_back_as_the_file_has_it(tmp_path: Path) -> None:
    """Hourly rows are joined with their predictions by the hour that is in the file, not by that of another zone."""
    world = World(tmp_path / "usecases")
    world.declaration["schema"] |= {"key": ["at"], "timezone": "Europe/Berlin"}
    world.declare()
    case = load_use_case("shop", world.usecases)
    times: list[object] = ["2025-01-01 00:00", "01.07.2025 13:00"]
    rows = rows_to_score(
        case.declaration, _csv(at=times, price=[1, 2], weight=[1, 2], carrier=["van", "van"]), ".csv", _models()
    )
    assert rows.keys["at"].tolist() == times
    assert rows.frame["at"].dt.hour.tolist() == [23, 11]


@given(carriers=st.lists(st.sampled_from(["post", "van", "drone", "ship"]), min_size=1, max_size=20))
def test_values_that_training_never_saw_are_counted(case: UseCase, carriers: list[str]) -> None:
    n, new = len(carriers), [each for each in carriers if each in ("drone", "ship")]
    data = _csv(price=[1.0] * n, weight=[1.0] * n, carrier=list(carriers))
    warnings = rows_to_score(case.declaration, data, ".csv", _models()).warnings
    assert len(warnings) == bool(new)
    if new:
        assert f"carrier: {len(new)} of {n} rows" in warnings[0] and repr(new[0]) in warnings[0]
