"""What a life cost: its loss above the best earlier model of each moment, and what its changes were worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.backtest.lives import Lived
from perennial.backtest.stream import Mixture, Model, Stream

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


def yardstick(stream: Stream, lives: list[Lived]) -> Yardstick:
    """The yardstick for some lives on a stream. A life in which no model ever goes live does not move the start."""
    starts = [next((t for t, now in enumerate(life.served) if now), None) for life in lives]
    start = max((each for each in starts if each is not None), default=stream.moments)
    # A challenger that left the newest days out is nobody's alternative: the model trained on all days is.
    whole = [model for model in stream.models if not model.without_newest]
    best = {
        t: min(stream.loss(((model, 1.0),), t) for model in whole if model.moment < t) for t in range(1, stream.moments)
    }
    naive = {t: _without_a_model(stream, t) for t in range(1, stream.moments)}
    gained = [naive[t] - best[t] for t in range(start, stream.moments)]
    return Yardstick(start, best, naive, float(np.mean(gained)) if gained else float("nan"))


def totals(stream: Stream, life: Lived, by: Yardstick) -> Totals:
    """The results of a life, for a metric of which lower values are better."""
    whole = range(by.start, stream.moments)
    losses = [stream.loss(now, t) if now else _without_a_model(stream, t) for t, now in enumerate(life.served)]
    harmful = needless = gains = chances = waited = 0
    delays: list[int] = []
    harm = HARM * by.skill
    for t in range(by.start + 1, stream.moments - AHEAD + 1):
        before, after = life.served[t - 1], life.served[t]
        newest: Mixture = ((Model(stream.best_window(life.way.window, t - 1), t - 1), 1.0),)
        old = _ahead(stream, before, t)
        chance = old - _ahead(stream, newest, t) > harm
        chances += chance
        if before == after:
            waited = waited + 1 if chance else 0
            continue
        gain = old - _ahead(stream, after, t)
        harmful, gains, needless = harmful + (gain < -harm), gains + (gain > harm), needless + (abs(gain) <= harm)
        if chance:
            delays.append(waited)
        waited = 0
    over = [losses[t] - by.best[t] for t in whole]
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


def _ahead(stream: Stream, mixture: Mixture, moment: int) -> float:
    return float(
        np.mean(
            [stream.loss(mixture, t) if mixture else _without_a_model(stream, t) for t in range(moment, moment + AHEAD)]
        )
    )


def _without_a_model(stream: Stream, moment: int) -> float:
    """The loss of the base rate of the labels before a moment, or for the first one of its own."""
    places = stream.between(moment - 1, moment)
    before = stream.labels[stream.moment < moment] if moment else stream.labels[places]
    constant = float(np.median(before) if stream.metrics[0].name == "mae" else before.mean())
    return stream.value(np.full(places.size, constant), places)
