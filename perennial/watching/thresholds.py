"""How often a channel rings for nothing, in words beside each of its alarms."""

from __future__ import annotations

from perennial.evaluation.figures import figure, interval_in_words
from perennial.ledger.entries import Calibration


def rings_for_nothing(calibration: Calibration | None, channel: str) -> str:
    """The end of a sentence about a threshold: its measured false-alarm rate, or that it is not measured yet.

    >>> rings_for_nothing(None, "gap")
    ' (how often that is a false alarm is not measured yet)'
    """
    rate = next((each for each in calibration.rates if each.channel == channel), None) if calibration else None
    if calibration is None or rate is None or rate.rate is None or rate.low is None or rate.high is None:
        return " (how often that is a false alarm is not measured yet)"
    return (
        f", which happens without a cause {figure(rate.rate, 2)} times a year "
        f"({interval_in_words(rate.low, rate.high, lambda value: figure(value, 2))}, "
        f"{figure(rate.years, 3)} years resampled from {calibration.days} days)"
    )
