"""Whatever is wrong in a declaration, the message names the field and the value, and how to fix it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.usecase import shape
from perennial.usecase.document import read_document, written
from perennial.usecase.mistakes import Mistake
from perennial.usecase.schema import json_schema
from perennial.usecase.shape import declared
from tests.usecase.conftest import FUNCTIONS, SHOP

Told = Callable[..., list[Mistake]]
RULES = Path(__file__).parents[2] / "perennial" / "usecase"
GUARDS, RELEASE = "guards: {roc_auc: {margin: 0.01}}", "triggers:"


def _release(text: str) -> tuple[str, str]:
    return RELEASE, f"release: {{{text}}}\n{RELEASE}"


def _groups(text: str) -> tuple[str, str]:
    return RELEASE, f"governance: {{{text}}}\n{RELEASE}"


def _source(text: str) -> tuple[str, str]:
    return "{kind: files, path: orders, batch: month}", f"{{kind: sql, batch: month, {text}}}"


QUERY = "SELECT * FROM o WHERE at >= :start AND at < :end"
SECRET = ("alert-address", "source-secret")
"""Codes of values that may contain a password, which no message repeats."""
OF_SEVERAL_FIELDS = (
    *("approvers-none", "approvers-too-few", "approvers-unused", "bias-blend", "bias-selected", "bias-unused"),
    *("bias-population", "bias-bands", "bias-no-groups", "check-missing-argument"),
    *("cluster-order", "column-without-name", "label-time-twice"),
    *("model-rivals-with-search", "stages-blend", "source-query-not-select", "source-query-parameters"),
)
"""Codes of values that are empty, too long to repeat, or wrong only beside another field, which the message names."""
BROKEN: dict[str, list[tuple[str, str]]] = {
    "alert-address": [("triggers:", "alerts: {team: {to: 'mailto://u:p@h'}}\ntriggers:")],
    "alert-route-name": [("triggers:", "alerts: {Team: {to: CHAT}}\ntriggers:")],
    "approvers-none": [(RELEASE, f"release: {{policy: hold}}\ngovernance: {{approvers: {{risk: []}}}}\n{RELEASE}")],
    "approvers-too-few": [
        (RELEASE, f"release: {{policy: hold}}\ngovernance: {{approvers: {{a: [Ada], b: [Ada]}}}}\n{RELEASE}")
    ],
    "approvers-unused": [(RELEASE, f"governance: {{approvers: {{risk: [Ada]}}}}\n{RELEASE}")],
    "bias-bands": [_groups("protected: [{column: price, bands: [60, 30]}], selected: {above: 0.5}")],
    "bias-blend": [
        (RELEASE, f"release: {{policy: blend}}\ngovernance: {{protected: [country], selected: {{top: 5%}}}}\n{RELEASE}")
    ],
    "bias-column": [_groups("protected: [price], selected: {above: 0.5}")],
    "bias-gate": [_groups("protected: [country], selected: {above: 0.5}, bias: {gate: [loss, loss]}")],
    "bias-function": [_groups("protected: [shop.py:regoin], selected: {above: 0.5}")],
    "bias-many-groups": [
        _groups(f"protected: [{{column: price, bands: {list(range(50))}}}], selected: {{above: 0.5}}"),
    ],
    "bias-intersection": [_groups("protected: [country], selected: {above: 0.5}, intersections: [[country, sex]]")],
    "bias-name-twice": [_groups("protected: [country, country], selected: {above: 0.5}")],
    "bias-no-groups": [_groups("protected: [country], selected: {above: 0.5}, bias: {no_groups: it is machines}")],
    "bias-population": [_groups("protected: [country], selected: {above: 0.5}, population: {country: {DE: 50%}}")],
    "bias-selected": [_groups("protected: [country]")],
    "bias-unused": [_groups("selected: {above: 0.5}")],
    "blend-not-convex": [_release("policy: blend"), (GUARDS, "primary: roc_auc")],
    "budget-without-decisions": [_release("policy: strict"), ("batch: month", "batch: file")],
    "built-in-feature-column": [('["shop.py:is_heavy"]', '["hour_of:price"]')],
    "channel-unknown": [("triggers:", "watch: {channels: [levle]}\ntriggers:")],
    "check-argument-value": [("min_value: 0", "min_value: abc")],
    "check-missing-argument": [("{column: country}", "{}")],
    "check-unknown-argument": [("min_value: 0", "min_vale: 0")],
    "check-unknown-expectation": [("expect_column_values_to_be_between", "expect_column_values_to_be_betwen")],
    "cluster-name-of-calendar": [(GUARDS, "cluster_by: [day]")],
    "cluster-order": [(GUARDS, "cluster_by: [country, day]")],
    "column-differs-by-case": [("[price, weight]", "[price, Price]")],
    "column-listed-twice": [("[price, weight]", "[price, price]")],
    "column-reserved-name": [("[price, weight]", "[price, __perennial_row]")],
    "column-two-roles": [("[price, weight]", "[price, returned]")],
    "column-type-repeated": [("{note: text}", "{price: text}")],
    "column-unknown": [(GUARDS, "slices: [contry]")],
    "column-without-name": [("[price, weight]", "[price, '']")],
    "declaration-name-differs": [("name: shop", "name: store")],
    "derived-function": [("is_heavy", "is_haevy")],
    "derived-name-is-column": [("[refund]", "[refund, is_heavy]")],
    "derived-name-twice": [('["shop.py:is_heavy"]', '["shop.py:is_heavy", "shop.py:is_heavy"]')],
    "feedback-without-value": [_release("feedback: labels, stages: [{canary: 10%, for: 7d}, full]")],
    "flips-regression": [("task: binary", "task: regression"), (GUARDS, "guards: {negative_flips: {at_most: 2%}}")],
    "flips-without-limit": [(GUARDS, "guards: {negative_flips: {margin: 0.1}}")],
    "label-time-twice": [("timezone:", "label_known_after: 1d\n  label_known_at: known\n  timezone:")],
    "members-single": [_release("members: 3")],
    "metric-cut": [(GUARDS, "also: [recall@30]")],
    "metric-function": [(GUARDS, "metrics: {money: {function: 'shop.py:money'}}")],
    "metric-group-primary": [(GUARDS, "primary: selection_rate_ratio:country")],
    "metric-guard-is-primary": [(GUARDS, "guards: {log_loss: {margin: 0.01}}")],
    "metric-listed-twice": [(GUARDS, "also: [brier, brier]")],
    "metric-name-taken": [(GUARDS, "metrics: {recall: {function: 'shop.py:is_heavy'}}")],
    "metric-other-task": [(GUARDS, "also: [rmse]")],
    "metric-shown-only": [(GUARDS, "primary: ece")],
    "metric-unknown": [(GUARDS, "primary: logloss")],
    "metric-without-weights": [
        ("target:", "weight: share\n  target:"),
        (GUARDS, "metrics: {loss: {function: 'shop.py:loss', per: all}}"),
    ],
    "missing-column-feature": [("  never:", "  missing_column: {refund: go_on}\n  never:")],
    "model-estimator": [("LogisticRegression", "LogisticRegresion")],
    "parts-alone": [("params: {C: 0.5}", "parts: {}\n  window: [expanding, {last: 90d}]")],
    "parts-estimator": [("params: {C: 0.5}", "parts: {rows: 1000}")],
    "parts-workers": [
        (
            "sklearn.linear_model.LogisticRegression\n  params: {C: 0.5}",
            "sklearn.linear_model.SGDClassifier\n  parts: {workers: 2}",
        )
    ],
    "parts-passes": [
        ("sklearn.linear_model.LogisticRegression\n  params: {C: 0.5}", "xgboost.XGBClassifier\n  parts: {passes: 3}")
    ],
    "sample-half-life": [("params: {C: 0.5}", "sample: {rows: 500, by: time_decay}")],
    "sample-uniform": [("params: {C: 0.5}", "sample: {rows: 500, half_life: 90d}")],
    "sample-decays-twice": [
        ("params: {C: 0.5}", "window: {decay: 60d}\n  sample: {rows: 500, by: time_decay, half_life: 90d}")
    ],
    "model-rivals-with-search": [
        ("params: {C: 0.5}", "rivals: [{estimator: sklearn.dummy.DummyClassifier}]\n  search: {space: {C: [1, 2]}}")
    ],
    "newest-blend": [_release("policy: blend, judge: {newest: 15d}")],
    "newest-too-short": [_release("judge: {newest: 5d}")],
    "on-drift-unwatched": [('schedule: "0 6 2 * *"', "on_drift: [business]")],
    "patience-newest": [_release("policy: blend, patience: 90d")],
    "policy-unknown": [_release("policy: balnced")],
    "read-same-marks": [("batch: month}", "batch: month, read: {thousands: '.'}}")],
    "recall-blend": [_release("policy: blend, serve: recall")],
    "schedule-not-cron": [("0 6 2 * *", "0 6 2 *")],
    "slice-of-numbers": [(GUARDS, "slices: [price]")],
    "source-only-of-whole-files": [("batch: month}", "only: {shop: a}}")],
    "source-first-day": [_source(f"url_env: SHOP, query: '{QUERY}', first: 'January'")],
    "source-query-not-select": [_source("url_env: SHOP, query: 'DELETE FROM o WHERE at >= :start AND at < :end'")],
    "source-query-parameters": [_source("url_env: SHOP, query: 'SELECT * FROM o'")],
    "source-secret": [_source(f"url_env: 'postgresql://u:p@h/d', query: '{QUERY}'")],
    "source-unknown-kind": [("kind: files", "kind: fils")],
    "stages-blend": [_release("policy: blend, stages: [{canary: 10%, for: 7d}, full]")],
    "stages-order": [_release("stages: [full, {canary: 10%, for: 7d}]")],
    "tier-blend": [(RELEASE, f"release: {{policy: blend}}\ngovernance: {{risk: high}}\n{RELEASE}")],
    "timezone-of-machine": [("Europe/Berlin", "localtime")],
    "timezone-unknown": [("Europe/Berlin", "Europe/Berln")],
}


def test_every_rule_is_broken_here() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in RULES.glob("rules*.py"))
    elsewhere = {"window-wrong", "fleet-releases"}  # see tests/registered and test_template
    assert set(re.findall(r'code="([a-z-]+)"', text)) - elsewhere == BROKEN.keys()


@pytest.mark.parametrize("code", BROKEN)
def test_a_rule_names_field_value_and_fix(mistakes: Told, folder: Path, code: str) -> None:
    (folder / "shop.py").write_text(f"{FUNCTIONS}\ndef loss(labels, predictions):\n    return 0.0\n")
    (mistake, *_) = [mistake for mistake in mistakes(*BROKEN[code]) if mistake.code == code]
    assert mistake.field and mistake.line and mistake.fix and "None" not in str(mistake)
    shown = f"{mistake.field}: {mistake.message}"
    if code in SECRET:
        assert mistake.value is None and not re.search(r"u:p|//", str(mistake))
    elif code not in OF_SEVERAL_FIELDS:
        named = mistake.field.rpartition(".")[2]
        assert str(mistake.value) in shown or _words(mistake.value) & _words(shown) or named in mistake.message, shown


def test_a_gate_on_groups_is_something_that_approvers_wait_for(mistakes: Told) -> None:
    groups = "protected: [country], selected: {above: 0.5}"
    other = mistakes(_groups(f"approvers: {{risk: [Ada]}}, {groups}"), (GUARDS, "primary: ece"))
    assert [mistake.code for mistake in other] == ["metric-shown-only"]
    ungated = mistakes(_groups(f"approvers: {{risk: [Ada]}}, {groups}, bias: {{gate: false}}"))
    assert [mistake.code for mistake in ungated] == ["approvers-unused"]


def _words(value: Any) -> set[str]:
    """The words of a value, by one of which a message names it."""
    return set(re.findall(r"\w+", str(value)))


def test_every_field_names_value_and_fix(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any field with a value of the wrong form, an empty one among them, which is called empty."""
    schema, seen = json_schema(), 0
    monkeypatch.setattr(shape, "json_schema", lambda: schema)  # made once, instead of for each mistake
    for place in sorted(set(_fields(schema, schema))):
        for value in (None, -1):
            for mistake in _with(folder, place, value):
                if mistake.field == written(place):
                    seen += 1
                    assert mistake.fix, mistake
                    assert mistake.line
                    assert mistake.code != "declaration-out-of-bounds" or mistake.fix.startswith("write "), mistake
                    if value is None:
                        assert "empty" in mistake.message or mistake.message == "unknown field", mistake
                        assert "None" not in mistake.message
    assert seen > 150


def _with(folder: Path, place: tuple[str, ...], value: object) -> list[Mistake]:
    whole = yaml.safe_load(SHOP)
    here = whole
    for step in place[:-1]:
        here = here.setdefault(step, {}) if isinstance(here.get(step, {}), dict) else here
    here[place[-1]] = value
    file = folder / "other.yaml"
    file.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return declared(read_document(file, "other.yaml"))[1]


def _fields(part: dict[str, Any], schema: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of all fields of mappings in a part of the JSON Schema."""
    if "$ref" in part:
        part = part | schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
    for choice in part.get("oneOf", part.get("anyOf", [])):
        yield from _fields(choice, schema, place)
    for name, inner in part.get("properties", {}).items():
        yield (*place, name)
        yield from _fields(inner, schema, (*place, name))
