"""A life: which models a policy would have made live, decided with the functions that decide in the live loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from perennial.backtest.recall import followed, recalling
from perennial.backtest.stream import Mixture, Model, Stream
from perennial.backtest.watching import Course, Evaluated, watch
from perennial.deciding.alone import is_better
from perennial.evaluation.arrays import FloatArray, IntArray, Sizes
from perennial.evaluation.baseline import skill
from perennial.evaluation.budget import Taken
from perennial.evaluation.comparison import compare
from perennial.evaluation.figures import UNITS
from perennial.evaluation.guards import GuardFinding
from perennial.evaluation.hedge import Followed
from perennial.evaluation.intervals.cluster_interval import will_not_come
from perennial.evaluation.intervals.mde import MIN_CLUSTERS
from perennial.evaluation.intervals.pooled import Inflation, inflation
from perennial.evaluation.mixture import half_and_half
from perennial.evaluation.paired import paired
from perennial.evaluation.patience import next_looks
from perennial.evaluation.policies import load_policy
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.results import MetricResult, Outcome, Pool
from perennial.usecase.spelling import amount_of

NEVER, UNTESTED = "never", "newest refit"
"""Two lives without a policy: the first model for good, and every new model untested."""


@dataclass(frozen=True)
class Way:
    """How a use case is run: one declaration's choices of what to train, what to evaluate and what to serve.

    policy: a release policy, `NEVER` or `UNTESTED`. window: a name of the stream's windows, or `RACE`.
    serve: the challenger alone, or the mixture of it and what is live, or of it and the past challengers that predicted
        best lately. members: the most models in a mixture with what is live.
    at_once: a challenger is trained without the newest days and evaluated on them at once; else it waits for rows that
        come after its training. every: days from one training to the next, at least.
    on_drift: only an alarm asks for a training, once a model is live.
    min_gain: in the metric's unit, or a share of the champion's value such as `1%`.
    patience: days that an undecided challenger waits for more rows; None: it is decided once.
    """

    policy: str = "balanced"
    window: str = "race"
    serve: Literal["single", "mixture", "recall"] = "single"
    at_once: bool = False
    members: int = 2
    every: float = 0.0
    on_drift: bool = False
    patience: float | None = None
    refresh_after: float = 90.0
    min_gain: float | str = 0.0
    decisions_a_year: int = 12
    event_decisions_a_year: int = 4


@dataclass(frozen=True)
class Decision:
    """One decision of a life. final: the challenger does not wait on. alone: it went live without the live model."""

    moment: int
    challenger: Model
    outcome: Outcome
    primary: MetricResult
    final: bool
    alone: bool


@dataclass(frozen=True)
class Lived:
    """A whole life. served: of each moment, what predicted its rows. decisions: the oldest first. fits: of models.

    trained: the moment of each training.
    """

    way: Way
    served: tuple[Mixture, ...]
    decisions: tuple[Decision, ...]
    releases: int
    fits: int
    trained: tuple[int, ...]


@dataclass
class _State:
    champion: Mixture = ()
    evaluated: Evaluated | None = None
    watched: Course = field(default_factory=Course)
    waiting: Model | None = None
    pool: Pool = "planned"
    refit: Model | None = None
    refit_weight: float = 0.0
    released: float = 0.0
    used: int = -1
    trained: float | None = None
    looks: tuple[float, ...] = ()
    history: list[tuple[FloatArray, Sizes]] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    followed: list[Followed[Model]] = field(default_factory=list)
    releases: int = 0
    fits: int = 0
    trainings: list[int] = field(default_factory=list)


def live(stream: Stream, way: Way) -> Lived:
    """Live through a stream: at each moment, decide the waiting challenger and train the next one.

    Nothing that is chosen at a moment depends on a row whose label became known later.
    """
    state, served = _State(), []
    serves: Mixture = ()
    for moment in range(stream.moments):
        served.append(serves)
        if way.on_drift and state.evaluated is not None:
            watch(stream, state.watched, state.evaluated, serves, moment)
        _decide_waiting(stream, way, state, moment)
        asked = _asked_by_alarm(stream, way, state)
        trains = asked or (state.waiting is None and _is_due(stream, way, state, moment))
        joined = _train(stream, way, state, moment, asked=asked) if trains else ()
        if way.serve == "recall":
            state.followed.append(followed(stream, state.followed, stream.between(moment - 1, moment), joined))
        serves = _serves(way, state)
    return Lived(way, tuple(served), tuple(state.decisions), state.releases, state.fits, tuple(state.trainings))


def _is_due(stream: Stream, way: Way, state: _State, moment: int) -> bool:
    """Whether a training is due: without a live model always, as in the live loop, else by the schedule."""
    if not state.champion or state.trained is None:
        return True
    return not way.on_drift and way.policy != NEVER and float(stream.days[moment]) - state.trained >= way.every


def _asked_by_alarm(stream: Stream, way: Way, state: _State) -> bool:
    """Whether an episode is open since which nothing was trained, or nothing that was released and none waits.

    Its training replaces a challenger that waits.
    """
    opened = state.watched.opened
    if not way.on_drift or opened is None or state.trained is None:
        return False
    since = float(stream.days[opened])
    return since > state.trained or (state.waiting is None and state.released < since)


def _decide_waiting(stream: Stream, way: Way, state: _State, moment: int) -> None:
    if state.waiting is None:
        return
    places = stream.rows_for(state.waiting, -1 if state.looks else state.used, moment)
    if _decide(stream, way, state, state.waiting, places, moment):
        state.waiting, state.looks = None, ()


def _train(stream: Stream, way: Way, state: _State, moment: int, *, asked: bool) -> tuple[Model, ...]:
    """Train the next challenger, and decide it at once if the newest rows may evaluate it; return it.

    asked: by an alarm, whose rows do not evaluate its remedy.
    """
    newest = stream.newest_rows(moment, state.used) if way.at_once and not asked else None
    if newest and newest.wait:
        return ()
    at_once = newest is not None and newest.places.size > 0
    is_last = moment == stream.moments - 1
    if is_last and not at_once:
        return ()  # no later rows would evaluate it
    window = stream.best_window(way.window, moment, without_newest=at_once)
    challenger = Model(window, moment, without_newest=at_once)
    if stream.models[challenger] is None:
        return ()
    state.trained, state.fits = float(stream.days[moment]), state.fits + 1
    state.trainings.append(moment)
    state.pool, state.looks = "event" if asked else "planned", ()
    decided = newest is not None and at_once and _decide(stream, way, state, challenger, newest.places, moment)
    if not decided:
        state.waiting = challenger
    if not is_last and (way.policy == UNTESTED or _mixes(way.policy)):
        state.releases += way.policy == UNTESTED
        state.fits += at_once
        state.refit = Model(stream.best_window(way.window, moment), moment) if at_once else challenger
    return (challenger,)


def _decide(stream: Stream, way: Way, state: _State, challenger: Model, places: IntArray, moment: int) -> bool:
    """Compare the challenger, or the mixture with it, with what is live; return whether it waits no longer."""
    if stream.cluster_by in UNITS and np.unique(stream.cluster[places]).size < MIN_CLUSTERS:
        return False
    now, champion = float(stream.days[moment]), state.champion
    alone: Mixture = ((challenger, 1.0),)
    candidate = _candidate(stream, way, state, challenger, places)
    mixes = candidate != alone
    seen = inflation(state.history) if champion and stream.cluster_by in UNITS else None
    compared = _compare(stream, champion, candidate, places, challenger, seen)
    if compared.primary.verdict == "not_decidable" and not will_not_come(
        compared.counts, stream.cluster_by, compared.primary.second
    ):
        return False
    looks = _looks(stream, way, state, challenger, now) if champion else ()
    ruling = _rule(stream, way, state, compared, looks, moment)
    goes_on = ruling.outcome == "undecided" and bool(looks) and looks[-1] < 1
    releases = ruling.outcome == "first" or (ruling.outcome == "release" and way.policy not in (NEVER, UNTESTED))
    is_alone = not mixes or (
        releases and _is_better_alone(stream, champion, candidate, challenger, places, seen, ruling)
    )
    state.decisions.append(Decision(moment, challenger, ruling.outcome, compared.primary, not goes_on, is_alone))
    state.used, state.looks = moment, looks
    if champion and compared.primary.p_value is not None:
        state.taken.append(Taken(int(stream.year[moment]), state.pool, ruling.alpha))
    if goes_on:
        return False
    if champion:
        state.history.append((np.array(compared.primary.sums), compared.counts))
        state.gains.append(compared.primary.gain or 0.0)
    if ruling.refit_weight is not None:
        state.refit_weight = ruling.refit_weight
    if releases:
        state.champion = alone if is_alone else candidate
        state.released, state.releases = now, state.releases + (way.policy != UNTESTED)
        state.evaluated = Evaluated(state.champion, moment, places, state.releases)
    return True


def _candidate(stream: Stream, way: Way, state: _State, challenger: Model, places: IntArray) -> Mixture:
    """What is evaluated on some rows: the challenger, or a mixture with it that depends on no label of theirs."""
    if not state.champion or way.serve == "single":
        return ((challenger, 1.0),)
    if way.serve == "mixture":
        return half_and_half(state.champion, challenger, way.members)
    return recalling(stream, state.followed, challenger, places)


def _is_better_alone(
    stream: Stream,
    champion: Mixture,
    mixture: Mixture,
    challenger: Model,
    places: IntArray,
    seen: Inflation | None,
    ruling: Ruling,
) -> bool:
    """Whether the challenger alone is proven better than the mixture that passed, and its guards pass."""
    alone: Mixture = ((challenger, 1.0),)
    step = _compare(stream, mixture, alone, places, challenger, seen).primary
    if not is_better(ruling, step):
        return False
    return _compare(stream, champion, alone, places, challenger, seen).guards.status == "passed"


@dataclass(frozen=True)
class _Compared:
    metrics: tuple[MetricResult, ...]
    guards: GuardFinding
    counts: Sizes
    skill: float | None

    @property
    def primary(self) -> MetricResult:
        return self.metrics[0]


def _compare(
    stream: Stream, champion: Mixture, candidate: Mixture, places: IntArray, newest: Model, seen: Inflation | None
) -> _Compared:
    """newest: whose training labels give the constant that a first model must beat."""
    before = stream.predicted(champion, places) if champion else stream.constant(((newest, 1.0),), places.size)
    codes, second = stream.clusters_of(places)
    rows = paired(
        stream.labels[places],
        before,
        stream.predicted(candidate, places),
        codes,
        cluster_by=stream.cluster_by,
        second=second,
        weights=stream.weights_of(places),
    )
    asked = stream.metrics(places)
    metrics = compare(rows, metrics=asked, seen={asked[0].name: seen})
    over = None
    if champion:
        constant = stream.constant(champion, places.size)
        over = skill(metrics[0].direction, metrics[0].champion, stream.value(constant, places))
    return _Compared(metrics, stream.guards(places, rows, metrics), rows.clusters.sizes, over)


def _rule(
    stream: Stream, way: Way, state: _State, compared: _Compared, looks: tuple[float, ...], moment: int
) -> Ruling:
    policy, now = "balanced" if way.policy in (NEVER, UNTESTED) else way.policy, float(stream.days[moment])
    return load_policy(policy)(
        Case(
            primary=compared.primary,
            guards=compared.guards,
            rows=round(float(compared.counts.sum())),
            clusters=compared.counts.size,
            cluster_by=stream.cluster_by,
            is_first=not state.champion,
            champion_skill=compared.skill,
            days_since_release=now - state.released if state.champion else None,
            refresh_after_days=way.refresh_after,
            min_gain=amount_of(way.min_gain, compared.primary.champion, compared.skill),
            looks=looks,
            gains=tuple(state.gains),
            year=int(stream.year[moment]),
            pool=state.pool,
            taken=tuple(state.taken),
            planned_decisions=way.decisions_a_year,
            event_decisions=way.event_decisions_a_year,
        )
    )


def _looks(stream: Stream, way: Way, state: _State, challenger: Model, now: float) -> tuple[float, ...]:
    if way.patience is None:
        return ()
    left_out = float(stream.left_out[challenger.moment]) if challenger.without_newest else 0.0
    return next_looks(state.looks, now - float(stream.days[challenger.moment]), way.patience, left_out)


def _serves(way: Way, state: _State) -> Mixture:
    """What is live now: under a policy that mixes, the refit takes its share of the anchor's weight."""
    if way.policy == UNTESTED and state.refit:
        return ((state.refit, 1.0),)
    if state.champion and state.refit and state.refit_weight and _mixes(way.policy):
        anchor = tuple((model, weight * (1 - state.refit_weight)) for model, weight in state.champion)
        return ((state.refit, state.refit_weight), *anchor)
    return state.champion


def _mixes(policy: str) -> bool:
    return policy not in (NEVER, UNTESTED) and load_policy(policy).mixes
