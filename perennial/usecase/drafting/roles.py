"""Which column is the time, which the target, and which name a row."""

from __future__ import annotations

import re
from typing import Any, Literal

from perennial.sources.epochs import epoch_unit
from perennial.usecase.drafting.answers import listed, named
from perennial.usecase.drafting.guess import Guess, NeedsAnswer
from perennial.usecase.drafting.keys import key_of
from perennial.usecase.drafting.periods import periods_in, question_of
from perennial.usecase.drafting.sample import Column, Sample, written_for_people
from perennial.usecase.drafting.truths import two_answers
from perennial.usecase.drafting.value_form import UNITS

Task = Literal["binary", "multiclass", "regression"]

MOST_CLASSES = 20
FEW_NUMBERS = 10
_TIME_NAMES = re.compile(r"time|date|day|_at$|^at$|^ts$|when|year|month|datum|zeit", re.IGNORECASE)


def roles_of(
    sample: Sample, time: str | None, target: str | None, key: list[str]
) -> tuple[Guess[str], tuple[str, Guess[Task], tuple[Any, ...]], Guess[tuple[str, ...]]]:
    """Time, target with its task and classes, and key. Raises NeedsAnswer with every open question, the target first.

    time, target, key: what a person gave, if anything.
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


def time_of(sample: Sample, given: str | None) -> Guess[str]:
    """The column with the time of a row's event. Raises NeedsAnswer where no column fits, or several do."""
    if given is not None:
        column = named(sample, "time", given)
        if column.kind == "text" and _is_slashed(column):
            raise _ask_for_order(column, sample)
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
    candidates = [c.name for c in sample.columns.values() if c.kind == "timestamp" and c.nulls <= 0.01 * sample.rows]
    if not candidates:
        candidates = [c.name for c in sample.columns.values() if _is_year(c)]
    for period in periods_in(sample.columns):
        if set(candidates) <= {period.begin, period.end} and (period.of_validity or len(candidates) > 1):
            raise NeedsAnswer(f"time: {question_of(period)}")
    if len(candidates) == 1:
        return Guess(
            candidates[0], "sure" if sample.columns[candidates[0]].kind == "timestamp" else "likely", "the only time"
        )
    likely = [name for name in candidates if _TIME_NAMES.search(name)]
    if len(likely) == 1:
        return Guess(likely[0], "likely", f"the only one of {listed(candidates)} with a name for a time")
    if candidates:
        raise NeedsAnswer(
            f"time: several columns are times: {listed(candidates)}\n  Which of them is the time of the event?"
        )
    slashed = [c for c in sample.columns.values() if c.kind == "text" and _is_slashed(c)]
    if slashed:
        raise _ask_for_order(slashed[0], sample)
    epochs = [(c.name, unit) for c in sample.columns.values() if (unit := _epoch(c))]
    if epochs:
        name, unit = epochs[0]
        raise NeedsAnswer(
            f"time: '{name}' may count {unit} since 1970 (the first is {sample.columns[name].values.iloc[0]})\n"
            f"  If it does, answer with --read 'epochs={{{name}: {UNITS[unit]}}}'."
        )
    if (nameless := sample.columns.get("")) is not None and _looks_like_a_date(nameless):
        raise NeedsAnswer(
            f"time: the column without a name looks like one (the first value is {nameless.values.iloc[0]!r})\n"
            "  Give it a name in the first line of the file."
        )
    raise NeedsAnswer(
        f"time: no column of {sample.path} can be read as a time\n"
        "  Models are evaluated on rows that came later, so each row needs the time of its event. Name its "
        "column; where the data have none, add a column, for example the date of the file that a row came with."
    )


def target_of(sample: Sample, given: str | None, time: str | None) -> tuple[str, Guess[Task], tuple[Any, ...]]:
    """The target, its task, and its classes; of a binary target with other values than 0 and 1 that for 0 first.

    Raises NeedsAnswer where there is nothing to learn.
    """
    if given is None:
        names = [name for name in sample.columns if name != time]
        raise NeedsAnswer(f"target: which column is the model to predict?\n  It may be one of {listed(names)}")
    column = named(sample, "target", given)
    if column.kind == "unusable":
        raise NeedsAnswer(f"target: '{given}' cannot be one: {column.example}\n  Name another column.")
    if (example := written_for_people(column)) is not None:
        raise NeedsAnswer(
            f"target: '{given}' has numbers with thousands marks or signs, for example {example!r}\n"
            "  Answer how they are written, for example with --read thousands=, or --read decimal=,"
        )
    if given == time:
        raise NeedsAnswer(f"target: '{given}' is the time already\n  Name the column that the model is to predict.")
    if column.distinct < 2:
        what = "is empty" if column.kind == "empty" else f"is {column.values.dropna().tolist()[0]!r} in every row"
        raise NeedsAnswer(f"target: '{given}' {what}, so there is nothing to learn\n  Name another, or other rows.")
    values = sorted(column.values.dropna().unique().tolist(), key=str)
    if column.kind == "boolean" or (column.kind in ("integer", "number") and set(values) <= {0, 1}):
        return given, Guess("binary", "sure", f"its values are {values[0]} and {values[1]}"), ()
    if {str(value).lower() for value in values} <= {"yes", "no"}:
        return given, Guess("binary", "sure", "its values are yes and no"), ()
    if column.distinct == 2 and column.kind in ("text", "integer"):
        one, zero = two_answers(column.values)
        return (
            given,
            Guess("binary", one.certainty, f"{one.value} counts as 1 ({one.why}), {zero} as 0"),
            (
                zero if column.kind == "text" else int(zero),
                one.value if column.kind == "text" else int(one.value),
            ),
        )
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


def _is_time(column: Column) -> bool:
    return column.kind == "timestamp" or _is_year(column)


def _looks_like_a_date(column: Column) -> bool:
    return bool(column.values.dropna().astype("str").str.match(r"^\d{4}-\d{2}-\d{2}").mean() > 0.99)


def _is_slashed(column: Column) -> bool:
    shape = r"^\d{1,2}([/-]\d{1,2}[/-]\d{2,4}|\.\d{1,2}\.\d{2}|[ /-]?[^\W\d]{3,10}\.?[ ,/-]+\d{2})(\D|$)"
    return bool(column.values.dropna().str.match(shape).mean() > 0.99)


def _ask_for_order(column: Column, sample: Sample) -> NeedsAnswer:
    if (question := dict(sample.asked).get(column.name)) is not None:
        return NeedsAnswer(f"time: '{column.name}': {question}")
    return NeedsAnswer(
        f"time: '{column.name}' has dates like {_order_of(column)}\n"
        "  Answer with --read day_first=true or --read day_first=false."
    )


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
    return f" Columns that can: {listed(others)}." if others else ""
