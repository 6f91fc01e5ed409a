"""How each use case of a fleet stands: the same as its status, in one query."""

from __future__ import annotations

from pathlib import Path

from perennial.cli.json_views import status_view
from perennial.clock import instant
from perennial.fleet.causes import common_causes
from perennial.fleet.standing import standings
from perennial.ledger.entries import Cycle, EpisodeClosed, EpisodeRose, Release
from perennial.ledger.ledger import Ledger
from perennial.page.fleet import render_fleet
from perennial.usecase.declaration import Declaration
from perennial.usecase.reading import Labels
from tests.ledger.payloads import batch, episode, label_batch, one_of_each
from tests.world import DECLARATION

NOW = instant("2024-05-01T00:00:00Z")


def test_an_alarm_counts_until_it_is_closed_and_information_only_once_it_rises(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    at = "2024-03-01T00:00:00Z"
    closed, informs, rose = episode("level", at), episode("age", at), episode("age", at)
    ledger.append("a", closed)
    ledger.append("a", EpisodeClosed(episode=closed.episode, closed_at=at, batch="2024-03", detail="over"))
    ledger.append("b", informs.model_copy(update={"severity": "info"}))
    ledger.append("c", rose.model_copy(update={"severity": "info"}))
    ledger.append("c", EpisodeRose(episode=rose.episode, risen_at=at, batch="2024-03", severity="page", detail="old"))
    ledger.append("d", episode("level", at))
    listed = standings(ledger, ["a", "b", "c", "d", "e"])
    assert [(each.usecase, each.state) for each in listed] == [
        ("c", "alarm"),
        ("d", "alarm"),
        ("a", "new"),
        ("b", "new"),
        ("e", "new"),
    ]
    assert listed[0].alarms[0].severity == "page"
    assert listed[-1].loss is None and listed[-1].batch is None and listed[-1].age_days is None


def test_after_a_release_the_loss_is_that_of_the_new_model_where_it_was_evaluated(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    cycle, release = one_of_each()["cycle"], one_of_each()["release"]
    assert isinstance(cycle, Cycle) and isinstance(release, Release)
    ledger.append("a", cycle)
    ledger.append("a", release.model_copy(update={"as_of": cycle.as_of}))
    (stands,) = standings(ledger, ["a"])
    assert (stands.loss, stands.rows) == (release.reference.value, release.reference.rows)
    assert stands.metric == release.reference.metric
    assert stands.low is None and stands.high is None
    ledger.append("a", release.model_copy(update={"release_no": 2, "kind": "rollback", "as_of": cycle.as_of}))
    (stands,) = standings(ledger, ["a"])
    assert stands.loss is None and stands.rows is None and stands.metric is None


def test_a_held_batch_needs_a_person_whatever_came_after_it_and_status_agrees(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for window, status, because in (
        ("2024-01", "held", ("too few rows",)),
        ("2024-02", "accepted", ()),
        ("2024-03", "held", ("no price", "no date")),
        ("2024-04", "accepted", ()),
    ):
        ledger.append("a", batch(window, status=status, held_because=because))
    (stands,) = standings(ledger, ["a"])
    assert (stands.state, stands.batch) == ("held", "2024-04")
    assert stands.why == "batch 2024-01: too few rows; batch 2024-03: no price; no date"
    view = status_view(ledger, Declaration.model_validate(DECLARATION | {"name": "a"}), NOW)
    assert view["held"] == [{"window": each.window, "because": [*each.because]} for each in stands.held]
    assert view["last_batch"]["window"] == stands.batch
    for window in ("2024-01", "2024-03"):
        again = batch(window).model_copy(update={"revision": 2, "batch": f"{window}-again", "because": "requeued"})
        ledger.append("a", again)
    (stands,) = standings(ledger, ["a"])
    assert (stands.state, stands.batch, stands.held) == ("new", "2024-04", ())
    view = status_view(ledger, Declaration.model_validate(DECLARATION | {"name": "a"}), NOW)
    assert (view["held"], view["last_batch"]["window"]) == ([], "2024-04")


def test_a_held_label_file_needs_a_person_until_it_is_corrected_on_every_screen(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    at = "2024-03-01T00:00:00Z"
    for usecase in ("a", "b"):
        ledger.append(usecase, batch())
        held = label_batch("l-1", at, file="returns.csv", status="held", held_because=("no column reported_at",))
        ledger.append(usecase, held)
    listed = standings(ledger, ["a", "b"])
    assert [(each.state, each.why) for each in listed] == [
        ("held", "label file returns.csv: no column reported_at"),
        ("held", "label file returns.csv: no column reported_at"),
    ]
    assert [str(each) for each in common_causes(listed)] == [
        "2 use cases: label file held: no column reported_at in returns.csv"
    ]
    page = render_fleet(listed, {name: Labels() for name in "ab"})
    assert "label file returns.csv: no column reported_at <code>perennial quarantine a</code>" in page
    declared = Declaration.model_validate(DECLARATION | {"name": "a", "labels": {"path": "r", "known_at": "known"}})
    files = status_view(ledger, declared, NOW)["labels"]["held"]
    assert files == [{"file": each.file, "because": [*each.because]} for each in listed[0].held_labels]
    ledger.append("a", label_batch("l-2", at, file="returns.csv"))
    (stands,) = standings(ledger, ["a"])
    assert (stands.state, stands.held_labels) == ("new", ())
