"""The columns that identify a row."""

from __future__ import annotations

import re
from itertools import combinations

from perennial.evaluation.figures import counted
from perennial.usecase.drafting.answers import all_named
from perennial.usecase.drafting.guess import Guess, NeedsAnswer
from perennial.usecase.drafting.periods import periods_in
from perennial.usecase.drafting.row_numbers import is_row_number
from perennial.usecase.drafting.sample import Sample

UNIQUE = 0.999
"""The share of rows that a key must identify: the others are set aside as duplicates."""

_SOME = 100
"""From so many rows on, a single one may be unidentified, such as a line of totals."""

_KEY_NAMES = re.compile(r"id$|^id|key|number|^nr|num$|code|no$", re.IGNORECASE)
_MOST_TRIED = 14


def key_of(sample: Sample, given: list[str], time: str | None, target: str | None) -> Guess[tuple[str, ...]]:
    """The fewest columns that name a row. Raises NeedsAnswer where up to three do not."""
    if given:
        all_named(sample, given)
        share = _identified(sample, tuple(given))
        if not _enough(share, sample.rows):
            raise NeedsAnswer(
                f"key: {', '.join(given)} identifies only {share:.1%} of {sample.rows:,} rows\n"
                "  Add a column to the key: rows of one batch that share a key are set aside."
            )
        return Guess(tuple(given), "given", "as given")
    ends = {period.end for period in periods_in(sample.columns)}
    tried = [
        c.name
        for c in sample.columns.values()
        if c.name not in (target, *ends)
        and c.kind in ("integer", "text", "timestamp")
        and _enough(1 - c.nulls / sample.rows, sample.rows)
        and c.distinct > 1
    ]
    tried.sort(key=lambda name: (not _KEY_NAMES.search(name), name == time, -sample.columns[name].distinct))
    tried = tried[:_MOST_TRIED]
    best = 0.0
    for size in (1, 2, 3):
        for names in combinations(tried, size):
            share = _identified(sample, names)
            best = max(best, share)
            if _enough(share, sample.rows):
                is_text = size == 1 and sample.columns[names[0]].kind == "text"
                sure = any(_KEY_NAMES.search(name) for name in names) or names == (time,) or is_text
                return Guess(names, "likely" if sure else "unsure", _how_many(sample, share))
    for name in sample.columns:
        if is_row_number(name) and name and _enough(_identified(sample, (name,)), sample.rows):
            why = "the row number that pandas wrote, as no other columns identify a row: another file may count anew"
            return Guess((name,), "unsure", why)
    raise NeedsAnswer(
        f"key: no one, two or three columns identify a row: the best identify {best:.1%} of "
        f"{counted(sample.rows, 'row', 'rows')}\n"
        "  Labels, corrections and erasures find a row by its key, permanently. Name such columns, or add a number to "
        "each row at its source."
    )


def _how_many(sample: Sample, share: float) -> str:
    rows, copies = counted(sample.rows, "row", "rows"), int(sample.copies.sum())
    aside = f"; {counted(copies, 'exact copy is', 'exact copies are')} set aside" if copies else ""
    if share == 1:
        return f"it identifies each of {rows}{aside}"
    return f"it identifies {share:.2%} of {rows}, and the others are set aside{aside}"


def _enough(share: float, rows: int) -> bool:
    """Whether a key identifies enough rows, or a single bad one is all that it does not."""
    others = round((1 - share) * rows)
    return others <= (1 - UNIQUE) * rows or (others == 1 and rows >= _SOME)


def _identified(sample: Sample, names: tuple[str, ...]) -> float:
    """The share of rows that the columns identify, exact copies of a row left out."""
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
