"""Numbers for people: an interval is shown with both ends, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf, isfinite, nan

from hypothesis import example, given
from hypothesis import strategies as st

from perennial.evaluation.figures import between, change, figure, interval_in_words, percent, within
from perennial.evaluation.results import Estimate

Written = Callable[[float], str]
ENDS = st.one_of(st.none(), st.sampled_from([inf, -inf, nan]), st.floats(allow_nan=False, allow_infinity=False))


@given(ENDS, ENDS, st.sampled_from([figure, change, percent]))
@example(0.0, 1.8e306, percent)
def test_an_interval_has_two_finite_ends_or_is_not_shown(
    low: float | None, high: float | None, written: Written
) -> None:
    known = all(end is not None and isfinite(end) for end in (low, high))
    words = interval_in_words(low, high, written, unknown="too few days for an interval (1)")
    beside = within(Estimate(share=0.5, ci_low=low, ci_high=high), written)
    assert words.startswith("95 % interval ") if known else words == "too few days for an interval (1)"
    assert beside == (f" ({words})" if known else "")
    assert (between(low, high) == "–") is not known
    assert not re.search(r"inf|nan|None|unknown", words + beside + between(low, high))
