"""Time our validation against bare Great Expectations on the same rows, in one run, with 25 declared expectations.

Bare is one `batch.validate` with result format BASIC in a fresh context. Ours is `data_checks.validation` with
everything it includes: helper columns, the reasons for every row, the stored result, and the quarantine of bad rows.
Ours also runs the built-in checks (columns, types, keys, times), so there are two tables: bare with all the
expectations that ours runs, and bare with only the 25 declared ones.

    python benchmarks/validate.py
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from side_by_side import HEAD, in_turns

import perennial.sources as sources
from data_checks.helper_columns import RowNotes, plain_types, with_helpers
from data_checks.quiet import great_expectations
from data_checks.split import raw_rows, split
from data_checks.suite import build_suite
from data_checks.validation import validate
from perennial.sources.parsing import Parsed, parse
from perennial.sources.window import Window
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_check import Check
from perennial.usecase.reading import load_use_case

EXPECTATIONS = 25
BAD_SHARE = 0.01
AFTER = datetime(2014, 1, 2, tzinfo=UTC)


def flights(months: int) -> tuple[Parsed, Declaration]:
    """The first months of 2013, and the demo's declaration with 25 checks that clean rows pass."""
    case = load_use_case("flights", Path(__file__).parents[1] / "usecases")
    said = case.declaration
    schema = said.schema_
    source = sources.open_source(said.source, folder=case.folder, schema_time=schema.time, timezone=schema.timezone)
    arrivals = [source.fetch(window).data for window in source.windows()[:months]]
    data = arrivals[0] + b"".join(part.split(b"\n", 1)[1] for part in arrivals[1:])
    parsed = parse(data, ".csv", column_types(said), schema.timezone, schema.answer)
    kept = [check for check in said.checks if check.expectation != "expect_table_row_count_to_be_between"]
    more = ("year", "month", "day", "hour", "minute", "flight", "sched_arr_time")
    for name in more[: EXPECTATIONS - len(kept)]:
        arguments = {"column": name, "min_value": 0, "max_value": 9999}
        kept.append(Check(expectation="expect_column_values_to_be_between", arguments=arguments))
    assert len(kept) == EXPECTATIONS
    return parsed, said.model_copy(update={"checks": tuple(kept)})


def cleaned(parsed: Parsed, declaration: Declaration) -> Parsed:
    """The rows without the few that fail a check."""
    found = validate(parsed, declaration, as_of=AFTER, window=Window(None, None, "2013"))
    frame = parsed.frame.drop(index=list(found.set_aside)).reset_index(drop=True)
    kept = {c: t.drop(index=list(found.set_aside)).reset_index(drop=True) for c, t in parsed.unreadable.items()}
    return replace(parsed, frame=frame, unreadable=kept)


def spoiled(parsed: Parsed) -> Parsed:
    """The same rows with one in a hundred bad: an unknown origin, or a distance below 1."""
    rng = np.random.default_rng(0)
    frame = parsed.frame.copy()
    bad = rng.random(len(frame)) < BAD_SHARE
    half = rng.random(len(frame)) < 0.5
    frame.loc[bad & half, "origin"] = "ZZZ"
    frame.loc[bad & ~half, "distance"] = -1.0
    return replace(parsed, frame=frame)


def ours(parsed: Parsed, declaration: Declaration) -> int:
    """Run validation and quarantine; return the number of rows set aside."""
    found = validate(parsed, declaration, as_of=AFTER, window=Window(None, None, "2013"))
    assert not found.held, found.held_because
    _, aside = split(parsed.frame, raw_rows(parsed, sorted(found.set_aside)), found.set_aside)
    return len(aside)


def bare(parsed: Parsed, declaration: Declaration, *, standing: bool) -> Any:
    """Run the declared expectations on the same columns, with or without the built-in ones; the result is not used."""
    gx = great_expectations()
    planned = build_suite(declaration, as_of=AFTER, batch_window=(None, None))
    planned = [each for each in planned if standing or not each.standing]
    frame: pd.DataFrame = with_helpers(parsed, planned, RowNotes(), plain_types(parsed, planned))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("batch").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name="checks", expectations=[each.expectation for each in planned])
    return batch.validate(suite, result_format="BASIC")


def main() -> None:
    """Print the table of benchmarks/README.md."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=7)
    runs = arguments.parse_args().runs
    for standing in (True, False):
        print(f"\nBare with {'all the expectations of ours' if standing else 'only the 25 declared ones'}:\n\n{HEAD}")
        for name, months in (("a month", 1), ("a year", 12)):
            parsed, declaration = flights(months)
            clean = cleaned(parsed, declaration)
            for state, rows in (("clean", clean), ("1 % bad rows", spoiled(clean))):
                ratio = in_turns(
                    partial(ours, rows, declaration), partial(bare, rows, declaration, standing=standing), runs
                )
                aside = ours(rows, declaration)
                print(ratio.row(f"{name}, {len(rows.frame):,} rows, {state} ({aside:,} set aside)"), flush=True)


if __name__ == "__main__":
    main()
