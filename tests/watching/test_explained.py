"""An episode explains itself to a person who sees it for the first time."""

from __future__ import annotations

from typing import Any

from perennial.ledger.entries import (
    ColumnEvidence,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Evidence,
    NewValue,
    Release,
    SliceShare,
    Trigger,
)
from perennial.watching.explained import explained
from tests.release.payloads import challenger as payload
from tests.release.payloads import decision

OPENED = "2013-08-01T04:00:00Z"
WORST = SliceShare(column="origin", value="JFK", rows=9725, share=0.346, mean_excess=0.085, contribution=0.0294)


def episode(channel: str = "gap", **evidence: Any) -> Episode:
    return Episode(
        episode=f"{channel}@{OPENED}",
        channel=channel,
        opened_at=OPENED,
        batch="b",
        release_no=2,
        detail="A fresh model is proven better.",
        evidence=Evidence(rows=28125, days=31, **evidence),
    )


def release(number: int) -> Release:
    stated: dict[str, Any] = {"release_no": number}
    return Release.model_construct(**stated)


def test_all_that_a_person_wants_to_know() -> None:
    trained = payload("c", 4).model_copy(
        update={"trigger": Trigger(kind="drift", event=f"gap@{OPENED}"), "as_of": "2013-08-01T04:00:00Z"}
    )
    held = decision("d", trained, 0).model_copy(update={"outcome": "held", "as_of": "2013-09-01T04:00:00Z"})
    explanation = explained(
        episode(loss="log_loss", cost_per_day=63.7, slice=WORST),
        of_channel="warning",
        rises=[
            EpisodeRose(
                episode=f"gap@{OPENED}", risen_at="2013-09-01T04:00:00Z", batch="b", severity="page", detail="worse"
            ),
            EpisodeRose(episode="other", risen_at="", batch="b", severity="page", detail="not about this one"),
        ],
        challengers=[trained, payload("other", 3)],
        decisions=[held],
        releases=[release(1), release(2)],
        value_per_day=1200.0,
    )
    assert explanation.severity == "page"
    assert explanation.lines == (
        "gap (page), open since 2013-08-01.",
        "A fresh model is proven better.",
        "2013-09-01, now page: worse",
        "origin = JFK contributes most: 0.0294 of the mean excess log_loss, with 34.6 % of the rows (9,725 rows of "
        "31 days).",
        "It costs 63.7 log_loss per day.",
        "In declared value: 1,200 per day.",
        f"Version {trained.model.version} was trained because of it on 2013-08-01; decision of 2013-09-01: held.",
        f"You can approve version {held.challenger.version}, which waits for a person.",
        "You can bring the former champion back.",
        "You can change the limits of gap in the declaration.",
    )


def test_new_values_are_named_and_what_is_not_measured_is_left_out() -> None:
    carrier = ColumnEvidence(column="carrier", share=0.1, values=(NewValue(value="ZZ", rows=2800),))
    explanation = explained(episode("unseen", columns=(carrier,)), of_channel="warning", releases=[release(2)])
    assert explanation.about == ("Column carrier: 10 % of 28,125 rows, most often 'ZZ' (2,800).",)
    assert explanation.cost_per_day is None and not any("costs" in line for line in explanation.lines)
    assert [action for action, _ in explanation.can_do] == ["retrain", "look_at_rows", "adjust_limits"]


def test_what_is_over_asks_for_nothing() -> None:
    closed = EpisodeClosed(episode=f"gap@{OPENED}", closed_at="2013-10-01T04:00:00Z", batch="b", detail="back")
    explanation = explained(episode(), of_channel="warning", closed=closed)
    assert explanation.can_do == ()
    assert explanation.lines[0] == "gap (warning), open since 2013-08-01, closed on 2013-10-01."
