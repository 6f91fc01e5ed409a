"""What it cost so far that nothing was released, in a sentence that a manager can read without a table."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.clock import day
from perennial.evaluation.figures import change, counted, interval_in_words
from perennial.evaluation.regret import FEWEST, Regret, regret
from perennial.ledger.entries import Decision, Release


def waited(decisions: Sequence[Decision], release: Release | None) -> Regret | None:
    """Of the decisions since the newest release, the last one about each challenger; None without any.

    None too while a refit is live beside what was evaluated: then the newest model is live by half.
    """
    if release is None or release.refit is not None:
        return None
    last = {each.challenger_id: each for each in decisions if each.release_no == release.release_no}
    if not last:
        return None
    newest = list(last.values())[-1].of_newest
    asked = (newest.name, newest.own_code)
    same = [each for each in last.values() if (each.of_newest.name, each.of_newest.own_code) == asked]
    gains = [(gain, each.evaluation.rows) for each in same if (gain := each.of_newest.gain) is not None]
    return regret([gain for gain, _ in gains], [rows for _, rows in gains])


def waited_in_words(decisions: Sequence[Decision], release: Release | None) -> str:
    """Empty without a decision since the newest release."""
    cost = waited(decisions, release)
    if cost is None or release is None:
        return ""
    which = "a candidate was taken away" if release.kind == "abort" else f"release {release.release_no}"
    decided = counted(cost.decisions, "decision", "decisions")
    since = f"In {decided} since {which} ({day(release.as_of)}) nothing was released."
    metric = decisions[-1].metrics[0].name
    interval = cost.interval
    if interval is None:
        return f"{since} What that costs is known from {FEWEST} of them on."
    between = interval_in_words(interval.ci_low, interval.ci_high, change)
    measured = f"{change(cost.gain)} {metric} on {counted(cost.rows, 'row', 'rows')} ({between})"
    if interval.ci_low > 0 or interval.ci_high < 0:
        better = "better" if cost.gain > 0 else "worse"
        return f"{since} The newest model, always taken, would have been {better}: gain {measured}."
    unproven = "It is not proven that the newest model, always taken, would have been better or worse"
    return f"{since} {unproven}: gain {measured}."
