"""Which of a target's two values stands for 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perennial.usecase.drafting.guess import Guess

if TYPE_CHECKING:
    import pandas as pd

_PAIRS = (
    ("y", "n"),
    ("t", "f"),
    ("yes", "no"),
    ("ja", "nein"),
    ("oui", "non"),
    ("sí", "no"),
    ("si", "no"),
    ("positive", "negative"),
    ("pos", "neg"),
    ("bad", "good"),
    ("fail", "pass"),
    ("failed", "passed"),
    ("fraud", "legit"),
    ("spam", "ham"),
    ("default", "paid"),
    ("churned", "active"),
    ("on", "off"),
    ("high", "low"),
    (">50k", "<=50k"),
)


def two_answers(values: pd.Series) -> tuple[Guess[Any], Any]:
    """Of a target with two different values the one for 1, with why, and the one for 0."""
    counts = values.dropna().value_counts()
    by_word = {str(value).strip().lower().rstrip("."): value for value in counts.index}
    for one, zero in _PAIRS:
        if set(by_word) == {one, zero}:
            return Guess(by_word[one], "likely", f"beside {by_word[zero]} it is usually the event"), by_word[zero]
    rare, usual = counts.index[-1], counts.index[0]
    why = f"the rarer of the two values, {100 * counts.iloc[-1] / counts.sum():.3g} % of the rows; is it the event?"
    return Guess(rare, "unsure", why), usual
