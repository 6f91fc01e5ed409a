"""A decision in words: one line, one paragraph, one table. Used by the artifact and the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from perennial.evaluation.figures import (
    UNITS,
    between,
    chance,
    change,
    clusters_in_words,
    counted,
    figure,
    percent,
    sample,
    within,
)
from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.intervals.mde_range import range_of_mde
from perennial.evaluation.reason import meanings
from perennial.evaluation.results import Evaluation, Flips, Interval, MetricResult, Outcome, Policy, SliceResult

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~!])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

SHORT = ("metric", "champion", "challenger", "gain", "95 % interval")
FOUND = ("metric", "champion", "challenger", "gain", "at least (one-sided)", "95 % interval", "p", "verdict")
SLICES = ("slice", "rows", "champion", "challenger", "gain", "95 % interval", "smallest detectable loss", "verdict")
SLICES_SHOWN = 20


@dataclass(frozen=True)
class Columns:
    """The headings of the two values: of what is live, and of what was compared with it."""

    champion: str = "champion"
    challenger: str = "challenger"


BESIDE = ("metric", "interval by days alone", "interval by rows alone", "smallest detectable gain")


def escape(text: str) -> str:
    """Text that markdown shows literally: no markup, no HTML, no line break, no end of a table cell.

    >>> escape("<b>a|b</b>")
    '&lt;b&gt;a\\\\|b&lt;/b&gt;'
    """
    one_line = " ".join(text.split())
    return _SPECIAL.sub(r"\\\1", "".join(_HTML.get(character, character) for character in one_line))


def headline(
    outcome: Outcome,
    champion: str,
    challenger_version: int,
    batch: str,
    *,
    first_stage: str = "",
    mixture: str = "",
    answer: str = "",
) -> str:
    """What happened, in one plain line.

    champion: what is live, in words; empty without a model. first_stage: what the release begins with, in words; empty
    without stages. mixture: what a release makes live or tries, in words; empty if that is the challenger alone.
    answer: how people ended a held decision, in words; empty while it waits.

    >>> headline("release", "version 3", 4, "2013-05")
    'Version 4 is released in place of version 3, on batch 2013-05'
    >>> headline("release", "version 3", 4, "2013-05", mixture="version 4 (50 %) and version 3 (50 %)")
    'Version 4 is released in a mixture, version 4 (50 %) and version 3 (50 %), on batch 2013-05'
    >>> headline("release", "version 3", 4, "2013-05", first_stage="a shadow", mixture="version 4 (50 %) and …")
    'The mixture of version 4 (50 %) and … begins with a shadow beside version 3, on batch 2013-05'
    """
    stays = f"{champion} {'stay' if ' and ' in champion else 'stays'}" if champion else "nothing serves yet"
    tried = f"The mixture of {mixture}" if mixture else f"Version {challenger_version}"
    released = f"in a mixture, {mixture}" if mixture else f"in place of {champion}"
    happened = {
        "first": f"Version {challenger_version} is released as the first model",
        "release": f"{tried} begins with {first_stage} beside {champion}"
        if first_stage
        else f"Version {challenger_version} is released {released}",
        "keep": f"Version {challenger_version} is turned down, {stays}",
        "undecided": f"Version {challenger_version} is undecided, {stays}",
        "blocked": f"Version {challenger_version} is blocked by a guard, {stays}",
        "held": f"Version {challenger_version} was held for a person and {answer}"
        if answer
        else f"Version {challenger_version} waits for a person, {stays}",
    }[outcome]
    return f"{happened}, on batch {batch}"


def in_words(
    headline: str,
    reasons: Sequence[str],
    metrics: Sequence[MetricResult],
    evaluation: Evaluation,
    *,
    columns: Columns,
    slices: Sequence[SliceResult] = (),
    flips: Flips | None = None,
    policy: Policy | None = None,
) -> str:
    """The decision as markdown: headline, one paragraph, a table of results, a paragraph about the evaluation rows,
    a table of slices, and one with the intervals that other methods would give.

    All user-supplied names (batch, metrics, clusters) are escaped.
    """
    terms = meanings(f"{' '.join(reasons)} {columns.champion}")
    lines = [
        f"### {escape(headline)}",
        "",
        escape(" ".join(reasons)),
        "",
        *([escape(terms), ""] if terms else []),
        table(metrics, columns=columns, policy=policy),
        "",
        escape(_about(evaluation, metrics[0] if metrics else None)),
        "",
        *([escape(flips_in_words(flips)), ""] if flips else []),
        *([slice_table(slices), ""] if slices else []),
        beside(metrics),
    ]
    notes = [f"- {escape(m.name)}: {escape(m.note)}" for m in metrics if m.note]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def table(metrics: Sequence[MetricResult], *, columns: Columns | None = None, policy: Policy | None = None) -> str:
    """The results as a markdown table.

    policy: the one that decided; the primary metric's bound is then the one that it tested, otherwise the one at 5 %.
    """
    columns = columns or Columns()
    return _table(
        ("metric", columns.champion, columns.challenger, *FOUND[3:]), [_found(metric, policy) for metric in metrics]
    )


def short_table(metrics: Sequence[MetricResult], *, columns: Columns) -> str:
    """The columns of `table` that fit a terminal of 80 columns: values, and gains with their intervals."""
    rows = [dict(zip(FOUND, _found(metric, None), strict=True)) for metric in metrics]
    return _table(
        ("metric", columns.champion, columns.challenger, *SHORT[3:]),
        [tuple(row[name] for name in SHORT) for row in rows],
    )


def flips_in_words(flips: Flips) -> str:
    """How much a release changes the predictions, in sentences."""
    moved = _moved(flips)
    if flips.negative is None or flips.positive is None:
        return moved
    sentences = f"{flips_in_short(flips)} {moved}"
    if flips.worst:
        worst = ", ".join(
            f"{w.column} {w.value} ({percent(w.share)} of {counted(w.rows, 'row', 'rows')})" for w in flips.worst
        )
        sentences += f" Slices with the largest share of newly wrong rows: {worst}."
    return sentences


def flips_in_short(flips: Flips) -> str:
    """The shares of rows newly wrong and newly right; for a regression, how much predictions change."""
    if flips.negative is None or flips.positive is None:
        return _moved(flips)
    return (
        f"{percent(flips.negative.share)}{within(flips.negative, percent)} of {counted(flips.rows, 'row', 'rows')} are "
        f"newly wrong, {percent(flips.positive.share)}{within(flips.positive, percent)} newly right."
    )


def _moved(flips: Flips) -> str:
    average = within(flips.moved, lambda share: figure(share, 3))
    return (
        f"Predictions change by {figure(flips.moved.share, 3)} on average{average}, and by at most "
        f"{figure(flips.moved_95, 3)} for 95 % of {counted(flips.rows, 'row', 'rows')}."
    )


def slice_table(slices: Sequence[SliceResult]) -> str:
    """The slices as a markdown table: proven worse, checked, not decidable; within each, the largest loss first."""
    rank = {"worse": 0, "not_decidable": 2}
    ordered = sorted(slices, key=lambda each: (rank.get(each.verdict, 1), each.gain is None, each.gain or 0.0))
    rows = [
        (
            escape(f"{each.column} {each.value}"),
            f"{each.rows:,}",
            figure(each.champion),
            figure(each.challenger),
            change(each.gain),
            between(each.ci_low, each.ci_high),
            figure(each.mde, 3),
            _slice_verdict(each),
        )
        for each in ordered[:SLICES_SHOWN]
    ]
    more = f"\n\n{len(ordered) - SLICES_SHOWN} more slices are recorded." if len(ordered) > SLICES_SHOWN else ""
    return _table(SLICES, rows) + more


def _slice_verdict(each: SliceResult) -> str:
    """The verdict on a slice, with the reason where harm that matters would stay unseen."""
    if each.verdict == "not_decidable":
        return f"cannot be checked: {escape(each.note)}" if each.note else "cannot be checked"
    return "worse" if each.verdict == "worse" else "no harm shown"


def beside(metrics: Sequence[MetricResult]) -> str:
    """The intervals that other methods would give, and the smallest detectable gain, as a markdown table."""
    return _table(BESIDE, [(_name(m), _claim(m.day_t), _claim(m.row_t), _visible(m)) for m in metrics])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))


def _found(metric: MetricResult, policy: Policy | None) -> tuple[str, ...]:
    return (
        _name(metric),
        figure(metric.champion),
        figure(metric.challenger),
        change(metric.gain),
        _at_least(metric, policy),
        between(metric.ci_low, metric.ci_high),
        chance(metric.p_value).replace("<", "&lt;").replace(">", "&gt;"),
        metric.verdict.replace("_", " "),
    )


def _at_least(metric: MetricResult, policy: Policy | None) -> str:
    """The bound that was tested, with its level: a two-sided interval at 95 % leaves 2.5 % on either side."""
    tested = policy is not None and metric.role == "primary"
    bound, alpha = (policy.lower_bound, policy.level) if policy and tested else (metric.lower_bound, ALPHA)
    return "–" if bound is None else f"{change(bound)} at {percent(alpha)}"


def _name(metric: MetricResult) -> str:
    return escape(metric.name) + ("" if metric.role == "info" else f" ({metric.role})")


def _visible(metric: MetricResult) -> str:
    """The smallest gain that would most likely have been detected, with the range of that estimate."""
    if not metric.mde or metric.df is None:
        return figure(metric.mde, 3)
    low, high = range_of_mde(metric.mde, metric.df)
    return f"{figure(metric.mde, 3)} ({figure(low, 2)} to {figure(high, 2)})"


def _claim(interval: Interval | None) -> str:
    return "–" if interval is None else between(interval.ci_low, interval.ci_high)


def _about(evaluation: Evaluation, primary: MetricResult | None) -> str:
    sentences = (
        f"Evaluated on {sample(evaluation.rows, evaluation.clusters, evaluation.cluster_by)} "
        f"{evaluation.span}; {percent(evaluation.labelled_share)} of the labels are known."
    )
    if evaluation.weighted is not None:
        sentences += (
            f" They are weighted by {evaluation.weighted.by}, and count as {evaluation.weighted.effective_rows:,.0f} "
            "equally weighted rows."
        )
    if evaluation.effective_clusters is not None:
        sentences += (
            " Because neighbouring ones resemble each other, they count as "
            f"{evaluation.effective_clusters:.0f} independent "
            f"{UNITS[evaluation.cluster_by][1] if evaluation.cluster_by in UNITS else 'clusters'}."
        )
    if evaluation.autocorrelation is not None:
        sentences += f" Autocorrelation of neighbouring clusters: {evaluation.autocorrelation:.2f}."
    if primary is not None and primary.second is not None:
        sentences += (
            f" Rows are also correlated within {clusters_in_words(primary.second.clusters, primary.second.name)} "
            f"(standard error by these alone: {figure(primary.second.se_alone, 3)})."
        )
    if primary is not None and primary.inflation is not None:
        sentences += (
            f" The variance by clusters alone is multiplied by {figure(primary.inflation, 3)}, because "
            f"{primary.inflation_seen_in} earlier decisions showed that neighbouring clusters are correlated."
        )
    if evaluation.largest_cluster_share is not None:
        sentences += f" Largest cluster's share of the sums: {percent(evaluation.largest_cluster_share)}."
    if evaluation.skewness is not None:
        sentences += f" Skewness: {evaluation.skewness:.2f}."
    return sentences
