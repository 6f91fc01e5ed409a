"""What the declaration asks of a release, and what earlier decisions have to do with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.deciding.ruling import Comparison, DecisionContext, rule
from perennial.errors import InputError
from perennial.evaluation.policies import load_policy
from perennial.ledger.entries import Release, Served
from perennial.usecase.declaration import ReleaseRules
from perennial.usecase.spelling import amount_of
from tests.evaluation.conftest import primary_of
from tests.release.payloads import AS_OF, NO_FLIPS, challenger, decision


def ruled(gain: float, **rules: Any) -> tuple[str, str]:
    """What follows from a gain with a standard error of .001 over a champion of 0.4 that is 30 days old."""
    plain = decision("d", challenger("c", 2), 1)
    served = Served(model=challenger("b", 1).model, challenger="b", weight=1.0)
    live = Release.model_validate(
        {
            "release_no": 1,
            "kind": "first",
            "serves": (served,),
            "stage": "full",
            "as_of": "2024-01-31T00:00:00Z",
            "reason": "",
            "decision": "d0",
            "restores": None,
            "reference": plain.reference,
            "snapshot": "s",
            "features_digest": "f",
            "declaration_digest": "d",
        }
    )
    found = Comparison((primary_of(gain),), plain.evaluation, 0.1, (), NO_FLIPS)
    ruling = rule(ReleaseRules.model_validate(rules), found, DecisionContext("c", live, AS_OF, "planned"), [])
    return ruling.outcome, ruling.reasons[0]


@pytest.mark.parametrize(
    ("least", "outcome"),
    [
        *((0, "release"), (0.0018, "release"), ("0.4%", "release"), (0.002, "undecided"), ("1%", "undecided")),
        *(("1.5% of skill", "release"), ("2 % of skill", "undecided")),
    ],
)
def test_a_gain_must_be_proven_to_exceed_what_the_declaration_asks(least: Any, outcome: str) -> None:
    """A gain of .004 is proven to be above .00187: .47 % of the champion's 0.4, 1.87 % of its skill of .1."""
    assert ruled(0.004, min_gain=least)[0] == outcome


@pytest.mark.parametrize("least", [-1, "-1%", "-1% of skill", "1 of skill", "much", True, float("nan"), [1]])
def test_what_is_no_amount_is_refused(least: Any) -> None:
    with pytest.raises(ValueError, match=r"write (0\.002|2%) or"):
        ReleaseRules.model_validate({"min_gain": least})


@given(st.floats(0, 100), st.floats(-10, 10))
def test_a_share_is_one_of_the_champions_value_whatever_its_sign(percent: float, champion: float) -> None:
    assert amount_of(f"{percent:.4f}%", champion) == pytest.approx(round(percent, 4) / 100 * abs(champion))


def test_an_unknown_policy_is_refused_with_what_may_be_meant() -> None:
    with pytest.raises(InputError, match="unknown policy 'balancd'") as found:
        load_policy("balancd")
    assert found.value.fix.startswith("did you mean 'balanced'? Known policies: balanced, five_percent_a_year")
