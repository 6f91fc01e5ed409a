"""What the page says of a history, before it is drawn."""

from __future__ import annotations

from typing import Any

from perennial.evaluation.results import Policy
from perennial.ledger.entries import Approval, Decision, Release, Served
from perennial.page.render import render
from perennial.page.view import History, view_of
from tests.evaluation.conftest import primary_of
from tests.release.payloads import AS_OF, challenger, decision


def history(**rows: Any) -> History:
    nothing = dict.fromkeys(
        ("batches", "decisions", "releases", "cycles", "episodes", "closed", "approvals", "waivers"), ()
    )
    said: dict[str, Any] = {"usecase": "shop", "description": "Does it come back?", "metric": "log_loss", "head": "abc"}
    return History(**{**said, "rows": 3, "recorded_at": AS_OF, **nothing, **rows})


def decided(gain: float, **policy: Any) -> Decision:
    stated = {"name": "balanced", "parameters": {}, "alpha": 0.05, **policy}
    return decision("d1", challenger("c1", 1), 0).model_copy(
        update={"metrics": (primary_of(gain),), "policy": Policy.model_validate(stated)}
    )


def released(said: Decision) -> Release:
    assert said.reference is not None
    return Release(
        release_no=1,
        kind="first",
        serves=(Served(model=said.challenger, challenger=said.challenger_id, weight=1.0),),
        stage="full",
        as_of=AS_OF,
        reason=said.reasons[0],
        decision=said.id,
        restores=None,
        reference=said.reference,
        snapshot="s",
        features_digest="f",
        declaration_digest="d",
    )


def test_an_empty_history_says_that_nothing_is_known() -> None:
    view = view_of(history())
    assert (view.serves, view.batches, view.losses, view.gains) == ("Nothing serves yet", (), (), ())
    assert "None" not in render(view, {}) and "nan" not in render(view, {}).lower()


def test_the_bound_that_was_tested_stands_beside_an_interval_that_contains_0() -> None:
    """At one-sided 5 % a gain of .0025 is proven, though the two-sided 95 % interval begins below 0."""
    said = decided(0.0025, level=0.05, lower_bound=0.00037)
    view = view_of(history(decisions=[said], releases=[released(said)]))
    (gain,) = view.gains
    assert gain.low is not None and gain.low < 0 < (gain.bound or 0)
    sure = dict(view.facts)["how sure"]
    assert "gain +0.00250, at least +0.000370 (one-sided at 5 %), 95 % interval -0.000276 to" in sure
    page = render(view, {})
    assert "+0.000370 at 5 %" in page and "A release needs a one-sided p under 0.05" not in page


def test_where_nothing_could_be_released_no_bound_is_made_up() -> None:
    view = view_of(history(decisions=[decided(0.0025, name="strict", alpha=0.0, level=0.0)]))
    assert view.gains[0].bound is None
    assert "at 0 %" not in render(view, {})


def test_a_decision_card_shows_who_approved_it_and_why() -> None:
    said = decided(0.0025).model_copy(update={"outcome": "held"})
    approval = Approval(decision="d1", by="Ada", reason="seen the <slices>", as_of=AS_OF)
    asked = view_of(history(decisions=[said]))
    view = view_of(history(decisions=[said], approvals=[approval]))
    assert asked.decisions[0].approved == "" and "Approved by" not in render(asked, {})
    assert view.decisions[0].approved == "Approved by Ada on 2024-03-01: seen the <slices>"
    assert "Approved by Ada on 2024-03-01: seen the &lt;slices&gt;" in render(view, {})
