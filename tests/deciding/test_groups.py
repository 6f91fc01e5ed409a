"""Groups of persons in a decision: a release is held if one is proven to be treated worse, and the report replays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perennial.deciding.replay import replay_deep, replay_sums
from perennial.errors import InputError
from perennial.evaluation.bias.gate import worse_treated
from perennial.evaluation.bias.report import Groups
from perennial.ledger.entries import ChallengerEntry, Cycle, Decision, Snapshot
from perennial.release.approvals import Person, endorse
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.team_code.groups import declared_groups
from perennial.team_code.loading import TeamCodeFailed
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_bias import MOST_GROUPS
from perennial.usecase.reading import load_use_case
from perennial.usecase.team_files import digest_of
from tests.places import lead_to
from tests.release.test_approvals import LASTS, NOW
from tests.training.stores import cycle, on_disk
from tests.world import DECLARATION, World

GROUPS: dict[str, Any] = {
    "protected": ["sex", {"column": "age", "bands": [30, 60]}, "persons.py:school"],
    "intersections": [["sex", "age"]],
    "selected": {"below": 0.5},
    "population": {"sex": {"f": "50%", "m": "50%"}},
}

RELEASE = {"policy": "newest_unless_worse"}
PERSONS = (
    "def school(rows):\n"
    "    return rows['age'].map(lambda age: None if age > 70 else 'pupil' if age < 20 else 'grown')\n"
)


def people(world: World, month: str) -> None:
    """A month in which women buy what is expensive, so that the model predicts returns for them more often."""
    rows = world.month(month)
    draw = np.random.default_rng(list(map(ord, month)))
    rows["sex"] = np.where(draw.random(len(rows)) < np.where(rows["price"] > 80, 0.8, 0.15), "f", "m")
    rows["age"] = draw.integers(18, 80, len(rows))
    rows.loc[:20, "sex"] = None
    rows.to_csv(world.usecases / "shop" / f"{month}.csv", index=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A first decision that was held and approved, a second about a challenger of the next month under other gates."""
    folder: Path = tmp_path_factory.mktemp("groups")
    world = World(folder / "usecases", rows_a_day=40)
    schema = {**DECLARATION["schema"], "types": {"sex": "text", "age": "number"}}
    (world.usecases / "persons.py").parent.mkdir(parents=True, exist_ok=True)
    (world.usecases / "persons.py").write_text(PERSONS)
    world.declare(schema=schema, governance=GROUPS, release=RELEASE)
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
            people(world, month)
            if month == "2024-04":
                gate = {"gate": ["selection_rate", "false_negative_rate", "calibration"]}
                world.declare(schema=schema, governance={**GROUPS, "bias": gate}, release=RELEASE)
            assert isinstance(cycle(), Cycle)
            if month == "2024-02":
                ledger = open_workspace(settings()).ledger
                (row,) = ledger.all("shop", Decision)  # held, so the next challenger is trained a month later
                anna = Person("anna", "stated")
                endorse(ledger, row.payload, {}, anna, "it is the season", as_of=NOW, now=NOW, lasts=LASTS)
        yield open_workspace(settings())


def test_a_proven_difference_holds_the_release_until_a_person_approves(shop: Workspace) -> None:
    first = shop.ledger.all("shop", Decision)[0].payload
    assert first.bias is not None and first.outcome == "held"
    assert "is proven for sex f (ratio 0.4" in first.reasons[-1] and "waits for a person" in first.reasons[-1]
    sexes, ages, schools, both = first.bias.columns
    assert (sexes.by, ages.by, both.by, sexes.unknown_rows) == ("sex", "age", "sex and age", 21)
    assert schools.by == "school" and [group.value for group in schools.groups] == ["grown", "pupil"]
    assert (
        schools.unknown_rows > 100
        and schools.unknown_rows + sum(g.rows for g in schools.groups) == first.evaluation.rows
    )
    assert [group.value for group in ages.groups] == ["under 30", "30 to under 60", "60 and over"]
    assert sum(group.rows for group in both.groups) == first.evaluation.rows - 21
    (women, _) = sexes.groups
    assert {each.name: each.verdict for each in women.measures}["representation"] == "difference_proven"
    assert sum(women.scores) == women.rows and women.live_ratio is None


def test_what_the_live_model_does_as_well_holds_nothing(shop: Workspace) -> None:
    second = shop.ledger.all("shop", Decision)[1].payload
    assert second.bias is not None
    worse = worse_treated(second.bias)
    for _, group, each in worse:
        live, change = group.live_change(each), each.change
        assert live is not None and change is not None
        sides = {"higher": change > live, "either": abs(change) > abs(live)}
        assert sides.get(each.worse or "lower", change < live)
    assert (second.outcome == "held") == bool(worse)


def test_decisions_with_groups_replay_to_the_last_bit(shop: Workspace) -> None:
    for row in shop.ledger.all("shop", Decision):
        assert replay_sums(shop.ledger, row).difference is None
        assert replay_deep(shop.ledger, on_disk(shop.tables), shop.registry, row).difference is None


def test_the_gates_are_those_that_are_declared(shop: Workspace) -> None:
    *_, before, last = (row.payload.bias for row in shop.ledger.all("shop", Decision))
    assert before is not None and before.gated is None and "gated" not in before.model_dump()
    assert last is not None and last.gated == ("selection_rate", "false_negative_rate", "calibration")
    of = {each.name: each for each in last.columns[0].groups[0].measures}
    assert [name for name, each in of.items() if each.limit is not None] == ["false_negative_rate", "calibration"]
    assert of["false_negative_rate"].live is not None and of["false_negative_rate"].is_ratio


