"""What came later changes nothing: snapshots, models and decisions of a moment stay what they were."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perennial.model.released import load_model
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tests.places import lead_to
from tests.training.conftest import predictions
from tests.training.stores import decide_at, snapshot_digest, take_in, train_at
from tests.world import World, month_of_rows

pytestmark = pytest.mark.timeout(240)

FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)
LABELS = {"path": "returns", "known_at": "known"}


def with_late_labels(shop: World) -> World:
    """Orders without a label; what came back is known two days later, in separate files."""
    schema = {name: value for name, value in shop.declaration["schema"].items() if name != "label_known_after"}
    shop.rows_a_day = 12
    shop.declare(schema=schema, labels=LABELS)
    (shop.usecases / "returns").mkdir(exist_ok=True)
    return shop


def write_month(shop: World, month: str, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """The month's orders in one file, its labels in another."""
    rows = month_of_rows(month, rows_a_day=shop.rows_a_day) if rows is None else rows
    rows.drop(columns=["returned"]).to_csv(shop.usecases / "shop" / f"{month}.csv", index=False)
    write_labels(shop, month, rows[["order", "returned"]], pd.to_datetime(rows["at"]) + pd.Timedelta(days=2))
    return rows


def write_labels(shop: World, name: str, labels: pd.DataFrame, known: pd.Series) -> None:
    spelled = known.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    labels.assign(known=spelled).to_csv(shop.usecases / "returns" / f"{name}.csv", index=False)


def home(folder: Path, patch: pytest.MonkeyPatch) -> World:
    """Another home with its own registry, and the same months to come."""
    lead_to(patch, folder)
    return World(folder / "usecases", rows_a_day=20).declare()


def test_an_altered_future_alters_no_snapshot_no_model_and_no_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flows: None
) -> None:
    found = []
    for future in ("none", "as it was", "shuffled and turned round"):
        shop = home(tmp_path / future, monkeypatch)
        for month in ("2024-01", "2024-02"):
            shop.month(month)
            take_in(month)
        if future != "none":
            rows = shop.month(
                "2024-03", flipped=future != "as it was", new_carrier=0.0 if future == "as it was" else 0.5
            )
            if future != "as it was":
                draw = np.random.default_rng(1)
                rows = rows.assign(price=draw.permutation(rows["price"]), returned=draw.permutation(rows["returned"]))
                rows.iloc[::-1].to_csv(shop.usecases / "shop" / "2024-03.csv", index=False)
            take_in("2024-03")
        snapshots = [snapshot_digest(as_of) for as_of in (FEBRUARY, MARCH)]
        challenger = train_at(FEBRUARY)
        decision = decide_at(MARCH, "2024-02")
        assert challenger.model.version == 1, "each home fits its own model"
        # The bytes of a model's file differ from fit to fit, so what it predicts is compared.
        model = load_model(open_workspace(settings()).registry, "shop", challenger.model)
        predicted = predictions(model, month_of_rows("2024-02", rows_a_day=20))
        found.append((snapshots, challenger.challenger, predicted, decision.id, decision.metrics))
    assert found[0] == found[1] == found[2]


def test_a_snapshot_of_the_past_stays_what_it_was_when_a_batch_is_restated(world: World, flows: None) -> None:
    world.rows_a_day = 12
    world.month("2024-01")
    take_in("2024-01")
    before = snapshot_digest(FEBRUARY)
    world.month("2024-02")
    take_in("2024-02")
    restated = world.month("2024-01", seed=1)
    restated.to_csv(world.usecases / "shop" / "2024-01.csv", index=False)
    assert take_in("2024-01").revision == 2
    assert snapshot_digest(FEBRUARY) == before
    assert snapshot_digest(MARCH)[2] == 2 * 12 * 30 - 12  # both months, without the labels of February's last day


def test_of_two_labels_the_one_that_was_latest_known_at_the_moment_wins(world: World, flows: None) -> None:
    from perennial.our_columns import LABEL
    from perennial.store.known import known_at
    from perennial.store.rows import read_rows

    shop = with_late_labels(world)
    january = write_month(shop, "2024-01")
    assert take_in("2024-01").rows.unlabelled == len(january)
    corrected = january.head(50).assign(returned=1 - january["returned"].head(50))
    known = pd.Series([pd.Timestamp("2024-02-10", tz="UTC")] * 40 + [pd.Timestamp("2024-03-10", tz="UTC")] * 10)
    write_labels(shop, "corrections", corrected[["order", "returned"]], known)
    write_month(shop, "2024-02")
    take_in("2024-02")
    write_month(shop, "2024-03")
    take_in("2024-03")

    workspace = open_workspace(settings())
    case = workspace.use_case("shop")

    def labels(as_of: datetime) -> pd.Series:
        rows = read_rows(workspace.tables, "shop", case.declaration.schema_, known_at(workspace.ledger, "shop", as_of))
        return rows.set_index("order")[LABEL].reindex(january["order"].head(50))

    first, other = january["returned"].head(50).to_numpy(), corrected["returned"].to_numpy()
    at_march, at_april = labels(MARCH), labels(datetime(2024, 4, 1, tzinfo=UTC))
    np.testing.assert_array_equal(at_march.to_numpy(), [*other[:40], *first[40:]])
    np.testing.assert_array_equal(at_april.to_numpy(), other)
