"""Tests on counts that hold after every event: failures, slow answers, and the split of the keys.

Each event (a failure, a key) belongs to the candidate with a known probability θ₀ if the two models are alike. The
evidence against that is an e-value, the likelihood of the events under a mixture of other probabilities over that under
θ₀. By Ville's inequality it ever reaches 1/α with probability at most α, so it may be looked at as often as one likes.
It depends on the counts alone, not on the order of the events.
Source: Lindon & Malek (2022), Anytime-Valid Inference for Multinomial Count Data (NeurIPS): with a Dirichlet mixture of
concentration k·θ₀ for multinomial counts, and for events of two processes given their exposures. The one-sided mixture,
cut off at θ₀, is our own; at every θ ≤ θ₀ its expected factor per event is at most 1, so the bound holds there too.
"""

from __future__ import annotations

from math import exp, log

from perennial.evaluation.figures import counted, percent
from perennial.evaluation.staged.evidence import Evidence, Traffic
from perennial.evaluation.staged.results import Finding

ALPHA = 0.05
OF_EVENTS = 4.0
"""k for failures and slow answers: a wide mixture, since a bug may multiply them by any factor."""
OF_KEYS = 100.0
"""k for the split of the keys, as the authors use it: a lost share of the keys is rarely large."""


def log_e_value(candidate: int, champion: int, expected: float, *, k: float, harm_only: bool = True) -> float:
    """The logarithm of the e-value against "an event is the candidate's with probability `expected`".

    candidate, champion: numbers of events. expected: θ₀, above 0 and below 1. k: concentration of the mixture
    Beta(k·θ₀, k·(1 − θ₀)). harm_only: whether only a larger share of the candidate counts, as for failures; otherwise
    a deviation in either direction.

    >>> round(log_e_value(10, 0, 0.5, k=4), 3), round(log_e_value(0, 10, 0.5, k=4), 3)
    (4.365, -2.005)
    >>> round(log_e_value(20, 0, 0.5, k=100, harm_only=False), 3)
    1.597
    """
    from scipy import special

    a, b = k * expected, k * (1 - expected)
    value = float(special.betaln(a + candidate, b + champion) - special.betaln(a, b))
    value -= candidate * log(expected) + champion * log(1 - expected)
    if harm_only:
        above = float(special.betaincc(a + candidate, b + champion, expected))
        value += (log(above) if above > 0 else -745.0) - log(float(special.betaincc(a, b, expected)))
    return value


def range_of_share(candidate: int, champion: int, expected: float, *, k: float) -> tuple[float, float]:
    """The shares that the two-sided e-value does not reject: a 95 % confidence sequence, valid after every event.

    >>> low, high = range_of_share(12, 1, 0.5, k=4)
    >>> round(low, 3), round(high, 3)
    (0.518, 1.0)
    """
    from scipy import special

    a, b = k * expected, k * (1 - expected)
    mixture = float(special.betaln(a + candidate, b + champion) - special.betaln(a, b))

    def is_rejected(share: float) -> bool:
        return mixture - candidate * log(share) - champion * log(1 - share) >= log(1 / ALPHA)

    at = candidate / (candidate + champion) if candidate + champion else expected
    ends: list[float] = []
    for end in (1e-12, 1 - 1e-12):
        kept, far = min(max(at, 1e-12), 1 - 1e-12), end
        if not is_rejected(far):
            ends.append(float(round(far)))
            continue
        for _ in range(60):
            middle = (kept + far) / 2
            kept, far = (kept, middle) if is_rejected(middle) else (middle, far)
        ends.append(kept)
    return ends[0], ends[1]


