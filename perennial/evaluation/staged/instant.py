"""Checks that one record fails: a prediction that is none, and one that the pipeline does not reproduce."""

from __future__ import annotations

from perennial.evaluation.figures import counted
from perennial.evaluation.staged.evidence import Traffic
from perennial.evaluation.staged.results import Finding


def invalid_predictions(traffic: Traffic) -> Finding:
    """Harm at the first prediction of the candidate that is NaN, infinite or not a probability."""
    asked = counted(traffic.candidate_asked, "record", "records")
    if not traffic.candidate_asked:
        return Finding(
            check="invalid_predictions",
            verdict="not_decidable",
            sentence="The candidate has not been asked for a prediction yet.",
            n=0,
        )
    return Finding(
        check="invalid_predictions",
        verdict="harm" if traffic.invalid else "passed",
        sentence=(
            f"{counted(traffic.invalid, 'prediction', 'predictions')} of the candidate, of {asked}, "
            f"{_are(traffic.invalid)} missing, infinite or not a probability; none may be."
            if traffic.invalid
            else f"All predictions of the candidate, for {asked}, are numbers in their range."
        ),
        n=traffic.candidate_asked,
        statistic=float(traffic.invalid),
        threshold=1.0,
        counts=(traffic.invalid,),
    )


def skew(traffic: Traffic) -> Finding:
    """Harm at the first served prediction that differs, in any bit, from what the pipeline computes again."""
    again = counted(traffic.recomputed, "prediction", "predictions")
    if not traffic.recomputed:
        return Finding(
            check="skew",
            verdict="not_decidable",
            sentence="No prediction has been computed again yet, so serving and training are not compared.",
            n=0,
        )
    return Finding(
        check="skew",
        verdict="harm" if traffic.differing else "passed",
        sentence=(
            f"Of {again} computed again by the pipeline, {traffic.differing:,} {_differ(traffic.differing)} from what "
            "was served; none may."
            if traffic.differing
            else f"{again[0].upper()}{again[1:]} computed again by the pipeline: 0 bits differ."
        ),
        n=traffic.recomputed,
        statistic=float(traffic.differing),
        threshold=1.0,
        counts=(traffic.differing,),
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _differ(number: int) -> str:
    return "differs" if number == 1 else "differ"
