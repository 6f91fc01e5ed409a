"""Metrics for machines: valid for Prometheus, without unknown numbers; the dashboard asks for metrics that exist."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from perennial.clock import instant
from perennial.ledger.entries import ReleasesFrozen, ReleasesResumed
from perennial.ledger.ledger import Ledger
from perennial.page import metrics_text as metrics_text_module
from perennial.page.metrics_text import measured, metrics_text
from perennial.serving import exposition
from tests.ledger.payloads import AT, batch, one_of_each

GRAFANA = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
Samples = dict[str, dict[tuple[str, ...], float]]


def samples(text: str) -> Samples:
    """Name to the values of its labels, in the order of their names, to the number."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for payload in one_of_each().values():
        ledger.append("shop", payload)
    ledger.append("shop", batch("2024-02", status="held", held_because=("too few rows",)))
    return ledger


def test_the_state_of_a_use_case_can_be_read_by_prometheus(ledger: Ledger) -> None:
    found = samples(metrics_text([measured(ledger, "shop", instant(AT) + timedelta(days=12))]))
    assert found["perennial_batches"] == {("accepted", "shop"): 1, ("held", "shop"): 1}
    assert found["perennial_rows"]["accepted", "shop"] == 20
    assert found["perennial_release_number"] == {("shop",): 1}
    assert found["perennial_release_age_days"] == {("shop",): 12}
    assert found["perennial_episodes_total"] == {("level", "shop"): 1}
    assert sum(found["perennial_decisions_total"].values()) == 1


def test_a_freeze_shows_until_a_person_ends_it(ledger: Ledger) -> None:
    def frozen() -> float:
        return samples(metrics_text([measured(ledger, "shop", None)]))["perennial_releases_frozen"]["shop",]

    assert frozen() == 0, "the fixture's freeze was ended"
    ledger.append("shop", ReleasesFrozen(episode="gap@2", as_of=AT, batch="b", detail="worse"))
    assert frozen() == 1
    ledger.append("shop", ReleasesResumed(episode="gap@2", by="Ada", reason="repaired", as_of=AT))
    assert frozen() == 0


def test_what_is_unknown_has_no_sample(ledger: Ledger) -> None:
    ledger.append("kiosk", batch())
    found = samples(metrics_text([measured(ledger, name, None) for name in ("shop", "kiosk")]))
    assert "perennial_loss" not in found
    assert "perennial_release_age_days" not in found
    assert ("kiosk",) not in found["perennial_release_number"]
    assert found["perennial_decision_waits"]["kiosk",] == 0


def test_names_that_prometheus_would_misread_are_escaped(ledger: Ledger) -> None:
    odd = 'a"b\\c\nd'
    ledger.append(odd, batch())
    assert samples(metrics_text([measured(ledger, odd, None)]))["perennial_batches"]["accepted", odd] == 1


def known_names() -> set[str]:
    """Of the site and of the service. A histogram is asked for by its parts, and described by its name alone."""
    found: set[str] = set()
    for module in (metrics_text_module, exposition):
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        found |= set(re.findall(r'(?:GaugeMetricFamily|_gauge)\(\s*"(perennial_[a-z_]+)"', source))
        counters = re.findall(r'(?:CounterMetricFamily|_counter)\(\s*"(perennial_[a-z_]+)"', source)
        found |= {f"{name}_total" for name in counters}
        found |= set(re.findall(r'_histogram\(\s*"(perennial_[a-z_]+)"', source))
    return found


def expressions() -> list[str]:
    dashboard: dict[str, Any] = json.loads((GRAFANA / "dashboard.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((GRAFANA / "alerts.yaml").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return asked + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def selected(expression: str) -> set[str]:
    """The metrics that an expression of PromQL selects. Raises ValueError if Prometheus could not read it."""
    names: set[str] = set()

    def visit(part: promql.Expr) -> bool:
        if isinstance(part, promql.VectorSelector) and part.name:
            names.add(re.sub("_(bucket|sum|count)$", "", part.name))
        return True

    promql.walk(promql.parse(expression.replace("$usecase", ".*")), visit)
    return names


def test_dashboard_and_alert_rules_are_promql_on_metrics_that_exist_and_use_all_of_them() -> None:
    asked = {name for each in expressions() for name in selected(each)}
    assert asked - {"up"} <= known_names(), "up is Prometheus' own"
    assert known_names() - asked <= {
        "perennial_last_batch_timestamp_seconds",
        "perennial_episodes_total",
        "perennial_last_answered_timestamp_seconds",
        "perennial_serving_since_timestamp_seconds",
    }


@pytest.mark.parametrize("broken", ["sum by (usecase perennial_loss > 0", "perennial_loss{usecase=~} > 0", "rate(x)"])
def test_an_expression_that_prometheus_could_not_read_is_found(broken: str) -> None:
    with pytest.raises(ValueError):
        selected(broken)


def test_the_docs_list_every_metric() -> None:
    page = (GRAFANA.parents[1] / "docs" / "running.md").read_text(encoding="utf-8")
    assert {name for name in known_names() if f"`{name}`" not in page} == set()


def test_panels_do_not_overlap_and_rules_are_complete() -> None:
    panels = json.loads((GRAFANA / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)
    for group in yaml.safe_load((GRAFANA / "alerts.yaml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
            assert rule["labels"]["severity"] in ("page", "warning")
            assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
            assert set(rule["annotations"]) == {"summary", "description"}
