"""What a life cost: its loss above the best earlier model of each moment, and what its changes were worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.backtest.lives import Lived
from perennial.backtest.stream import Mixture, Model, Stream
from perennial.evaluation.judgement import gain_of

HARM = 0.01
"""A change is a harm or a gain if it costs or wins more than this share of the skill on the next moments."""
AHEAD = 3
"""Moments."""


@dataclass(frozen=True)
class Yardstick:
    """What every life on a stream is measured by.

    start: the first moment at which each of the lives has a model. best: of each moment from 1, the loss of the best
    model trained before it. naive: the loss of the base rate so far. skill: the mean of what the best is better, from
    `start` on; NaN if no moment is left.
    """

    start: int
    best: dict[int, float]
    naive: dict[int, float]
    skill: float


@dataclass(frozen=True)
class Totals:
    """The results of a life.

    excess: mean loss above the best earlier model, in % of its skill over the base rate. harmful, needless, gains:
    changes of what is live, by their effect on the next three moments. chances: moments at which the newest model
    would have been a gain; taken: of those, the ones with a change; delays: how many moments each of those was late.
    losses: of each moment from 1. members: the mean number of live models from the start on.
    """

    excess: float
    harmful: int
    needless: int
    gains: int
    chances: int
    taken: int
    delays: tuple[int, ...]
    years: float
    decisions: int
    releases: int
    losses: tuple[float, ...]
    members: float


def yardstick(stream: Stream, lives: Sequence[Lived]) -> Yardstick:
    """The yardstick for some lives on a stream. A life in which no model ever goes live does not move the start."""
    starts = [next((t for t, now in enumerate(life.served) if now), None) for life in lives]
    start = max((each for each in starts if each is not None), default=stream.moments)
    # A challenger that left the newest days out is not an alternative: the model trained on all days is.
    whole = [model for model, predicted in stream.models.items() if predicted and not model.without_newest]
    naive = {t: stream.loss((), t) for t in range(1, stream.moments)}
    best = {}
    for t in range(1, stream.moments):
        losses = [stream.loss(((model, 1.0),), t) for model in whole if model.moment < t]
        best[t] = (min if stream.lower_is_better else max)([each for each in losses if each == each], default=naive[t])
    gained = [better_by(stream, naive[t], best[t]) for t in range(start, stream.moments) if naive[t] == naive[t]]
    return Yardstick(start, best, naive, float(np.mean(gained)) if gained else float("nan"))


def better_by(stream: Stream, this: float, other: float) -> float:
    """How much better another loss is, whatever the metric's direction."""
    return gain_of("lower" if stream.lower_is_better else "higher", this, other)


def totals(stream: Stream, life: Lived, by: Yardstick) -> Totals:
    """The results of a life. Batches without a value of the metric do not count."""
    losses = [stream.loss(now, t) for t, now in enumerate(life.served)]
    whole = [t for t in range(by.start, stream.moments) if losses[t] == losses[t]]
    harmful = needless = gains = chances = waited = 0
    delays: list[int] = []
    harm = HARM * by.skill
    for t in range(by.start + 1, stream.moments - AHEAD + 1):
        before, after = life.served[t - 1], life.served[t]
        newest: Mixture = ((Model(stream.best_window(life.way.window, t - 1), t - 1), 1.0),)
        if stream.models[newest[0][0]] is None:
            newest = before
        chance = _gain_ahead(stream, before, newest, t) > harm
        chances += chance
        if before == after:
            waited = waited + 1 if chance else 0
            continue
        gain = _gain_ahead(stream, before, after, t)
        harmful, gains, needless = harmful + (gain < -harm), gains + (gain > harm), needless + (abs(gain) <= harm)
        if chance:
            delays.append(waited)
        waited = 0
    over = [better_by(stream, losses[t], by.best[t]) for t in whole]
    return Totals(
        excess=float(np.mean(over) / by.skill * 100) if over else float("nan"),
        harmful=harmful,
        needless=needless,
        gains=gains,
        chances=chances,
        taken=len(delays),
        delays=tuple(delays),
        years=float(stream.days[-1] - (stream.days[by.start - 1] if by.start else 0.0)) / 365.25,
        decisions=len(life.decisions),
        releases=life.releases,
        losses=tuple(losses[1:]),
        members=float(np.mean([len(life.served[t]) for t in whole])) if over else float("nan"),
    )


def _gain_ahead(stream: Stream, this: Mixture, other: Mixture, moment: int) -> float:
    """The mean gain of serving another mixture for the next moments."""
    ahead = range(moment, moment + AHEAD)
    return float(np.mean([better_by(stream, stream.loss(this, t), stream.loss(other, t)) for t in ahead]))
