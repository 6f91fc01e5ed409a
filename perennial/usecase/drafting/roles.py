"""Which column is the time, which the target, and which name a row."""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import combinations
from typing import Any, Literal

from perennial.usecase.drafting.guess import Guess, NeedsAnswer
from perennial.usecase.drafting.sample import Column, Sample

Task = Literal["binary", "multiclass", "regression"]

MOST_CLASSES = 20
FEW_NUMBERS = 10
UNIQUE = 0.999
"""The share of rows that a key must tell apart: the rest are set aside as double."""

_TIME_NAMES = re.compile(r"time|date|day|_at$|^at$|^ts$|when|year|month|datum|zeit", re.IGNORECASE)
_KEY_NAMES = re.compile(r"id$|^id|key|number|^nr|num$|code|no$", re.IGNORECASE)
_MOST_TRIED = 14


def named(sample: Sample, option: str, name: str) -> Column:
    """The column that an option names. Raises NeedsAnswer with what may be meant."""
    if name not in sample.columns:
        near = get_close_matches(name, sample.columns, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise NeedsAnswer(
            f"{option}: there is no column '{name}' in {sample.path}\n  {hint}It has {_listed(sample.columns)}"
        )
    return sample.columns[name]


def time_of(sample: Sample, given: str | None) -> Guess[str]:
    """The column that says when a row's event happened. Raises NeedsAnswer where none or several may be it."""
    if given is not None:
        column = named(sample, "--time", given)
        if not _is_time(column):
            first = column.values.dropna()
            example = f"; the first is {str(first.iloc[0])!r}" if len(first) else ", it is empty"
            if column.nulls and column.kind == "integer":
                example = f": {column.nulls:,} of {sample.rows:,} rows have none"
            raise NeedsAnswer(
                f"--time: '{given}' cannot be read as a time{example}\n"
                "  Times are ISO 8601 (2024-12-31T18:30), YYYYMMDD, 31.12.2024 or a whole year."
                f"{_other_times(sample, given)}"
            )
        return Guess(given, "given", "--time says so")
    found = [c.name for c in sample.columns.values() if c.kind == "timestamp" and c.nulls <= 0.01 * sample.rows]
    if not found:
        found = [c.name for c in sample.columns.values() if _is_year(c)]
    if len(found) == 1:
        return Guess(found[0], "sure" if sample.columns[found[0]].kind == "timestamp" else "likely", "the only time")
    likely = [name for name in found if _TIME_NAMES.search(name)]
    if len(likely) == 1:
        return Guess(likely[0], "likely", f"of {_listed(found)} it is called like a time")
    if found:
        raise NeedsAnswer(
            f"--time: several columns are times: {_listed(found)}\n  Say which says when the event happened."
        )
    slashed = [c.name for c in sample.columns.values() if c.kind == "text" and _is_slashed(c)]
    if slashed:
        example = sample.columns[slashed[0]].values.dropna().iloc[0]
        raise NeedsAnswer(
            f"--time: '{slashed[0]}' has dates like {example!r}, which may begin with the day or with the month\n"
            "  Write them as 2024-12-31 or 31.12.2024 at the source; nobody should have to guess."
        )
    raise NeedsAnswer(
        f"--time: no column of {sample.path} can be read as a time\n"
        "  Perennial judges a model on rows that came later, so each row needs the time of its event. Name it with "
        "--time; where the data have none, add a column, for example the date of the file that a row came with."
    )


def target_of(sample: Sample, given: str | None, time: str) -> tuple[str, Guess[Task], tuple[Any, ...]]:
    """The target, its task, and of several classes all of them. Raises NeedsAnswer where it says nothing to learn."""
    if given is None:
        names = [name for name in sample.columns if name != time]
        raise NeedsAnswer(f"--target: which column is the model to predict?\n  It may be one of {_listed(names)}")
    column = named(sample, "--target", given)
    if given == time:
        raise NeedsAnswer(f"--target: '{given}' is the time already\n  Name the column that the model is to predict.")
    if column.distinct < 2:
        what = "is empty" if column.kind == "empty" else f"is {column.values.dropna().iloc[0]!r} in every row"
        raise NeedsAnswer(f"--target: '{given}' {what}, so there is nothing to learn\n  Name another, or other rows.")
    values = sorted(column.values.dropna().unique().tolist(), key=str)
    if column.kind == "boolean" or (column.kind in ("integer", "number") and set(values) <= {0, 1}):
        return given, Guess("binary", "sure", f"its values are {values[0]} and {values[1]}"), ()
    if {str(value).lower() for value in values} <= {"yes", "no"}:
        return given, Guess("binary", "sure", "it says yes and no"), ()
    if column.kind == "text":
        if column.distinct > MOST_CLASSES:
            raise NeedsAnswer(
                f"--target: '{given}' has {column.distinct:,} different texts\n"
                f"  Perennial predicts numbers, yes or no, or up to {MOST_CLASSES} classes: derive such a column first."
            )
        return given, Guess("multiclass", "sure", f"it has {column.distinct} different texts"), tuple(values)
    if column.kind == "integer" and column.distinct <= FEW_NUMBERS:
        why = f"it has only {column.distinct} different whole numbers; `task: regression` if they are amounts"
        return given, Guess("multiclass", "unsure", why), tuple(int(value) for value in values)
    if column.kind == "timestamp":
        raise NeedsAnswer(f"--target: '{given}' holds times\n  Derive a number from it, for example hours until then.")
    return given, Guess("regression", "sure", f"it has {column.distinct:,} different numbers"), ()


def key_of(sample: Sample, given: list[str], time: str, target: str) -> Guess[tuple[str, ...]]:
    """The fewest columns that name a row. Raises NeedsAnswer where up to three do not."""
    if given:
        for name in given:
            named(sample, "--key", name)
        share = _told_apart(sample, tuple(given))
        if share < UNIQUE:
            raise NeedsAnswer(
                f"--key: {', '.join(given)} names only {share:.1%} of {sample.rows:,} rows; the others are double\n"
                "  Add a column that tells them apart. Double rows of one batch are set aside."
            )
        return Guess(tuple(given), "given", "--key says so")
    tried = [
        c.name
        for c in sample.columns.values()
        if c.name != target and c.kind in ("integer", "text", "timestamp") and not c.nulls and c.distinct > 1
    ]
    tried.sort(key=lambda name: (not _KEY_NAMES.search(name), name == time, -sample.columns[name].distinct))
    tried = tried[:_MOST_TRIED]
    best = 0.0
    for size in (1, 2, 3):
        for names in combinations(tried, size):
            share = _told_apart(sample, names)
            best = max(best, share)
            if share >= UNIQUE:
                whole = "every row" if share == 1 else f"{share:.2%} of the rows; the others are set aside as double"
                is_text = size == 1 and sample.columns[names[0]].kind == "text"
                sure = any(_KEY_NAMES.search(name) for name in names) or names == (time,) or is_text
                return Guess(names, "likely" if sure else "unsure", f"it tells apart {whole}, of {sample.rows:,}")
    raise NeedsAnswer(
        f"--key: no set of up to three columns names a row: the best tells {best:.1%} of {sample.rows:,} rows apart\n"
        "  A key names a row for ever: labels, corrections and erasures find it by that. Name columns with --key, or "
        "add a number to each row at its source."
    )


def _told_apart(sample: Sample, names: tuple[str, ...]) -> float:
    frame = sample.frame(list(names))
    return float(1 - frame.duplicated().mean()) if frame.notna().all(axis=None) else 0.0


def _is_time(column: Column) -> bool:
    return column.kind == "timestamp" or _is_year(column)


def _is_slashed(column: Column) -> bool:
    return bool(column.values.dropna().str.match(r"^\d{1,2}/\d{1,2}/\d{2,4}").mean() > 0.99)


def _is_year(column: Column) -> bool:
    return column.kind == "integer" and bool(column.values.dropna().between(1900, 2100).all()) and not column.nulls


def _other_times(sample: Sample, given: str) -> str:
    others = [c.name for c in sample.columns.values() if c.kind == "timestamp" and c.name != given]
    return f" Columns that can: {_listed(others)}." if others else ""


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