def test_the_population_is_compared_with_the_training_rows_too(shop: Workspace) -> None:
    for row in shop.ledger.all("shop", Decision):
        entry = shop.ledger.get("shop", ChallengerEntry, row.payload.challenger_id)
        assert entry is not None and row.payload.bias is not None
        assert entry.payload.represented == row.payload.bias.training
        snapshot = shop.ledger.get("shop", Snapshot, entry.payload.snapshot)
        (sexes,) = entry.payload.represented or ()
        assert snapshot is not None
        assert sexes.unknown_rows + sum(each.rows for each in sexes.groups) == snapshot.payload.rows
        for group, other in zip(sexes.groups, reversed(sexes.groups), strict=True):
            (share,) = group.measures
            assert share.value == group.share == group.rows / (group.rows + other.rows) and share.others == 0.5
            assert share.ci_low is not None and share.ci_high is not None
            assert share.ci_low < share.value - share.others < share.ci_high


def test_no_row_is_in_the_ledger(shop: Workspace) -> None:
    """Of a group there are counts, rates and standard errors; of fewer than ten rows only their number."""
    for row in shop.ledger.all("shop", Decision):
        assert row.payload.bias is not None
        assert "2024-02-" not in row.payload.bias.model_dump_json()


def test_a_column_with_a_group_for_nearly_every_row_is_refused() -> None:
    rows = pd.DataFrame({"sex": [str(number) for number in range(MOST_GROUPS + 1)], "age": 40.0})
    governance = {"protected": ["sex"], "selected": {"above": 0.5}}
    declaration = Declaration.model_validate({**DECLARATION, "governance": governance})
    with pytest.raises(InputError, match="'sex' has 51 groups; at most 50") as refused:
        declared_groups(rows, declaration, {})
    assert refused.value.code == "bias-many-groups" and refused.value.fix
    assert declared_groups(rows.head(MOST_GROUPS), declaration, {})[0].codes.tolist() == [
        sorted(rows["sex"][:MOST_GROUPS]).index(value) for value in rows["sex"][:MOST_GROUPS]
    ]


def test_bands_and_missing_values() -> None:
    governance = {"protected": [{"column": "age", "bands": [30, 60]}, "sex"], "intersections": [["age", "sex"]]}
    declaration = Declaration.model_validate({**DECLARATION, "governance": {**governance, "selected": {"top": "10%"}}})
    rows = pd.DataFrame({"age": [29.9, 30.0, 60.0, np.nan]})
    age, sex, both = declared_groups(rows, declaration, {})
    assert age.codes.tolist() == [0, 1, 2, -1]
    assert sex.codes.tolist() == both.codes.tolist() == [-1] * 4  # no batch has had the column yet


def by_function(body: str) -> Groups:
    """The groups of three rows by a function with this body."""
    declaration = Declaration.model_validate(
        {**DECLARATION, "governance": {"protected": ["g.py:region"], "selected": {"above": 0.5}}}
    )
    rows = pd.DataFrame({"price": [1.0, 2.0, 3.0]}, index=[7, 8, 9])
    (made,) = declared_groups(rows, declaration, {"g.py": f"def region(rows):\n    return {body}\n"})
    return made


@pytest.mark.parametrize(
    ("body", "values", "codes"),
    [
        ("rows['price'].map({1: 'b', 3: 'a'})", ("a", "b"), [1, -1, 0]),
        ("rows['price'].astype(int)", ("1", "2", "3"), [0, 1, 2]),
        ("rows['price'] > 1", ("False", "True"), [0, 1, 1]),
        ("rows['price'] * float('nan')", (), [-1, -1, -1]),
        ("rows['price'].map({1: 'b', 2: 'b', 3: 'a'})[::-1]", ("a", "b"), [1, 1, 0]),
        # The label is not there, and a declared column that no batch had yet is empty.
        ("rows['carrier'].isna().map(str) + str('returned' in rows)", ("TrueFalse",), [0, 0, 0]),
    ],
)
def test_groups_by_function(body: str, values: tuple[str, ...], codes: list[int]) -> None:
    made = by_function(body)
    assert (made.by, made.values, made.codes.tolist()) == ("region", values, codes)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("rows['price'] / 2", "returned floating values, for example 0.5; a group must be text"),
        ("rows['price'].head(2)", "one value per row"),
        ("rows['nothing']", "g.py:2: KeyError('nothing')"),
    ],
)
def test_what_a_function_of_groups_does_wrong(body: str, expected: str) -> None:
    with pytest.raises(TeamCodeFailed, match="groups 'region' on 3 rows") as failed:
        by_function(body)
    assert expected in str(failed.value)


def test_the_code_of_groups_is_part_of_the_decision_and_of_no_model(shop: Workspace) -> None:
    for row in shop.ledger.all("shop", Decision):
        assert row.payload.code == {"persons.py": digest_of(PERSONS)}
    folder = settings().usecases
    before = load_use_case("shop", folder).declaration
    (folder / "persons.py").write_text(PERSONS + "# edited\n")
    after = load_use_case("shop", folder).declaration
    assert after.digest != before.digest and after.model_digest == before.model_digest
    (folder / "persons.py").write_text(PERSONS)
