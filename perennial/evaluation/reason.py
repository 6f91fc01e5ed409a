"""Recorded reasons of decisions, as people read them: without numbers shown beside them, and with terms explained.

The recorded sentences stay as they are, because `replay` compares them.
"""

from __future__ import annotations

from collections.abc import Sequence

from perennial.evaluation.figures import figure
from perennial.evaluation.results import MetricResult

ALONE_IS_BETTER = "The challenger alone is better than the mixture"
"""The beginning of the sentence by which a challenger is preferred to its mixture."""
BASELINE = ("naive baseline", "base rate", "a constant")
"""Names of the same prediction in recorded sentences."""


def without_numbers(reason: str, primary: MetricResult) -> str:
    """A reason without the values, gain and interval of the primary metric, which are shown beside it.

    Those are cut as `policies.evidence` writes them. A reason in other words, of a custom policy, stays whole.
    """
    before, separator, numbers = reason.partition(f": {primary.name} {figure(primary.challenger)}, ")
    _, closed, rest = f"{numbers} ".partition("). ")
    return f"{before}. {rest}".rstrip() if separator and closed else reason


def without_passed_guards(reasons: Sequence[str]) -> list[str]:
    """Reasons with one short sentence for all guards that pass, instead of one with numbers for each."""
    passed = [reason.split()[1] for reason in reasons if _is_passed_guard(reason)]
    others = [reason for reason in reasons if not _is_passed_guard(reason)]
    return [*others, f"Guards passed: {', '.join(passed)}."] if passed else others


def meanings(text: str) -> str:
    """What the terms of a recorded sentence mean, in plain words; empty if it uses none that need it.

    >>> meanings("The challenger is better than the champion.")
    ''
    """
    used = [name for name in BASELINE if name in text]
    if not used:
        return ""
    names = " and ".join(f'"{name}"' for name in used)
    skill = " Skill is how much better than that a model is." if "skill" in text else ""
    return (
        f"Here, {names} {'mean' if len(used) > 1 else 'means'} the same prediction for every row: the share of each "
        f"class in the training labels or, for numbers, their mean or median.{skill}"
    )


def _is_passed_guard(reason: str) -> bool:
    words = reason.split()
    return len(words) > 2 and words[0] == "Guard" and words[2] == "passes:"
