"""The docs say what the program does: generated pages are fresh, examples run, pages need no network."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from glob import escape
from importlib.util import module_from_spec, spec_from_file_location
from itertools import zip_longest
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from perennial import errors, settings
from perennial.ledger.entries import ChallengerEntry, Health, Release, Trigger
from perennial.ledger.entries.entry import TriggerKind
from perennial.usecase.declared_bias import BiasRules
from perennial.usecase.reading import list_use_cases, load_use_case
from tests.cli.conftest import Perennial, command
from tests.cli.conftest import perennial as perennial
from tests.world import month_of_rows

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
DECLARATIONS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in [ROOT / "README.md", *PAGES]
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
    if block.startswith("name:")
]


def generated() -> dict[str, str]:
    spec = spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


def test_generated_pages_are_fresh() -> None:
    for name, text in generated().items():
        written = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert written == text, f"docs/{name} is stale: python docs/reference.py"


def test_the_declaration_page_names_every_unit_of_a_duration() -> None:
    from perennial.clock import _UNITS, parse_duration

    (sentence,) = re.findall(r"Durations are written ([^.]+)\.", generated()["declaration.md"])
    written = re.findall(r"`(\w+)`", sentence)
    assert {each[-1] for each in written} == set(_UNITS) and all(map(parse_duration, written))


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_declarations_of_the_docs_are_read(
    declaration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "shop").mkdir(parents=True)
    (tmp_path / "data" / "shop" / "2024-01.csv").write_text(
        "order,at,price,weight,carrier,returned\nA1,2024-01-02T10:00:00Z,9.5,1.2,post,0\n"
    )
    (tmp_path / "usecases").mkdir()
    name = re.findall(r"^name: (\w+)", declaration)[0]
    (tmp_path / "usecases" / f"{name}.yaml").write_text(declaration)
    monkeypatch.setenv("PERENNIAL_USECASES", str(tmp_path / "usecases"))
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "home"))
    assert command("check", name, "--no-run") == 0, capsys.readouterr().err


def test_every_error_has_its_exit_code_in_the_docs() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    found = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]
    assert len(found) > 8
    for error in found:
        assert issubclass(error, errors.PerennialError)
        assert f"| `{error.__name__}` | {error.exit_code} | [{error.code}](#{error.code}) |" in text


def test_every_setting_is_in_the_docs() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = set(re.findall(r'"((?:PERENNIAL|MLFLOW|PREFECT)_[A-Z_]+)"', inspect.getsource(settings)))
    assert names and all(f"| `{name}` |" in text for name in names)


def test_the_settings_of_a_cluster_are_accepted(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## Setting up a cluster")[2]
    (block,) = re.findall(r"^```text\n(PERENNIAL_HOME=.*?)^```", text.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    variables = dict(line.split("=", 1) for line in block.splitlines())
    given = settings.settings({**variables, "PERENNIAL_USECASES": str(tmp_path)})
    assert given.database_url.startswith("postgresql") and given.files_uri.startswith("s3://")
    assert [pool.name for pool in given.pools] == ["trainers"]


def test_commands_and_options_that_pages_name_exist() -> None:
    sections = re.compile(r"^## ([\w -]+)\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
    helps = dict(sections.findall(generated()["commands.md"]))
    for page in PAGES:
        for name, rest in re.findall(
            r"`perennial ((?:ledger|alerts|fleet|openlineage) [a-z]+|[a-z-]+)([^`]*)`", page.read_text(encoding="utf-8")
        ):
            assert name in helps, f"{page.name}: no command {name}"
            assert all(option in helps[name] for option in re.findall(r"--[a-z-]+", rest)), f"{page.name}: {name}{rest}"


def shown(text: str) -> list[str]:
    """Lines without what differs from machine to machine: column widths, ids, digits of a fit."""
    plain = re.sub(r"\b[0-9a-f]{16}\b", "ID", text)
    plain = re.sub(r"[-+]?\d+\.\d+", "#", plain)
    return [" ".join(line.split()) for line in plain.splitlines() if line.strip()]


def test_tutorial_is_what_happens(
    perennial: Perennial, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    (tmp_path / "usecases").mkdir()
    (tmp_path / "usecases" / "shop.yaml").write_text(BLOCK.findall(page)[0])
    (tmp_path / "data" / "shop").mkdir(parents=True)
    for month in ("2024-01", "2024-02"):
        rows = month_of_rows(month, rows_a_day=20)
        rows.to_csv(tmp_path / "data" / "shop" / f"{month}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    for step in "".join(CONSOLE.findall(page)).split("$ perennial ")[1:]:
        line, _, expected = step.partition("\n")
        told = perennial(*line.split())
        assert told.code == 0, told.err
        for want, got in zip_longest(shown(expected), shown(told.out), fillvalue=""):
            assert fnmatchcase(got, escape(want).replace("...", "*")), f"perennial {line}: {got!r} instead of {want!r}"
    assert_json_is_in_the_docs(perennial)


def keys(printed: Any) -> set[str]:
    """Every field name in a JSON value, however deep."""
    if isinstance(printed, list):
        return set().union(*map(keys, printed))
    if isinstance(printed, dict):
        return set(printed).union(*map(keys, printed.values()))
    return set()


def assert_json_is_in_the_docs(perennial: Perennial) -> None:
    sections = (ROOT / "docs" / "json.md").read_text(encoding="utf-8").split("\n## ")
    named = {part.partition("\n")[0]: set(re.findall(r"`([a-z0-9_]+)`", part)) for part in sections[1:]}
    named["Status"] |= named["Batch"]
    named["Challenger"] |= named["Decision"]  # the groups of its training rows
    asked = {"batches": "Batch", "decisions": "Decision", "status": "Status", "check": "Check"}
    seen = {section: keys(json.loads(perennial(name, "shop", "--json").out)) for name, section in asked.items()}
    seen |= {"Release": fields(Release), "Challenger": fields(ChallengerEntry)}
    seen |= {"Health report": fields(Health)}
    for section, printed in seen.items():
        assert printed and printed <= named[section], f"json.md, {section}: {sorted(printed - named[section])}"


def fields(model: type[BaseModel]) -> set[str]:
    """Every field name of a payload, however deep."""
    parts = model.model_json_schema()
    return set().union(*(part.get("properties", {}) for part in [parts, *parts.get("$defs", {}).values()]))


def test_docs_build_strictly_and_need_no_network(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    zensical = Path(sys.executable).parent / "zensical"
    built = subprocess.run([zensical, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) >= len(PAGES)
    loaded = r"<(?:script|img|iframe)\b[^>]*\bsrc=\"?https?:[^\">]*|<link\b[^>]*\bhref=\"?https?:[^\">]*"
    assert [found for page in pages for found in re.findall(loaded, page.read_text(encoding="utf-8"))] == []


def test_the_example_of_guards_and_slices_is_a_declaration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "concepts" / "decision.md").read_text(encoding="utf-8")
    flights = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text(encoding="utf-8"))
    functions = (ROOT / "usecases" / "flights.py").read_text(encoding="utf-8")
    said = yaml.safe_load(BLOCK.findall(page)[0])
    (tmp_path / "flights.py").write_text(f"{functions}\n\ndef money(labels, predictions):\n    return labels\n")
    (tmp_path / "flights.yaml").write_text(yaml.safe_dump({**flights, **said}))
    evaluation = load_use_case("flights", tmp_path).declaration.evaluation
    assert evaluation.guards["negative_flips"].at_most == 0.02
    assert (evaluation.cluster_name, evaluation.second_cluster) == ("day", "carrier")


def test_what_the_readme_writes_of_a_fleet_makes_one(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (each,) = re.findall(r"`(for_each: [^`]*)`: that is a\n\[fleet\]", page)
    smallest = next(text for text in BLOCK.findall(page) if "name: shop" in text)
    (tmp_path / "shop.yaml").write_text(f"{smallest}\n{each}\n")
    assert list_use_cases(tmp_path) == ["shop_north", "shop_south"]
    assert load_use_case("shop_north", tmp_path).declaration.name == "shop_north"


def test_the_example_of_groups_of_persons_is_a_declaration(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")
    flights = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text(encoding="utf-8"))
    (example,) = [block for block in BLOCK.findall(page) if "protected" in block]
    said = yaml.safe_load(example)
    shutil.copy(ROOT / "usecases" / "flights.py", tmp_path)
    schema = {**flights["schema"], "types": {**flights["schema"].get("types", {}), **said["schema"]["types"]}}
    (tmp_path / "flights.yaml").write_text(yaml.safe_dump({**flights, **said, "schema": schema}))
    governance = load_use_case("flights", tmp_path).declaration.governance
    assert [each.called for each in governance.protected] == ["sex", "age"]
    assert governance.bias == BiasRules()  # the page calls them the defaults


def test_the_triggers_of_a_challenger_and_of_a_decision_are_those_that_there_are() -> None:
    lines = (ROOT / "docs" / "json.md").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line.startswith("| `trigger` |")]
    of_decision, of_challenger = (set(re.findall(r"`(\w+)`", line)) for line in lines)
    fields = {"trigger", *Trigger.model_fields}
    kinds = set(get_args(TriggerKind))
    assert of_challenger - fields == kinds - fields
    # Drift and a missing model start a training; they never ask for a decision.
    assert of_decision - fields == kinds - fields - {"drift", "first"}
