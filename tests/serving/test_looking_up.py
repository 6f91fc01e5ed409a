"""A served prediction is found by its id, before and after it is collected, and made again bit for bit."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from perennial.clock import microseconds
from perennial.errors import InputError
from perennial.serving.answering import Asked, answer_all, records_in
from perennial.serving.live import Live
from perennial.serving.log.writing import ServedLog
from perennial.serving.looking_up import look_up, recomputed
from perennial.settings import settings
from perennial.store.workspace import Workspace

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


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
