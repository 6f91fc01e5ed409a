"""Writes what the images install, with the pins and hashes of requirements.lock.

.venv/bin/python deploy/requirements.py

`requirements/stack.lock` has the project's dependencies and extras, `requirements/service.lock` what a worker of
`perennial serve` imports, `requirements/build.lock` what installs the project itself. Nothing is resolved again and
nothing is downloaded: what a package needs is read from the installed packages, so run it after `make install`. A test
compares the files with what this writes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_HEAD = "# Written by deploy/requirements.py from requirements.lock. Do not edit.\n"


def files() -> dict[Path, str]:
    """Path → its text."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups, extras = project["dependency-groups"], project["project"]["optional-dependencies"]
    pins = pinned((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    stack = [
        *project["project"]["dependencies"],
        *(each for extra in extras.values() for each in extra),
        *groups["stack"],
    ]
    return {
        HERE / "requirements" / "stack.lock": _HEAD + selected(pins, stack),
        HERE / "requirements" / "service.lock": _HEAD + selected(pins, groups["service"]),
        HERE / "requirements" / "build.lock": _HEAD + selected(pins, project["build-system"]["requires"]),
    }


def pinned(lock: str) -> dict[str, str]:
    """Package → its lines: version, marker and hashes."""
    parts = re.split(r"^(?=[a-z0-9])", lock, flags=re.M | re.I)
    return {canonicalize_name(re.match(r"[\w.-]+", part)[0]): part for part in parts if part[:1].isalnum()}  # type: ignore[index]


def selected(pins: Mapping[str, str], wanted: Iterable[str]) -> str:
    """The lines of the wanted packages and of everything that they need, in the order of the lock.

    A package that is not installed here is needed on another system only; its lines carry the marker that says so.
    """
    needed: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(each) for each in wanted]
    while waiting:
        each = waiting.pop()
        name = canonicalize_name(each.name)
        for extra in ("", *each.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            if name not in pins:
                continue  # for a system or a Python that the project does not support
            needed.add(name)
            waiting += [more for more in _requires(name) if _applies(more, extra)]
    return "".join(lines for name, lines in pins.items() if name in needed)


def _requires(name: str) -> list[Requirement]:
    try:
        return [Requirement(text) for text in requires(name) or []]
    except PackageNotFoundError:
        return []


def _applies(requirement: Requirement, extra: str) -> bool:
    """Whether it is asked for by the extra, "" for none, on any system: the lock's markers choose between systems."""
    marker = str(requirement.marker or "")
    if "extra" not in marker:
        return extra == ""
    return extra != "" and bool(re.search(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]", marker))


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
