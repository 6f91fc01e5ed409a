"""A served prediction is found by its id, before and after it is collected, and made again bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from perennial.clock import microseconds
from perennial.errors import InputError
from perennial.serving.answering import Asked, answer_all, records_in
from perennial.serving.live import Live, open_live, wanted_release
from perennial.serving.log.writing import ServedLog
from perennial.serving.looking_up import look_up, recomputed
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from tests.training.stores import cycle
from tests.world import World

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def live(world: World) -> Live:
    """The shop's live release."""
    for month in ("2024-01", "2024-02"):
        world.month(month)
        cycle()
    workspace = open_workspace(settings())
    return open_live(workspace, "shop", wanted_release(workspace, "shop"), settings().serving)


@pytest.fixture
def log() -> Iterator[ServedLog]:
    """A log with one segment."""
    log = ServedLog(settings().served, lambda: "s-1")
    yield log
    log.close()


def _records(n: int) -> list[dict[str, object]]:
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"price": draw.gamma(2, 40, n), "weight": draw.normal(2, 1, n), "order": range(n)})
    carriers = draw.choice(["post", "van", "bike", "drone"], n)
    records: list[dict[str, object]] = rows.astype({"order": "str"}).assign(carrier=carriers).to_dict("records")
    records[0]["weight"] = None
    return records


def test_what_was_served_is_made_again_by_the_pipeline_to_the_last_bit(live: Live, log: ServedLog) -> None:
    from tasks.collecting import collect_segments

    workspace = Workspace(settings())
    body, each = records_in(json.dumps(_records(60)).encode())
    (answered,) = answer_all(live, [Asked(live.checker.decode(body), each)], log, microseconds(NOW))
    before = [look_up(workspace, place.id) for place in answered.places if place]
    assert [found.score for found in before] == [(score,) for score in answered.scores.tolist()]
    assert before[0].at == NOW and not before[0].collected and json.loads(before[0].received)["order"] == "0"

    log.close()
    assert collect_segments.fn() == 60
    made_again = (look_up(workspace, place.id) for place in answered.places if place)
    for found, score in zip(made_again, answered.scores, strict=True):
        assert found.collected and found.release == live.release
        assert found.score == recomputed(workspace, found).score == (score,)


@pytest.mark.parametrize("id", ["s-1-99", "s-9-0", "nothing", "../ledger-1", "s-1-", ""])
def test_an_id_that_no_answer_had_is_refused(live: Live, log: ServedLog, id: str) -> None:
    checked = live.checker.decode(b'[{"price":1,"weight":1,"carrier":"van"}]')
    answer_all(live, [Asked(checked, [b"{}"])], log, 0)
    with pytest.raises(InputError, match="was served here"):
        look_up(Workspace(settings()), id)
