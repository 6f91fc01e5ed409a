"""One look at a stage of a release: all checks, and whether the release advances, waits or is aborted."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.evaluation.figures import counted
from perennial.evaluation.staged.counts import count_tests
from perennial.evaluation.staged.evidence import Evidence
from perennial.evaluation.staged.instant import invalid_predictions, skew
from perennial.evaluation.staged.looks import ALPHA, Due, due, harm_in_metrics, nothing_due
from perennial.evaluation.staged.results import Finding, Look, StageVerdict
from perennial.evaluation.staged.scores import scores_moved
from perennial.evaluation.staged.silence import enough_traffic
from perennial.evaluation.staged.split import feedback, value_of_arms


def look_at(evidence: Evidence) -> Look:
    """The findings and the verdict; the same evidence always gives the same look.

    Harm aborts at once. Otherwise the stage waits until its planned time has passed, and then advances, unless too
    little was seen: too little traffic, or no way to compare the two models that holds for this use case.
    Raises ComparisonFailed if a label of `pairs` is missing or infinite.
    """
    findings = [
        enough_traffic(evidence),
        invalid_predictions(evidence.traffic),
        skew(evidence.traffic),
        *count_tests(evidence),
        *([scores_moved(evidence.scores)] if evidence.scores else []),
    ]
    look, compared = None, {"value", *(asked.name for asked in evidence.metrics)}
    if not any(each.verdict == "harm" for each in findings):
        look, of_labels = _labels_and_value(evidence)
        findings.extend(of_labels)
    if not any(each.statistic is not None for each in findings if each.check in compared):
        look = None  # nothing was tested, so nothing of α is spent
    verdict, reason = _ruling(evidence, findings)
    return Look(
        verdict=verdict,
        reason=reason,
        findings=tuple(findings),
        information=look.information if look else None,
        level=look.level(ALPHA) if look else None,
    )


def _labels_and_value(evidence: Evidence) -> tuple[Due | None, list[Finding]]:
    """What labels and values show if a planned look is due; otherwise, why not."""
    if evidence.feedback == "none":
        return _by_labels(evidence)
    refused = Finding(
        check="paired_comparison",
        verdict="information",
        sentence=(
            f"The two models are not compared on labels: feedback is declared as {evidence.feedback}, so a label "
            "depends on the model that decided. Only the split counts."
        ),
        n=0,
    )
    if evidence.stage == "shadow":
        return None, [refused]
    values = evidence.values
    clusters = int(values.clusters.max()) + 1 if values is not None and values.clusters.size else 0
    cluster_by = values.cluster_by if values is not None else "day"
    look = due(evidence, clusters, cluster_by)
    if look is None:
        return None, [refused, nothing_due(evidence, "value", clusters, cluster_by)]
    if values is None:
        return look, [refused, _unknown("value", "no key's value is known yet")]
    return look, [refused, value_of_arms(values, look)]


def _by_labels(evidence: Evidence) -> tuple[Due | None, list[Finding]]:
    pairs = evidence.pairs
    primary = next((asked.name for asked in evidence.metrics if asked.role == "primary"), None)
    clusters = int(pairs.clusters.counts.size) if pairs is not None else 0
    cluster_by = pairs.clusters.name if pairs is not None else "day"
    look = due(evidence, clusters, cluster_by)
    if look is None:
        return None, [nothing_due(evidence, primary, clusters, cluster_by)] if primary else []
    findings = []
    if evidence.stage == "canary" and evidence.labelled is not None:
        findings.append(feedback(evidence.labelled, look))
    if any(each.verdict == "information" for each in findings):
        if primary:
            findings.append(_unknown(primary, "the model's decision changes the labels"))
    elif primary and pairs is None:
        findings.append(_unknown(primary, "no label is known yet"))
    elif primary and pairs is not None:
        findings.extend(harm_in_metrics(pairs, evidence, look))
    return look, findings


def _unknown(check: str, why: str) -> Finding:
    return Finding(check=check, verdict="not_decidable", sentence=f"{check} is not compared: {why}.", n=0)


def _ruling(evidence: Evidence, findings: Sequence[Finding]) -> tuple[StageVerdict, str]:
    harm = [each for each in findings if each.verdict == "harm"]
    if harm:
        return "abort", " ".join(each.sentence for each in harm)
    planned = f"{evidence.planned_days:g} planned days"
    if not evidence.is_over:
        return "wait", f"No harm so far; {evidence.elapsed_days:.3g} of the {planned} have passed."
    silent = [each.sentence for each in findings if _is_needed(each, evidence)]
    if silent:
        return "not_decidable", f"All {planned} have passed, but nothing can be decided. {' '.join(silent)}"
    unseen = [each.check for each in findings if each.verdict == "not_decidable"]
    without = f" {counted(len(unseen), 'check', 'checks')} could not be decided: {', '.join(unseen)}." if unseen else ""
    return "advance", f"No harm in all {planned}.{without}"


def _is_needed(finding: Finding, evidence: Evidence) -> bool:
    """Whether a stage cannot advance on this finding: silence, or the one comparison that its feedback allows."""
    if finding.check == "feedback":
        return finding.verdict == "information"
    needed = ("traffic",) if evidence.feedback == "none" else ("traffic", "value")
    return finding.check in needed and finding.verdict == "not_decidable"
