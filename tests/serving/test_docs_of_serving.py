"""The page docs/serving.md: its examples run as they are, against a service on another port."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perennial.access.keys import read_keys
from tests.serving.running_service import Place, Running, serving

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


CURLS = [block for block in _blocks("sh") if block.startswith("curl")]


@pytest.fixture(scope="module")
def service(released_shop: Place) -> Iterator[Running]:
    with serving(released_shop) as running:
        yield running


def _run(program: list[str], block: str, service: Running, place: Place) -> str:
    assert "127.0.0.1:8000" in block
    block = block.replace("127.0.0.1:8000", f"127.0.0.1:{service.port}")
    run = subprocess.run(
        [*program, block], env=place.environment(no_proxy="127.0.0.1"), capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_curl_examples_are_answered(service: Running, released_shop: Place) -> None:
    native, mlflow, tensors = (json.loads(_run(["bash", "-c"], each, service, released_shop)) for each in CURLS)
    score = native["predictions"][0]["score"]
    assert mlflow["predictions"] == [score]
    assert tensors["outputs"][0]["data"] == [score]
    [shown] = map(json.loads, _blocks("json"))
    assert _shape(shown) == _shape(native)


def _shape(value: Any) -> Any:
    """Names and types."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    return [_shape(each) for each in value] if isinstance(value, list) else type(value)


def test_the_python_example_prints_scores_and_a_warning(service: Running, released_shop: Place) -> None:
    [example] = _blocks("python")
    first, second = _run([sys.executable, "-c"], example, service, released_shop).splitlines()
    assert first.endswith(" []")
    assert "'drone' was never seen in training" in second


def test_the_digest_of_a_key_is_made_as_on_the_page(tmp_path: Path) -> None:
    [command] = [line for block in _blocks("sh") for line in block.splitlines() if "sha256sum" in line]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, env={"KEY": "a key", "PATH": "/usr/bin:/bin"}, check=True)
    assert (tmp_path / "keys").read_text() == hashlib.sha256(b"a key").hexdigest() + "\n"
    keys = read_keys(tmp_path / "keys", "", "unused")
    assert keys.of("a key") and not keys.of("another")
