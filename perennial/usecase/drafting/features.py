"""What a model may learn from: which columns, as what, and which predict the answer too well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perennial.usecase.built_in import derived_name
from perennial.usecase.drafting.clocks import SecondTime, grows_with_time, month_question, parts_of_time, second_time
from perennial.usecase.drafting.leaks import TOO_WELL, Leak, leak_of
from perennial.usecase.drafting.periods import periods_in
from perennial.usecase.drafting.sample import Column, Sample, written_for_people

if TYPE_CHECKING:
    import pandas as pd

_CODE_NAMES = re.compile(r"(^|_)(id|code|zip|plz|type|class|category|precinct)$|(Id|Code|Zip|Type|Precinct)$")
_MOST_CODES = 100
_MOST_WORDS = 1_000
_ID_NAMES = re.compile(r"(^|[_\s])([iI][dD]|[kK]ey|uuid|guid)$|[a-z](Id|ID|Key)$|^[iI][dD][_\s]")
_NUMBERED = re.compile(r"(nummer|(^|[_\W])(nr|no)\.?)$", re.IGNORECASE)
_NEARLY_EVERY = 0.99
_SECOND_TIME = "a second time"


@dataclass(frozen=True)
class GuessedFeatures:
    """Columns by what they are good for.

    asked: features that predict much by themselves. left_out: (column, why). questions: of those, what only a person
    knows. derived: (built-in feature, why).
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    never: tuple[Leak, ...]
    asked: tuple[Leak, ...]
    left_out: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str], ...] = ()
    derived: tuple[tuple[str, str], ...] = ()


def features_of(
    sample: Sample, key: tuple[str, ...], time: str, target: str, task: str, times: pd.Series
) -> GuessedFeatures:
    """Every column that is neither key, time nor target, sorted."""
    numeric: list[str] = []
    categorical: list[str] = []
    never: list[Leak] = []
    asked: list[Leak] = []
    left_out: list[tuple[str, str]] = []
    questions: list[tuple[str, str]] = []
    derived: list[tuple[str, str]] = []
    earlier_first = times.fillna(times.max()).argsort(kind="stable").to_numpy()
    if sample.columns[time].kind == "timestamp":
        parts = [(f"{feature}:{time}", why) for feature, why in parts_of_time(times, sample.columns)]
        derived += [(spec, why) for spec, why in parts if derived_name(spec) not in sample.columns]
        questions += [(time, question) for question in month_question(times, sample.columns, time)]
    begun = {period.end: period.begin for period in periods_in(sample.columns) if period.end != time}
    for column in sample.columns.values():
        if column.name in (time, target):
            continue
        in_key = column.name in key
        is_key = in_key and (len(key) == 1 or column.distinct > _MOST_WORDS)
        why_not, question = ("it is the key", "") if is_key else _useless(column, sample.rows, times, in_key=in_key)
        if why_not == _SECOND_TIME and in_key:
            why_not = "it is part of the key"
        elif why_not == _SECOND_TIME and column.name in begun:
            why_not = f"it ends the period that begins with {begun[column.name]}, so it is known only later"
        if why_not == _SECOND_TIME and (second := second_time(column, times)) is not None:
            leak = leak_of(_days(column, second), sample.columns[target], task, earlier_first, as_words=False)
            spec = f"days_since:{column.name}"
            free = derived_name(spec) not in sample.columns and not grows_with_time(second.days, times)
            if second.where == "before" and leak is None and free:
                derived.append((spec, f"its time lies before the event, in the middle row {second.usual}"))
                continue
            question = _about_time(second, column.name, leak)
        if why_not:
            left_out.append((column.name, why_not))
            questions += [(column.name, question)] if question else []
            continue
        as_words = _is_categorical(column) or in_key
        leak = leak_of(column, sample.columns[target], task, earlier_first, as_words=as_words)
        if leak is not None and leak.score > TOO_WELL[task]:
            never.append(leak)
            continue
        if leak is not None:
            asked.append(leak)
        if as_words:
            categorical.append(column.name)
        else:
            numeric.append(column.name)
    return GuessedFeatures(
        numeric=tuple(numeric),
        categorical=tuple(categorical),
        never=tuple(never),
        asked=tuple(asked),
        left_out=tuple(left_out),
        questions=tuple(questions),
        derived=tuple(derived),
    )


