"""OpenLineage events are valid by the schemas, facets too, and connect the bytes with the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from perennial.ledger.entries import KIND_OF, BatchEntry, Recorded, Snapshot
from perennial.ledger.ledger import Row
from perennial.lineage.open_lineage.datasets import Names
from perennial.lineage.open_lineage.events import JOBS, Event, events_of
from perennial.lineage.sending import InHome
from perennial.store.workspace import Workspace
from tests.ledger.payloads import one_of_each
from tests.lineage.spec import problems


def events(shop: Workspace) -> list[Event]:
    """Of the whole ledger."""
    about = InHome(shop, "shop")
    return [event for row in shop.ledger.after("shop", 0) for event in events_of(row, about)]


def test_every_event_of_a_lived_home_is_valid(shop: Workspace) -> None:
    made = events(shop)
    assert [problems(each) for each in made] == [[]] * len(made)
    jobs = {each["job"]["name"] for each in made}
    assert jobs == {"shop.ingest", "shop.train", "shop.decide", "shop.release", "shop.score"}
    runs = [(each["run"]["runId"], each["eventType"]) for each in made]
    assert runs[0::2] == [(run, "START") for run, _ in runs[1::2]], "each step starts and ends"
    assert len(set(runs)) == len(runs) and made == events(shop), "the same row gives the same events"


def test_the_events_connect_the_bytes_with_the_predictions(shop: Workspace) -> None:
    came_from: dict[str, set[str]] = {}
    for each in events(shop):
        for output in each["outputs"]:
            came_from.setdefault(output["name"], set()).update(read["name"] for read in each["inputs"])
    (predictions,) = [name for name in came_from if name.endswith("/predictions")]
    reached: set[str] = set()
    waiting = [predictions]
    while waiting:
        for name in came_from.get(waiting.pop(), set()) - reached:
            reached.add(name)
            waiting.append(name)
    own = {name.rsplit("/", 1)[-1] for name in reached}
    assert own == {"accepted", "shop", "shop.models", "shop.decisions", "shop.live"}


def test_checks_are_assertions_without_values(shop: Workspace) -> None:
    (first, *_) = [each for each in events(shop) if each["job"]["name"] == "shop.ingest"]
    (landed,) = first["inputs"]
    assertions = landed["inputFacets"]["dataQualityAssertions"]["assertions"]
    priced = [each for each in assertions if each["assertion"] == "expect_column_values_to_be_between"]
    assert (True, "price") in [(each["success"], each["column"]) for each in priced]
    assert not any(each.get("column", "").startswith("__perennial") for each in assertions)
    metrics = landed["inputFacets"]["dataQualityMetrics"]
    assert metrics["rowCount"] == 310
    assert metrics["columnMetrics"]["price"] == {"nullCount": 0, "count": metrics["rowCount"]}
    fields = {each["name"]: each["type"] for each in first["outputs"][0]["facets"]["schema"]["fields"]}
    assert fields["order"] == "text" and fields["price"] == "number"


class Anything:
    """What events need, for payloads that belong to no home."""

    names = Names("perennial", "shop", "s3://bucket/tables", "/data")

    def columns(self, _: str) -> Mapping[str, str]:
        """One."""
        return {"order": "text"}

    def snapshot(self, _: str) -> Snapshot:
        """The one of the examples."""
        made = one_of_each()["snapshot"]
        assert isinstance(made, Snapshot)
        return made

    def batch(self, _: str) -> BatchEntry:
        """The one of the examples."""
        made = one_of_each()["batch"]
        assert isinstance(made, BatchEntry)
        return made

    def checks(self, _: str) -> Sequence[Mapping[str, Any]]:
        """Lost."""
        return ()


def test_every_kind_of_row_that_has_events_has_valid_ones() -> None:
    made = one_of_each()
    for kind in JOBS:
        row: Row[Recorded] = Row(made[KIND_OF[kind]], 7, "k", "2024-01-01T00:00:00Z", "0" * 64, "ab" * 32)
        for event in events_of(row, Anything()):
            assert problems(event) == [], kind
    held = made["batch"].model_copy(update={"status": "held", "held_because": ("order: column is missing",)})
    row = Row(held, 7, "k", "2024-01-01T00:00:00Z", "0" * 64, "ab" * 32)
    _, end = events_of(row, Anything())
    assert (end["eventType"], problems(end)) == ("FAIL", [])
    assert end["run"]["facets"]["errorMessage"]["message"] == "held: order: column is missing"


def test_the_schemas_forbid_what_is_broken(shop: Workspace) -> None:
    (valid, *_) = [each for each in events(shop) if "perennial_decision" in each["run"]["facets"]]
    for break_it, words in (
        (lambda event: event["job"].pop("name"), "lacks name"),
        (lambda event: event.update(eventType="DONE"), "eventType: 'DONE'"),
        (lambda event: event["run"].update(runId="7"), "badly formed"),
        (lambda event: event["run"]["facets"]["perennial_decision"].update(clusters="30"), "'30' is not of type"),
        (lambda event: event["run"]["facets"]["perennial_decision"].update(extra=1), "Unevaluated properties"),
        (lambda event: event["run"]["facets"]["nominalTime"].pop("nominalStartTime"), "lacks nominalStartTime"),
        (lambda event: event["run"]["facets"].update(a=event["job"]["facets"]["jobType"]), "does not belong here"),
    ):
        broken = deepcopy(valid)
        break_it(broken)
        assert any(words in each for each in problems(broken)), (words, problems(broken))
