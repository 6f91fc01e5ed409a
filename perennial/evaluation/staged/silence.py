"""Silence is neither a pass nor a failure: how much traffic a stage needs before anything is decided."""

from __future__ import annotations

from perennial.evaluation.figures import counted
from perennial.evaluation.staged.evidence import Evidence
from perennial.evaluation.staged.results import Finding

FEWEST_RECORDS = 300
"""If none of 300 records failed, a failure rate above 1 % is excluded at 95 % (1 − .99³⁰⁰ = .951)."""


def enough_traffic(evidence: Evidence) -> Finding:
    """Whether the candidate was asked for enough predictions to notice that 1 % of them fail."""
    asked = evidence.traffic.candidate_asked
    sentence = f"The candidate was asked to score {counted(asked, 'record', 'records')}"
    if asked < FEWEST_RECORDS:
        return Finding(
            check="traffic",
            verdict="not_decidable",
            sentence=f"{sentence}; {FEWEST_RECORDS} are needed to notice that 1 in 100 fails.",
            n=asked,
        )
    return Finding(check="traffic", verdict="passed", sentence=f"{sentence}.", n=asked)
