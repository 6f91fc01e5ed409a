"""A challenger trained without the newest days and evaluated on them: when, on which rows, and when it waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial import fault_points
from perennial.cli.what_followed import trained_in_words, what_followed
from perennial.clock import instant, write_instant
from perennial.deciding.at_once import NewestDays, Training, newest_days, planned_training
from perennial.deciding.plan import plan_of
from perennial.deciding.replay import replay_deep, replay_sums
from perennial.deciding.ruling import looks_at
from perennial.ledger.entries import ChallengerEntry, Cycle, Decision, RaceStep, Release, Snapshot, Trigger
from perennial.ledger.erased import after_erasure
from perennial.model.released import load_model
from perennial.our_columns import BATCH, FIRST_KNOWN_AT, LABEL
from perennial.release.words import challenger_waits
from perennial.settings import settings
from perennial.store.known import Known, known_at
from perennial.store.workspace import Workspace, open_workspace
from perennial.training.readiness import NotYet
from perennial.training.rows import training_rows
from perennial.usecase.declaration import Declaration
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import load_use_case
from tests.crashes.agreement import story
from tests.ledger.payloads import batch
from tests.places import lead_to
from tests.release.payloads import challenger, decision
from tests.training.stores import cycle, on_disk
from tests.world import DECLARATION, World, month_of_rows

NEWEST: dict[str, Any] = {"policy": "balanced", "judge": {"newest": "15d"}}
DAYS = 40
END = datetime(2024, 2, 10, tzinfo=UTC)
"""Of the rows made by hand: 40 days in two batches, January and February."""


def declared(**changes: Any) -> Declaration:
    return Declaration.model_validate({**DECLARATION, "release": NEWEST, **changes})


def known() -> Known:
    return Known(END, (batch("2024-01"), batch("2024-02", arrived_at=write_instant(END))), ())


def rows(ones_a_day: int = 2, days: int = DAYS) -> pd.DataFrame:
    """Ten rows of each day with their labels, each known a day later; so many of each day are 1."""
    at = pd.Series(pd.date_range(END - timedelta(days=days), END, freq="144min", tz="UTC", inclusive="left"))
    january = at < pd.Timestamp("2024-02-01", tz="UTC")
    return pd.DataFrame(
        {
            "at": at,
            LABEL: (np.arange(len(at)) % 10 < ones_a_day).astype(float),
            FIRST_KNOWN_AT: at + pd.Timedelta(days=1),
            BATCH: np.where(january, "b-2024-01", "b-2024-02"),
        }
    )


def taken(days_ago: int) -> Decision:
    as_of = write_instant(END - timedelta(days=days_ago))
    return decision("d", challenger("c", 1), 0).model_copy(update={"as_of": as_of})


def asked(kind: Any, labelled: pd.DataFrame, *history: Decision, **changes: Any) -> Training | NotYet:
    return planned_training(declared(**changes), known(), labelled, Trigger(kind=kind), history, None)


def test_the_newest_days_are_left_out_and_only_steps_before_them_choose_the_model() -> None:
    for kind in ("first", "schedule", "new_batch", "person"):
        plan = asked(kind, rows())
        assert plan == Training(datetime(2024, 1, 26, tzinfo=UTC), frozenset()), "January has rows of these days"
    early = rows().assign(
        **{BATCH: np.where(rows()["at"] < pd.Timestamp("2024-01-26", tz="UTC"), "b-2024-01", "b-2024-02")}
    )
    assert asked("schedule", early) == Training(datetime(2024, 1, 26, tzinfo=UTC), frozenset({"b-2024-01"}))
    assert asked("schedule", rows(), release={"policy": "balanced"}) == Training()


def test_days_are_those_of_the_schemas_time_zone() -> None:
    schema = {**DECLARATION["schema"], "timezone": "America/New_York"}
    plan = asked("schedule", rows(), schema=schema)
    assert isinstance(plan, Training)
    assert plan.until == datetime(2024, 1, 26, 5, tzinfo=UTC), "midnight in New York"


def test_an_alarm_waits_and_so_do_too_few_days_or_rows_of_a_class() -> None:
    for kind in ("drift", "event"):
        plan = asked(kind, rows())
        assert isinstance(plan, Training)
        assert plan.until is None
        assert "rows that raised one do not evaluate its remedy" in str(plan.later_because)
    few = asked("schedule", rows(days=15))
    assert few == Training(later_because="labels of 15 days are known, and 15 are left out of a training")
    rare = asked("schedule", rows(ones_a_day=1))
    assert rare == Training(later_because="of the newest 15 days: 15 rows have the label 1, and 20 are needed")
    numbers = {**DECLARATION["schema"], "task": "regression"}
    plan = asked("schedule", rows(ones_a_day=1), schema=numbers, evaluation={"primary": "rmse"})
    assert isinstance(plan, Training)
    assert plan.until is not None, "without classes only days count"


def test_after_an_erasure_the_newest_days_evaluate_the_next_model_and_it_is_not_put_off() -> None:
    def planned(*history: Decision) -> Training | NotYet:
        return planned_training(declared(), known(), rows(), after_erasure(1), history, None)

    at_once, later = planned(), planned(taken(10))
    assert isinstance(at_once, Training) and at_once.until is not None
    assert isinstance(later, Training) and "have evaluated an earlier challenger" in str(later.later_because)


def test_days_that_evaluated_an_earlier_challenger_are_no_evidence_about_another() -> None:
    why = (
        "5 of the newest 15 days have evaluated an earlier challenger; the next one is trained once labels of 15 new "
        "days are known"
    )
    for kind in ("first", "schedule", "new_batch"):
        assert asked(kind, rows(), taken(30), taken(10)) == NotYet(why)
    assert asked("person", rows(), taken(10)) == Training(later_because=why), "a person is not put off"
    assert newest_days(declared(), 15, rows(), [taken(15)]) == NewestDays(datetime(2024, 1, 26, tzinfo=UTC))
    rare = asked("schedule", rows(ones_a_day=1), taken(10))
    assert isinstance(rare, Training), "days that could never evaluate it are not waited for"


def test_the_first_look_at_once_counts_its_days_as_part_of_the_patience() -> None:
    entry = challenger("c", 1).model_copy(update={"as_of": write_instant(END)})
    since, later = END - timedelta(days=15), write_instant(END + timedelta(days=30))
    assert looks_at(entry, [], timedelta(days=60), write_instant(END), since) == (0.2,)
    assert looks_at(entry, [], timedelta(days=60), later, since) == (0.6,)
    assert looks_at(entry, [], timedelta(days=60), later) == (0.5,)


@pytest.mark.parametrize(
    ("release", "code"),
    [
        ({"judge": "newest"}, "should be next_batch or the newest days, is 'newest'"),
        ({"judge": {"newest": "36h"}}, "whole days"),
        ({"judge": {"newest": "10d"}}, "write {newest: 15d} or more"),
        ({"judge": {"newest": "15d"}, "policy": "blend"}, "so those days cannot evaluate it"),
    ],
)
def test_what_cannot_work_is_refused(world: World, release: dict[str, Any], code: str) -> None:
    world.declare(release=release)
    with pytest.raises(DeclarationError) as refused:
        load_use_case("shop", world.usecases)
    assert code in str(refused.value)


def test_the_default_is_in_no_digest(world: World) -> None:
    plain = load_use_case("shop", world.usecases).declaration
    world.declare(release={"judge": "next_batch"})
    assert load_use_case("shop", world.usecases).declaration.digest == plain.digest


def months(world: World, *names: str, **how: Any) -> list[Cycle]:
    done = []
    for name in names:
        world.month(name, **how)
        each = cycle()
        assert isinstance(each, Cycle)
        done.append(each)
    return done


def test_a_life_is_decided_at_once_waits_after_an_alarm_and_returns(world: World) -> None:
    world.rows_a_day = 12
    world.declare(release=NEWEST)
    january, february = months(world, "2024-01", "2024-02")
    workspace = open_workspace(settings())
    ledger = workspace.ledger
    assert january.decision and january.challenger and not january.waits, "the first batch releases a first model"
    assert [row.payload.kind for row in ledger.all("shop", Release)][:1] == ["first"]
    assert february.decision and february.challenger
    for row, until in zip(ledger.all("shop", Snapshot), ("2024-01-16", "2024-02-14"), strict=True):
        assert row.payload.until == f"{until}T00:00:00Z"
        assert row.payload.last < until
    for made in ledger.all("shop", Decision):
        assert made.payload.evaluation.clusters == 15
        assert made.payload.evaluation.labelled_share == 1
    declaration = workspace.use_case("shop").declaration
    planned = plan_of(ledger, workspace.tables, declaration, instant(february.as_of), None)
    assert "is not trained yet: 15 of the newest 15 days have evaluated" in str(planned.next_challenger)

    second = ledger.all("shop", ChallengerEntry)[-1].payload
    assert trained_in_words(ledger, "shop", second)[0].startswith("shop: Version 2 is "), "what was decided about it"
    first = what_followed(ledger, ledger.all("shop", Decision)[0].payload)
    assert first[0].startswith("Version 1 is live since 2024-02-01")
    (march,) = months(world, "2024-03", flipped=True)
    waiting = ledger.all("shop", ChallengerEntry)[-1].payload
    assert waiting.trigger.kind == "drift"
    assert march.decision is None
    assert "do not evaluate its remedy" in str(waiting.later_because)
    assert "waits for rows to evaluate it: an alarm" in trained_in_words(ledger, "shop", waiting)[0]
    assert "not at once, since an alarm" in challenger_waits(waiting, march)
    assert "the next run evaluates it on the newest days" in challenger_waits(second, february, at_once=True)
    planned = plan_of(ledger, workspace.tables, declaration, instant(march.as_of), None)
    assert f"Version {waiting.model.version} waits for later rows, since an alarm" in str(planned.next_challenger)

    (april,) = months(world, "2024-04", flipped=True)
    assert ledger.all("shop", Decision)[-1].payload.challenger_id == waiting.challenger
    assert april.challenger is None
    assert "have evaluated an earlier challenger" in april.not_trained
    (may,) = months(world, "2024-05", flipped=True)
    newest = ledger.all("shop", ChallengerEntry)[-1].payload
    assert may.challenger == newest.challenger
    assert ledger.all("shop", Decision)[-1].payload.challenger_id == newest.challenger, "at once again"
    _decisions_replay(workspace)


def _decisions_replay(workspace: Workspace) -> None:
    for row in workspace.ledger.all("shop", Decision):
        assert replay_sums(workspace.ledger, row).difference is None
        deep = replay_deep(workspace.ledger, on_disk(workspace.tables), workspace.registry, row)
        assert deep.exact
        assert deep.difference is None


WRITES = ("mlflow_version", "snapshot_row", "challenger_row", "flips_table", "decision_row", "release_row", "alias")
POINTS = (*(f"{write}.after" for write in WRITES), "cycle_row.before")


class Killed(BaseException):
    """As a kill leaves it: nothing after the point runs."""


def test_a_cycle_killed_at_any_write_ends_like_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for name in ("undisturbed", "killed"):
        home(tmp_path / name, monkeypatch).month("2024-01")
        for point in POINTS if name == "killed" else ():
            with monkeypatch.context() as patch:
                patch.setattr(fault_points, "_reach", _kill_at(point))
                with pytest.raises(Killed):
                    cycle(unfinished_first=True)
        done = cycle(unfinished_first=True)
        assert isinstance(done, Cycle)
        assert done.decision
        assert done.challenger
        workspace = open_workspace(settings())
        _decisions_replay(workspace)
        told.append(story(workspace, "shop"))
    assert told[0] == told[1]


def _kill_at(point: str) -> Any:
    def reach(at: str) -> None:
        if at == point:
            raise Killed(point)

    return reach


def home(folder: Path, patch: pytest.MonkeyPatch) -> World:
    lead_to(patch, folder)
    return World(folder / "usecases", rows_a_day=12).declare(release=NEWEST, watch={"channels": ["unseen"]})


def test_nothing_is_chosen_by_the_rows_that_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels and features of the newest 15 days are permuted: snapshot, rival and model stay, bit for bit."""
    chosen, compared = [], []
    for seed in (None, 1, 2):
        world = home(tmp_path / f"permuted by {seed}", monkeypatch)
        world.declare(model={**DECLARATION["model"], "window": ["expanding", {"batches": 1}]})
        months(world, "2024-01", "2024-02")
        last = month_of_rows("2024-03", rows_a_day=world.rows_a_day, flipped=True)
        if seed is not None:
            newest, draw = last["at"] >= "2024-03-16", np.random.default_rng(seed)
            for column in ("returned", "price", "weight", "carrier"):
                last.loc[newest, column] = draw.permutation(last.loc[newest, column])
        last.to_csv(world.usecases / "shop" / "2024-03.csv", index=False)
        cycle()
        workspace = open_workspace(settings())
        taken = workspace.ledger.all("shop", Decision)[-1].payload
        steps = {row.payload.window: row.payload.values for row in workspace.ledger.all("shop", RaceStep)}
        chosen.append((*_chosen(workspace, taken), steps["2024-02"]))
        compared.append((taken.metrics[0].challenger, steps["2024-03"]["expanding"]))
    assert chosen[0] == chosen[1] == chosen[2]
    for one, other in zip(*compared[:2], strict=True):
        assert one != other, "the decision differs, and so does the race's newest step, which may not count yet"


def _chosen(workspace: Workspace, taken: Decision) -> tuple[object, ...]:
    """The rival, the training rows and the model's predictions for them. Two files of one model differ in their ids."""
    entry = workspace.ledger.get("shop", ChallengerEntry, taken.challenger_id)
    snapshot = workspace.ledger.get("shop", Snapshot, taken.snapshot)
    assert entry is not None
    assert snapshot is not None
    assert snapshot.payload.until == "2024-03-16T00:00:00Z"
    seen = known_at(workspace.ledger, "shop", instant(snapshot.payload.as_of))
    declaration = workspace.use_case("shop").declaration.racing_as(entry.payload.rival)
    learned = training_rows(workspace.tables, declaration, seen, instant(snapshot.payload.until)).rows
    model = load_model(workspace.registry, "shop", entry.payload.model)
    values = learned.drop(columns=[BATCH]).to_json(double_precision=15)
    return entry.payload.rival, values, model.predict(learned).tobytes(), model.naive