def count_tests(evidence: Evidence) -> tuple[Finding, ...]:
    """The split of the keys, failures and slow answers, as far as the stage has them; together they err at 5 %.

    The split comes first: where it is not the declared one, nothing that compares the arms can be trusted.
    """
    traffic, tests = evidence.traffic, 1 + (evidence.stage == "canary") + (evidence.traffic.slow_ms is not None)
    alpha = ALPHA / tests
    findings = [_sample_ratio(traffic, evidence.share, alpha)] if evidence.stage == "canary" else []
    findings.append(_events("failures", traffic, traffic.candidate_failed, traffic.champion_failed, alpha))
    if traffic.slow_ms is not None:
        findings.append(_events("slow_answers", traffic, traffic.candidate_slow, traffic.champion_slow, alpha))
    return tuple(findings)


def _events(check: str, traffic: Traffic, candidate: int, champion: int, alpha: float) -> Finding:
    if not traffic.candidate_asked or not traffic.champion_asked:
        return Finding(
            check=check,
            verdict="not_decidable",
            sentence=(
                f"{_NAMES[check]} cannot be compared: the champion was asked to score "
                f"{counted(traffic.champion_asked, 'record', 'records')}, the candidate {traffic.candidate_asked:,}."
            ),
            n=0,
        )
    expected = traffic.candidate_asked / (traffic.candidate_asked + traffic.champion_asked)
    statistic, threshold = log_e_value(candidate, champion, expected, k=OF_EVENTS), log(1 / alpha)
    low, high = range_of_share(candidate, champion, expected, k=OF_EVENTS)
    is_harm = statistic >= threshold
    limit = f" (longer than {traffic.slow_ms:g} ms)" if check == "slow_answers" else ""
    sentence = (
        f"{_NAMES[check]}{limit}: {candidate:,} of {traffic.candidate_asked:,} records by the candidate, "
        f"{champion:,} of {traffic.champion_asked:,} by the champion; "
    )
    if not candidate + champion:
        sentence += f"a rate above {percent(_largest_rate(traffic.candidate_asked))} is excluded at 95 %."
    else:
        sentence += (
            f"{percent(candidate / (candidate + champion))} of them are the candidate's, where {percent(expected)} "
            f"would be its part (95 % interval {percent(low)} to {percent(high)}; {_e_value(statistic, alpha)})."
        )
    return Finding(
        check=check,
        verdict="harm" if is_harm else "passed",
        sentence=sentence,
        n=candidate + champion,
        statistic=statistic,
        threshold=threshold,
        estimate=candidate / (candidate + champion) if candidate + champion else None,
        low=low if candidate + champion else None,
        high=high if candidate + champion else None,
        counts=(candidate, champion),
    )


_NAMES = {"failures": "Failures", "slow_answers": "Slow answers"}


def _sample_ratio(traffic: Traffic, share: float, alpha: float) -> Finding:
    candidate, champion = traffic.candidate_keys, traffic.champion_keys
    keys = candidate + champion
    if not keys:
        return Finding(
            check="sample_ratio", verdict="not_decidable", sentence="No key has been answered in either arm yet.", n=0
        )
    statistic = log_e_value(candidate, champion, share, k=OF_KEYS, harm_only=False)
    low, high = range_of_share(candidate, champion, share, k=OF_KEYS)
    is_harm = statistic >= log(1 / alpha)
    return Finding(
        check="sample_ratio",
        verdict="harm" if is_harm else "passed",
        sentence=(
            f"The candidate's arm has {candidate:,} of {counted(keys, 'key', 'keys')}, {percent(candidate / keys)} "
            f"(95 % interval {percent(low)} to {percent(high)}; {_e_value(statistic, alpha)}), where {percent(share)} "
            "is declared" + ("; the arms are not split as declared, so they cannot be compared." if is_harm else ".")
        ),
        n=keys,
        statistic=statistic,
        threshold=log(1 / alpha),
        estimate=candidate / keys,
        low=low,
        high=high,
        counts=(candidate, champion),
    )


def _e_value(statistic: float, alpha: float) -> str:
    return f"e-value {exp(min(statistic, 200.0)):.2g}, harm from {1 / alpha:.0f} on"


def _largest_rate(records: int) -> float:
    """The largest rate of which `records` without an event still occur with probability 5 %."""
    return float(1 - 0.05 ** (1 / records))
