"""Tests that are decided together: Benjamini and Hochberg's rule, and the level of each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from perennial.evaluation.family import levels

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(P_VALUES, st.sampled_from([0.05, 0.2, 0.5]))
def test_what_is_below_its_level_is_what_another_implementation_rejects(p_values: list[float], fdr: float) -> None:
    adjusted = false_discovery_control(p_values)
    if min(abs(adjusted - fdr)) < 1e-9:
        return  # a tie, or one digit from it
    proven = [p < each.alpha for p, each in zip(p_values, levels(p_values, fdr), strict=True)]
    assert proven == list(adjusted < fdr)


@given(P_VALUES, st.integers(0, 11), st.floats(0, 1))
def test_the_level_of_a_test_depends_on_the_others_alone(p_values: list[float], which: int, other: float) -> None:
    own = which % len(p_values)
    changed = [other if at == own else p for at, p in enumerate(p_values)]
    assert levels(p_values, 0.2)[own] == levels(changed, 0.2)[own]


def test_the_example_of_the_paper() -> None:
    """Benjamini & Hochberg (1995), a trial of thrombolysis: of fifteen p-values four are proven at 5 %."""
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    found = levels([*p_values, 0.6528, 0.7590, 1.0], 0.05)
    assert [(each.rank, round(each.alpha, 3)) for each in found[:4]] == [(4, 0.013)] * 4
    assert sum(p < each.alpha for p, each in zip([*p_values, 0.6528, 0.7590, 1.0], found, strict=True)) == 4
