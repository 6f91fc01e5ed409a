"""The report about groups as markdown, for a decision in full."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.evaluation.bias import words
from perennial.evaluation.bias.results import Bias
from perennial.evaluation.words import escape


def bias_as_markdown(bias: Bias) -> str:
    """Selection rates, the other measures, representation if a population is declared, and the two public ratios.

    All names of groups are escaped.
    """
    shares = (("evaluation", words.represented(bias)), ("training", words.trained_on(bias)))
    parts = [
        "#### Groups of persons",
        escape(words.summary(bias)),
        _table(words.RATES, words.rates(bias)),
        *([_table(words.GATED, words.gated(bias))] if bias.gated else []),
        _table(words.MEASURES, words.measures(bias)),
        *(part for which, rows in shares if rows for part in (words.about_shares(which), _table(words.MEASURES, rows))),
        escape(words.about_impact(bias)),
        _table(words.IMPACT, words.impact(bias)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (head, ("---",) * len(head), *(tuple(escape(cell) for cell in row) for row in rows))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
