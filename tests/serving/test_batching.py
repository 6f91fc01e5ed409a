"""Requests that are scored together get what each would get alone; one that fails harms no other."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from perennial.serving import batching
from perennial.serving.answering import Answer, Asked, TooMany
from perennial.serving.batching import Together
from perennial.serving.live import Live
from perennial.serving.log.segment import read_segment
from perennial.serving.log.writing import ServedLog
from perennial.settings import settings
from tests.serving.test_looking_up import NOW


def _asked(live: Live, prices: list[float]) -> Asked:
    records = [{"price": price, "weight": 2.0, "carrier": "drone"} for price in prices]
    return Asked(live.checker.check(records), [b"{}"] * len(records))


@pytest.mark.parametrize("at_once", [0, batching.AT_ONCE])
def test_each_request_gets_its_own_answer_and_an_error_stays_with_its_request(
    live: Live, log: ServedLog, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """at_once: with 0, all are scored in another thread, as those of a slow pipeline are."""
    monkeypatch.setattr(batching, "AT_ONCE", at_once)
    requests = [_asked(live, [float(place + more) for more in range(place % 3 + 1)]) for place in range(12)]
    too_many = _asked(live, [1.0] * 10_001)

    async def all_at_once() -> list[Answer | BaseException]:
        together = Together(log, lambda: NOW)
        asked = [*requests[:6], too_many, *requests[6:]]
        return await asyncio.gather(*(together.answer(live, each) for each in asked), return_exceptions=True)

    answers = asyncio.run(all_at_once())
    assert isinstance(answers.pop(6), TooMany)
    ids = []
    for request, answered in zip(requests, answers, strict=True):
        assert isinstance(answered, Answer)
        np.testing.assert_array_equal(answered.scores, live.served.score(request.checked))
        assert [note.row for note in answered.checked.notes] == list(range(request.checked.rows))
        ids += [place.id for place in answered.places if place]
    log.close()
    logged = list(read_segment(settings().served / "s-1.served"))
    assert len(ids) == len(set(ids)) == len(logged) == sum(request.checked.rows for request in requests)
