"""What people read is plain, modern English: the habits listed here stay out of docs, help, messages and pages."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("perennial", "flows", "tasks", "data_checks", "tests", "usecases", "docs", "benchmarks")

HABITS = {
    r"tells?|told|telling": "reports, shows, prints, records",
    r"says|said": "reports, states, requires",
    r"judges?|judged|judging": "evaluate, are used for evaluation",
    r"who serves|what serves": "which model is live",
    r"(?<!there )is no (name|share|number|date|time|id|key|column|table|url|file|address)": "is not a valid ...",
    r"is ill": "returned status ...",
    r"(files?|lines?|flows?|rows|runs?|pages?|deployments?) a (use case|month|day|batch|kind|flow|cycle|side)": (
        "one file per use case"
    ),
    r"ways? out": "how to fix it",
    r"mends?|mended|mending": "repair, fix",
    r"hangs? together": "are correlated",
    r"be it": "even if",
    r"for ever|forever": "permanently",
    r"of (one's|its|a team's|your|their|our) own|of my own": "custom, your own X",
    r"answers? for (a|the) model": "owner",
    r"what (is|came|was decided), what": "current state, batches, decisions",
    r"respects? that": "allows for",
    r"where nothing is (said|declared)": "by default",
    r"in spite of": "despite",
    r"nobody can": "tamper-evident, cannot be",
}
BANNED = re.compile("|".join(rf"\b(?:{habit})\b" for habit in HABITS), re.IGNORECASE)
RECORDED = ("of its own spread", "of what serves.", "What serves is ")
"""Of sentences that decisions hold: `replay` computes them again and compares, so they keep their words."""
FIELDS = (r"^judge$", r"\bjudge: (?=next_batch|\{)")
"""A field of the declaration keeps its name, alone or with its value."""
NAMES = {"found", "said", "told"}
ROWS = ROOT / "perennial" / "ledger" / "entries"  # names of fields there are those of rows on disk


def texts() -> Iterator[tuple[Path, int, str]]:
    """Everything people read: file, line and text."""
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "prefect.yaml", "pyproject.toml"):
        yield from _lines(ROOT / name)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path == Path(__file__) or "site" in path.relative_to(ROOT).parts:
                continue
            if path.suffix in (".md", ".yaml", ".j2", ".html", ".css"):
                yield from _lines(path)
            elif path.suffix == ".py":
                yield from _strings(path)


def _lines(path: Path) -> Iterator[tuple[Path, int, str]]:
    fenced = False
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        text = line if not fenced or path.suffix != ".md" else line.partition("#")[2] or line
        yield path, number, re.sub(r"`[^`]*`", "", text) if path.suffix == ".md" else text


def _strings(path: Path) -> Iterator[tuple[Path, int, str]]:
    """String literals, docstrings, comments and, in tests, the names of functions."""
    source = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield path, token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for offset, line in enumerate(node.value.splitlines()):
                yield path, node.lineno + offset, re.sub(r"`[^`]*`", "", line)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield path, node.lineno, node.name.replace("_", " ")


def habits() -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {match.group()!r} in {text.strip()[:100]}"
        for path, line, text in texts()
        for match in BANNED.finditer(re.sub("|".join(FIELDS), "", _without(RECORDED, text)))
    ]


def _without(sentences: tuple[str, ...], text: str) -> str:
    for sentence in sentences:
        text = text.replace(sentence, "")
    return text


def vague_names() -> list[str]:
    """Variables that are named by the act instead of the thing."""
    vague = []
    for folder in ("perennial", "flows", "tasks", "data_checks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ROWS in path.parents:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in NAMES:
                    vague.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.id}")
                if isinstance(node, ast.arg) and node.arg in NAMES:
                    vague.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.arg}")
    return vague


def test_no_text_keeps_a_habit_that_reads_like_a_translation() -> None:
    assert habits() == []


def test_no_variable_is_named_found_said_or_told() -> None:
    assert vague_names() == []


@pytest.mark.parametrize("text", ["it tells every mistake", "rows that judge nobody", "mended by a person"])
def test_the_habits_are_seen(text: str) -> None:
    assert BANNED.search(text)
