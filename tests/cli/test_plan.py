"""`perennial plan` and `calibrate`: what decisions could see, and how often channels ring without a cause."""

from __future__ import annotations

import json

import pytest

from perennial.ledger.entries import Calibration, Decision
from tests.cli.conftest import Perennial, payloads
from tests.world import World

pytestmark = pytest.mark.timeout(240)


def test_it_needs_two_models_that_were_compared(settled: World, perennial: Perennial) -> None:
    shown = perennial("plan", "shop")
    assert shown.code == 2 and "no two models have been compared on log_loss yet" in shown.err
    shown = perennial("plan", "shop", "--gain", "0")
    assert shown.code == 2 and shown.err.startswith("--gain: 0 must be above 0")
    settled.declare(evaluation={"cluster_by": ["carrier"]})
    assert "time brings more rows but no more groups of carrier" in perennial("plan", "shop").err


def test_it_shows_how_many_days_when_and_what_is_unspent(settled: World, perennial: Perennial) -> None:
    settled.month("2024-03")
    assert perennial("run", "shop").code == 0
    decision = [p for p in payloads(Decision) if isinstance(p, Decision)][-1]
    shown = json.loads(perennial("plan", "shop", "--json").out)
    assert (shown["decisions"], shown["usual"], shown["alpha"]) == (1, decision.evaluation.clusters, 0.05)
    assert shown["champion"] == decision.metrics[0].champion
    assert shown["smallest"] == pytest.approx(decision.metrics[0].mde, rel=0.05), "what the decision itself could see"
    assert shown["unspent_rows"] == 0, "the challenger that waits has learned from every label there is"
    days = [line["clusters"] for line in shown["lines"]]
    assert days == sorted(days, reverse=True) and len(days) == 5
    reached = [line["reached"] for line in shown["lines"] if line["clusters"] is not None]
    assert all(when > "2024-04-15" for when in reached), "none of those days is there yet"
    settled.month("2024-04")
    assert perennial("ingest", "shop").code == 0
    later = json.loads(perennial("plan", "shop", "--json", "--gain", "0.1").out)
    assert later["unspent_clusters"] == 30 and later["unspent_rows"] > 500
    (line,) = later["lines"]
    assert line["gain"] == 0.1 and line["share"] == pytest.approx(0.1 / shown["champion"])
    plain = perennial("plan", "shop")
    assert plain.code == 0 and "Labels that no decision has used yet: 600 rows of 30 days." in plain.out
    assert "mixture" not in plain.out
    settled.declare(release={"serve": "mixture"})
    assert "These are gains of the mixture, not of the challenger alone." in perennial("plan", "shop").out


def test_calibrate_reports_what_is_unknown_and_stores_it_once(settled: World, perennial: Perennial) -> None:
    settled.declare(watch={"channels": ["gap", "level", "unseen"]})
    measured = json.loads(perennial("calibrate", "shop", "--json").out)
    assert (measured["release_no"], measured["days"], measured["page_per_year"]) == (1, 0, 1.0)
    assert [each["rate"] for each in measured["rates"]] == [None, None, None]
    shown = perennial("calibrate", "shop")
    assert shown.code == 0
    assert "gap: unknown, needs 56 labelled days after a warm-up of 28, 0 have come" in shown.out
    assert len([p for p in payloads(Calibration) if isinstance(p, Calibration)]) == 1
