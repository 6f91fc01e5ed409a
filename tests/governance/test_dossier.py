"""A dossier: every number of it is the ledger's, what nobody stated is named, and its files follow their standards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from perennial.errors import InputError
from perennial.evaluation.figures import change, figure, percent
from perennial.governance.annex_iv import POINTS
from perennial.governance.dossier import Dossier, dossier_of
from perennial.governance.items import NOT_STATED, Item
from perennial.governance.records import Records, records_of
from perennial.ledger.entries import (
    Approval,
    BatchEntry,
    ChallengerEntry,
    Cycle,
    Decision,
    Endorsement,
    Refusal,
    Release,
    Snapshot,
)
from perennial.ledger.ledger import Ledger
from perennial.page.dossier import publish_dossier
from perennial.store.workspace import Workspace
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_governance import Governance, Risk


@pytest.fixture(scope="module")
def records(shop: Workspace) -> Records:
    return records_of(shop.ledger, shop.use_case("shop").declaration)


@pytest.fixture(scope="module")
def made(records: Records) -> Dossier:
    return dossier_of(records)


@pytest.fixture(scope="module")
def files(made: Dossier, records: Records, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    written = publish_dossier(tmp_path_factory.mktemp("dossier"), made, records)
    return {path.name: path.read_text(encoding="utf-8") for path in written}


def every_item(made: Dossier) -> Iterator[Item]:
    for chapter in made.chapters:
        yield from chapter.items


def item(made: Dossier, name: str) -> Item:
    return next(each for each in every_item(made) if each.name == name)


def rows(made: Dossier, name: str) -> list[dict[str, str]]:
    table = item(made, name).table
    assert table is not None, name
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_it_has_the_nine_points_with_their_quotations(made: Dossier, files: dict[str, str]) -> None:
    assert [(each.number, each.quote) for each in made.chapters] == list(enumerate((quote for _, quote in POINTS), 1))
    assert len(made.chapters) == 9
    for _, quote in POINTS:
        assert quote in files["dossier.html"]


def test_the_numbers_of_the_evaluation_are_those_of_the_decision(made: Dossier, shop: Workspace) -> None:
    decided = shop.ledger.all("shop", Decision)[-1].payload
    shown = {each["metric"]: each for each in rows(made, "Evaluation")}
    assert set(shown) == {"log_loss", "roc_auc", "brier"}
    for result in decided.of_released:
        line = shown[result.name]
        assert line["before"] == figure(result.champion)
        assert line["this model"] == figure(result.challenger)
        assert line["gain"] == change(result.gain)
    slices = {each["value"]: each for each in rows(made, "Evaluation by slice")}
    assert {value: each["rows"] for value, each in slices.items()} == {
        each.value: f"{each.rows:,}" for each in decided.slices
    }


def test_groups_of_persons_are_those_of_the_decision(made: Dossier, shop: Workspace) -> None:
    bias = shop.ledger.all("shop", Decision)[-1].payload.bias
    assert bias is not None
    shown = {each["group"]: each for each in rows(made, "Treatment of groups of persons")}
    measured = rows(made, "Accuracy for groups of persons")
    present = {each["group"]: each for each in rows(made, "Groups of persons in the data")}
    for column, group in bias.groups:
        name = f"{column.by} {group.value}"
        rate, share = group.measure("selection_rate"), group.measure("representation")
        assert rate is not None and rate.value is not None and share is not None
        assert (shown[name]["ratio"], shown[name]["selected"]) == (figure(rate.change, 3), percent(rate.value))
        assert present[name]["value"] == figure(share.value, 4)
        mine = {each["measure"]: each["value"] for each in measured if each["group"] == name}
        assert mine == {
            each.name.replace("_", " "): figure(each.value, 4)
            for each in group.measures
            if each.name not in ("selection_rate", "representation")
        }


def test_the_data_are_those_of_the_batches(made: Dossier, shop: Workspace) -> None:
    batches = [row.payload for row in shop.ledger.all("shop", BatchEntry)]
    assert [(each["batch"], each["accepted"], each["set aside"]) for each in rows(made, "Batches")] == [
        (b.window, f"{b.rows.accepted:,}", f"{b.rows.quarantined:,}") for b in batches
    ]
    assert [each["content digest"] for each in rows(made, "Batches")] == [b.digest for b in batches], (
        "whole ones, to compare"
    )
    assert rows(made, "What was set aside") == [{"failed check": "price: between 0 and 500", "rows": "1"}]


def test_each_live_model_is_described_by_its_own_training(made: Dossier, shop: Workspace) -> None:
    live = shop.ledger.all("shop", Release)[-1].payload
    assert len(live.serves) == 2
    for served in live.serves:
        row = shop.ledger.get("shop", ChallengerEntry, served.challenger)
        assert row is not None
        snapshot = shop.ledger.get("shop", Snapshot, row.payload.snapshot)
        assert snapshot is not None
        version = served.model.version
        text = " ".join(item(made, f"Training data of version {version}").text)
        assert f"{snapshot.payload.rows:,} labelled rows" in text and snapshot.payload.digest in text
        assert served.model.digest in " ".join(item(made, f"Model version {version}").text)


def test_what_nobody_stated_is_a_gap_and_what_people_stated_is_not(made: Dossier, files: dict[str, str]) -> None:
    gaps = {gap.field for gap in made.gaps}
    assert (numbers := [gap.chapter for gap in made.gaps]) == sorted(numbers), numbers
    assert "governance.owner" in gaps and "governance.persons_affected" in gaps and "governance.limits" in gaps
    assert not gaps & {"governance.purpose", "governance.risk_items", "description", "governance.conformity"}
    assert item(made, "Owner").text == (NOT_STATED,)
    assert item(made, "Intended purpose").text == ("To choose orders that a person looks at.",)
    html = files["dossier.html"]
    red = re.findall(r"""<h3>([^<]*?) <span class="is bad">not stated""", html)
    assert "Owner" in red and '<span class="is">not stated, not required</span>' in html
    batch = rows(made, "Batches")[0]
    assert f'<td class="n">{batch["accepted"]}</td>' in html
    assert f'<td class="d">{batch["content digest"]}</td>' in html
    listed = json.loads(files["dossier.json"])["gaps"]
    assert {gap["field"] for gap in listed} == gaps


def test_each_risk_has_the_newest_result_of_its_measure(made: Dossier, shop: Workspace) -> None:
    decided = shop.ledger.all("shop", Decision)[-1].payload
    cycle = shop.ledger.all("shop", Cycle)[-1].payload
    results = {each["measured by"]: each["newest result"] for each in rows(made, "Risks")}
    guard = next(each for each in decided.of_released if each.name == "roc_auc")
    assert figure(guard.challenger) in results["guard roc_auc"] and decided.id in results["guard roc_auc"]
    assert results["slice carrier"].startswith("0 of 3 values proven worse")
    level = next(each for each in cycle.health.readings if each.channel == "level")
    assert results["channel level"] == f"{level.words} (as of {cycle.as_of})"
    assert results["check price"] == "1 row set aside of 600 in batch 2024-04"
    assert "gain" in results["metric brier"]
    assert results["group carrier"].startswith("1 of 3 groups proven to be selected too rarely, ")
    assert results["nothing measures it"] == "–"
    assert item(made, "Risks that nothing measures").text == ("1 of 7 risks",)


@pytest.mark.parametrize(
    "measure",
    [
        {"guard": "brier"},
        {"slice": "price"},
        {"channel": "gap"},
        {"check": "weight"},
        {"metric": "ece"},
        {"group": "sex"},
    ],
)
def test_a_measure_that_no_longer_exists_is_named(records: Records, measure: dict[str, str]) -> None:
    risk = Risk.model_validate({"risk": "harm", "likelihood": "low", "impact": "low", "measured_by": measure})
    declaration = records.declaration.model_copy(update={"governance": Governance(risk_items=(risk,))})
    made = dossier_of(records_of_declaration(records, declaration))
    (gone,) = made.gone
    ((kind, name),) = measure.items()
    assert f"{kind} {name} is not declared any more" in str(gone) and "risk_items[0]" in str(gone)
    assert rows(made, "Risks")[0]["newest result"] == "the measure is not declared any more"


def records_of_declaration(records: Records, declaration: Declaration) -> Records:
    from dataclasses import replace

    return replace(records, declaration=declaration)


def test_names_are_shown_as_text(files: dict[str, str]) -> None:
    assert "&lt;b&gt;wrongly&lt;/b&gt;" in files["dossier.html"]
    assert "<b>wrongly" not in files["dossier.html"]


def test_the_bill_of_materials_follows_its_schema(files: dict[str, str], shop: Workspace) -> None:
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(files["bom.cdx.json"])
    assert problem is None, problem
    assert '"url"' not in files["bom.cdx.json"], "addresses would need rfc3987-syntax, which pyproject.toml leaves out"
    bom = json.loads(files["bom.cdx.json"])
    live = shop.ledger.all("shop", Release)[-1].payload
    models = [each for each in bom["components"] if each["type"] == "machine-learning-model"]
    assert [each["version"] for each in models] == [str(each.model.version) for each in live.serves]
    depends = {each["ref"]: each["dependsOn"] for each in bom["dependencies"]}
    learned = [next(ref for ref in depends[each["bom-ref"]] if ref.startswith("data:")) for each in models]
    assert len(set(learned)) == 2, "each model names its own training data"
    measured = models[0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    decided = shop.ledger.all("shop", Decision)[-1].payload
    loss = next(each for each in measured if each["type"] == "log_loss" and "slice" not in each)
    assert float(loss["value"]) == decided.of_released[0].challenger


def test_the_metadata_of_the_data_can_be_read(files: dict[str, str], tmp_path: Path, shop: Workspace) -> None:
    path = tmp_path / "croissant.json"
    path.write_text(files["croissant.json"], encoding="utf-8")
    read = mlcroissant.Dataset(str(path)).metadata
    assert not read.issues.errors
    digests = {each.sha256 for each in read.distribution if getattr(each, "sha256", None)}
    used = [row.payload for row in shop.ledger.all("shop", Snapshot)][-1].batches
    landed = {row.payload.batch: row.payload.landing for row in shop.ledger.all("shop", BatchEntry)}
    assert digests and digests <= {name.partition(".")[0] for name in landed.values()}
    assert len(digests) >= len(used) - 1
    (records,) = read.record_sets
    assert {field.name for field in records.fields} >= {"order", "at", "price", "weight", "carrier", "returned"}


def test_the_card_has_metadata_that_a_hub_reads(files: dict[str, str], shop: Workspace) -> None:
    _, block, body = files["README.md"].split("---\n", 2)
    metadata: dict[str, Any] = yaml.safe_load(block)
    assert metadata["license"] == "mit" and metadata["pipeline_tag"] == "tabular-classification"
    (results,) = metadata["model-index"][0]["results"]
    decided = shop.ledger.all("shop", Decision)[-1].payload
    assert {each["type"]: each["value"] for each in results["metrics"]} == {
        each.name: each.challenger for each in decided.of_released
    }
    assert "To choose orders" in body


def test_the_decision_is_there_to_the_last_bit(files: dict[str, str], shop: Workspace) -> None:
    row = shop.ledger.all("shop", Decision)[-1]
    kept = json.loads(files["decision.json"])
    assert Decision.model_validate(kept["decision"]) == row.payload
    assert (kept["position"], kept["hash"]) == (row.position, row.hash)


def test_an_older_release_and_a_decision_have_dossiers_too(shop: Workspace) -> None:
    declaration = shop.use_case("shop").declaration
    first = records_of(shop.ledger, declaration, release_no=1)
    assert first.subject is not None and first.subject.name == "release-1" and len(first.subject.members) == 1
    decided = shop.ledger.all("shop", Decision)[0].payload
    by_decision = records_of(shop.ledger, declaration, decision=decided.id)
    assert by_decision.subject == first.subject
    with pytest.raises(InputError, match="there is no release 99; it has releases 1 to"):
        records_of(shop.ledger, declaration, release_no=99)


def test_before_the_first_release_what_is_not_known_is_unknown(shop: Workspace, tmp_path: Path) -> None:
    declaration = shop.use_case("shop").declaration
    records = records_of(Ledger(f"sqlite:///{tmp_path}/empty.db"), declaration)
    made = dossier_of(records)
    assert item(made, "Live now").text == ("unknown: no model was released yet",)
    assert {"Live now", "Batches", "Evaluation"} <= {gap.name for gap in made.gaps}
    assert (numbers := [gap.chapter for gap in made.gaps]) == sorted(numbers), numbers
    assert len({gap.field or gap.name for gap in made.gaps}) == len(made.gaps)
    written = publish_dossier(tmp_path / "out", made, records)
    assert [path.name for path in written] == ["dossier.html", "dossier.json"]


def test_every_step_of_an_approval_or_refusal_has_its_time_its_person_and_how_they_are_known(
    records: Records, tmp_path: Path
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    in_role = {"role": "risk", "number": 1, "at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-15T00:00:00Z"}
    by_ben = {"by": "ben", "reason": "slices are fine"}
    ledger.append("shop", Endorsement(decision="d1", proof="token", **by_ben, **in_role))
    ledger.append("shop", Approval(decision="d1", as_of="2024-04-01T00:00:00Z", **by_ben))
    ledger.append("shop", Approval(decision="d2", as_of="2024-04-01T00:00:00Z", by="ada", reason="seen"))
    ledger.append("shop", Refusal(decision="d3", proof="stated", as_of="2024-04-01T00:00:00Z", by="ada", reason="no"))
    steps = records_of(ledger, records.declaration).by_people
    listed = rows(dossier_of(replace(records, by_people=steps)), "Approvals and refusals")
    assert [each["recorded"] for each in listed] == [row.recorded_at for row in steps]
    assert [(each["decision"], each["step"], each["by"], each["known by"], each["reason"]) for each in listed] == [
        ("d1", "approved as risk", "ben", "a signed token", "slices are fine"),
        ("d1", "released", "ben", "the steps before", "slices are fine"),
        ("d2", "released", "ada", "not on record", "seen"),
        ("d3", "refused", "ada", "a typed name", "no"),
    ]


def test_a_replayed_history_is_named_beside_its_times(made: Dossier, records: Records) -> None:
    assert "times are those of its batches" in item(made, "Clock").text[0]
    today = replace(records, declaration=records.declaration.model_copy(update={"clock": "wall"}))
    assert "Clock" not in [each.name for each in every_item(dossier_of(today))]
