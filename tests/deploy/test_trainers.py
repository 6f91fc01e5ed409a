"""The work pool of a cluster: valid, locked down, and its jobs get what the base has."""

from __future__ import annotations

import json
import warnings
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.containers import DEPLOY, TRAINERS, container, trainers

TEMPLATE = json.loads((TRAINERS / "job-template.json").read_text(encoding="utf-8"))
DEFAULTS = {name: about.get("default") for name, about in TEMPLATE["variables"]["properties"].items()}
GIVEN: dict[str, Any] = {
    "name": "shop",
    "env": [{"name": "PREFECT__FLOW_RUN_ID", "value": "7"}],
    "labels": {"prefect.io/version": "3"},
}


def job() -> dict[str, Any]:
    """The job that a worker makes of the template."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith("{{ ") and value.endswith(" }}"):
            return (DEFAULTS | GIVEN)[value[3:-3]]
        return value.replace("{{ name }}", GIVEN["name"]) if isinstance(value, str) else value

    made: dict[str, Any] = filled(TEMPLATE["job_configuration"]["job_manifest"])
    pod = made["spec"]["template"]["spec"]
    pod["containers"][0]["args"] = pod["containers"][0]["args"].split()
    # Prefect's worker refuses a template without these two here, and Kubernetes ignores them.
    assert (pod.pop("parallelism"), pod.pop("completions")) == (1, 1)
    return made


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_object_and_the_job_are_valid(version: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in [*trainers(), job()]:
            kubernetes_validate.validate(each, version, strict=True)


def test_a_training_has_the_settings_of_the_base_and_no_more_rights() -> None:
    pod = job()["spec"]["template"]["spec"]
    (only,) = pod["containers"]
    assert only["envFrom"] == container("worker")["envFrom"]
    assert only["securityContext"] == container("worker")["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
    assert only["resources"]["requests"]["memory"] == only["resources"]["limits"]["memory"]
    assert {each["name"] for each in only["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


def test_only_the_worker_asks_the_cluster_and_only_about_jobs() -> None:
    (role,) = [each for each in trainers() if each["kind"] == "Role"]
    written = {resource for rule in role["rules"] if "create" in rule["verbs"] for resource in rule["resources"]}
    assert written == {"jobs"}
    pods = {"trainers": trainers()[0]["spec"]["template"], "training": job()["spec"]["template"]}
    policies = {each["metadata"]["name"]: each for each in trainers() if each["kind"] == "NetworkPolicy"}
    for name, pod in pods.items():
        assert policies[name]["spec"]["podSelector"]["matchLabels"] == pod["metadata"]["labels"]


def test_the_pool_is_the_one_that_the_readme_makes() -> None:
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    made = "prefect work-pool create trainers --type kubernetes --base-job-template "
    assert made + "deploy/kubernetes/trainers/job-template.json" in readme
    (worker,) = [each for each in trainers() if each["kind"] == "Deployment"]
    assert "--pool=trainers" in worker["spec"]["template"]["spec"]["containers"][0]["command"]
