"""What the page shows of a history, before it is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.evaluation.intervals.cluster_interval import too_few_clusters
from perennial.evaluation.results import Policy
from perennial.evaluation.staged.results import Look, StageVerdict
from perennial.ledger.entries import (
    NO_CHALLENGER,
    Approval,
    Cycle,
    Decision,
    Episode,
    EpisodeClosed,
    Health,
    LossWithInterval,
    Reading,
    Refusal,
    Release,
    Served,
    StageLooked,
)
from perennial.page.first_screen import answers, facts
from perennial.page.history import TABLED, History
from perennial.page.index import summary_of
from perennial.page.render import render
from perennial.page.view import NEWEST, view_of
from perennial.page.watching import watching_view
from perennial.release.words import headline_of, outcome_word
from perennial.usecase.declaration import Declaration
from perennial.watching.channels.level import UNKNOWN
from tests.evaluation.conftest import primary_of
from tests.evaluation.test_bias import of_missed, report
from tests.ledger.payloads import batch, label_batch
from tests.release.payloads import AS_OF, challenger, decision
from tests.staged import in_stage
from tests.world import DECLARATION


def history(**rows: Any) -> History:
    nothing = dict.fromkeys(
        (
            "batches",
            "decisions",
            "releases",
            "cycles",
            "episodes",
            "closed",
            "waivers",
            "held",
            "held_labels",
        ),
        (),
    )
    stated: dict[str, Any] = {"usecase": "shop", "description": "", "metric": "log_loss", "head": "abc"}
    return History(
        **{
            **stated,
            "question": None,
            "answers": {},
            "frozen": "",
            "kept_back": None,
            "rows": 3,
            "recorded_at": AS_OF,
            **nothing,
            **rows,
        }
    )


SECOND = (Served(model=challenger("c2", 2).model, challenger="c2", weight=1.0),)


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


def test_an_empty_history_shows_that_nothing_is_known() -> None:
    view = view_of(history())
    assert (view.live, view.batches, view.losses, view.gains) == ("No model is live yet", (), (), ())
    assert "None" not in render(view, {}) and "nan" not in render(view, {}).lower()


def test_groups_of_persons_are_shown_over_time() -> None:
    first, second = (report(rates=rates) for rates in ((0.4, 0.4, 0.4), (0.4, 0.2, 0.4)))
    taken = [
        decided(0.1).model_copy(update={"batch": b, "bias": bias})
        for b, bias in (("2024-01", first), ("2024-02", second))
    ]
    view = view_of(history(decisions=taken, batches=[batch(name) for name in ("2024-01", "2024-02")]))
    assert view.groups is not None and view.groups.of == "2024-02"
    lowest = view.groups.courses[:2]
    assert [(point.name, point.batch, point.threshold) for point in lowest] == [
        ("group b", "2024-01", 0.8),
        ("group b", "2024-02", 0.8),
    ]
    page = render(view, {})
    assert "Groups of persons" in page and "difference proven" in page and "Local Law 144" in page
    assert "Other measures that hold a release" not in page
    other = decided(0.1).model_copy(update={"batch": "2024-02", "bias": of_missed(("false_negative_rate", "loss"))})
    gated = view_of(history(decisions=[other], batches=[batch("2024-02")]))
    assert gated.groups is not None
    assert [(each.name, each.threshold) for each in gated.groups.courses] == [
        ("group b, false negative rate", 1.25),
        ("group a, false negative rate", 1.25),
    ]
    assert "Other measures that hold a release" in render(gated, {})
    assert view_of(history(decisions=[decided(0.1)])).groups is None


def test_the_bound_that_was_tested_stands_beside_an_interval_that_contains_0() -> None:
    """At one-sided 5 % a gain of .0025 is proven, though the two-sided 95 % interval begins below 0."""
    said = decided(0.0025, level=0.05, lower_bound=0.00037)
    view = view_of(history(decisions=[said], releases=[released(said)]))
    (gain,) = view.gains
    assert gain.low is not None and gain.low < 0 < (gain.bound or 0)
    sure = dict(view.facts)["how sure"]
    assert "release, release" not in dict(view.facts)["since"] and ", release)" not in dict(view.facts)["since"]
    assert "gain +0.00250, at least +0.000370 (one-sided at 5 %), 95 % interval -0.000276 to" in sure
    page = render(view, {})
    assert "+0.000370 at 5 %" in page and "A release needs a one-sided p under 0.05" not in page


def test_where_nothing_could_be_released_no_bound_is_made_up() -> None:
    view = view_of(history(decisions=[decided(0.0025, name="strict", alpha=0.0, level=0.0)]))
    assert view.gains[0].bound is None
    assert "at 0 %" not in render(view, {})


@pytest.mark.parametrize(("entry", "word"), [(Approval, "Approved"), (Refusal, "Refused")])
def test_a_decision_card_shows_who_approved_or_refused_it_and_why(
    entry: type[Approval] | type[Refusal], word: str
) -> None:
    said = decided(0.0025).model_copy(update={"outcome": "held"})
    answer = entry(decision="d1", by="Ada", reason="seen the <slices>", as_of=AS_OF, proof="stated")
    held = cycle(waits="for the approval of version 1").model_copy(update={"challenger": None})
    asked = view_of(history(decisions=[said], cycles=[held]))
    view = view_of(history(decisions=[said], cycles=[held], answers={"d1": answer}))
    assert "for the approval of version 1" in render(asked, {})
    assert "for the approval of version 1" not in render(view, {})
    assert asked.months[0].decisions[0].answered == "" and f"{word} by" not in render(asked, {})
    card, shown = view.months[0].decisions[0], render(view, {})
    assert card.answered == f"{word} by Ada on 2024-03-01: seen the <slices>"
    assert f"{word} by Ada on 2024-03-01: seen the &lt;slices&gt;" in shown
    assert f"was held for a person and {word.lower()} by Ada" in shown and "waits for a person" not in shown


def test_a_held_decision_waits_for_a_person_only_until_another_decision_or_release_follows() -> None:
    declared = Declaration.model_validate(DECLARATION)
    held = decided(0.0025).model_copy(update={"outcome": "held"})
    open_now, over = history(decisions=[held], question=held), history(decisions=[held], releases=[released(held)])
    assert "Version 1 waits for a person" in render(view_of(open_now), {})
    assert summary_of(open_now, declared).decision.startswith("Version 1 waits for a person")
    assert "waits for a person" not in render(view_of(over), {})
    assert summary_of(over, declared).decision.startswith("Version 1 was held for a person and got no answer")


def cycle(loss: float | None = None, **values: Any) -> Cycle:
    measured: dict[str, Any] = {"value": loss, "ci_low": 0.1, "ci_high": 0.9, "reference": 0.5}
    interval = LossWithInterval.model_construct(**measured) if loss else None
    of_batch: dict[str, Any] = {"loss": interval, "labelled_rows": 40 if loss else 0, "readings": ()}
    health = Health.model_construct(**of_batch)
    stated: dict[str, Any] = {
        "as_of": AS_OF,
        "batch": batch().batch,
        "waits": "",
        "not_trained": "",
        **values,
        "health": health,
    }
    return Cycle.model_construct(**stated)


def episode(detail: str, channel: str = "level") -> Episode:
    stated: dict[str, Any] = {"episode": detail, "detail": detail, "channel": channel, "severity": None}
    stated |= {"opened_at": AS_OF, "release_no": 1, "batch": "b"}
    return Episode.model_construct(**stated)


def too_few() -> Cycle:
    """A cycle with 319 labelled rows of ten days, as the level channel reports it."""
    words = f"{UNKNOWN}{too_few_clusters(10, 'day')}."
    reading = Reading(channel="level", value=None, threshold=0.1, age_days=9, words=words)
    empty = cycle()
    return empty.model_copy(
        update={"health": empty.health.model_copy(update={"labelled_rows": 319, "readings": (reading,)})}
    )


def test_the_first_screen_answers_whether_the_model_is_fine() -> None:
    live = {"decisions": [decided(0.0025)], "releases": [released(decided(0.0025))]}
    fine, _, _ = answers(history(**live, cycles=[cycle(0.4)]))
    assert (fine.state, fine.answer) == ("good", "Yes: no alarm is open")
    assert fine.lines == (
        "log_loss on the newest batch: 0.40000, 95 % interval 0.10000 to 0.90000, on 40 labelled rows",
        "0.50000 where it was evaluated, 95 % interval 0.47914 to 0.52086, on 1 row of 1 day",
    )
    unknown, _, _ = answers(history(**live, cycles=[cycle()]))
    assert unknown.state == "wait" and unknown.answer == "Unknown: no alarm, but no labels yet"
    few, _, _ = answers(history(**live, cycles=[too_few()]))
    assert (few.state, few.answer) == ("wait", "Unknown: no alarm, but too few labels yet")
    assert few.lines == ("log_loss on the newest batch: unknown (319 labelled rows; 10 days of labels; 15 are needed)",)
    alarms = [episode("the loss rose"), episode("the loss rose before")]
    stated: dict[str, Any] = {"episode": "the loss rose before"}
    over = EpisodeClosed.model_construct(**stated)
    bad, _, _ = answers(history(**live, cycles=[cycle(0.4)], episodes=alarms, closed=[over]))
    assert (bad.state, bad.answer) == ("bad", "Check it: 1 alarm is open")
    assert bad.lines[0] == "level since 2024-03-01: the loss rose"
    informed, _, _ = answers(history(**live, cycles=[cycle(0.4)], episodes=[episode("inputs moved", "features")]))
    assert informed.state == "good", "what only informs is no alarm"
    none, _, _ = answers(history(cycles=[cycle(waits=NO_CHALLENGER, not_trained="too few rows")]))
    assert (none.answer, none.lines) == ("No model is live yet", ("No new challenger: too few rows",))


def test_the_newest_loss_stands_beside_those_of_earlier_batches() -> None:
    live = {"decisions": [decided(0.0025)], "releases": [released(decided(0.0025))]}
    usual, _, _ = answers(history(**live, cycles=[cycle(0.4), cycle(0.6), cycle(0.5)]))
    assert usual.lines[-1] == (
        "0.50000 in the middle one of 2 earlier batches (0.40000 to 0.60000), by the model that was live then"
    )
    once, _, _ = answers(history(**live, cycles=[cycle(0.4), cycle(0.5)]))
    assert once.lines[-1] == "0.40000 in the only earlier batch, by the model that was live then"
    earlier = [cycle(0.7), cycle(0.6), cycle(0.9), cycle(0.8)]
    former, _, _ = answers(history(**live, cycles=earlier))
    assert "unusual" not in former.lines[-1], "other models were live then, so the difference may be theirs"
    later = [each.model_copy(update={"as_of": "2024-04-01T00:00:00Z"}) for each in earlier]
    odd, _, _ = answers(history(**live, cycles=later))
    assert odd.lines[-1].startswith("The evaluation's 0.50000 is below every batch since, so that batch was unusual")


def test_no_interval_of_a_loss_reaches_below_0() -> None:
    low = cycle(0.4)
    assert low.health.loss is not None
    loss = low.health.loss.model_copy(update={"ci_low": -0.1})
    low = low.model_copy(update={"health": low.health.model_copy(update={"loss": loss}), "batch": batch().batch})
    view = view_of(history(batches=[batch()], cycles=[low]))
    assert view.losses[0].low == 0.0
    assert "interval 0 to" in answers(history(releases=[released(decided(0.1))], cycles=[low]))[0].lines[0]


def test_a_first_cycle_without_a_challenger_is_one_sentence() -> None:
    waiting = cycle(0.4, waits=NO_CHALLENGER).model_copy(update={"challenger": None})
    _, last, _ = answers(history(batches=[batch()], cycles=[waiting]))
    assert last.lines == ("No challenger",)


def test_the_first_screen_answers_what_happened_last() -> None:
    _, last, _ = answers(history(batches=[batch()], decisions=[decided(0.0025)], cycles=[cycle(0.4)]))
    assert last.answer.startswith("Batch 2024-01: ") and "arrived" in last.answer
    assert last.lines and last.lines[0].endswith("(2024-03-01)")
    held = batch("2024-02", status="held", held_because=("too few rows",))
    assert answers(history(batches=[batch(), held]))[1].answer == "Batch 2024-02: held"
    assert answers(history())[1].answer == "Nothing yet: no batch has arrived"


def test_after_a_rollback_the_newest_loss_is_of_the_former_model_and_the_page_names_both() -> None:
    first = released(decided(0.0025))
    second = first.model_copy(update={"release_no": 2, "kind": "release", "serves": SECOND, "decision": "d2"})
    later = {"as_of": "2024-04-01T00:00:00Z"}
    back = first.model_copy(
        update={"release_no": 3, "kind": "rollback", "restores": 1, "decision": None, **later},
    )
    newest = cycle(0.4).model_copy(update=later)
    decisions = [decided(0.0025), decision("d2", challenger("c2", 2), 1)]
    (loss, where, *_) = answers(history(releases=[first, second, back], decisions=decisions, cycles=[newest]))[0].lines
    assert loss.startswith("log_loss on the newest batch: 0.400") and loss.endswith(
        ", by version 2, which was live then"
    )
    assert where.startswith("0.50000 where version 1 was evaluated, ") and where.endswith("on 1 row of 1 day")
    (loss, where, *_) = answers(history(releases=[first, second], decisions=decisions, cycles=[newest]))[0].lines
    assert "was live then" not in loss and where.startswith("0.50000 where it was evaluated"), "version 2 had that loss"


def test_an_alarm_about_a_held_batch_that_was_accepted_since_shows_that() -> None:
    held = batch("2024-02", status="held", held_because=("too few rows",))
    again = batch("2024-02", batch="again", revision=2, because="requeued")
    alarm = episode("held", "contract").model_copy(update={"batch": held.batch, "severity": "page"})
    live = {"decisions": [decided(0.0025)], "releases": [released(decided(0.0025))], "cycles": [cycle(0.4)]}
    for batches, count in (([held], 0), ([held, again], 1)):
        seen = history(**live, batches=batches, episodes=[alarm])
        for lines in (answers(seen)[0].lines, watching_view(seen).episodes[0].explained):
            assert sum("Batch 2024-02 was accepted since, on " in line for line in lines) == count, lines


def test_the_first_screen_lists_everything_that_needs_a_person() -> None:
    held = batch("2024-02", status="held", held_because=("too few rows",))
    file = label_batch("returns", AS_OF, status="held", held_because=("no column 'known'",))
    waiting = decided(0.0025).model_copy(update={"outcome": "held"})
    _, _, needed = answers(history(held=[held], held_labels=[file], question=waiting))
    assert (needed.state, needed.answer) == ("bad", "3 things")
    assert needed.lines == (
        "Batch 2024-02 is held: too few rows",
        "Label file returns is held: no column 'known'",
        "Version 1 waits for your approval since 2024-03-01 (decision d1)",
    )
    nothing = answers(history())[2]
    assert (nothing.state, nothing.answer, nothing.lines) == ("good", "Nothing", ())


def test_a_stage_that_nothing_can_be_decided_about_needs_a_person_and_any_look_is_shown() -> None:
    release = released(decided(0.0025))
    staged = in_stage(release, challenger("c2", 2).model)

    def seen(verdict: StageVerdict, of: int) -> History:
        look = Look(verdict=verdict, reason=f"It is {verdict}.", findings=())
        looked = StageLooked(
            release_no=of, number=1, decision="d", as_of=AS_OF, elapsed_days=7, evidence="e", look=look
        )
        return history(releases=[release, staged], looks=[looked])

    waits = seen("wait", 2)
    assert dict(facts(waits))["newest look"] == "on 2024-03-01: It is wait." and answers(waits)[2].answer == "Nothing"
    (line,) = answers(seen("not_decidable", 2))[2].lines
    assert line == "Let version 2 get further, or take it away. It is not_decidable."
    assert answers(seen("not_decidable", 1))[2].lines == (), "a look at an earlier stage"


def test_what_happened_last_names_what_a_stage_or_a_rollback_changed_since_the_decision() -> None:
    """The number beside the champion is of the release that made it live, as in `perennial status`."""
    first = released(decided(0.0025))
    model = challenger("c2", 2).model
    second = decision("d2", challenger("c2", 2), 1)
    shadow = in_stage(first, model, decision="d2").model_copy(update={"decision": "d2"})
    canary = in_stage(shadow, model, 0.1, decision="d2", since="2024-06-08T00:00:00Z")
    canary = canary.model_copy(update={"as_of": "2024-06-08T00:00:00Z"})
    leaves = {"release_no": 4, "candidate": None, "live_since": first.as_of, "stage": "full", "as_of": AS_OF}
    full = canary.model_copy(update={"release_no": 4, "kind": "release", "candidate": None, "serves": SECOND})

    def last(*releases: Release) -> list[str]:
        lines = answers(history(batches=[batch()], decisions=[decided(0.0025), second], releases=releases))[1].lines
        return [line for line in lines if not line.startswith(headline_of(second))]

    assert last(first, shadow) == [], "the decision's line has it"
    assert last(first, shadow, canary) == ["Version 2 got into a canary of 10 % (2024-06-08)"]
    away = "Version 2 was taken out of a canary of 10 %"
    for kind, by in (("abort", ""), ("rollback", " by a rollback")):
        end = canary.model_copy(update={**leaves, "kind": kind})
        assert last(first, shadow, canary, end) == [f"{away}{by}; version 1 is live (2024-03-01)"]
    assert last(first, shadow, canary, full) == ["Version 2 passed a canary of 10 % and is live (2024-06-08)"]
    mixed = canary.candidate.model_copy(update={"mixture": (*SECOND, *first.serves)}) if canary.candidate else None
    mixing, mixture = canary.model_copy(update={"candidate": mixed}), {"serves": (*SECOND, *first.serves)}
    assert last(first, shadow, mixing, full.model_copy(update=mixture))[0].startswith(
        "The mixture of version 2 (100 %)"
    )
    looked = full.model_copy(update={"look": "l", "as_of": AS_OF})
    in_cycle = {"batches": [batch()], "cycles": [cycle(0.4)], "releases": (first, shadow, canary, looked)}
    third = decision("d3", challenger("c3", 3), 4)
    lines = answers(history(**in_cycle, decisions=[decided(0.0025), second, third]))[1].lines
    assert any(line.startswith("Version 2 passed a canary of 10 % and is live") for line in lines), "before it decided"
    back = first.model_copy(update={"release_no": 5, "kind": "rollback", "restores": 1})
    assert last(first, shadow, canary, full, back) == ["Version 1 is live again after a rollback (2024-03-01)"]
    shown = dict(facts(history(releases=[first, shadow, canary], decisions=[decided(0.0025), second])))
    assert shown["since"].endswith("(release 1, first)") and shown["candidate"].endswith("(release 3)")


def test_decisions_are_folded_by_month_and_old_ones_are_listed_only() -> None:
    taken = decided(0.0025)
    decisions = [
        taken.model_copy(update={"id": f"d{month}-{day}", "as_of": f"2024-{month:02}-{day:02}T00:00:00Z"})
        for month in range(1, 13)
        for day in (1, 15, 20)
    ]
    view = view_of(history(decisions=decisions))
    assert [month.name for month in view.months] == [f"2024-{month:02}" for month in range(12, 0, -1)]
    assert all(len(month.decisions) == 3 and month.summary == f"3 {outcome_word(taken)}" for month in view.months)
    cards = [card for month in view.months for card in month.decisions]
    assert [card.id for card in cards] == [each.id for each in reversed(decisions)]
    assert [bool(card.markdown) for card in cards] == [True] * NEWEST + [False] * (36 - NEWEST)
    page = render(view, {})
    assert page.count('<details class="month"') == 12 and page.count('<details class="month" open') == 1
    assert "perennial decision d1-1" in page, "an old decision names the command that explains it"


def test_after_years_the_page_has_the_newest_and_names_how_many_there_are() -> None:
    months = [f"{year}-{month:02}" for year in range(1984, 2018) for month in range(1, 13)][: TABLED + 5]
    arrived = [batch(month) for month in months]
    taken = decided(0.0025)
    decisions = [
        taken.model_copy(update={"id": month, "batch": month, "as_of": f"{month}-20T00:00:00Z"}) for month in months
    ]
    cycles = [cycle(0.6, batch=each.batch) for each in arrived]
    page = render(view_of(history(batches=arrived, decisions=decisions, cycles=cycles)), {})
    for what in ("405 arrivals", "405 comparisons"):
        assert f"the newest 400 of {what} as a table" in page
    assert "The champion on the newest 400 of 405 batches as a table" in page
    assert "The newest 400 of 405 are here. <code>perennial decisions shop</code> lists all." in page
    assert "1984-05" not in page and "1984-06" in page
