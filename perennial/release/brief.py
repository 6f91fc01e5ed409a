"""A decision on one screen: the outcome, why, and the numbers that decided. `decision_in_words` has everything."""

from __future__ import annotations

from perennial.evaluation.figures import between, change, counted, percent, sample
from perennial.evaluation.reason import meanings, without_numbers, without_passed_guards
from perennial.evaluation.results import SliceResult
from perennial.evaluation.words import escape, flips_in_short, short_table
from perennial.ledger.entries import Approval, Decision, Refusal
from perennial.release.words import bound_in_words, columns_of, headline_of

SLICES_NAMED = 3


def decision_in_brief(decision: Decision, answer: Approval | Refusal | None = None) -> str:
    """The headline, the reasons, the deciding metrics, the rows and how predictions change, as markdown.

    answer: what people decided of a held one, None while it waits.
    """
    reasons = " ".join(why(decision))
    deciding = [metric for metric in decision.metrics if metric.role != "info"]
    columns = columns_of(decision)
    paragraphs = [
        f"### {escape(headline_of(decision, answer))}",
        escape(reasons),
        escape(meanings(f"{reasons} {columns.champion}")),
        short_table(deciding, columns=columns),
        escape(bound_in_words(decision)),
        escape(" ".join((_rows(decision, reasons), flips_in_short(decision.flips)))),
        escape(_harmed(decision.slices) if "Slices" not in reasons else ""),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def why(decision: Decision) -> list[str]:
    """The recorded reasons, without the primary metric's numbers and those of guards that pass."""
    if not decision.metrics:
        return list(decision.reasons)
    first, *others = decision.reasons
    return without_passed_guards([without_numbers(first, decision.metrics[0]), *others])


def _rows(decision: Decision, reasons: str) -> str:
    """When the evaluation rows are from, and how many there are unless the reasons have it."""
    of = decision.evaluation
    size = sample(of.rows, of.clusters, of.cluster_by)
    return (
        f"Compared on {'rows' if size in reasons else size} {of.span}; "
        f"{percent(of.labelled_share)} of the labels are known."
    )


def _harmed(slices: tuple[SliceResult, ...]) -> str:
    """The slices that are proven worse, where no reason names them; empty if there are none."""
    harmed = [each for each in slices if each.verdict == "worse"]
    if not harmed:
        return ""
    named = "; ".join(
        f"{each.column} {each.value}: gain {change(each.gain)} ({between(each.ci_low, each.ci_high)}, "
        f"{counted(each.rows, 'row', 'rows')})"
        for each in harmed[:SLICES_NAMED]
    )
    return f"Proven worse on {len(harmed)} of {len(slices)} slices: {named}."
