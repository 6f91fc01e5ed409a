"""An episode explains itself to a person who sees it for the first time."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.ledger.entries import (
    ColumnEvidence,
    DailyValue,
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
from tests.ledger.payloads import batch
from tests.release.payloads import challenger as payload
from tests.release.payloads import decision

OPENED = "2013-08-01T04:00:00Z"
WORST = SliceShare(column="origin", value="JFK", rows=9725, share=0.346, mean_excess=0.085, contribution=0.0294)

LOST = DailyValue(name="profit", lost=1200.0, low=340.0, high=2060.0, rows=27000, days=30)


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
        episode(loss="log_loss", cost_per_day=63.7, slice=WORST, cost_low=21.0, cost_high=106.0, value=LOST),
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
    )
    assert explanation.severity == "page"
    assert explanation.lines == (
        "gap (page), open since 2013-08-01.",
        "A fresh model is proven better.",
        "2013-09-01, now page: worse",
        "origin = JFK contributes most: 0.0294 of the mean excess log_loss, with 34.6 % of the rows (9,725 rows of "
        "31 days).",
        "It costs 63.7 log_loss per day (95 % interval 21.0 to 106, 28,125 rows of 31 days).",
        "The value profit is 1,200 per day below that of the champion's evaluation (95 % interval 340 to 2,060, 27,000 "
        "rows of 30 days).",
        f"Version {trained.model.version} was trained because of it on 2013-08-01; decision of 2013-09-01: held.",
        f"You can approve version {held.challenger.version}, which waits for a person.",
        "You can bring the former champion back.",
        "You can change the limits of gap in the declaration.",
    )


def test_new_values_are_named_and_what_is_not_measured_is_left_out() -> None:
    carrier = ColumnEvidence(column="carrier", share=0.1, values=(NewValue(value="ZZ", rows=2800),))
    explanation = explained(episode("unseen", columns=(carrier,)), of_channel="warning", releases=[release(2)])
    assert explanation.about == ("Column carrier: 10 % of 28,125 rows, most often 'ZZ' (2,800).",)
    assert explanation.costs == ()
    assert [action for action, _ in explanation.can_do] == ["retrain", "look_at_rows", "adjust_limits"]


def test_a_value_above_the_evaluation_and_a_cost_without_an_interval_are_shown_plainly() -> None:
    gained = LOST.model_copy(update={"lost": -50.0, "low": -90.0, "high": 10.0})
    assert explained(episode(loss="mae", cost_per_day=2.0, value=gained), of_channel="warning").costs == (
        "It costs 2.00 mae per day (no 95 % interval, 28,125 rows of 31 days).",
        "The value profit is 50.0 per day above that of the champion's evaluation (95 % interval -10.0 to 90.0, 27,000 "
        "rows of 30 days).",
    )


def test_what_is_over_asks_for_nothing() -> None:
    closed = EpisodeClosed(episode=f"gap@{OPENED}", closed_at="2013-10-01T04:00:00Z", batch="b", detail="back")
    explanation = explained(episode(), of_channel="warning", closed=closed)
    assert explanation.can_do == ()
    assert explanation.lines[0] == "gap (warning), open since 2013-08-01, closed on 2013-10-01."


def test_what_is_wrong_with_a_batch_is_not_repaired_by_another_model() -> None:
    informs = explained(episode("contract").model_copy(update={"severity": "info"}), of_channel="warning", releases=TWO)
    assert informs.lines[0] == "contract (for information, no alarm), open since 2013-08-01."
    assert [words for _, words in informs.can_do] == [
        "look at the rows of the batch and their source",
        "change the checks in the declaration",
    ]
    held = explained(episode("contract").model_copy(update={"severity": "page"}), of_channel="warning", releases=TWO)
    assert [action for action, _ in held.can_do] == ["look_at_rows", "adjust_limits"]


def test_a_rollback_is_no_advice_where_nothing_alarms() -> None:
    moved = explained(episode("features"), of_channel="info", releases=TWO)
    assert [action for action, _ in moved.can_do] == ["retrain", "look_at_rows", "adjust_limits"]
    worse = explained(episode("level"), of_channel="warning", releases=TWO)
    assert [action for action, _ in worse.can_do] == ["retrain", "roll_back", "adjust_limits"]


@pytest.mark.parametrize(
    ("because", "how"),
    [
        ("restated", " with other content"),
        ("requeued", " when its checks were run again"),
        ("waived", " because a person waived checks"),
    ],
)
def test_a_held_batch_that_was_accepted_since_is_shown_as_repaired(because: str, how: str) -> None:
    held = batch("2013-07", batch="b", status="held", held_because=("no price",))
    other = batch("2013-06", batch="a", status="held", held_because=("no price",))
    again = batch("2013-07", batch="b-again", revision=2, because=because, arrived_at="2013-08-05T00:00:00Z")
    about = episode("contract").model_copy(update={"severity": "page"})
    still = explained(about, of_channel="warning", batches=[other, held])
    assert still.repaired == ()
    repaired = explained(about, of_channel="warning", batches=[other, held, again])
    assert repaired.repaired == (
        f"Batch 2013-07 was accepted since, on 2013-08-05{how}.",
        "The alarm closes once it is 14 days old and batches have been as agreed for 7 days, or once another champion "
        "is live.",
    )
    assert repaired.lines[2:4] == repaired.repaired
    closed = EpisodeClosed(episode=about.episode, closed_at="2013-10-01T04:00:00Z", batch="c", detail="back")
    assert explained(about, of_channel="warning", batches=[held, again], closed=closed).repaired == ()


def test_a_batch_with_which_an_episode_rose_counts_as_that_with_which_it_opened() -> None:
    held, other = (batch(f"2013-0{m}", batch=f"b{m}", status="held", held_because=("no price",)) for m in (7, 8))
    again = batch("2013-08", batch="b8-again", revision=2, because="requeued")
    about = episode("contract").model_copy(update={"batch": "b6"})
    rose = EpisodeRose(episode=about.episode, risen_at=OPENED, batch="b8", severity="page", detail="held")
    found = explained(about, of_channel="warning", rises=[rose], batches=[held, other, again]).repaired
    assert found[0].startswith("Batch 2013-08 was accepted since") and len(found) == 2


TWO = (release(1), release(2))
