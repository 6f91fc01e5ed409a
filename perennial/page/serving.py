"""The page's part on serving: what the services of this home counted, and what was collected from their logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isinf

from perennial.clock import instant
from perennial.evaluation.figures import counted, figure, percent
from perennial.evaluation.intervals.wilson import wilson
from perennial.page.history import History
from perennial.serving.tally import Key, Spread, Tally, together

_NAMED = 3


@dataclass(frozen=True)
class ServingView:
    """span: the time that the lines are about. lines: what, its value, and the sample that it is measured on."""

    span: str
    lines: tuple[tuple[str, str, str], ...]
    collected: str


def serving_view(history: History) -> ServingView | None:
    """None where no service has ever answered. Without a running one there are no lines, and `span` states it."""
    tally = history.tally
    used = tally is not None and any(key[0] == history.usecase for key in tally.requests)
    if not used and not history.collected:
        return None
    return ServingView(
        span=_span(tally, history.usecase)
        if used and tally
        else "No service of this home has had a request since it was started.",
        lines=tuple(_lines(tally, history.usecase)) if used and tally else (),
        collected=_collected(history),
    )


def _span(tally: Tally, usecase: str) -> str:
    last = max((at for key, at in tally.answered.items() if key[0] == usecase), default=None)
    answered = f"the newest prediction was answered at {_moment(last)}" if last else "no prediction was answered"
    return f"Counted since {_moment(tally.since)}, when the service was started; {answered}."


def _lines(tally: Tally, usecase: str) -> Iterable[tuple[str, str, str]]:
    requests = _of(tally.requests, usecase)
    n = sum(requests.values())
    yield "requests", f"{n:,}", ", ".join(f"{number:,} with status {key[2]}" for key, number in _by_status(requests))
    failed = sum(number for key, number in requests.items() if key[2] >= "500")
    refused = sum(number for key, number in requests.items() if "400" <= key[2] < "500")
    yield "failed", _share(failed, n), f"of {counted(n, 'request', 'requests')}: status 500 and above"
    yield "refused", _share(refused, n), f"of {counted(n, 'request', 'requests')}: status 400 to 499"
    seconds = _joined(spread for key, spread in tally.seconds.items() if key[0] == usecase)
    if seconds is not None and seconds.n:
        times = f"median {_time(seconds, 0.5)}, 99th percentile {_time(seconds, 0.99)}"
        yield "time to answer", times, f"{counted(seconds.n, 'request', 'requests')}, without the network"
    scored = sum(_of(tally.predictions, usecase).values())
    if not scored:
        return
    records = f"of {counted(scored, 'record', 'records')}"
    unseen, fields = sum(_of(tally.unseen_records, usecase).values()), _by_field(_of(tally.unseen, usecase))
    yield "with a category never seen in training", _share(unseen, scored), f"{records}{_most(fields)}"
    missing = _by_field(_of(tally.missing, usecase))
    if missing:
        most = max(missing.values())
        yield "without a value in some field", f"up to {_share(most, scored)}", f"{records}{_most(missing)}"
    scores = _joined(spread for key, spread in (tally.scores | tally.numbers).items() if key[0] == usecase)
    if scores is not None and scores.n:
        yield "mean score", figure(scores.total / scores.n, 4), f"{scores.n:,} scores"


def _by_status(requests: dict[Key, int]) -> list[tuple[Key, int]]:
    return sorted(requests.items(), key=lambda each: -each[1])


def _of(counts: dict[Key, int], usecase: str) -> dict[Key, int]:
    return {key: number for key, number in counts.items() if key[0] == usecase}


def _joined(spreads: Iterable[Spread]) -> Spread | None:
    key: Key = ("",)
    whole = together(Tally(0.0, seconds={key: spread}) for spread in spreads)
    return whole.seconds[key] if whole else None


def _share(hits: int, n: int) -> str:
    low, high = wilson(hits, n)
    return f"{hits:,} ({percent(hits / n)}, 95 % interval {percent(low)} to {percent(high)})"


def _by_field(counts: dict[Key, int]) -> dict[str, int]:
    """Of all arms."""
    summed: dict[str, int] = {}
    for key, number in counts.items():
        summed[key[2]] = summed.get(key[2], 0) + number
    return summed


def _most(fields: dict[str, int]) -> str:
    """The fields with the most, each with its number."""
    most = sorted(fields.items(), key=lambda each: (-each[1], each[0]))[:_NAMED]
    return f"; most in {', '.join(f'{name} ({number:,})' for name, number in most)}" if most else ""


def _time(seconds: Spread, share: float) -> str:
    bound = seconds.below(share)
    assert bound is not None, "there are values"
    return f"above {seconds.bounds[-1]:g} s" if isinf(bound) else f"at most {bound * 1000:g} ms"


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _collected(history: History) -> str:
    parts = history.collected
    if not parts:
        return "No served prediction has been collected yet."
    rows = sum(each.rows for each in parts)
    first, last = min(instant(each.first_at) for each in parts), max(instant(each.last_at) for each in parts)
    return (
        f"Collected into the table predictions: {counted(rows, 'prediction', 'predictions')}, answered from "
        f"{_moment(first.timestamp())} to {_moment(last.timestamp())}."
    )
