"""The manifests: valid for several versions of Kubernetes, locked down, and each selects what it is meant for."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.containers import BASE, DEPLOY, objects

EXAMPLE = DEPLOY / "kubernetes" / "overlays" / "example"
DEPLOYMENTS = [each for each in objects() if each["kind"] == "Deployment"]


def _named(each: dict[str, Any]) -> str:
    return f"{each['kind']}/{each['metadata']['name']}"


def _validate(document: dict[str, Any], version: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_object_is_valid(version: str) -> None:
    ingresses = yaml.safe_load_all((EXAMPLE / "ingress.yaml").read_text(encoding="utf-8"))
    for document in [*objects(), *ingresses]:
        _validate(document, version)


def test_a_mistake_would_be_found() -> None:
    broken = yaml.safe_load(yaml.safe_dump(DEPLOYMENTS[0]))
    broken["spec"]["template"]["spec"]["containers"][0]["comand"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        _validate(broken, "1.37")


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=_named)
def test_pods_have_no_more_rights_than_they_need(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {"cpu", "memory"} == set(container["resources"]["requests"]) and "memory" in container["resources"]["limits"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in pod["volumes"]} and "tmp" in mounted
    if "ports" in container:
        assert "livenessProbe" in container


def test_selectors_select_the_pods_that_there_are() -> None:
    names = {each["metadata"]["name"] for each in DEPLOYMENTS}
    for each in objects():
        text = yaml.safe_dump(each)
        selected = set(re.findall(r"app\.kubernetes\.io/name: (\S+)", text))
        assert selected <= names, _named(each)
        if each["kind"] == "HorizontalPodAutoscaler":
            assert each["spec"]["scaleTargetRef"]["name"] in names
    policies = {each["metadata"]["name"]: each for each in objects() if each["kind"] == "NetworkPolicy"}
    out = policies["stack-out"]["spec"]["podSelector"]["matchExpressions"][0]["values"]
    assert set(out) == names - {"service"}, "the service has another policy"
    assert policies["nothing"]["spec"]["podSelector"] == {}


def test_the_service_is_sent_requests_only_when_it_is_ready_and_no_pod_is_missed() -> None:
    (service,) = [each for each in DEPLOYMENTS if each["metadata"]["name"] == "service"]
    (container,) = service["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health", "a missing model is no reason to start again"
    assert service["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "replicas" not in service["spec"], "it would undo the autoscaler at each apply"
    assert {each["kind"] for each in objects() if each["metadata"]["name"] == "service"} >= {
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }


def test_secrets_are_named_and_never_written() -> None:
    assert not [each for each in objects() if each["kind"] == "Secret"]
    text = "".join(path.read_text(encoding="utf-8") for path in BASE.iterdir())
    named = set(re.findall(r"secret(?:Name|Ref|KeyRef): \{?(?:name: )?(?:secretName: )?([\w-]+)", text))
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert named == {"perennial", "perennial-service", "perennial-prefect", "perennial-keys"}
    for name in named:
        assert f"create secret generic {name} " in readme, f"how to make the secret {name}"


def test_kustomizations_name_files_that_are_there() -> None:
    for folder in (BASE, EXAMPLE):
        content = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
        paths = [*content["resources"], *(each["path"] for each in content.get("patches", []) if "path" in each)]
        for generated in content["configMapGenerator"]:
            paths += [*generated.get("envs", []), *generated.get("files", [])]
        for path in paths:
            assert (folder / path).exists(), path
        listed = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert listed <= {Path(path).name for path in paths}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
def test_the_example_is_built_and_valid() -> None:
    built = subprocess.run(["kubectl", "kustomize", str(EXAMPLE)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    documents = list(yaml.safe_load_all(built.stdout))
    for document in documents:
        _validate(document, "1.37")
    (autoscaler,) = [each for each in documents if each["kind"] == "HorizontalPodAutoscaler"]
    assert autoscaler["spec"]["maxReplicas"] == 6
    images = set(re.findall(r"image: (\S+)", built.stdout))
    assert all(image.startswith("registry.example.org/") for image in images)
