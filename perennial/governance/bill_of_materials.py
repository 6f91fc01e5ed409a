"""The bill of materials of a release: its models, the data they learned from, the libraries they need.

Source: CycloneDX 1.6 (ECMA-424), with its machine-learning components and model cards. It is written as plain data,
since cyclonedx-python-lib leaves out model cards (its issue 912); its schema validates the result.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from perennial import __version__
from perennial.evaluation.results import MetricResult, SliceResult
from perennial.governance.records import Records
from perennial.governance.subject import Member, Subject

Bom = dict[str, Any]


def bill_of_materials(records: Records, subject: Subject) -> Bom:
    """The bill as data for JSON. The same records give the same bytes."""
    usecase, row = records.declaration.name, subject.decision
    models = [_model(records, subject, each) for each in subject.members]
    libraries = [_library(name, version) for name, version in row.payload.libraries.items()]
    data = {each.snapshot.snapshot: _data(usecase, each) for each in subject.members}
    root = f"use-case:{usecase}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'perennial:{usecase}:{subject.name}:{row.hash}')}",
        "version": 1,
        "metadata": {
            "timestamp": row.recorded_at,
            "tools": {"components": [{"type": "application", "name": "perennial", "version": __version__}]},
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": usecase,
                "version": subject.name,
                **_if_stated("description", records.declaration.description),
            },
        },
        "components": [*models, *data.values(), *libraries],
        "dependencies": [
            {"ref": root, "dependsOn": [each["bom-ref"] for each in models]},
            *(
                {
                    "ref": model["bom-ref"],
                    "dependsOn": [_data_ref(usecase, each), *(library["bom-ref"] for library in libraries)],
                }
                for each, model in zip(subject.members, models, strict=True)
            ),
        ],
    }


def _model(records: Records, subject: Subject, member: Member) -> Bom:
    usecase, model = records.declaration.name, member.served.model
    component: Bom = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{usecase}@{model.version}",
        "name": usecase,
        "version": str(model.version),
        "properties": [
            {"name": "perennial:digest", "value": model.digest},
            {"name": "perennial:mlflow-run", "value": model.run_id},
            {"name": "perennial:weight", "value": repr(member.served.weight)},
            {"name": "perennial:signature", "value": member.signature},
        ],
    }
    licence = records.declaration.governance.license
    if licence:
        component["licenses"] = [{"license": {"name": licence}}]
    if member is subject.newest:
        component["modelCard"] = _card(records, subject)
    return component


def _card(records: Records, subject: Subject) -> Bom:
    schema, stands = records.declaration.schema_, records.declaration.governance
    features = subject.newest.trained_under.features
    considerations: Bom = {
        **({"users": [stands.owner]} if stands.owner else {}),
        **({"useCases": [stands.purpose]} if stands.purpose else {}),
        **({"technicalLimitations": list(stands.limits)} if stands.limits else {}),
    }
    if stands.risk_items:
        considerations["ethicalConsiderations"] = [
            {"name": each.risk, **_if_stated("mitigationStrategy", each.measure)} for each in stands.risk_items
        ]
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "regression" if schema.task == "regression" else "classification",
            "architectureFamily": subject.newest.trained_under.model.estimator.partition(".")[0],
            "modelArchitecture": subject.newest.trained_under.model.estimator,
            "datasets": [{"ref": _data_ref(records.declaration.name, subject.newest)}],
            "inputs": [{"format": name} for name in (*features.numeric, *features.categorical, *features.derived)],
            "outputs": [{"format": schema.target}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                *(each for metric in subject.metrics for each in _metric(metric)),
                *(each for one in subject.slices for each in _slice(one)),
            ]
        },
        **({"considerations": considerations} if considerations else {}),
    }


def _metric(result: MetricResult) -> list[Bom]:
    """Its value, and its gain with the interval."""
    return _measured(result.name, result.challenger, result.gain, result.ci_low, result.ci_high, "")


def _slice(result: SliceResult) -> list[Bom]:
    name = f"{result.column} = {result.value}"
    return _measured(result.metric, result.challenger, result.gain, result.ci_low, result.ci_high, name)


def _measured(
    name: str, value: float | None, gain: float | None, low: float | None, high: float | None, slice: str
) -> list[Bom]:
    of_slice = {"slice": slice} if slice else {}
    lines: list[Bom] = []
    if value is not None:
        lines.append({"type": name, "value": repr(value), **of_slice})
    if gain is not None:
        interval = {} if low is None or high is None else {"lowerBound": repr(low), "upperBound": repr(high)}
        confidence = {"confidenceInterval": interval} if interval else {}
        lines.append({"type": f"{name} gain", "value": repr(gain), **of_slice, **confidence})
    return lines


def _data(usecase: str, member: Member) -> Bom:
    snapshot = member.snapshot
    described = f"{snapshot.rows_in_words} of events from {snapshot.first} to {snapshot.last}"
    return {
        "type": "data",
        "bom-ref": _data_ref(usecase, member),
        "name": f"{usecase} training data",
        "version": snapshot.snapshot,
        "data": [
            {
                "type": "dataset",
                "name": f"snapshot {snapshot.snapshot}",
                "description": described,
                "contents": {
                    "properties": [
                        {"name": "perennial:digest", "value": snapshot.digest},
                        {"name": "perennial:rows", "value": str(snapshot.rows)},
                        *({"name": "perennial:batch", "value": f"{b.window} {b.digest}"} for b in member.batches),
                    ]
                },
            }
        ],
    }


def _data_ref(usecase: str, member: Member) -> str:
    return f"data:{usecase}@{member.snapshot.snapshot}"


def _library(name: str, version: str) -> Bom:
    if name == "python":
        return {"type": "platform", "bom-ref": f"python@{version}", "name": "python", "version": version}
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _if_stated(field: str, text: str) -> Bom:
    return {field: text} if text else {}
