"""A cycle, a backfill and an approval in words: each state has its line, and none hides what waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perennial.cli.left_undone import done_in_words, left_in_words
from perennial.evaluation.results import Policy
from perennial.ledger.entries import (
    NO_CHALLENGER,
    Alarm,
    Approval,
    BatchEntry,
    Cycle,
    Decision,
    Health,
    LossWithInterval,
    Mixture,
    Reading,
    Served,
)
from perennial.ledger.ledger import Ledger
from perennial.release.words import (
    HEADING,
    answer_in_words,
    challenger_waits,
    cycle_in_lines,
    headline_of,
    labels_in_words,
    made_in_words,
    outcome_in_words,
)
from tests.evaluation.conftest import primary_of
from tests.ledger.payloads import AT, batch, label_batch
from tests.page.test_view import released
from tests.release.payloads import challenger, decision
from tests.staged import in_stage

PAGES = Path("pages")
NEXT = "Next: `perennial status shop`, and its page: pages/shop.html"

READ = Reading(channel="level", value=None, threshold=0.1, age_days=0.0, words="")
TOO_LITTLE = "of 10 rows none has a label yet"


def line(decided: Decision | None = None, of: BatchEntry | None = None, **values: Any) -> str:
    """A cycle in lines, as one text."""
    about_looks = {name: values.pop(name, ()) for name in ("looked", "over")}
    health: dict[str, Any] = {
        "usecase": "shop",
        "batch": "b",
        "as_of": AT,
        "rows": 10,
        "labelled_rows": 0,
        "loss": None,
    }
    health |= {"unseen_share": None, "alarms": (), "action": "none"}
    health |= {name: values.pop(name) for name in list(values) if name in Health.model_fields}
    stated: dict[str, Any] = {
        "batch": "b",
        "as_of": AT,
        "decision": None,
        "challenger": None,
        "waits": "",
        "not_trained": "",
    }
    cycle = Cycle.model_construct(**{**stated, **values, "health": Health.model_construct(**health)})
    return "\n".join(cycle_in_lines(of or batch(), cycle, decided, **about_looks))


def ruled(outcome: str, **policy: Any) -> Decision:
    stated = {"name": "balanced", "parameters": {}, "alpha": 0.05, **policy}
    changes = {"metrics": (primary_of(0.002),), "policy": Policy.model_validate(stated), "outcome": outcome}
    changes["champion"] = challenger("c0", 1).model
    return decision("d1", challenger("c", 2), 1).model_copy(update=changes)


def test_a_release_with_stages_is_shown_to_begin_with_the_first() -> None:
    staged = ruled("release", parameters={"stages": [{"shadow": "7d"}, "full"]})
    assert line(staged).splitlines()[1:] == ["  version 2 begins with a shadow"]
    assert staged.champion is not None
    both = [Served(model=each, challenger="c", weight=0.5) for each in (staged.challenger, staged.champion)]
    mixed = staged.model_copy(update={"mixture": Mixture(members=tuple(both), challenger=primary_of(0.002))})
    tried = "the mixture of version 2 (50 %) and version 1 (50 %) begins with a shadow"
    assert line(mixed).splitlines()[1:] == [f"  {tried}"]
    assert headline_of(mixed).lower().startswith(f"{tried} beside version 1")
    assert line(ruled("release")).splitlines()[1:] == []


def test_a_cycle_names_what_a_look_at_a_stage_did_before_all_else_and_no_alarm_that_is_over_by_now() -> None:
    alarms = tuple(
        Alarm(channel=channel, severity="page", detail="It is worse.", episode=f"{channel}@2024-01-01T00:00:00Z")
        for channel in ("stage", "level")
    )
    passed = "version 2 passed a shadow and is live"
    shown = line(waits=NO_CHALLENGER, alarms=alarms, looked=[passed], over={alarms[0].episode})
    assert shown.splitlines()[1:] == [f"  {passed}", "  drift: level, open since 2024-01-01"]
    assert "  alarm: stage, open since 2024-01-01" in line(waits=NO_CHALLENGER, alarms=alarms), "it is no drift"


@pytest.mark.parametrize(
    ("cycle", "outcome"),
    [
        ({"waits": NO_CHALLENGER, "challenger": "c"}, "first challenger trained"),
        ({"waits": NO_CHALLENGER, "not_trained": TOO_LITTLE}, f"no challenger yet\n  {TOO_LITTLE}"),
        (
            {"waits": NO_CHALLENGER, "readings": (READ,)},
            "no challenger\n  the loss is unknown: 0 new labels so far",
        ),
        ({"waits": NO_CHALLENGER}, "no challenger"),
        ({"waits": "3 days, needs 8"}, "waits\n  3 days, needs 8"),
        (
            {"waits": "3 days, needs 8", "not_trained": TOO_LITTLE},
            f"waits\n  3 days, needs 8\n  no new challenger: {TOO_LITTLE}",
        ),
    ],
)
def test_a_cycle_without_a_decision_reports_why(cycle: dict[str, Any], outcome: str) -> None:
    shown = line(**cycle)
    assert shown.startswith("2024-01         10     0 ")
    assert shown.endswith(f"  {outcome}"), shown
    assert shown.index(outcome) == HEADING.index("gain"), "in the columns of the heading"


@pytest.mark.parametrize("outcome", ["first", "release", "keep", "undecided", "blocked", "held"])
def test_a_cycle_with_a_decision_names_the_version_only_if_it_was_released(outcome: str) -> None:
    shown = line(ruled(outcome), decision="d1")
    assert "+0.00200 (" in shown
    assert shown.endswith(f" {outcome} v2" if outcome in ("first", "release") else f" {outcome}"), shown
    assert shown.index(f" {outcome}") + 1 == HEADING.index("outcome"), "in the columns of the heading"
    assert len(shown) <= 80 and len(HEADING) <= 80
    blended = line(ruled("keep", refit_weight=0.2), decision="d1")
    assert blended.endswith("keep\n  20 % of the vote goes to the newest refit")


def test_a_loss_is_shown_once_it_is_known_and_unknown_is_never_a_number() -> None:
    assert "no champion" in line()
    assert "the loss is unknown: 0 new labels so far" in line(readings=(READ,))
    assert "the loss is unknown: 1 new label so far" in line(readings=(READ,), labelled_rows=1)
    loss = LossWithInterval.model_construct(value=0.5, ci_low=0.4, ci_high=0.6, reference=None)
    assert "0.500 ±0.10" in line(loss=loss)


def test_drift_unseen_categories_and_warnings_have_a_line_each() -> None:
    alarm = Alarm(channel="level", severity="warning", detail="", episode=None)
    warned = batch(warnings=("weight: 2 rows above 9",))
    shown = line(of=warned, alarms=(alarm,), unseen_share=0.25, waits=NO_CHALLENGER)
    assert shown.splitlines()[1:] == [
        "  drift: level",
        "  25 % of rows have a category never seen in training",
        "  warning: weight: 2 rows above 9",
    ]
    assert "never seen" not in line(unseen_share=0.009)


def test_what_is_held_ends_a_backfill_with_what_to_do(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    held = batch("2024-02", status="held", held_because=("too few rows",))
    file = label_batch("returns", AT, status="held", held_because=("the file has no column 'known'",))
    left = left_in_words(ledger, "shop", [held], [file], ruled("held"))
    assert [each.partition("\n")[0] for each in left] == [
        "shop: batch 2024-02 is held, none of its rows is used: too few rows",
        "shop: label file returns is held, none of its labels is used: the file has no column 'known'",
        "shop: decision d1 on batch 2024-02 waits for a person: "
        "`perennial approve d1 --by NAME --reason TEXT` releases version 2",
    ]
    assert "perennial quarantine shop" in left[0] and "the next run ingests it" in left[1]
    (blocked,) = left_in_words(ledger, "shop", [], [], ruled("blocked"))
    assert blocked == "shop: a guard blocks version 2 (decision d1): d1 shows it"
    assert done_in_words("shop", [batch(), held], left, PAGES) == ["shop: 1 cycle done.", NEXT, *left]
    assert done_in_words("shop", [], left, PAGES) == ["shop: no batch is new.", *left], "what waits is repeated"
    assert done_in_words("shop", [], [], PAGES) == ["shop: nothing is left to do."]
    assert done_in_words("shop", [batch(), batch("2024-02")], [], PAGES) == ["shop: 2 cycles done.", NEXT]


def test_an_approval_names_who_when_and_why() -> None:
    approval = Approval(decision="d1", by="Ada", reason="seen the slices", as_of=AT)
    assert answer_in_words(approval) == "Approved by Ada on 2024-02-01: seen the slices"


def test_labels_without_a_row_are_counted_and_the_first_is_named() -> None:
    assert labels_in_words(3000, ("1000001.0",)) == "3,000 labels match no row; the first is 1000001.0"
    assert labels_in_words(1, ("a", 7)) == "1 label matches no row; the first is a, 7"


@pytest.mark.parametrize("version", [9, 11, 999])
def test_a_cycle_fits_80_columns_whatever_the_version(version: int) -> None:
    released = ruled("release").model_copy(update={"challenger": challenger("c", version).model})
    shown = line(released).partition("\n")[0]
    assert shown.endswith(f" release v{version}") and len(shown) <= 80


def test_a_first_model_that_is_turned_down_is_not_called_a_champion_that_is_kept() -> None:
    first = ruled("keep").model_copy(update={"champion": None})
    assert line(first, decision="d1").splitlines()[0].endswith(" not released")
    assert outcome_in_words(first) == "version 2 not released"


def test_a_release_whose_interval_contains_0_has_the_bound_that_was_tested_beside_it() -> None:
    crossing = {"metrics": (primary_of(0.002).model_copy(update={"ci_low": -0.001, "ci_high": 0.005}),)}
    made = ruled("release", lower_bound=0.0002, alpha=0.1).model_copy(update=crossing)
    noted = line(made, decision="d1").splitlines()[1:]
    assert len(noted) == 1 and noted[0].startswith("  policy balanced tests one side: at least +0.00020")
    kept = ruled("keep", lower_bound=0.0002).model_copy(update=crossing)
    assert "tests one side" not in line(kept, decision="d1")


def test_an_alarm_of_an_earlier_batch_has_its_date_and_a_revision_the_day_of_its_numbers() -> None:
    alarm = Alarm(channel="contract", severity="info", detail="", episode="contract@2023-01-01T00:00:00Z")
    again = batch().model_copy(update={"revision": 2, "because": "requeued"})
    shown = line(of=again, alarms=(alarm,), waits=NO_CHALLENGER).splitlines()
    assert shown[1].startswith("  revision 2, requeued: labels and alarms are those of ")
    assert shown[2] == "  for information: contract, open since 2023-01-01"


def test_a_challenger_does_not_wait_for_the_reason_of_the_one_before() -> None:
    """The cycle first looked at version 12, on 319 rows, and then trained version 13."""
    stated: dict[str, Any] = {"as_of": AT, "waits": "not decidable yet on 319 labelled rows", "challenger": "c13"}
    cycle = Cycle.model_construct(**stated)
    unseen = "evaluated once labels come that it has not seen"
    new = challenger("c13", 13).model_copy(update={"as_of": AT})
    assert challenger_waits(new, cycle) == unseen
    assert challenger_waits(new, None) == unseen
    old = new.model_copy(update={"as_of": "2001-01-01T00:00:00Z"})
    assert challenger_waits(old, cycle) == "not decidable yet on 319 labelled rows"


def test_what_a_decision_made_live_names_every_version_that_answers_or_is_tried() -> None:
    live = released(decision("d1", challenger("c1", 1), 0))
    tried, other = challenger("c2", 2).model, Served(model=challenger("c3", 3).model, challenger="c3", weight=0.5)
    assert made_in_words(live) == "version 1 is live"
    assert made_in_words(in_stage(live, tried, 0.1)) == "version 2 began with a canary of 10 % beside version 1"
    mixture = live.model_copy(update={"serves": (live.serves[0].model_copy(update={"weight": 0.5}), other)})
    assert made_in_words(mixture) == "version 1 (50 %) and version 3 (50 %) are live"
