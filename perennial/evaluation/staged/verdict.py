"""One look at a stage of a release: all checks, and whether the release advances, waits or is aborted."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.evaluation.figures import counted
from perennial.evaluation.staged.evidence import Evidence
from perennial.evaluation.staged.instant import invalid_predictions, skew
from perennial.evaluation.staged.results import Finding, Look, StageVerdict
from perennial.evaluation.staged.silence import enough_traffic


def look_at(evidence: Evidence) -> Look:
    """The findings and the verdict; the same evidence always gives the same look.

    Harm aborts at once. Otherwise the stage waits until its planned time has passed, and then advances, unless there
    was too little traffic to see anything.
    """
    findings = [
        enough_traffic(evidence),
        invalid_predictions(evidence.traffic),
        skew(evidence.traffic),
    ]
    verdict, reason = _ruling(evidence, findings)
    return Look(verdict=verdict, reason=reason, findings=tuple(findings))


def _ruling(evidence: Evidence, findings: Sequence[Finding]) -> tuple[StageVerdict, str]:
    harm = [each for each in findings if each.verdict == "harm"]
    if harm:
        return "abort", " ".join(each.sentence for each in harm)
    planned = f"{evidence.planned_days:g} planned days"
    if not evidence.is_over:
        return "wait", f"No harm so far; {evidence.elapsed_days:.3g} of the {planned} have passed."
    silent = [each for each in findings if each.check == "traffic" and each.verdict == "not_decidable"]
    if silent:
        return "not_decidable", f"All {planned} have passed, but nothing can be decided. {silent[0].sentence}"
    unseen = [each.check for each in findings if each.verdict == "not_decidable"]
    without = f" {counted(len(unseen), 'check', 'checks')} could not be decided: {', '.join(unseen)}." if unseen else ""
    return "advance", f"No harm in all {planned}.{without}"
