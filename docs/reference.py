"""Generates two pages from the code: `declaration.md` from the schema, `commands.md` from the command line.

Run `python docs/reference.py` to write them. A test fails if they are out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def pages() -> dict[str, str]:
    """Every generated page, by its file name in `docs/`."""
    return {"declaration.md": declaration(), "commands.md": commands()}


def declaration() -> str:
    """The reference of the declaration: every field with its type, default and meaning."""
    from perennial.usecase.declaration import Declaration
    from perennial.usecase.schema import file_schema
    from perennial.usecase.template import OF_TEMPLATES

    schema, of_file = Declaration.model_json_schema(by_alias=True), file_schema()
    parts = {name: part for name, part in schema["$defs"].items() if "properties" in part and name != "Check"}
    of_templates = {name: part for name, part in of_file["$defs"].items() if name.startswith("Fleet")}
    template = {
        "description": "A file with a `for_each` is a template, which declares [many use cases](concepts/fleet.md). It "
        "has these fields besides those of the top level.",
        "properties": {name: of_file["properties"][name] for name in OF_TEMPLATES},
        "required": ["for_each"],
    }
    sections = [
        "# Declaration",
        "A use case is declared in one YAML file, `usecases/NAME.yaml`. This page is generated from the schema\n"
        "that `perennial check` uses; `perennial schema` prints the schema for your editor. Unknown fields are\n"
        "mistakes. Durations are written `15m`, `12h`, `30d`, `4w` or `1y` (365 days).",
        _section("Top level", schema),
        _section("Template", template),
        *[_section(name, part) for name, part in (parts | of_templates).items()],
        f"## Check\n\n{schema['$defs']['Check']['description']}\n\n"
        "A failed `critical` check (the default) sets rows aside or holds the batch. A failed `warning` or `info`\n"
        "check is reported, and its rows are accepted. The names are those of Great Expectations' core expectations;\n"
        "`perennial schema` lists them.",
    ]
    return "\n\n".join(sections) + "\n"


def _section(name: str, part: dict[str, Any]) -> str:
    required = part.get("required", [])
    rows = [
        f"| `{field}` | {_type(about)} | {_default(about, field in required)} | {_cell(about.get('description', ''))} |"
        for field, about in part["properties"].items()
    ]
    meaning = part.get("description", "").split("\n\n")[0].replace("\n", " ")
    return "\n".join(
        [f"## {name}", "", meaning, "", "| field | type | default | meaning |", "|---|---|---|---|", *rows]
    )


def _type(about: dict[str, Any]) -> str:
    """The accepted values in words: a list of values, a link to a section, or a type."""
    if "$ref" in about:
        name = about["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in about:
        return f"`{about['const']}`"
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if forms := about.get("oneOf") or about.get("anyOf"):
        return " or ".join(dict.fromkeys(_type(form) for form in forms))
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    if about.get("type") == "object" and isinstance(about.get("additionalProperties"), dict):
        return f"name → {_type(about['additionalProperties'])}"
    if about.get("pattern", "").endswith(r"[mhdwy]\s*$"):
        return "duration"
    words = {"string": "text", "null": "`null`", "object": "mapping", "boolean": "true or false"}
    return words.get(about.get("type", ""), about.get("type", "anything")) + _bounds(about)


def _bounds(about: dict[str, Any]) -> str:
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    return "".join(f" {sign} {about[key]}" for key, sign in signs.items() if key in about)


def _default(about: dict[str, Any], required: bool) -> str:
    if required:
        return "**required**"
    value = about.get("default")
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, dict):
        return "see its section"
    if isinstance(value, str) and (days := re.fullmatch(r"P(\d+)D|PT0S", value)):
        return f"`{days[1] or 0}d`"
    return f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def commands() -> str:
    """The help of every command, as `perennial COMMAND --help` prints it."""
    import typer

    from perennial.cli.app import app

    group = typer.main.get_command(app)
    context = group.make_context("perennial", [], resilient_parsing=True)
    sections = [
        "# Commands",
        "This page is generated from the command line.\n"
        "Exit codes: 0 success, 1 failure, 2 invalid input, 3 stopped by a gate.",
    ]
    for name, command, above in _below(group, context):
        with command.make_context(name, [], parent=above, resilient_parsing=True, terminal_width=100) as inner:
            title = inner.command_path.removeprefix("perennial ")
            sections.append(f"## {title}\n\n```text\n{command.get_help(inner)}\n```")
    return "\n\n".join(sections) + "\n"


def _below(group: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every command with its name and parent context; for a group, the commands in it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            if command.invoke_without_command:
                yield name, command, context
            yield from _below(command, command.make_context(name, [], parent=context, resilient_parsing=True))
        else:
            yield name, command, context


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
