"""Which column is the time, which the target, and which name a row."""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import combinations
from typing import Any, Literal

from perennial.evaluation.figures import counted
from perennial.sources.epochs import epoch_unit
from perennial.usecase.drafting.guess import Guess, NeedsAnswer
from perennial.usecase.drafting.sample import Column, Sample, written_for_people

Task = Literal["binary", "multiclass", "regression"]

MOST_CLASSES = 20
FEW_NUMBERS = 10
UNIQUE = 0.999
"""The share of rows that a key must tell apart: the rest are set aside as double."""

_TIME_NAMES = re.compile(r"time|date|day|_at$|^at$|^ts$|when|year|month|datum|zeit", re.IGNORECASE)
_KEY_NAMES = re.compile(r"id$|^id|key|number|^nr|num$|code|no$", re.IGNORECASE)
_MOST_TRIED = 14


def roles_of(
    sample: Sample, time: str | None, target: str | None, key: list[str]
) -> tuple[Guess[str], tuple[str, Guess[Task], tuple[Any, ...]], Guess[tuple[str, ...]]]:
    """Time, target with its task and classes, and key. Raises NeedsAnswer with every open question, the target first.

    time, target, key: what a person said, if anything.
    """
    questions: list[NeedsAnswer] = []
    when, wanted, naming = None, None, None
    try:
        when = time_of(sample, time)
    except NeedsAnswer as question:
        questions.append(question)
    moment = when.value if when is not None else time
    try:
        wanted = target_of(sample, target, moment)
    except NeedsAnswer as question:
        questions.insert(0, question)
    try:
        naming = key_of(sample, key, moment, target)
    except NeedsAnswer as question:
        questions.append(question)
    if questions or when is None or wanted is None or naming is None:
        raise NeedsAnswer("\n".join(str(question) for question in questions), field=questions[0].field)
    return when, wanted, naming


def named(sample: Sample, asked: str, name: str) -> Column:
    """The column that an answer names. Raises NeedsAnswer with what may be meant."""
    if name not in sample.columns:
        near = get_close_matches(name, sample.columns, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise NeedsAnswer(
            f"{asked}: there is no column '{name}' in {sample.path}\n  {hint}It has {_listed(sample.columns)}"
        )
    return sample.columns[name]


def time_of(sample: Sample, given: str | None) -> Guess[str]:
    """The column that says when a row's event happened. Raises NeedsAnswer where none or several may be it."""
    if given is not None:
        column = named(sample, "time", given)
        if not _is_time(column):
            first = column.values.dropna()
            example = f"; the first is {str(first.iloc[0])!r}" if len(first) else ", it is empty"
            if column.nulls and column.kind == "integer":
                example = f": {column.nulls:,} of {sample.rows:,} rows have none"
            raise NeedsAnswer(
                f"time: '{given}' cannot be read as a time{example}\n"
                "  Times are ISO 8601 (2024-12-31T18:30), YYYYMMDD, 31.12.2024 or a whole year."
                f"{_other_times(sample, given)}"
            )
        return Guess(given, "given", "as given")
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
            f"time: several columns are times: {_listed(found)}\n  Say which says when the event happened."
        )
    slashed = [c for c in sample.columns.values() if c.kind == "text" and _is_slashed(c)]
    if slashed:
        raise NeedsAnswer(
            f"time: '{slashed[0].name}' has dates like {_order_of(slashed[0])}\n"
            "  Dates by slashes are not read: write them as 2024-12-31 or 31.12.2024 at the source."
        )
    epochs = [(c.name, unit) for c in sample.columns.values() if (unit := _epoch(c))]
    if epochs:
        name, unit = epochs[0]
        raise NeedsAnswer(
            f"time: '{name}' may count {unit} since 1970 (the first is {sample.columns[name].values.iloc[0]})\n"
            "  Such numbers are not read as times: write them as 2024-12-31T18:30Z, or as timestamps in Parquet."
        )
    raise NeedsAnswer(
        f"time: no column of {sample.path} can be read as a time\n"
        "  Models are evaluated on rows that came later, so each row needs the time of its event. Name its "
        "column; where the data have none, add a column, for example the date of the file that a row came with."
    )


def target_of(sample: Sample, given: str | None, time: str | None) -> tuple[str, Guess[Task], tuple[Any, ...]]:
    """The target, its task, and of several classes all of them. Raises NeedsAnswer where it says nothing to learn."""
    if given is None:
        names = [name for name in sample.columns if name != time]
        raise NeedsAnswer(f"target: which column is the model to predict?\n  It may be one of {_listed(names)}")
    column = named(sample, "target", given)
    if column.kind == "unusable":
        raise NeedsAnswer(f"target: '{given}' cannot be one: {column.example}\n  Name another column.")
    if (example := written_for_people(column)) is not None:
        raise NeedsAnswer(
            f"target: '{given}' writes its numbers for people, for example {example!r}\n"
            "  Write them as 1234.50 at the source: thousands marks and currency signs are not read."
        )
    if given == time:
        raise NeedsAnswer(f"target: '{given}' is the time already\n  Name the column that the model is to predict.")
    if column.distinct < 2:
        what = "is empty" if column.kind == "empty" else f"is {column.values.dropna().iloc[0]!r} in every row"
        raise NeedsAnswer(f"target: '{given}' {what}, so there is nothing to learn\n  Name another, or other rows.")
    values = sorted(column.values.dropna().unique().tolist(), key=str)
    if column.kind == "boolean" or (column.kind in ("integer", "number") and set(values) <= {0, 1}):
        return given, Guess("binary", "sure", f"its values are {values[0]} and {values[1]}"), ()
    if {str(value).lower() for value in values} <= {"yes", "no"}:
        return given, Guess("binary", "sure", "it says yes and no"), ()
    if column.kind == "text":
        if column.distinct > MOST_CLASSES:
            raise NeedsAnswer(
                f"target: '{given}' has {column.distinct:,} different texts\n"
                f"  Perennial predicts numbers, yes or no, or up to {MOST_CLASSES} classes: derive such a column first."
            )
        return given, Guess("multiclass", "sure", f"it has {column.distinct} different texts"), tuple(values)
    if column.kind == "integer" and column.distinct <= FEW_NUMBERS:
        why = f"it has only {column.distinct} different whole numbers; `task: regression` if they are amounts"
        return given, Guess("multiclass", "unsure", why), tuple(int(value) for value in values)
    if column.kind == "timestamp":
        raise NeedsAnswer(f"target: '{given}' holds times\n  Derive a number from it, for example hours until then.")
    return given, Guess("regression", "sure", f"it has {column.distinct:,} different numbers"), ()


