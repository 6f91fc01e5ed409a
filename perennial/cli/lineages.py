"""`perennial lineage`: what a thing came from, and what came from it."""

from __future__ import annotations

from html import escape
from pathlib import Path

from perennial.cli.output import as_json, flowing, say
from perennial.errors import InputError
from perennial.lineage.graph import Node, Part
from perennial.lineage.lines import lines_of, short
from perennial.lineage.named import find
from perennial.lineage.picture import picture
from perennial.lineage.views import node_view, part_view
from perennial.settings import settings
from perennial.store.workspace import reading_workspace
from perennial.whole_file import write_whole


def lineage(usecase: str, id: str, up: bool, down: bool, out: Path | None, json: bool) -> None:
    """Both directions if none is asked for. Raises InputError for an id that names nothing, or several things."""
    if out is not None and out.suffix not in (".svg", ".html"):
        raise InputError(
            f"--out: {out} ends in neither .svg nor .html",
            code="lineage-picture",
            value=str(out),
            fix="Name the file lineage.svg or lineage.html.",
        )
    workspace = reading_workspace(settings())
    named = find(workspace, workspace.declared(usecase).declaration, id)
    node, both = named.graph.nodes[named.ref], up == down
    parts = {
        "up": named.graph.up(named.ref) if up or both else None,
        "down": named.graph.down(named.ref) if down or both else None,
    }
    drawn = _drawn(out, usecase, node, [part for part in parts.values() if part is not None]) if out else None
    if json:
        sides = {side: part_view(part) if part is not None else None for side, part in parts.items()}
        as_json({"usecase": usecase, "node": node_view(node), **sides, "picture": drawn})
        return
    _show(usecase, node, parts["up"], parts["down"])
    if drawn is not None:
        flowing(f"\nThe picture is {drawn}")


def _drawn(out: Path, usecase: str, node: Node, parts: list[Part]) -> str:
    """The path of the picture that is written. Raises InputError where it cannot be."""
    path, svg = out.expanduser().resolve(), picture(usecase, node, parts)
    title = escape(f"Lineage of {node.ref.kind} {node.ref.id} of {usecase}")
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>svg {{ width: 100%; height: auto }}</style><body>\n{svg}</body></html>\n"
    )
    try:
        write_whole(path, svg if path.suffix == ".svg" else page)
    except OSError as error:
        fix = "Choose a folder you can write to."
        raise InputError(f"--out: {path} cannot be written: {error.strerror}", value=str(path), fix=fix) from error
    return str(path)


def _show(usecase: str, node: Node, up: Part | None, down: Part | None) -> None:
    id = node.ref.id if node.ref.kind in ("key", "prediction") else short(node.ref.id)
    flowing(f"{node.ref.kind} {id} of {usecase}: {node.text}")
    for part, upwards, heading, nothing in (
        (up, True, "It came from:", "It came from nothing else that is recorded."),
        (down, False, "What came from it:", "Nothing came from it yet."),
    ):
        if part is None:
            continue
        say()
        flowing(heading if part.nodes else nothing)
        for line in lines_of(part, upwards=upwards):
            say(f"  {line}")
