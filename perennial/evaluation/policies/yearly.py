"""Released only if proven better, at a share of the year's error budget."""

from __future__ import annotations

from dataclasses import replace

from perennial.evaluation.budget import share_of
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.evidence import evidence
from perennial.evaluation.policies.first import decide_first


def decide_by_share(case: Case, a_year: float) -> Ruling:
    """Rule on one challenger. a_year: the error level of all decisions of a calendar year together.

    | primary metric | guards pass | guards block | a guard is undecided |
    |---|---|---|---|
    | proven better at this decision's share | release | blocked | undecided |
    | else proven worse at 5 % | keep | keep | keep |
    | else | undecided | undecided | undecided |

    Age does not matter. A first model is ruled on by `decide_first` and uses none of the budget.
    """
    if case.is_first:
        return decide_first(case)
    share = share_of(a_year, case.planned_decisions, case.event_decisions, case.taken, case.year, case.pool)
    case = replace(case, alpha=share.alpha)
    reasons: tuple[str, ...] = (evidence(case), share.sentence)
    if case.is_better:
        reasons += case.guards.sentences
        outcome = "release" if case.guards.status == "passed" else case.guards.status
        return Ruling(outcome, reasons, share.alpha, share.spent)
    return Ruling("keep" if case.is_worse else "undecided", reasons, share.alpha, share.spent)
