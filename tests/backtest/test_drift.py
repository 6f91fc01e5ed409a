"""Lives that train on the declared alarms of the loss, on the made-up stream of `test_lives`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.backtest.alarms import Alarms, channels_of_the_loss
from perennial.backtest.lives import NEVER, Lived
from perennial.backtest.stream import Model, Stream
from perennial.backtest.ways import Asked, asked_ways, declared_way
from perennial.errors import InputError
from perennial.features.recipe import Recipe
from perennial.ledger.entries import BatchEntry, Rows
from perennial.usecase.declaration import Declaration
from tests.backtest.test_lives import MONTHS, live_as, stream
from tests.world import DECLARATION

FIRST = np.datetime64("2024-01-01")


def declaration(**changes: Any) -> Declaration:
    return Declaration.model_validate({**DECLARATION, "watch": {"channels": ["level"]}, **changes})


def watched(on: Stream, declared: Declaration) -> Stream:
    """The stream with its days in 2024 and what the first model saw; labels are known one day later."""
    days = FIRST + on.day
    first = on.models[Model("all", 0)]
    assert first is not None
    x = np.log(first.rows / (1 - first.rows))
    rows = pd.DataFrame({"at": pd.DatetimeIndex(days).tz_localize("UTC"), "x": x})
    return replace(
        on,
        alarms=Alarms(
            declaration=declared,
            channels=channels_of_the_loss(declared),
            recipe=Recipe(categorical=(), numeric=("x",), derived=(), hidden=(), sources={}),
            batches=tuple(batch(month) for month in range(MONTHS)),
            rows=rows,
            order=np.arange(on.labels.size),
            known=(days + np.timedelta64(1, "D")).astype("datetime64[us]"),
            days=days,
        ),
        _losses={},
        _races={},
    )


def batch(month: int) -> BatchEntry:
    at = f"{FIRST + (month + 1) * 30 + 1}T00:00:00.000000Z"
    return BatchEntry(
        batch=f"{month}",
        window=f"{month}",
        start=None,
        end=at,
        revision=1,
        landing="",
        digest="",
        arrived_at=at,
        status="accepted",
        rows=Rows(arrived=360, accepted=360, quarantined=0, unlabelled=0),
        quarantine=(),
        warnings=(),
        held_because=(),
        extra_columns=(),
        table_version=1,
        quarantine_version=None,
        declaration_digest="",
    )


def trained(life: Lived) -> list[int]:
    return [decision.challenger.moment for decision in life.decisions]


@pytest.mark.parametrize("channel", ["level", "gap"])
def test_a_training_waits_for_an_alarm(channel: str) -> None:
    declared = declaration(watch={"channels": [channel]})
    turned = live_as(watched(stream(turns=(4,)), declared), on_drift=True)
    assert trained(live_as(watched(stream(), declared), on_drift=True)) == [0], "only the first model"
    assert trained(turned)[0] == 0 and trained(turned)[1] in (4, 5), "the concept was reversed at moment 4"
    assert turned.decisions[1].moment == turned.decisions[1].challenger.moment + 1, "evaluated on later rows"
    assert turned.releases == 2 and turned.fits == len(trained(turned)) == 2


def test_what_an_alarm_asks_for_is_not_evaluated_at_once() -> None:
    life = live_as(watched(stream(turns=(4,)), declaration()), on_drift=True, at_once=True)
    first, remedy, *_ = life.decisions
    assert first.challenger.without_newest and not remedy.challenger.without_newest
    assert remedy.moment > remedy.challenger.moment, "rows that raised an alarm do not evaluate its remedy"


def test_an_open_episode_asks_again_with_each_batch_once_its_remedy_was_turned_down() -> None:
    kept = live_as(watched(stream(turns=(4,)), declaration()), on_drift=True, policy=NEVER)
    first, *later = trained(kept)[1:]
    assert kept.releases == 1 and first in (4, 5)
    assert later == list(range(first + 1, MONTHS - 1)), "until the end, since the alarm stays"


def test_no_alarm_depends_on_later_labels() -> None:
    on, cut = watched(stream(turns=(4,)), declaration(watch={"channels": ["level", "gap"]})), 5
    labels, later = on.labels.copy(), on.moment > cut
    labels[later] = np.random.default_rng(1).permutation(1 - labels[later])
    other = replace(on, labels=labels, _losses={}, _races={})
    before, after = (live_as(each, on_drift=True) for each in (on, other))
    assert before.served[: cut + 2] == after.served[: cut + 2]
    assert [d for d in before.decisions if d.moment <= cut] == [d for d in after.decisions if d.moment <= cut]


def test_a_declared_life_without_other_triggers_trains_on_drift() -> None:
    alone = {"on_new_batch": False, "on_drift": True}
    assert declared_way(declaration(triggers=alone)).on_drift
    assert not declared_way(declaration()).on_drift, "each batch leads to a training"
    assert not declared_way(declaration(triggers=alone, watch={"channels": ["unseen"]})).on_drift


def test_alarms_that_nobody_declared_are_refused() -> None:
    with pytest.raises(InputError, match="declares none") as refused:
        asked_ways(declaration(watch={"channels": ["unseen"]}), Asked(schedules=("on_drift",)))
    assert (refused.value.field, refused.value.value) == ("watch.channels", "unseen")
    with pytest.raises(InputError, match="cannot be combined with the policy newest"):
        asked_ways(declaration(), Asked(policies=("newest",), schedules=("on_drift",)))
