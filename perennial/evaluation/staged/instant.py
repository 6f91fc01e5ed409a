"""Checks that one record fails: a prediction that is none, and one that the pipeline does not reproduce."""

from __future__ import annotations

from perennial.evaluation.figures import counted
from perennial.evaluation.staged.evidence import Traffic
from perennial.evaluation.staged.results import Finding


def invalid_predictions(traffic: Traffic) -> Finding:
    """Harm at the first prediction of the candidate that is NaN, infinite or not a probability."""
    asked = counted(traffic.candidate_asked, "record", "records")
    return _at_the_first(
        "invalid_predictions",
        traffic.invalid,
        traffic.candidate_asked,
        unknown="The candidate has not been asked for a prediction yet.",
        harm=f"{counted(traffic.invalid, 'prediction', 'predictions')} of the candidate, of {asked}, "
        f"{_are(traffic.invalid)} missing, infinite or not a probability; none may be.",
        passed=f"All predictions of the candidate, for {asked}, are numbers in their range.",
    )


def skew(traffic: Traffic) -> Finding:
    """Harm at the first served prediction that differs, in any bit, from what the pipeline computes again."""
    again = counted(traffic.recomputed, "prediction", "predictions")
    return _at_the_first(
        "skew",
        traffic.differing,
        traffic.recomputed,
        unknown="No prediction has been computed again yet, so serving and training are not compared.",
        harm=f"Of {again} computed again by the pipeline, {traffic.differing:,} {_differ(traffic.differing)} from what "
        "was served; none may.",
        passed=f"{again[0].upper()}{again[1:]} computed again by the pipeline: 0 bits differ.",
    )


def _at_the_first(check: str, bad: int, of: int, *, unknown: str, harm: str, passed: str) -> Finding:
    """Harm if any of so many is bad. unknown, harm, passed: the sentence for each verdict."""
    if not of:
        return Finding(check=check, verdict="not_decidable", sentence=unknown, n=0)
    return Finding(
        check=check,
        verdict="harm" if bad else "passed",
        sentence=harm if bad else passed,
        n=of,
        statistic=float(bad),
        threshold=1.0,
        counts=(bad,),
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _differ(number: int) -> str:
    return "differs" if number == 1 else "differ"
