"""The result of one look at a stage, as the ledger stores it."""

from __future__ import annotations

from typing import Literal

from perennial.evaluation.results import Result

StageVerdict = Literal["advance", "wait", "abort", "not_decidable"]
FindingVerdict = Literal["harm", "passed", "not_decidable", "information"]


class Finding(Result):
    """One check of a look, with a sentence for people.

    check: `traffic`, `invalid_predictions`, `skew`, `sample_ratio`, `failures`, `slow_answers`, `scores`, `feedback`,
    `paired_comparison`, `value`, or a metric's name. statistic, threshold: it is harm if the statistic reaches the
    threshold; a count, the logarithm of an e-value, or a Student t. n: records, keys, rows or events, as the sentence
    states. estimate: with its interval, low to high, at 95 %. detectable: the harm that this look would have found in
    4 of 5 cases, in the unit of the estimate.
    sums, counts: what the statistic is computed from: each cluster's sum and rows, shape (T,); for events, counts of
    the candidate and of the champion.
    """

    check: str
    verdict: FindingVerdict
    sentence: str
    n: int
    statistic: float | None = None
    threshold: float | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    detectable: float | None = None
    sums: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


class Look(Result):
    """What a stage shows now.

    abort: a finding is harm. wait: no harm, and the planned time has not passed. advance: it has passed without harm.
    not_decidable: it has passed, but too little was seen. information: the share of the stage's planned information
    that a test of labels or values used, to be given to later looks; None if nothing was tested. level: the one-sided
    level of that look.
    """

    verdict: StageVerdict
    reason: str
    findings: tuple[Finding, ...]
    information: float | None = None
    level: float | None = None
