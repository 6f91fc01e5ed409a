"""Served predictions are computed again, and their records compared with the batch that brings the same keys."""

from __future__ import annotations

import json

import pandas as pd

from perennial.clock import microseconds
from perennial.ledger.entries import BatchEntry, Cycle, Episode, Reading
from perennial.serving.live import Live
from perennial.serving.log.segment import Answered, SegmentWriter
from perennial.serving.looking_up import recomputed_all
from perennial.settings import settings
from perennial.store.workspace import Workspace
from perennial.watching.channels.skew import skew
from perennial.watching.served_again import FieldCompared, ServedAgain
from tests.serving.test_looking_up import NOW
from tests.training.stores import cycle
from tests.world import World


def _again(**stated: object) -> ServedAgain:
    return ServedAgain(**{"served": 900, "recomputed": 300, "differing": (), "refused": 0, "fields": (), **stated})  # type: ignore[arg-type]


def test_one_prediction_with_other_bits_pages_and_is_named() -> None:
    found = skew(_again(differing=("s-1-7",)))
    assert (found.alarm, found.severity, found.value) == (True, "page", 1)
    assert "300 of 900 served predictions computed again by the pipeline: 1 differ (s-1-7)" in found.words


def test_equal_bits_are_back_to_normal() -> None:
    found = skew(_again(fields=(FieldCompared("price", 100, 1, "1.0 → 2.0"),)))
    assert (found.alarm, found.back) == (False, True)
    assert "all have the same bits; 100 records compared" in found.words and "1 value differs" in found.words


def test_a_field_that_differs_beyond_chance_warns_with_an_example_and_its_interval() -> None:
    found = skew(_again(fields=(FieldCompared("price", 100, 0), FieldCompared("weight", 100, 20, "1.0 → 1000.0"))))
    assert (found.alarm, found.severity, found.value) == (True, "warning", 1)
    assert "weight has another value in 20 % (95 % interval 13.3 % to 28.9 %), for example 1.0 → 1000.0" in found.words


def test_records_that_the_declaration_takes_no_more_leave_it_open() -> None:
    found = skew(_again(recomputed=0, refused=300))
    assert (found.alarm, found.back, found.value) == (False, False, None)


def _serve(live: Live, name: str, month: pd.DataFrame, **changed: object) -> None:
    """A segment with the pipeline's predictions for the first orders of a month. changed: values in every record."""
    rows = month[:50].drop(columns="returned").to_dict("records")
    records = [json.dumps(row | changed) for row in rows]
    at, release = microseconds(NOW), live.release
    made = (release.release_no, live.versions, release.features_digest)
    scores = recomputed_all(Workspace(settings()), live, records)
    writer = SegmentWriter(settings().served, name)
    writer.append(
        [Answered("shop", at, *made, score, text.encode()) for score, text in zip(scores, records, strict=True)]
    )
    writer.close()


def _reading(workspace: Workspace) -> Reading | None:
    health = workspace.ledger.all("shop", Cycle)[-1].payload.health
    return next((each for each in health.readings if each.channel == "skew"), None)


def test_a_cycle_compares_what_was_served_since_the_last_one(world: World, live: Live) -> None:
    from tasks.collecting import collect_segments

    workspace = Workspace(settings())
    assert _reading(workspace) is None, "nothing was served, so nothing is reported"

    _serve(live, "s-1", world.month("2024-03"))
    assert collect_segments.fn() == 50
    cycle()
    good = _reading(workspace)
    assert good is not None and (good.value, good.threshold) == (0, 1)
    assert "50 of 50 served predictions computed again by the pipeline: all have the same bits" in good.words
    assert "50 records compared with this batch's values for the same keys: no field is skewed" in good.words

    world.month("2024-04")
    cycle()
    assert _reading(workspace) is None, "nothing was served since"

    _serve(live, "s-2", world.month("2024-05"), weight=-7.25)
    assert collect_segments.fn() == 50
    cycle()
    skewed = _reading(workspace)
    assert skewed is not None and skewed.value == 1 and "weight has another value in 100 %" in skewed.words
    assert "-7.25 → " in skewed.words
    (episode,) = [row.payload for row in workspace.ledger.all("shop", Episode) if row.payload.channel == "skew"]
    assert episode.severity in (None, "warning")
    newest = workspace.ledger.all("shop", BatchEntry)[-1].payload
    assert episode.batch == newest.batch
