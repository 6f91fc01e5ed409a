"""The ratios that two public rules look at. Both compare points, however few rows they are counted on."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.evaluation.bias.results import SELECTION_RATE, ColumnBias, GroupBias

FOUR_FIFTHS = 0.8
LEFT_OUT = 0.02
"""Groups under this share of the rows may be left out of New York City's impact ratio."""


def with_impact(column: ColumnBias) -> ColumnBias:
    """The groups' selection rates over the highest of the column: the four-fifths rule and New York City's ratio.

    Four-fifths: every group; "a selection rate … which is less than four-fifths … of the rate for the group with the
    highest rate will generally be regarded … as evidence of adverse impact" (29 CFR 1607.4(D)).
    New York City: the impact ratio of 6 RCNY § 5-300; groups under 2 % of the data may be left out of it, and rows
    whose group is unknown are counted apart (§ 5-301, for Local Law 144 of 2021).
    Both compare points, whatever the number of rows, so with many groups they flag models that treat all alike.
    """
    rates = {id(group): _rate(group) for group in column.groups}
    everyone = [rate for rate in rates.values() if rate is not None]
    counted = [r for group in column.groups if group.share >= LEFT_OUT and (r := rates[id(group)]) is not None]
    return column.model_copy(
        update={
            "groups": tuple(
                group.model_copy(
                    update={
                        "of_highest": _over(rates[id(group)], everyone),
                        "impact_ratio": _over(rates[id(group)], counted) if group.share >= LEFT_OUT else None,
                    }
                )
                for group in column.groups
            )
        }
    )


def _rate(group: GroupBias) -> float | None:
    measure = group.measure(SELECTION_RATE)
    return measure.value if measure is not None else None


def _over(rate: float | None, rates: Sequence[float]) -> float | None:
    return rate / max(rates) if rate is not None and rates and max(rates) > 0 else None
