"""A model card: a short text for people, with the YAML metadata that model hubs read.

Sources: Mitchell et al. (2019), Model Cards for Model Reporting; the metadata is that of the Hugging Face Hub
(https://huggingface.co/docs/hub/model-cards), with its `model-index` of results.
"""

from __future__ import annotations

from typing import Any

import yaml

from perennial.evaluation.figures import between, change, figure, sample
from perennial.evaluation.words import escape
from perennial.governance.items import NOT_STATED
from perennial.governance.records import Records
from perennial.governance.subject import Member, Subject

_LIBRARIES = {"sklearn": "sklearn", "lightgbm": "lightgbm", "xgboost": "xgboost"}


def model_card(records: Records, subject: Subject) -> str:
    """The card as markdown, with its metadata at the beginning."""
    stands = records.declaration.governance
    evaluation = subject.decision.payload.evaluation
    on = sample(evaluation.rows, evaluation.clusters, evaluation.cluster_by)
    lines = [
        "---",
        yaml.safe_dump(metadata(records, subject), sort_keys=False, allow_unicode=True).strip(),
        "---",
        "",
        f"# {records.declaration.name}",
        "",
        escape(records.declaration.description or NOT_STATED),
        "",
        f"This card is about {subject.versions}, evaluated by decision {subject.decision.key}.",
        "",
        "## Intended use",
        "",
        escape(stands.purpose or NOT_STATED),
        "",
        "## Limits",
        "",
        *([f"- {escape(each)}" for each in stands.limits] or [NOT_STATED]),
        "",
        "## Training data",
        "",
        *(_trained_on(each) for each in subject.members),
        "",
        "## Evaluation",
        "",
        f"On {on} from {evaluation.first} to {evaluation.last}, which the model had not learned from.",
        "",
        "| metric | value | gain | 95 % interval of the gain |",
        "|---|---:|---:|---|",
        *(
            f"| {escape(each.name)} | {figure(each.challenger)} | {change(each.gain)} | "
            f"{between(each.ci_low, each.ci_high)} |"
            for each in subject.metrics
        ),
        "",
    ]
    return "\n".join(lines)


def _trained_on(member: Member) -> str:
    snapshot, parts = member.snapshot, member.trained_under.model.parts
    in_parts = f"; {parts.in_words}" if parts else ""
    return (
        f"- version {member.served.model.version}: {snapshot.rows_in_words} of events from {snapshot.first} to "
        f"{snapshot.last}, digest `{snapshot.digest}`{in_parts}"
    )


def metadata(records: Records, subject: Subject) -> dict[str, Any]:
    """The metadata block. What nobody stated is left out of it: it has no form for "not stated"."""
    declaration, evaluation = records.declaration, subject.decision.payload.evaluation
    regression = declaration.schema_.task == "regression"
    task = "tabular-regression" if regression else "tabular-classification"
    library = subject.newest.trained_under.model.estimator.partition(".")[0]
    results = [
        {"type": each.name, "name": each.name, "value": each.challenger}
        for each in subject.metrics
        if each.challenger is not None
    ]
    dataset = {
        "type": declaration.name,
        "name": f"{evaluation.first} to {evaluation.last}",
        "revision": evaluation.digest,
    }
    return {
        **({"license": declaration.governance.license.lower()} if declaration.governance.license else {}),
        **({"library_name": _LIBRARIES[library]} if library in _LIBRARIES else {}),
        "pipeline_tag": task,
        "tags": [task, "perennial"],
        "metrics": [each["type"] for each in results],
        "model-index": [
            {
                "name": declaration.name,
                "results": [{"task": {"type": task}, "dataset": dataset, "metrics": results}] if results else [],
            }
        ],
    }
