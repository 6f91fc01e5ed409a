"""Lives on a made-up stream, whose models are the right weight of the month or an older one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perennial.backtest.lives import NEVER, UNTESTED, Lived, Way, live
from perennial.backtest.recall import followed
from perennial.backtest.stream import Model, Predicted, Stream
from perennial.backtest.totals import totals, yardstick
from perennial.backtest.ways import declared_way, name_of, usual_ways
from perennial.evaluation.hedge import Followed, hedge_weights
from perennial.evaluation.judgement import Asked
from perennial.usecase.declaration import Declaration
from tests.world import DECLARATION

MONTHS, DAYS, A_DAY = 9, 30, 12


def stream(turns: tuple[int, ...] = (), seed: int = 0, error: float = 0.4) -> Stream:
    """Months of 30 days. At each turn the concept is reversed. A model knows the concept of its last month, and errs by
    another error on each row, so a mixture of two is a little better than either.

    A model that left the newest days out knows it too, so only what it was evaluated on differs.
    """
    random = np.random.default_rng(seed)
    n = MONTHS * DAYS * A_DAY
    day = np.repeat(np.arange(MONTHS * DAYS), A_DAY)
    month = day // DAYS
    sign = np.array([(-1.0) ** sum(turn <= m for turn in turns) for m in range(MONTHS)])
    x = random.normal(size=n)
    labels = (random.random(n) < 1 / (1 + np.exp(-1.5 * sign[month] * x))).astype(float)
    models: dict[Model, Predicted | None] = {}
    for m in range(MONTHS):
        for held in (False, True):
            score = 1.5 * sign[m] * x + random.normal(0, error, n)
            models[Model("all", m, held)] = Predicted(1 / (1 + np.exp(-score)), 0.5)
    return Stream(
        task="binary",
        primary="log_loss",
        lower_is_better=True,
        metrics=lambda _: (Asked("log_loss", "primary"),),
        labels=labels,
        arrived=month,
        moment=month,
        cluster=day,
        day=day,
        days=30.4 * np.arange(1.0, MONTHS + 1),
        year=np.zeros(MONTHS, dtype=np.int64),
        newest=np.arange(1, MONTHS + 1) * DAYS - 15,
        left_out=np.full(MONTHS, 15.0),
        models=models,
        windows=("all",),
    )


def live_as(on: Stream, **how: object) -> Lived:
    return live(on, replace(Way(window="all"), **how))  # type: ignore[arg-type]


def test_a_better_challenger_is_released_and_an_equal_one_is_not() -> None:
    turned, still = live_as(stream(turns=(4,)), refresh_after=1e9), live_as(stream(), refresh_after=1e9)
    assert still.decisions[0].outcome == "first" and still.releases == 1
    assert turned.releases == 2
    assert turned.served[-1] == ((Model("all", 4), 1.0),), "the first model that was trained after the turn"


def test_the_first_model_and_every_new_one_are_the_two_ends() -> None:
    on = stream(turns=(4,))
    never, newest = live_as(on, policy=NEVER), live_as(on, policy=UNTESTED)
    assert set(never.served[2:]) == {((Model("all", 0), 1.0),)}
    assert newest.served[1:] == tuple(((Model("all", t), 1.0),) for t in range(MONTHS - 1))


def test_a_mixture_has_at_most_its_members_and_gives_way_to_a_proven_challenger() -> None:
    on = stream(turns=(4,), error=0.7)
    mixed = live_as(on, serve="mixture")
    assert all(len(now) <= 2 and abs(sum(w for _, w in now) - 1) < 1e-12 for now in mixed.served if now)
    assert any(len(now) == 2 for now in mixed.served), "two models that err on different rows are better together"
    alone = next(d for d in mixed.decisions if d.challenger == Model("all", 4))
    assert alone.outcome == "release" and alone.alone, "half of the old model would be a loss"


def test_recall_takes_a_model_back_when_its_concept_returns() -> None:
    on = stream(turns=(3, 6), error=0.7)
    life = live_as(on, serve="recall", at_once=True, policy="newest_unless_worse")
    (newest, half), *recalled = life.served[8]
    assert newest.moment == 7 and half == 0.5
    assert {model.moment for model, _ in recalled} <= {0, 1, 2, 6}, "none that learned the concept in between"
    assert recalled[-1][0].moment <= 2
    alone = next(d for d in life.decisions if d.challenger.moment == 3)
    assert alone.outcome == "release" and alone.alone, "right after the turn every old model is wrong"


def test_recall_is_among_the_usual_lives_from_two_years_on_and_always_where_it_is_declared() -> None:
    def names(days: int, **release: str) -> list[str]:
        declaration = Declaration.model_validate({**DECLARATION, "release": release})
        declared = declared_way(declaration)
        return [name_of(way, declared) for way in usual_ways(declaration, days)]

    assert "balanced, recall, at once" in names(730) and "balanced, recall, at once" not in names(729)
    assert names(90, serve="recall")[0] == "balanced, recall"


def test_at_once_a_challenger_is_decided_at_the_moment_of_its_training() -> None:
    on = stream(turns=(4,))
    at_once, later = (live_as(on, at_once=at_once, refresh_after=1e9) for at_once in (True, False))
    assert all(d.moment == d.challenger.moment and d.challenger.without_newest for d in at_once.decisions)
    assert all(d.moment == d.challenger.moment + 1 for d in later.decisions)
    assert at_once.served[5] == ((Model("all", 4, without_newest=True), 1.0),), "live one month after the turn"
    assert later.served[5] == later.served[4], "still evaluated then"


def test_an_undecided_challenger_is_evaluated_again_after_its_first_look_at_once() -> None:
    """As in the live loop: 15 days were left out and 60 are waited, and a month has 30.4."""
    life = live_as(stream(error=0.01), at_once=True, patience=60.0, refresh_after=1e9)
    looks = [d for d in life.decisions if d.challenger == Model("all", 1, without_newest=True)]
    assert [(d.moment, d.outcome, d.final) for d in looks] == [
        (1, "undecided", False),
        (2, "undecided", False),
        (3, "undecided", True),
    ]
    alone = live_as(stream(error=0.01), at_once=True, refresh_after=1e9)
    assert all(d.final for d in alone.decisions)


def test_no_training_while_the_newest_days_are_used() -> None:
    on = stream()
    assert on.newest_rows(3, used=2).wait is False and on.newest_rows(3, used=3).wait is True
    weekly = replace(on, newest=np.maximum(0, on.newest - DAYS))
    decided = [d.moment for d in live_as(weekly, at_once=True).decisions]
    assert np.diff(decided).min() >= 2, "half of the days of two decisions in a row would be the same"


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("serve", ["single", "mixture", "recall"])
def test_nothing_that_is_chosen_looks_ahead(serve: str, at_once: bool) -> None:
    on, cut = stream(turns=(4,)), 5
    later = on.moment > cut
    labels = on.labels.copy()
    labels[later] = np.random.default_rng(1).permutation(1 - labels[later])
    before, after = (
        live_as(replace(each, _losses={}, _races={}), serve=serve, at_once=at_once)
        for each in (on, replace(on, labels=labels))
    )
    assert [d for d in before.decisions if d.moment <= cut] == [d for d in after.decisions if d.moment <= cut]
    assert before.served[: cut + 2] == after.served[: cut + 2]
    assert before.decisions != after.decisions


def test_the_rows_that_evaluate_at_once_do_not_choose_the_window() -> None:
    on = stream()
    raced = replace(
        on,
        windows=("all", "other"),
        models={**on.models, **{m._replace(window="other"): p for m, p in on.models.items()}},
    )
    labels = raced.labels.copy()
    newest = raced.newest_rows(3, used=-1).places
    labels[newest] = 1 - labels[newest]
    shuffled = replace(raced, labels=labels, _losses={}, _races={})
    choices = [each.best_window("race", 3, without_newest=True) for each in (raced, shuffled)]
    assert choices[0] == choices[1]


def test_recall_follows_a_metric_of_which_more_is_better_too() -> None:
    on = stream(turns=(3, 6), error=0.7)
    auc = replace(on, primary="roc_auc", lower_is_better=False, metrics=lambda _: (Asked("roc_auc", "primary"),))
    batches: list[Followed[Model]] = []
    for moment in range(8):
        places = auc.between(moment - 1, moment)
        batches.append(followed(auc, batches, places, joined=(Model("all", moment),)))
    weights = dict(hedge_weights(batches))
    assert sum(weights[Model("all", moment)] for moment in (0, 1, 2, 6, 7)) > 0.9, "of the concept that returned"


def test_the_rows_that_evaluate_at_once_choose_no_model_to_recall() -> None:
    on = stream(turns=(3, 6), error=0.7)
    labels = on.labels.copy()
    newest = on.newest_rows(7, used=-1).places
    labels[newest] = np.random.default_rng(1).permutation(labels[newest])
    always = {"serve": "recall", "at_once": True, "policy": "newest_unless_worse", "refresh_after": 0.0}
    lives = [live_as(replace(each, _losses={}, _races={}), **always) for each in (on, replace(on, labels=labels))]
    mixtures = [dict(life.served[8]) for life in lives]
    assert all(len(each) == 4 for each in mixtures), "released in both lives"
    assert mixtures[0] == mixtures[1]


def test_totals_count_what_a_change_is_worth() -> None:
    on = stream(turns=(4,))
    balanced, never = live_as(on), live_as(on, policy=NEVER)
    by = yardstick(on, [balanced, never])
    of, of_never = totals(on, balanced, by), totals(on, never, by)
    assert by.start == 2 and by.skill > 0
    assert of.gains >= 1 and of.harmful == 0 and of.excess < of_never.excess
    assert of_never.needless == of_never.gains == 0 and of_never.releases == 1


def test_weights_count_in_every_value_and_gain_and_equal_ones_change_nothing() -> None:
    from sklearn.metrics import log_loss

    plain = stream(turns=(4,))
    draw = np.random.default_rng(2)
    weights = draw.lognormal(0, 1, plain.labels.size)
    equal, weighted = replace(plain, weights=np.full(weights.size, 3.0)), replace(plain, weights=weights)
    assert live_as(equal) == live_as(plain)
    places = weighted.arrivals(3)
    mixture = ((Model("all", 2), 1.0),)
    p = weighted.predicted(mixture, places)
    expected = log_loss(weighted.labels[places], p, sample_weight=weights[places])
    assert abs(weighted.loss(mixture, 3) - expected) < 1e-12
    before = weighted.moment < 3
    naive = np.average(weighted.labels[before], weights=weights[before])
    assert abs(weighted.base_rate(3)[0] - naive) < 1e-12
    assert live_as(weighted).decisions[0].primary.gain != live_as(plain).decisions[0].primary.gain
