"""The default: released if proven better, or if the live model is old and the challenger is no worse."""

from __future__ import annotations

from dataclasses import replace

from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.evidence import evidence
from perennial.evaluation.policies.first import decide_first
from perennial.evaluation.policies.look import look_at
from perennial.evaluation.policies.policy import ReleasePolicy
from perennial.evaluation.policies.refresh import refresh


def decide(case: Case) -> Ruling:
    """Rule on one challenger.

    | primary metric | guards pass | guards block | a guard is undecided |
    |---|---|---|---|
    | proven better at 5 % | release | blocked | undecided |
    | proven worse at 5 % | keep | keep | keep |
    | neither, but refresh due and non-inferior | release | blocked | undecided |
    | else | undecided | undecided | undecided |

    With patience, each look at the challenger uses its own part of the 5 %: see `look_at`. In a family, a gain is
    proven at the family's level, and the age rule stays at 5 %: a refresh is no claim of a gain.
    A first model is ruled on by `decide_first`. The cost in five simulated years without any real change:
    3.6 ± 0.1 needless changes per year, most of them refreshes, and 0.07 ± 0.04 harmful ones.
    """
    if case.is_first:
        return decide_first(case)
    look = look_at(case)
    case = replace(case, alpha=look.level)
    seen, age = evidence(case), refresh(case, look.of_age)
    reasons: tuple[str, ...] = (seen, age.sentence) if age.sentence and not case.is_better else (seen,)
    reasons += (look.sentence,) if look.sentence else ()
    if case.is_better or age.passes:
        reasons += case.guards.sentences
        if case.guards.status == "passed":
            return Ruling("release", reasons, look.spends, level=look.level)
        return Ruling(case.guards.status, reasons, look.spends, level=look.level)
    return Ruling("keep" if case.is_worse else "undecided", reasons, look.spends, level=look.level)


POLICY = ReleasePolicy("balanced", decide, "proven better at 5 %, or refresh due and no worse", in_families=True)
