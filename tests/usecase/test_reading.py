"""What people see about a declaration: everything that is wrong, where, and what to write instead."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.cli.hints import command_for
from perennial.errors import InputError
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_check import Check
from perennial.usecase.mistakes import DeclarationError, Mistake
from perennial.usecase.reading import list_use_cases, load_use_case

Told = Callable[..., list[Mistake]]
REPOSITORY = Path(__file__).parents[2]


def test_a_right_declaration_is_read_with_its_folder(folder: Path) -> None:
    case = load_use_case("shop", folder)
    assert case.name == "shop"
    assert case.folder == folder.resolve()
    assert case.declaration.primary == "log_loss"
    assert case.declaration.checks[1] == Check(
        expectation="expect_column_values_to_not_be_null", arguments={"column": "country"}, severity="critical"
    )


def test_a_path_is_read_like_a_name(folder: Path) -> None:
    assert load_use_case(str(folder / "shop.yaml"), Path("elsewhere")) == load_use_case("shop", folder)


def test_five_mistakes_are_reported_together_each_with_its_line(mistakes: Told, folder: Path) -> None:
    told = mistakes(
        ("target:", "taget:"),
        ("Europe/Berlin", "Europe/Berln"),
        ("[price, weight]", "[price, refund]"),
        ("0.5}", "0.5}\n  window: {last: 90}"),
        ("guards: {roc_auc: {margin: 0.01}}", "primary: logloss"),
    )
    assert [(mistake.line, mistake.field) for mistake in told] == [
        (6, "schema.taget"),
        (8, "schema.timezone"),
        (11, "features.numeric[1]"),
        (21, "model.window.last"),
        (23, "evaluation.primary"),
    ]
    shown = str(DeclarationError(told))
    assert f"{folder}/shop.yaml:23: evaluation.primary: unknown metric 'logloss'\n  did you mean 'log_loss'? " in shown
    assert "Known metrics: accuracy, average_precision, brier" in shown


def test_paths_are_shown_as_seen_from_the_working_folder(
    mistakes: Told, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert str(mistakes(("name: shop", "name: shops"))[0]).startswith(f"{folder.name}/shop.yaml:1: name: ")


def test_what_mixes_models_needs_a_convex_loss_and_no_patience(mistakes: Told) -> None:
    blend = ("triggers:", "release: {policy: blend, patience: 90d}\ntriggers:")
    found = {told.field: told for told in mistakes(blend, ("guards: {roc_auc: {margin: 0.01}}", "primary: roc_auc"))}
    assert "blends two models, whose loss is bounded for convex losses only" in found["release.policy"].message
    assert "takes the newest model at every batch, so no challenger waits" in found["release.patience"].message


def test_recall_has_no_number_of_members_and_no_untested_refit(mistakes: Told) -> None:
    recall = ("triggers:", "release: {policy: blend, serve: recall, members: 3}\ntriggers:")
    found = {told.field: told for told in mistakes(recall)}
    assert "the challenger and up to 3 past ones are live together" in found["release.members"].message
    assert found["release.members"].fix == "remove it"
    assert "'blend' serves the newest refit" in found["release.serve"].message
    assert found["release.serve"].code == "recall-blend"


def test_a_shared_budget_needs_to_know_how_many_decisions_share_it(mistakes: Told) -> None:
    strict = ("triggers:", "release: {policy: strict}\ntriggers:")
    (told,) = mistakes(strict, ("batch: month", "batch: file"))
    assert (told.field, told.line) == ("release.policy", 23)
    assert "'strict' has a yearly budget" in told.message and "release.decisions_a_year" in told.fix


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message", "fix"),
    [
        ("model:", "modle:", 18, "modle", "unknown field", "did you mean 'model'?"),
        ("  key: [order]\n", "", 3, "schema.key", "is missing", "add `key: …`"),
        ("key: [order]", "key: order", 4, "schema.key", "should be a list, is 'order'", "write [order]"),
        ("key: [order]", "key: []", 4, "schema.key", "is an empty list", ""),
        ("key: [order]", "key:", 4, "schema.key", "is empty, should be a list", "fill it in"),
        ("[price, weight]", "[price, 7]", 11, "features.numeric[1]", "should be text, is 7", "in quotes: '7'"),
        ("C: 0.5}", "C: 0.5}\n  seed: x", 21, "model.seed", "should be a whole number, is 'x'", "write a whole number"),
        (
            "C: 0.5}",
            "C: 0.5}\n  sample: {rows: 1e20}",
            21,
            "model.sample.rows",
            "a smaller number",
            "write 100 to 1000",
        ),
        ("C: 0.5}", "C: 0.5}\n  sample: {rows: many}", 21, "model.sample.rows", "a whole number", "write 100 to 1000"),
        ("C: 0.5}", "C: .inf}", 20, "model.params.C", ".inf is not a finite number", ""),
        (
            "[price, weight]",
            "[price, Price]",
            11,
            "features.numeric[1]",
            "only in upper and lower case from 'price'",
            "rename one",
        ),
        (
            "[price, weight]",
            "[price, __Perennial_row]",
            11,
            "features.numeric[1]",
            "reserved for Perennial",
            "rename it",
        ),
        ("task: binary", "task: binry", 7, "schema.task", "unknown value 'binry'", "did you mean 'binary'?"),
        (
            "0.01}",
            "-1}",
            22,
            "evaluation.guards.roc_auc.margin",
            "should be greater than 0, is -1",
            "largest accepted loss",
        ),
        ("roc_auc:", "rmse:", 22, "evaluation.guards.rmse", "metric 'rmse' is for regression", "for binary: acc"),
        ("roc_auc:", "log_loss:", 22, "evaluation.guards.log_loss", "is the primary metric", "guard another"),
        ("roc_auc:", "ece:", 22, "evaluation.guards.ece", "cannot decide", "list it under evaluation.also"),
        ("roc_auc:", "recall@30:", 22, "evaluation.guards.recall@30", "is not valid", "for example recall@0.3"),
        (
            "guards:",
            "cluster_by: [shop]\n  guards:",
            22,
            "evaluation.cluster_by[0]",
            "no column 'shop'",
            "schema.types",
        ),
        (
            "guards:",
            "cluster_by: [country, day]\n  guards:",
            22,
            "evaluation.cluster_by",
            "is days or weeks first",
            "[day, customer]",
        ),
        (
            "guards:",
            "slices: [price]\n  guards:",
            22,
            "evaluation.slices[0]",
            "contains numbers or times",
            "names or codes",
        ),
        ("guards:", "slices: [contry]\n  guards:", 22, "evaluation.slices[0]", "no column 'contry'", "'country'"),
        ("roc_auc:", "negative_flips:", 22, "evaluation.guards.negative_flips", "has no at_most", "{at_most: 2%}"),
        (
            "roc_auc:",
            '"selection_rate_ratio:contry":',
            22,
            "evaluation.guards.selection_rate_ratio:contry",
            "no column 'contry'",
            "did you mean 'country'?",
        ),
        (
            "roc_auc:",
            "selection_rate_ratio:",
            22,
            "evaluation.guards.selection_rate_ratio",
            "is not valid",
            "selection_rate_ratio:sex",
        ),
        (
            "guards:",
            'metrics: {recall: {function: "shop.py:is_heavy"}}\n  guards:',
            22,
            "evaluation.metrics.recall",
            "a built-in metric",
            "another name",
        ),
        ("0.01}", "0.01, at_least: 1}", 22, "evaluation.guards.roc_auc", "has one of margin, at_least", ""),
        ("0.01}", "many%}", 22, "evaluation.guards.roc_auc.margin", "many%", ""),
        ("guards:", "cluster_by: [day]\n  guards:", 22, "evaluation.cluster_by[0]", "the calendar's day", "rename"),
        ("guards:", "cluster_by: dya\n  guards:", 22, "evaluation.cluster_by", "unknown value 'dya'", "'day'"),
        ("guards:", "also: [brier, brier]\n  guards:", 22, "evaluation.also[1]", "'brier' is listed already", ""),
        ("guards:", "also: [roc_auc]\n  guards:", 22, "evaluation.also[0]", "'roc_auc' is a guard already", ""),
        (
            '"0 6 2 * *"',
            '"0 6 2 *"',
            23,
            "triggers.schedule",
            "'0 6 2 *' is not a cron expression: 4 fields",
            "five fields",
        ),
        ('"0 6 2 * *"', '"0 25 2 * *"', 23, "triggers.schedule", "not a cron expression: bad hour", "five fields"),
        (
            '"0 6 2 * *"',
            '"0 6 30 2 *"',
            23,
            "triggers.schedule",
            "not a cron expression: bad day-of-month",
            "five fields",
        ),
        ("Europe/Berlin", "europe/berlni", 8, "schema.timezone", "unknown time zone", "did you mean 'Europe/Berlin'?"),
        ("kind: files", "kind: fils", 2, "source.kind", "unknown source 'fils'", "did you mean 'files'?"),
        ("kind: files, ", "", 2, "source", "has no kind", "one of nycflights13, files"),
        ("path: orders", "paht: orders", 2, "source.paht", "unknown field", "did you mean 'path'?"),
        ("country]", "price]", 12, "features.categorical[0]", "'price' is already features.numeric[0] (line 11)", ""),
        ("[price, weight]", "[price, price]", 11, "features.numeric[1]", "'price' is listed twice", ""),
        ("[price, weight]", "[price, order]", 11, "features.numeric[1]", "cannot be a feature: it is the key", ""),
        ("[price, weight]", "[price, returned]", 11, "features.numeric[1]", "it is the target", ""),
        ("[price, weight]", "[price, placed]", 11, "features.numeric[1]", "it is the time", ""),
        ("[refund]", "[placed]", 14, "features.never[0]", "'placed' is already schema.time (line 5)", ""),
        ("{note: text}", "{price: text}", 9, "schema.types.price", "follows from features.numeric[0] (line 11)", ""),
        ("is_heavy", "is_haevy", 13, "features.derived[0]", "no function 'is_haevy'", "did you mean 'is_heavy'?"),
        ('"shop.py', '"shp.py', 13, "features.derived[0]", "no file 'shp.py'", "did you mean 'shop.py'?"),
        ('"shop.py', '"../shop.py', 13, "features.derived[0]", "is outside", "next to the declaration"),
        (":is_heavy", "", 13, "features.derived[0]", "'shop.py' is not a function", "write file.py:function"),
        ("[refund]", "[refund, is_heavy]", 13, "features.derived[0]", "'is_heavy' is a column too", "rename"),
        (
            "_between:",
            "_betwen:",
            16,
            "checks[0].expect_column_values_to_be_betwen",
            "unknown expectation",
            "_between'?",
        ),
        (
            "min_value: 0",
            "min_vale: 0",
            16,
            "checks[0].expect_column_values_to_be_between.min_vale",
            "unknown argument 'min_vale'",
            "did you mean 'min_value'?",
        ),
        (
            "column: price",
            "column: prize",
            16,
            "checks[0].expect_column_values_to_be_between.column",
            "no column 'prize'",
            "did you mean 'price'?",
        ),
        (
            "{column: country}",
            "",
            17,
            "checks[1].expect_column_values_to_not_be_null",
            "the argument 'column' is missing",
            "add column: …",
        ),
        ("critical", "fatal", 16, "checks[0].severity", "unknown value 'fatal'", "critical, warning, info"),
        ("severity: critical", "sevrity: critical", 16, "checks[0]", "a check is one", "write {expect_"),
        (
            "LogisticRegression",
            "LogisticRegresion",
            19,
            "model.estimator",
            "no 'LogisticRegresion'",
            "LogisticRegression'?",
        ),
        ("sklearn.linear_model", "sklearn.linear", 19, "model.estimator", "no module 'sklearn.linear'", "linear_model"),
        ("sklearn.linear_model", "sklern", 19, "model.estimator", "no package 'sklern' is installed", "install it"),
        ("sklearn.linear_model.Log", "Log", 19, "model.estimator", "is not an import path", "for example sklearn"),
        ("task: binary", "task: binary\n  task: binary", 8, "schema.task", "is given twice, first on line 7", "remove"),
        (
            "Europe/Berlin",
            "Europe/Berlin\n  label_known_after: 1d\n  label_known_at: known",
            10,
            "schema.label_known_at",
            "conflicts with label_known_after",
            "remove one",
        ),
        ("0.5}", "0.5}\n  window: {last: 90d, first: 1d}", 21, "model.window.first", "unknown field", "last"),
        ("Europe/Berlin", "localtime", 8, "schema.timezone", "from machine to machine", "region and city"),
        ("0.5}", "0.5}\n  window: expandng", 21, "model.window", "unknown value 'expandng'", "'expanding'?"),
    ],
)
def test_a_mistake_names_its_line_its_field_and_the_fix(
    mistakes: Told, old: str, new: str, line: int, field: str, message: str, fix: str
) -> None:
    told = mistakes((old, new))
    found = [mistake for mistake in told if mistake.field == field]
    assert [mistake.line for mistake in found] == [line], told
    assert message in found[0].message
    assert fix in found[0].fix


def test_a_misspelled_field_is_reported_once_not_as_missing_too(mistakes: Told) -> None:
    assert [mistake.field for mistake in mistakes(("target:", "taget:"))] == ["schema.taget"]


def test_a_misspelled_argument_is_reported_once_not_as_missing_too(mistakes: Told) -> None:
    assert len(mistakes(("{column: country}", "{colum: country}"))) == 1


def test_a_name_that_is_not_the_files_is_refused(mistakes: Told) -> None:
    (told,) = mistakes(("name: shop", "name: store"))
    assert told.message == "'store' differs from the name of the file"
    assert "name: shop" in told.fix


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"name: shop\nsource: {kind: files\nschema: 1\n", 3, "not YAML: a { is opened and not closed"),
        (b"a: [", 1, "not YAML: a [ or { is opened and never closed"),
        (b"a: 'b\n", 2, "not YAML: a quotation mark is opened and never closed"),
        (b"a: b: c\n", 1, "not YAML: a second ': ' in one line"),
        (b"name: shop\n\tsource: x\n", 2, "(column 1)"),
        (b"name: shop\n---\nname: shop\n", 2, "expected a single document"),
        (b"name: shop\ndescription: caf\xe9\n", 2, "is not UTF-8: byte b'\\xe9'"),
        (b"name: shop\ndescription: a\x00b\n", 2, "is not allowed"),
        (b"", None, "is empty"),
        (b"# nothing yet\n", None, "is empty"),
        (b"- name: shop\n", None, "is not a mapping"),
    ],
)
def test_a_file_that_is_not_yaml_is_reported_with_its_line(
    folder: Path, data: bytes, line: int | None, message: str
) -> None:
    (folder / "shop.yaml").write_bytes(data)
    with pytest.raises(DeclarationError) as caught:
        load_use_case("shop", folder)
    (mistake,) = caught.value.mistakes
    assert mistake.line == line
    assert message in mistake.message


def test_words_follow_yaml_1_2(folder: Path) -> None:
    text = (folder / "shop.yaml").read_text()
    text = text.replace("C: 0.5", "C: 1e-1, solver: no, class_weight: {0: 1, 1: 2}, when: 2013-01-01, n: 010")
    (folder / "shop.yaml").write_text("\ufeff" + text, encoding="utf-8")
    params = load_use_case("shop", folder).declaration.model.params
    assert params == {"C": 0.1, "solver": "no", "class_weight": {0: 1, 1: 2}, "when": "2013-01-01", "n": 10}


def test_anchors_and_merges_work_and_a_value_in_itself_is_refused(folder: Path, mistakes: Told) -> None:
    told = mistakes(("params: {C: 0.5}", "params: &p {C: &p2 [*p2]}"))
    assert [(mistake.field, mistake.message) for mistake in told] == [("model.params.C[0]", "refers to itself")]
    text = (folder / "shop.yaml").read_text().replace("&p {C: &p2 [*p2]}", "{<<: &p {C: 2, tol: 1}, C: 3}")
    (folder / "shop.yaml").write_text(text)
    assert load_use_case("shop", folder).declaration.model.params == {"C": 3, "tol": 1}


def test_an_unknown_name_is_answered_with_the_known_ones(folder: Path) -> None:
    (folder / "bikes.yml").write_text("name: bikes\n")
    assert list_use_cases(folder) == ["bikes", "shop"]
    with pytest.raises(DeclarationError, match="did you mean 'shop'\\? Known use cases: bikes, shop"):
        load_use_case("shp", folder)
    with pytest.raises(InputError, match="no such file"):
        load_use_case("else/shop.yaml", folder)


def test_a_folder_without_use_cases_is_answered_with_the_command_to_start_with(tmp_path: Path) -> None:
    assert list_use_cases(tmp_path / "none") == []
    with pytest.raises(InputError, match="no use case 'shop'") as refused:
        load_use_case("shop", tmp_path)
    assert "perennial init" in (command_for(refused.value) or "")


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    (folder / "shop.yml").write_text("name: shop\n")
    with pytest.raises(DeclarationError, match=r"shop\.yml exists too"):
        load_use_case("shop", folder)


def test_a_function_that_cannot_be_read_is_reported_and_none_is_run(folder: Path) -> None:
    (folder / "shop.py").write_text("raise SystemExit('was run')\ndef is_heavy(rows): ...\n")
    load_use_case("shop", folder)
    (folder / "shop.py").write_text("def is_heavy(rows:\n")
    with pytest.raises(DeclarationError, match=r"features.derived\[0\]: shop.py is not Python"):
        load_use_case("shop", folder)
    (folder / "shop.py").write_text("def is_heavy(): ...\n")
    with pytest.raises(DeclarationError, match="takes no rows"):
        load_use_case("shop", folder)


def test_the_time_may_be_the_key_as_well(folder: Path) -> None:
    text = (folder / "shop.yaml").read_text().replace("key: [order]", "key: [placed, country2]")
    (folder / "shop.yaml").write_text(text)
    assert load_use_case("shop", folder).declaration.schema_.key == ("placed", "country2")


def test_the_error_survives_pickling(mistakes: Told) -> None:
    problem = DeclarationError(mistakes(("target:", "taget:")))
    again = pickle.loads(pickle.dumps(problem))  # noqa: S301 — our own bytes
    assert str(again) == str(problem)
    assert again.exit_code == 2


def test_a_declaration_is_the_same_after_writing_and_reading(folder: Path) -> None:
    declaration = load_use_case("shop", folder).declaration
    written = declaration.model_dump(mode="json", by_alias=True)
    assert written["checks"][0] == {
        "expect_column_values_to_be_between": {"column": "price", "min_value": 0},
        "severity": "critical",
    }
    again = Declaration.model_validate(written)
    assert again == declaration
    assert again.digest == declaration.digest


def test_spacing_does_not_change_the_digest_and_meaning_does(folder: Path) -> None:
    before = load_use_case("shop", folder).declaration.digest
    text = (folder / "shop.yaml").read_text()
    (folder / "shop.yaml").write_text("# a remark\n" + text.replace("[price, weight]", "\n    - price\n    - weight"))
    assert load_use_case("shop", folder).declaration.digest == before
    (folder / "shop.yaml").write_text(text.replace("min_value: 0", "min_value: 1"))
    assert load_use_case("shop", folder).declaration.digest != before


def test_reading_imports_nothing_heavy_and_is_quick() -> None:
    program = """
import sys, time
start = time.process_time()
from pathlib import Path
from perennial.usecase.reading import load_use_case
load_use_case("flights", Path("usecases"))
taken = time.process_time() - start
heavy = {"pandas", "numpy", "pyarrow", "sklearn", "scipy", "great_expectations", "prefect", "mlflow"} & set(sys.modules)
print(taken, *heavy)
"""
    # Seconds of this process alone, and the best of three: other processes share the machine.
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(3)
    ]
    assert [run[1:] for run in runs] == [[], [], []]
    assert min(float(run[0]) for run in runs) < 0.5
