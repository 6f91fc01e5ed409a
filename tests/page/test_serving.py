"""The page's block on serving: each number with its sample and its time."""

from __future__ import annotations

from perennial.ledger.entries import SegmentCollected
from perennial.page.render import render
from perennial.page.serving import serving_view
from perennial.page.view import view_of
from perennial.serving.tally import SECONDS, TENTHS, Spread, Tally, count
from tests.page.test_view import history

ARM = ("shop", "champion")


def tally() -> Tally:
    counted = Tally(since=1_732_790_000.0)
    spread = counted.seconds.setdefault(ARM, Spread(SECONDS))
    for number in range(1000):
        spread.add(0.0015 if number < 980 else 7.0)
    count(counted.requests, (*ARM, "200"), 990)
    count(counted.requests, (*ARM, "422"), 8)
    count(counted.requests, (*ARM, "500"), 2)
    count(counted.requests, ("other", "champion", "500"), 77)
    count(counted.predictions, (*ARM, "3"), 2000)
    count(counted.unseen_records, (*ARM, "3"), 100)
    count(counted.unseen, (*ARM, "carrier"), 100)
    count(counted.missing, (*ARM, "weight"), 500)
    counted.scores[(*ARM, "3")] = Spread(TENTHS, [2000] + [0] * 10, 100.0)
    counted.answered[ARM] = 1_732_793_600.0
    return counted


def test_numbers_of_the_service_come_with_their_sample_and_time() -> None:
    shown = serving_view(history(tally=tally()))
    assert shown is not None
    assert "since 2024-11-28 10:33 UTC" in shown.span and "answered at 2024-11-28 11:33 UTC" in shown.span
    lines = {what: (value, sample) for what, value, sample in shown.lines}
    assert lines["requests"] == ("1,000", "990 with status 200, 8 with status 422, 2 with status 500")
    assert lines["failed"][0] == "2 (0.2 %, 95 % interval 0.0549 % to 0.726 %)"
    assert lines["time to answer"][0] == "median at most 2 ms, 99th percentile above 5 s"
    assert lines["time to answer"][1].startswith("1,000 requests")
    assert lines["with a category never seen in training"][1] == "of 2,000 records; most in carrier (100)"
    assert lines["without a value in some field"][0].startswith("up to 500 (25 %")
    assert lines["mean score"] == ("0.05000", "2,000 scores")
    page = render(view_of(history(tally=tally())), {})
    assert "median at most 2 ms" in page and "No served prediction has been collected yet." in page


def test_what_was_collected_is_shown_without_a_service_too() -> None:
    parts = [
        SegmentCollected(
            segment=f"s{number}",
            rows=number,
            first_at=f"2024-01-0{number}T10:00:00Z",
            last_at=f"2024-01-0{number}T11:00:00Z",
            releases=(1,),
            digest="d",
            table_version=number,
        )
        for number in (1, 2)
    ]
    shown = serving_view(history(collected=parts))
    assert shown is not None
    assert shown.lines == () and "No service" in shown.span
    assert "3 predictions, answered from 2024-01-01 10:00 UTC to 2024-01-02 11:00 UTC" in shown.collected


def test_requests_for_other_use_cases_are_not_shown() -> None:
    assert serving_view(history(usecase="kiosk", tally=tally())) is None
