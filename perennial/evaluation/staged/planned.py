"""One stage before it starts: when it looks, and what it would find, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from perennial.evaluation.figures import counted, figure, percent
from perennial.evaluation.intervals.mde import MIN_CLUSTERS
from perennial.evaluation.planning import Spread
from perennial.evaluation.staged.evidence import Feedback, Stage
from perennial.evaluation.staged.looks import planned_look_days
from perennial.evaluation.staged.plan import KeyValues, detectable_loss, detectable_value, events_until_stopped


@dataclass(frozen=True)
class StageOutlook:
    """look_days: days of labels at which labels or values are compared; empty if the stage is too short for it.
    loss: in the primary metric, value: per key, that the stage finds in 4 of 5 cases; None if it compares neither, or
    their spread is not known. keys: in both arms together, None if unknown. doubled, fivefold: failures of both models
    together after which a candidate that fails twice or five times as often is stopped. sentences: all of it in words.
    """

    stage: Stage
    days: int
    look_days: tuple[float, ...]
    loss: float | None
    value: float | None
    keys: int | None
    doubled: int | None
    fivefold: int | None
    sentences: tuple[str, ...]


def planned_stage(
    stage: Stage,
    share: float,
    days: int,
    feedback: Feedback,
    *,
    spread: Spread | None = None,
    history: KeyValues | None = None,
    has_slow_limit: bool = False,
) -> StageOutlook:
    """share: of the keys in the candidate's arm; days: the stage's length. spread: of a day's paired gain in earlier
    decisions; history: of the value per key; None if not measured."""
    by_value = feedback != "none"
    compares = days >= MIN_CLUSTERS and not (by_value and stage == "shadow")
    look_days = planned_look_days(days) if compares else ()
    loss = detectable_loss(spread, days) if compares and spread and not by_value else None
    value = detectable_value(history, share, days) if compares and history and by_value else None
    # Both models score every record, unless the decision feeds back: then each scores its own arm in a canary.
    expected = share if by_value and stage == "canary" else 0.5
    tests = 1 + (stage == "canary") + has_slow_limit
    doubled, fivefold = (events_until_stopped(times, expected, tests=tests) for times in (2, 5))
    keys = round(history.a_day * days) if history and stage == "canary" else None
    arm = f" of {percent(share)} of the keys" if stage == "canary" else ""
    name = f"{stage.capitalize()}{arm}, {counted(days, 'day', 'days')}"
    sentences = [
        f"{name}: a candidate that fails twice as often as the champion is stopped after about {_known(doubled)} "
        f"failures of both together, one that fails five times as often after about {_known(fivefold)}."
    ]
    if by_value and stage == "shadow":
        sentences.append("Labels and values are not compared, since only the champion's decisions have any.")
    elif not compares:
        what = "Values" if by_value else "Labels"
        sentences.append(f"{what} are not compared in {counted(days, 'day', 'days')}; {MIN_CLUSTERS} are needed.")
    else:
        of_days = ", ".join(f"{day:g}" for day in look_days)
        sentences.append(f"{'Values' if by_value else 'Labels'} are compared at days {of_days}.")
        sentences.append(_found_loss(loss, value, spread, history, by_value=by_value))
    return StageOutlook(stage, days, look_days, loss, value, keys, doubled, fivefold, tuple(sentences))


def _found_loss(
    loss: float | None, value: float | None, spread: Spread | None, history: KeyValues | None, *, by_value: bool
) -> str:
    if value is not None and history is not None:
        return (
            f"A loss of {figure(value, 3)} per key is found in 4 of 5 cases, from a standard deviation of "
            f"{figure(history.deviation, 3)} over {counted(history.keys, 'key', 'keys')}."
        )
    if loss is not None and spread is not None:
        return (
            f"A loss of {figure(loss, 3)} is found in 4 of 5 cases, from the spread of a day in "
            f"{counted(spread.decisions, 'decision', 'decisions')}."
        )
    missing = "value of a key" if by_value else "gain of a day"
    return f"What loss they find is unknown: how much the {missing} varies has not been measured yet."


def _known(events: int | None) -> str:
    return "more than a million" if events is None else f"{events:,}"
