"""The two random arms against each other: does the model's decision change the labels, and what is a key worth?"""

from __future__ import annotations

from math import isfinite

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.evaluation.figures import chance, change, figure, interval_in_words, percent, sample
from perennial.evaluation.intervals.cluster_interval import cluster_interval, undecidable_clusters
from perennial.evaluation.intervals.cluster_sums import rows_of_clusters, sums_of_clusters
from perennial.evaluation.intervals.cv3 import MIN_GROUPS, cv3
from perennial.evaluation.intervals.mde import minimal_detectable_effect
from perennial.evaluation.intervals.student_t import p_at_most
from perennial.evaluation.staged.evidence import Labelled, Values
from perennial.evaluation.staged.looks import ALPHA, Due, could_have_been_found, critical_t
from perennial.evaluation.staged.results import Finding

OF_FEEDBACK = 0.01
"""Two-sided level of both tests together: a false one costs the paired comparison."""
FEWEST_KEYS = 200


def feedback(labelled: Labelled, look: Due) -> Finding:
    """Whether the arms differ in the share of rows with a label, or in the mean label.

    The arms are random. If the decision changed nothing, both would agree, and a day's difference would be independent
    of the next day's; so days are clusters without an order (`cv3`), and 5 of them are enough. The verdict is
    `information` if they differ: the two models must then not be compared on labels.
    """
    champion, candidate = labelled.champion, labelled.candidate
    n = int(champion.rows.sum() + candidate.rows.sum())
    days = int(((champion.rows > 0) & (candidate.rows > 0)).sum())
    label_days = int(((champion.labelled > 0) & (candidate.labelled > 0)).sum())
    if days < MIN_GROUPS or label_days < MIN_GROUPS:
        return Finding(
            check="feedback",
            verdict="not_decidable",
            sentence=(
                "Whether the decision changes the labels cannot be decided: "
                f"{sample(n, label_days, 'day')} with labels in both arms; {MIN_GROUPS} days are needed."
            ),
            n=n,
        )
    level = look.level(OF_FEEDBACK / 2)
    shares = _difference(
        (champion.labelled.astype(np.float64), champion.rows), (candidate.labelled.astype(np.float64), candidate.rows)
    )
    means = _difference((champion.label_sum, champion.labelled), (candidate.label_sum, candidate.labelled))
    statistics, sentences, differing = [], [], False
    for name, (before, after, sums, counts) in (("share with a label", shares), ("mean label", means)):
        interval = cv3(after - before, sums, counts)
        assert interval is not None  # at least 5 days
        p = 1.0 if after == before else 2 * p_at_most(abs(after - before), interval.se, interval.df, 0.0)
        differs = p < level
        differing |= differs
        statistic = abs(after - before) / interval.se if interval.se > 0 else float(after != before) * 1e9
        statistics.append(statistic / critical_t(level / 2, interval.df))
        sentences.append(
            f"{name} {figure(before, 4)} in the champion's arm and {figure(after, 4)} in the candidate's "
            f"(difference {interval_in_words(interval.ci_low, interval.ci_high, change)}, p {chance(p)})"
        )
    conclusion = (
        "The model's decision changes the labels, so the two models cannot be compared on them; declare "
        "feedback: labels or outcome, and only the split counts"
        if differing
        else "No sign that the model's decision changes the labels"
    )
    difference = means[1] - means[0]
    return Finding(
        check="feedback",
        verdict="information" if differing else "passed",
        sentence=(
            f"{conclusion}: {'; '.join(sentences)}; {sample(n, days, 'day')}, level of this look {percent(level)} each."
        ),
        n=n,
        statistic=max(statistics),
        threshold=1.0,
        estimate=difference if isfinite(difference) else None,
        sums=tuple(means[2].tolist()),
        counts=tuple(means[3].tolist()),
    )


def _difference(
    champion: tuple[FloatArray, IntArray], candidate: tuple[FloatArray, IntArray]
) -> tuple[float, float, FloatArray, IntArray]:
    """Both arms' means, and each day's influence on their difference with its rows; days without rows are left out.

    champion, candidate: each day's sum and number, shape (T,).
    """
    of_days = (champion[1] + candidate[1]) > 0
    (sum_before, rows_before), (sum_after, rows_after) = ((s[of_days], r[of_days]) for s, r in (champion, candidate))
    before, after = float(sum_before.sum() / rows_before.sum()), float(sum_after.sum() / rows_after.sum())
    counts = rows_before + rows_after
    sums = counts.sum() * (
        (sum_after - after * rows_after) / rows_after.sum() - (sum_before - before * rows_before) / rows_before.sum()
    )
    return before, after, sums, counts


def value_of_arms(values: Values, look: Due) -> Finding:
    """The mean value per key of both arms: harm if the candidate's is proven lower, at the planned looks alone.

    The difference's interval is robust to correlation within and between clusters (`cluster_interval`).
    """
    before, after = values.value[~values.candidate], values.value[values.candidate]
    counts = rows_of_clusters(values.clusters)
    of_clusters = sample(values.value.size, counts.size, values.cluster_by).replace("rows", "keys")
    few = undecidable_clusters(counts, values.cluster_by)
    smaller = min(before.size, after.size)
    if smaller < FEWEST_KEYS:
        few = f"the smaller arm has {smaller:,} keys; {FEWEST_KEYS} are needed" + (f"; {few}" if few else "")
    if few:
        return Finding(
            check="value",
            verdict="not_decidable",
            sentence=f"Value per key cannot be compared on {of_clusters}: {few}.",
            n=values.value.size,
        )
    level = look.level(ALPHA)
    estimate = float(after.mean() - before.mean())
    influence = np.where(
        values.candidate,
        (values.value - after.mean()) * (values.value.size / after.size),
        -(values.value - before.mean()) * (values.value.size / before.size),
    )
    sums = sums_of_clusters(influence, values.clusters, counts.size)
    interval = cluster_interval(estimate, sums, counts, cluster_by=values.cluster_by)
    assert interval is not None  # enough clusters
    p = p_at_most(-estimate, interval.se, interval.df, 0.0)
    is_harm, is_better = p < level, 1 - p < level
    detectable = minimal_detectable_effect(interval.se, interval.df, alpha=level)
    verdict = "proven lower" if is_harm else "proven higher" if is_better else "not proven lower or higher"
    return Finding(
        check="value",
        verdict="harm" if is_harm else "passed",
        sentence=(
            f"Value per key in the candidate's arm is {verdict} on {of_clusters}: {figure(float(after.mean()))} of "
            f"{after.size:,} keys, champion {figure(float(before.mean()))} of {before.size:,}, difference "
            f"{change(estimate)} ({interval_in_words(interval.ci_low, interval.ci_high, change)}, p of harm "
            f"{chance(p)}, level of this look {percent(level)}). {could_have_been_found(detectable)}"
        ),
        n=values.value.size,
        statistic=-estimate / interval.se if interval.se > 0 else 0.0,
        threshold=critical_t(level, interval.df),
        estimate=estimate,
        low=interval.ci_low,
        high=interval.ci_high,
        detectable=detectable,
        sums=tuple(sums.tolist()),
        counts=tuple(counts.tolist()),
    )
