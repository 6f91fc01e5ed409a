"""Every error has a stable code with a section in the docs, and is built from data that other processes can take."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import data_checks
import perennial
from perennial.errors import InputError, PerennialError, TransientError
from perennial.serving.request import BadRecords
from perennial.usecase.mistakes import DeclarationError, Mistake

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r'\bcode(?:: \w+)? ?= ?"([^"]*)"')


def codes_of_source() -> set[str]:
    found: set[str] = set()
    for folder in ("perennial", "flows", "tasks", "data_checks"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(CODE.findall(path.read_text(encoding="utf-8")))
    shape = (ROOT / "perennial" / "usecase" / "shape.py").read_text(encoding="utf-8")
    document = (ROOT / "perennial" / "usecase" / "document.py").read_text(encoding="utf-8")
    return found | set(re.findall(r'"(declaration-[a-z0-9-]+)"', shape + document))


def kinds_of_errors() -> Iterator[type[PerennialError]]:
    for package in (perennial, data_checks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    waiting = [PerennialError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith(("perennial", "data_checks")):
            yield kind


def test_every_code_of_the_source_has_a_section_in_the_docs_and_no_section_is_left_over() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (.*)$", page, re.MULTILINE)
    assert len(sections) == len(set(sections))
    assert set(sections) == codes_of_source()
    for code in sections:
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", code)


def test_errors_go_from_process_to_process_whole() -> None:
    kinds = [kind for kind in kinds_of_errors() if not issubclass(kind, DeclarationError | BadRecords)]
    assert len(kinds) > 15
    for kind in kinds:
        error = kind("is too small", code="some-code", field="model.params", value=[3], fix="write 4")
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 — our own bytes
        assert type(again) is kind
        assert str(again) == str(error) == "model.params: is too small\n  write 4"
        assert (again.code, again.field, again.value, again.fix) == ("some-code", "model.params", [3], "write 4")


def test_mistakes_go_from_process_to_process_whole() -> None:
    mistake = Mistake("shop.yaml", 3, "schema.key", "order", "should be a list", "write [order]", code="some-code")
    again = pickle.loads(pickle.dumps(DeclarationError([mistake])))  # noqa: S301 — our own bytes
    assert again.mistakes == (mistake,)
    assert (again.code, again.field, again.value) == ("declaration-invalid", "schema.key", "order")


@pytest.mark.parametrize(
    ("message", "field", "fix"),
    [
        ("PERENNIAL_HOME: /x is a file\n  Set it\n  to a folder.", "PERENNIAL_HOME", "Set it to a folder."),
        ("model.params: takes no C", "model.params", ""),
        ("--key: names no row", "--key", ""),
        ("shop: nothing to train on", None, ""),
    ],
)
def test_a_message_alone_is_enough(message: str, field: str | None, fix: str) -> None:
    error = InputError(message)
    assert (str(error), error.field, error.fix, error.code) == (message, field, fix, "input-wrong")


def test_a_code_of_one_error_leaves_its_class_as_it_is() -> None:
    assert TransientError("x", code="server-starting").code == "server-starting"
    assert TransientError("x").code == TransientError.code == "try-again"