def key_of(sample: Sample, given: list[str], time: str | None, target: str | None) -> Guess[tuple[str, ...]]:
    """The fewest columns that name a row. Raises NeedsAnswer where up to three do not."""
    if given:
        for name in given:
            named(sample, "key", name)
        share = _told_apart(sample, tuple(given))
        if share < UNIQUE:
            raise NeedsAnswer(
                f"key: {', '.join(given)} names only {share:.1%} of {sample.rows:,} rows; the others are double\n"
                "  Add a column that tells them apart. Double rows of one batch are set aside."
            )
        return Guess(tuple(given), "given", "as given")
    tried = [
        c.name
        for c in sample.columns.values()
        if c.name != target
        and c.kind in ("integer", "text", "timestamp")
        and c.nulls <= (1 - UNIQUE) * sample.rows
        and c.distinct > 1
    ]
    tried.sort(key=lambda name: (not _KEY_NAMES.search(name), name == time, -sample.columns[name].distinct))
    tried = tried[:_MOST_TRIED]
    best = 0.0
    for size in (1, 2, 3):
        for names in combinations(tried, size):
            share = _told_apart(sample, names)
            best = max(best, share)
            if share >= UNIQUE:
                whole = "every row" if share == 1 else f"{share:.2%} of the rows; the others are set aside"
                if copies := int(sample.copies.sum()):
                    whole += f" (of {counted(copies, 'exact copy', 'exact copies')} one each is kept)"
                is_text = size == 1 and sample.columns[names[0]].kind == "text"
                sure = any(_KEY_NAMES.search(name) for name in names) or names == (time,) or is_text
                return Guess(names, "likely" if sure else "unsure", f"it names {whole}, of {sample.rows:,}")
    raise NeedsAnswer(
        f"key: no set of up to three columns names a row: the best names {best:.1%} of {sample.rows:,} rows\n"
        "  A key names a row for good: labels, corrections and erasures find it by that. Name such columns, or "
        "add a number to each row at its source."
    )


def _told_apart(sample: Sample, names: tuple[str, ...]) -> float:
    """The share of rows that the columns name, exact copies of a row left out."""
    frame = sample.frame(list(names))[~sample.copies.to_numpy()]
    return float((~frame.duplicated() & frame.notna().all(axis=1)).mean())


def spaced_apart(sample: Sample, names: tuple[str, ...]) -> str | None:
    """A text of the key that differs from another one by the spaces around it alone; None where none does."""
    for name in names:
        if sample.columns[name].kind == "text":
            texts = sample.columns[name].values.dropna().astype("str").drop_duplicates()
            same = texts[texts.str.strip().duplicated(keep=False) & (texts != texts.str.strip())]
            if len(same):
                return str(same.iloc[0])
    return None


def _is_time(column: Column) -> bool:
    return column.kind == "timestamp" or _is_year(column)


def _is_slashed(column: Column) -> bool:
    return bool(column.values.dropna().str.match(r"^\d{1,2}/\d{1,2}/\d{2,4}").mean() > 0.99)


def _order_of(column: Column) -> str:
    """Dates by slashes: which part is the day, where one beyond 12 shows it, else that nothing does."""
    texts = column.values.dropna()
    parts = texts.str.extract(r"^(\d{1,2})/(\d{1,2})/").dropna().astype(int)
    for place, words in ((1, "the month first"), (0, "the day first")):
        proof = parts.index[parts[place] > 12]
        if len(proof) and not (parts[1 - place] > 12).any():
            return f"{texts[proof[0]]!r}: {words}, as {len(proof):,} of them show"
    return f"{texts.iloc[0]!r}, which may begin with the day or with the month"


def _epoch(column: Column) -> str | None:
    """What a column of whole numbers counts, if that may be the time since 1970."""
    if column.kind not in ("integer", "number") or column.nulls:
        return None
    units = {epoch_unit(f"{value:.0f}") for value in (column.values.min(), column.values.max())}
    return units.pop() if len(units) == 1 else None


def _is_year(column: Column) -> bool:
    return column.kind == "integer" and bool(column.values.dropna().between(1900, 2100).all()) and not column.nulls


def _other_times(sample: Sample, given: str) -> str:
    others = [c.name for c in sample.columns.values() if c.kind == "timestamp" and c.name != given]
    return f" Columns that can: {_listed(others)}." if others else ""


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