def _days(column: Column, second: SecondTime) -> Column:
    """Of a column of times the days from each to the event."""
    return Column(column.name, "number", second.days, 0)


def _about_time(second: SecondTime, name: str, leak: Leak | None) -> str:
    """What to ask about a time beside the event's that is no feature yet."""
    if second.where == "with":
        return f"a second clock: {second.usual} in nearly every row. Is it the event's? Then name it as schema.time"
    what = f"a second time, in the middle row {second.usual}"
    if leak is not None:
        seen = f"{leak.measure} {leak.score:.3f} on {leak.rows:,} later rows"
        what = f"the days from it to the event predict the target suspiciously well by themselves ({seen})"
    return f"{what}. Is it known before the event? Then `days_since:{name}` under derived makes it a feature"


def _useless(column: Column, rows: int, times: pd.Series, *, in_key: bool) -> tuple[str, str]:
    """Why a column is no feature, and what to ask about it; either may be empty."""
    if column.kind == "unusable":
        return column.example, ""
    if column.kind == "empty":
        return "it is empty in every row", ""
    if column.distinct == 1 and not column.nulls:
        return f"it is {column.values.iloc[0]} in every row", ""
    if column.kind == "timestamp":
        return _SECOND_TIME, ""
    if _is_clock(column):
        return "a time of day", "is it known before the event? Then derive a number from it with a function"
    if (example := written_for_people(column)) is not None:
        question = f"is it a number? It is written like {example!r}; written as 1234.50 at the source, it can be one"
        return "its numbers are written with thousands marks or a sign", question
    if column.padded and column.distinct > _MOST_CODES:
        why = f"{column.distinct:,} different codes with leading zeros such as {column.padded}"
        return why, f"{why}. If they are amounts, add it under numeric; if codes that come again, under categorical"
    if column.kind == "text" and column.distinct > min(_MOST_WORDS, 0.5 * (rows - column.nulls)):
        return f"{column.distinct:,} different texts: a name or free text", ""
    if column.kind not in ("integer", "number"):
        return "", ""
    return (None if in_key else _an_id(column, rows)) or _runs(column, times)


def _an_id(column: Column, rows: int) -> tuple[str, str] | None:
    """The same of whole numbers that are called an id, and are too many for categories; None for others."""
    if column.kind != "integer" or not _is_id(column.name) or column.distinct <= _MOST_CODES:
        return None
    why = f"{column.distinct:,} different ids"
    if column.distinct >= _NEARLY_EVERY * (rows - column.nulls):
        return why, ""
    return why, f"{why}. If they name something that comes again, add it under categorical"


def _is_id(name: str) -> bool:
    """Whether a name is that of an id: order_id, customerId, Kundennummer, Bestell-Nr."""
    return bool(_ID_NAMES.search(name) or _NUMBERED.search(name))


def _runs(column: Column, times: pd.Series) -> tuple[str, str]:
    """The same of numbers that are a clock of another kind."""
    if not grows_with_time(column.values, times):
        return "", ""
    if column.kind == "integer" and column.distinct == len(column.values):
        return "a running number: it grows with time", ""
    question = "it grows with time, as a clock does: later rows have values that no model has seen. Still a feature?"
    return "it grows with time", question


def _is_clock(column: Column) -> bool:
    """Whether a text holds the time of a day alone: 17:24 or 17:24:00."""
    if column.kind != "text":
        return False
    texts = column.values.dropna().astype("str")
    return bool(len(texts)) and bool(texts.str.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?").mean() > 0.99)


def _is_categorical(column: Column) -> bool:
    if column.kind == "text" or column.padded:
        return True
    return column.kind == "integer" and column.distinct <= _MOST_CODES and bool(_CODE_NAMES.search(column.name))
