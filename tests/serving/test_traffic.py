"""The rows of a batch sent to a service, as its clients would send them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa

from perennial.serving.fields import fields_of
from perennial.serving.traffic import records_of
from perennial.usecase.reading import load_use_case
from tests.serving.running_service import Place, serving
from tests.world import World


def test_a_row_becomes_a_record_without_its_label(world: World) -> None:
    declaration = load_use_case("shop", world.usecases).declaration
    at = datetime(2024, 1, 31, 12, tzinfo=UTC)
    columns = {"order": ["a"], "at": [at], "price": [float("nan")], "weight": [1.5], "carrier": [None], "returned": [1]}
    (record,) = records_of(pa.table(columns), fields_of(declaration))
    wanted = {"order": "a", "at": "2024-01-31T12:00:00Z", "price": None, "weight": 1.5, "carrier": None}
    assert json.loads(record) == wanted


def test_a_batch_is_sent_to_a_service_and_what_came_back_is_counted(released_shop: Place) -> None:
    with serving(released_shop) as running:
        url = f"http://127.0.0.1:{running.port}"
        sent = released_shop.command(
            "replay-traffic", "shop", "--batch", "2013-05", "--url", url, "--rate", "500", "--most", "30", "--json"
        )
        assert sent.code == 0, sent.err
        view, live = json.loads(sent.out), running.ready()["serving"]
        assert (view["sent"], view["statuses"], view["releases"]) == (30, {"200": 30}, {str(live): 30})
        assert 0 < view["p50_ms"] <= view["p99_ms"] and 0 < view["per_second"] <= 500
        many = ("replay-traffic", "shop", "--batch", "2013-05", "--url", url, "--most", "4", "--rate")
        fast, slow = (" ".join(released_shop.command(*many, rate).out.split()) for rate in ("1000000", "2"))
        assert "requests per second were sent instead of 1,000,000: each waits for the answer" in fast
        assert "4 of 4 records were scored" in slow and "instead of" not in slow
        refused = released_shop.command("replay-traffic", "shop", "--url", f"{url}/elsewhere", "--most", "2")
        assert "0 of 2 records were scored" in refused.out and refused.code == 1
        assert "no record was scored: there is no /elsewhere" in " ".join(refused.err.split())
        assert all(len(line) <= 80 for line in refused.out.splitlines())
        words = " ".join(refused.out.split())
        assert "refused with status 404: 2, the first because: there is no /elsewhere" in words
    gone = released_shop.command("replay-traffic", "shop", "--url", url, "--most", "2")
    assert gone.code == 1 and f"{url} does not answer" in " ".join(gone.err.split()) and "Traceback" not in gone.err
    assert "`perennial serve shop` starts a service" in " ".join(gone.err.split())


def test_what_cannot_be_sent_is_refused(released_shop: Place) -> None:
    for options, words in ((("--url", "nowhere"), "is not an address"), (("--batch", "2030-01"), "2030-01")):
        refused = released_shop.command("replay-traffic", "shop", *options)
        assert refused.code == 2 and words in refused.err
