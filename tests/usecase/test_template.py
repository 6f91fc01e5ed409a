"""One declaration for many use cases: each member is what it would be if it had been written by hand."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from perennial.fleet.checked import require_members
from perennial.usecase.mistakes import DeclarationError, Mistake
from perennial.usecase.reading import list_templates, list_use_cases, load_use_case, template_of

SALES: dict[str, Any] = {
    "name": "sales",
    "description": "What does store {store} sell?",
    "source": {"kind": "files", "path": "data/{store}", "batch": "month"},
    "schema": {"key": ["id"], "time": "at", "target": "sold", "task": "regression"},
    "features": {"numeric": ["price"]},
    "model": {"estimator": "sklearn.linear_model.Ridge", "params": {"alpha": 1.0}},
    "evaluation": {"primary": "rmse", "cluster_by": "day"},
}
TEXTS = st.text(string.ascii_letters + " _-.{}[]:#'\"€", max_size=12)


def written(folder: Path, file: str = "sales", **fields: Any) -> Path:
    (folder / f"{file}.yaml").write_text(yaml.safe_dump({**SALES, **fields}, sort_keys=False), encoding="utf-8")
    return folder


def mistakes_of(folder: Path) -> list[Mistake]:
    (template,) = list_templates(folder)
    with pytest.raises(DeclarationError) as caught:
        require_members(template, None)
    return list(caught.value.mistakes)


@given(
    policy=st.sampled_from(["balanced", "hold", "strict"]),
    alpha=st.floats(0.1, 9),
    note=TEXTS.filter(lambda text: "{" not in text),
    tag=TEXTS.filter(lambda text: "{" not in text),
    in_file=st.booleans(),
)
def test_a_member_has_the_identity_of_the_same_declaration_written_by_hand(
    tmp_path_factory: pytest.TempPathFactory, policy: str, alpha: float, note: str, tag: str, in_file: bool
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    each: Any = ["17", "New York"]
    if in_file:
        (folder / "stores.csv").write_text("store,release.policy\n17,\nNew York," + policy + "\n")
        each = "stores.csv"
    override: dict[str, Any] = {"model": {"params": {"alpha": alpha}}, "description": note, "tags": {"of": tag}}
    if not in_file:
        override["release"] = {"policy": policy}
    written(folder, for_each={"store": each}, members={"New York": override})
    hand = tmp_path_factory.mktemp("by_hand")
    written(
        hand,
        "sales_new_york",
        name="sales_new_york",
        description=note,
        source={**SALES["source"], "path": "data/New York"},
        model={**SALES["model"], "params": {"alpha": alpha}},
        release={"policy": policy},
        tags={"of": tag},
    )
    member, by_hand = load_use_case("sales_new_york", folder), load_use_case("sales_new_york", hand)
    assert member.declaration == by_hand.declaration
    assert member.declaration.digest == by_hand.declaration.digest
    assert load_use_case("sales_17", folder).declaration.description == "What does store 17 sell?"


def test_columns_of_the_list_are_overrides_by_a_field_and_tags_otherwise(tmp_path: Path) -> None:
    (tmp_path / "stores.csv").write_text(
        "store,region,evaluation.primary,release.min_gain,governance\na,north,mae,0.5,{owner: Ada}\nb,,,,\n"
    )
    written(tmp_path, for_each={"store": "stores.csv"}, description="In {region}")
    assert list_use_cases(tmp_path) == ["sales_a", "sales_b"]
    first = load_use_case("sales_a", tmp_path).declaration
    assert (first.primary, first.release.min_gain, first.governance.owner) == ("mae", 0.5, "Ada")
    assert (first.tags, first.description) == ({"region": "north"}, "In north")
    (mistake,) = mistakes_of(tmp_path)  # b has no region
    assert (mistake.field, mistake.code) == ("description", "template-placeholder")
    assert "sales_b" in mistake.message


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"for_each": {"store": []}}, "for_each.store", "lists no members"),
        ({"for_each": {"store": ["a"], "x": ["b"]}}, "for_each", "exactly one field"),
        ({"for_each": {"store": "gone.csv"}}, "for_each.store", "'gone.csv'"),
        ({"for_each": {"store": [1.5]}}, "for_each.store[0]", "neither text nor a whole number"),
        ({"for_each": {"store": ["a b", "a-b"]}}, "for_each.store", "both be named sales_a_b"),
        ({"for_each": {"store": ["a", "a"]}}, "for_each.store", "listed twice"),
        ({"for_each": {"store": ["é"]}}, "for_each.store", "'sales_'"),
        ({"for_each": {"store": ["a"]}, "members": {"b": {"clock": "wall"}}}, "members.b", "is not a member"),
        ({"for_each": {"store": ["a"]}, "members": {"a": 3}}, "members.a", "overrides nothing"),
        ({"for_each": {"store": ["a"]}, "description": "{stroe}"}, "description", "unknown placeholder {stroe}"),
        ({"for_each": {"store": ["a"]}, "name": "shop"}, "name", "differs"),
        ({"for_each": {"store": ["a"]}, "fleet": {"releases": {"fdr": 5}}}, "fleet.releases.fdr", "less than or equal"),
        ({"for_each": {"store": ["a"]}, "fleet": {"budget": {"compute": "0m"}}}, "fleet.budget.compute", "than 0d"),
        ({"for_each": {"store": ["a"]}, "fleet": {"releases": {"fdp": 0.1}}}, "fleet.releases.fdp", "unknown field"),
        (
            {"for_each": {"store": ["a"]}, "fleet": {"budget": {"compute": 20}}},
            "fleet.budget.compute",
            "not a duration",
        ),
        ({"for_each": {"store": ["a"]}, "fleet": 5}, "fleet", "should be a mapping"),
        (
            {"for_each": {"store": ["a"]}, "members": {"a": {"triggers": {"schedule": "0 1 * * *"}}}},
            "triggers.schedule",
            "another schedule",
        ),
    ],
)
def test_a_mistake_of_a_template_names_field_and_fix(
    tmp_path: Path, fields: dict[str, Any], field: str, words: str
) -> None:
    mistake = mistakes_of(written(tmp_path, **fields))[0]
    assert mistake.field == field and words in mistake.message, mistake
    assert mistake.line and mistake.fix and mistake.file.endswith("sales.yaml")
    assert mistake.code != "declaration-out-of-bounds" or mistake.fix.startswith("write "), mistake


@pytest.mark.parametrize(
    ("release", "field", "why"),
    [
        ({"policy": "strict"}, "policy", "has its own budget for the year"),
        ({"policy": "blend"}, "policy", "lets a model in that was not tested"),
        ({"policy": "newest_unless_worse"}, "policy", "does not prove a gain"),
        ({"patience": "60d"}, "patience", "share its 5 %"),
        ({"judge": {"newest": "15d"}}, "judge", "right after its training"),
        ({"serve": "mixture"}, "serve", "tested twice"),
    ],
)
def test_a_release_that_cannot_be_decided_with_others_is_refused(
    tmp_path: Path, release: dict[str, Any], field: str, why: str
) -> None:
    fields: dict[str, Any] = {"for_each": {"store": ["a", "b"]}, "members": {"b": {"release": release}}}
    (mistake,) = mistakes_of(written(tmp_path, **fields, fleet={"releases": {"fdr": "5%"}}))
    assert (mistake.field, mistake.code) == (f"release.{field}", "fleet-releases")
    assert why in mistake.message and "1 of 2 members: sales_b" in mistake.message
    written(tmp_path, **fields)
    require_members(list_templates(tmp_path)[0], None)


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        ("name\na\n", 1, "no such column"),
        ("store,store\na,b\n", 1, "twice"),
        ("store\n", 1, "no rows"),
        ("store,region\na\n", 2, "1 cells, and the file has 2 columns"),
        ("store,region\na,b\n,c\n", 3, "is empty"),
    ],
)
def test_a_mistake_in_the_list_names_file_and_line(tmp_path: Path, rows: str, line: int, words: str) -> None:
    (tmp_path / "stores.csv").write_text(rows)
    (mistake,) = mistakes_of(written(tmp_path, for_each={"store": "stores.csv"}))
    assert mistake.file.endswith("stores.csv") and mistake.line == line and words in mistake.message, mistake


@pytest.mark.parametrize("column", ["bogus.x", "bogus.x.y", "model.bogus", "source.pth", "model.estimator.x"])
def test_a_mistake_in_the_header_of_the_list_is_placed_in_the_list_and_reported_once(
    tmp_path: Path, column: str
) -> None:
    (tmp_path / "stores.csv").write_text(f"store,{column}\na,1\nb,2\n")
    (mistake,) = mistakes_of(written(tmp_path, for_each={"store": "stores.csv"}))
    assert mistake.file.endswith("stores.csv") and mistake.line == 1, mistake
    assert column.startswith(mistake.field) and "2 of 2 members: sales_a, sales_b" in mistake.message


def test_an_unknown_field_of_an_override_is_placed_where_the_override_is(tmp_path: Path) -> None:
    written(tmp_path, for_each={"store": ["a"]}, members={"a": {"bogus": {"x": 1}}})
    (mistake,) = mistakes_of(tmp_path)
    lines = (tmp_path / "sales.yaml").read_text().splitlines()
    assert mistake.file.endswith("sales.yaml") and lines[(mistake.line or 0) - 1].strip() == "bogus:"


@pytest.mark.parametrize(
    ("fields", "example"),
    [
        ({"fleet": {"budget": {"compute": "soon"}}}, "20m"),
        ({"model": {**SALES["model"], "search": {"trials": 3, "timeout": 5, "space": {"alpha": [1, 2]}}}}, "10m"),
        ({"release": {"patience": "soon"}}, "90d"),
    ],
)
def test_the_example_of_a_duration_is_one_of_its_field(tmp_path: Path, fields: dict[str, Any], example: str) -> None:
    (mistake,) = mistakes_of(written(tmp_path, for_each={"store": ["a"]}, **fields))
    assert "is not a duration" in mistake.message and f"for example {example}" in mistake.fix, mistake


@pytest.mark.parametrize("value", [5, True, {"a": 1}, 0.5])
def test_a_list_of_members_that_is_something_else_names_the_value(tmp_path: Path, value: object) -> None:
    (mistake,) = mistakes_of(written(tmp_path, for_each={"store": value}))
    assert mistake.field == "for_each.store" and mistake.value == value
    assert f"should be a list or the name of a file, is {value!r}" in mistake.message
    assert "such as [north, south]" in mistake.fix


def test_an_unknown_name_lists_a_template_that_is_wrong_besides_its_members(tmp_path: Path) -> None:
    written(tmp_path, for_each={"store": ["a"]}, description="{stroe}")
    with pytest.raises(DeclarationError, match="Known use cases: sales, sales_a"):
        load_use_case("sales_b", tmp_path)
    written(tmp_path, for_each={"store": ["a"]})
    with pytest.raises(DeclarationError, match=r"Known use cases: sales_a$"):
        load_use_case("other", tmp_path)


def test_a_mistake_of_many_members_is_reported_once_with_their_number(tmp_path: Path) -> None:
    (tmp_path / "stores.csv").write_text("store,release.policy\na,balanced\nb,balnced\nc,\n")
    fields: dict[str, Any] = {"evaluation": {"primary": "rmsse", "cluster_by": "day"}}
    written(tmp_path, for_each={"store": "stores.csv"}, members={"c": {"watch": {"channels": ["levle"]}}}, **fields)
    by_code = {each.code: each for each in mistakes_of(tmp_path)}
    assert "3 of 3 members: sales_a, sales_b, sales_c" in by_code["metric-unknown"].message
    assert by_code["metric-unknown"].file.endswith("sales.yaml")
    of_file = by_code["policy-unknown"]
    assert "1 of 3 members: sales_b" in of_file.message and of_file.value == "balnced"
    assert of_file.file.endswith("stores.csv") and of_file.line == 3
    assert "1 of 3 members: sales_c" in by_code["channel-unknown"].message


def test_a_template_is_no_use_case_and_lists_its_members(tmp_path: Path) -> None:
    written(tmp_path, for_each={"store": ["a", 17]})
    with pytest.raises(DeclarationError, match="name one of them: sales_a, sales_17"):
        load_use_case("sales", tmp_path)
    template = template_of("sales_17", tmp_path)
    assert template is not None and template.name == "sales"
    written(tmp_path, for_each={"store": ["a"]})
    assert list_use_cases(tmp_path) == ["sales_a"]
    with pytest.raises(DeclarationError, match="no use case 'sales_17'"):
        load_use_case("sales_17", tmp_path)


def test_a_member_and_a_file_of_the_same_name_are_refused(tmp_path: Path) -> None:
    written(tmp_path, for_each={"store": ["a", "b"]})
    written(tmp_path, "sales_a", name="sales_a")
    (mistake,) = mistakes_of(tmp_path)
    assert "sales_a.yaml" in mistake.message
