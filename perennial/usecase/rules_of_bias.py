"""Mistakes in the meaning of the protected groups under `governance`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from perennial.usecase.declared_bias import MOST_GROUPS, OF_ERRORS, Protected, is_function
from perennial.usecase.document import Document, Place
from perennial.usecase.importable import missing_function
from perennial.usecase.mistakes import Mistake, hint
from perennial.usecase.rules_of_columns import known_columns, no_column
from perennial.usecase.spelling import share_of

_SUM = 0.01
"""Declared shares are rounded, so they need not sum to exactly 1."""


def bias_rules(document: Document, folder: Path) -> Iterator[Mistake]:
    """Every mistake in the groups of persons under `governance`. folder: the folder of the declaration."""
    protected = document.at("governance", "protected")
    named: dict[str, Place] = {}
    for number in range(len(protected) if isinstance(protected, list) else 0):
        place: Place = ("governance", "protected", number)
        plain = document.text(*place)
        column = plain or document.text(*place, "column")
        function = plain if plain and is_function(plain) else document.text(*place, "function")
        if function is not None:
            name = document.text(*place, "name") or function.rpartition(":")[2]
            if wrong := missing_function(function, folder):
                yield document.mistake(place, *wrong, code="bias-function")
        elif column is not None:
            name = document.text(*place, "name") or column
            yield from _column(document, place, column)
        else:
            continue
        if name in named:
            message = f"a second group of columns called '{name}', first on line {document.line(named[name])}"
            yield document.mistake(place, message, "remove one, or give it another name", code="bias-name-twice")
        named.setdefault(name, place)
    if not named:
        yield from _unused(document)
        return
    if document.text("governance", "bias", "no_groups"):
        message, fix = "gives a reason for no groups, and governance.protected names some", "remove one of the two"
        yield document.mistake(("governance", "bias", "no_groups"), message, fix, code="bias-no-groups")
    yield from _gate(document)
    yield from _intersections(document, named)
    yield from _selected(document)
    yield from _population(document, named)
    if document.text("release", "policy") in ("blend", "blend_learned") and has_gate(document):
        yield document.mistake(
            ("governance", "bias", "gate"),
            "cannot hold what this policy makes live without a decision",
            "use another policy, or write governance.bias: {gate: false}: the groups are then only reported",
            code="bias-blend",
        )


def has_gate(document: Document) -> bool:
    """Whether groups are compared, and one that is treated worse holds a release."""
    gate = document.at("governance", "bias", "gate")
    return bool(document.at("governance", "protected")) and gate is not False


def _gate(document: Document) -> Iterator[Mistake]:
    """A list of measures names each once, and error rates need labels that can be wanted."""
    place: Place = ("governance", "bias", "gate")
    texts = document.texts(*place)
    selected = document.mapping("governance", "selected")
    for number, (where, name) in enumerate(texts):
        if name in [earlier for _, earlier in texts[:number]]:
            yield document.mistake(where, f"'{name}' is listed twice", "remove one", code="bias-gate")
        elif name in OF_ERRORS and document.text("schema", "task") == "regression" and {"top", "bottom"} & {*selected}:
            message = f"'{name}' is unknown: the {'top' if 'top' in selected else 'bottom'} of predictions is no label"
            fix = "write selected: {above: …} or {below: …}, or gate by another measure"
            yield document.mistake(where, message, fix, code="bias-gate")


def _column(document: Document, place: Place, column: str) -> Iterator[Mistake]:
    columns, bands = known_columns(document), document.at(*place, "bands")
    types = document.mapping("schema", "types")
    numbers = {name for _, name in document.texts("features", "numeric")}
    numbers |= {name for name, kind in types.items() if kind == "number"}
    if columns and column not in columns:
        yield no_column(document, place, column, columns)
    elif column in (document.text("schema", "target"), document.text("schema", "time")):
        yield document.mistake(
            place, f"'{column}' is the target or the time, not a group", "name another column", code="bias-column"
        )
    elif column in numbers and not bands:
        message = f"'{column}' contains numbers, so every value would be a separate group"
        fix = f"write it in bands: {{column: {column}, bands: [30, 45, 60]}}"
        yield document.mistake(place, message, fix, code="bias-column")
    elif bands and column not in numbers:
        message = f"'{column}' is not a column of numbers, so it has no bands"
        yield document.mistake(place, message, "remove the bands, or name a number column", code="bias-bands")
    elif isinstance(bands, list) and not _ascending(bands):
        fix = "write them from the lowest to the highest: [30, 45, 60]"
        yield document.mistake((*place, "bands"), "the limits do not ascend", fix, code="bias-bands")
    elif isinstance(bands, list) and len(bands) >= MOST_GROUPS:
        yield _too_many(document, (*place, "bands"), len(bands) + 1)


def _too_many(document: Document, place: Place, groups: int) -> Mistake:
    message = f"are {groups:,} groups; at most {MOST_GROUPS} can be compared"
    return document.mistake(place, message, "write fewer", code="bias-many-groups")


def _ascending(bands: list[Any]) -> bool:
    numbers = [each for each in bands if isinstance(each, int | float)]
    return all(low < high for low, high in pairwise(numbers))


def _unused(document: Document) -> Iterator[Mistake]:
    of_none = set(document.mapping("governance", "bias")) <= {"no_groups"}
    for field in ("intersections", "selected", "population", *(() if of_none else ("bias",))):
        if document.at("governance", field):
            message = "compares groups, and governance.protected names none"
            fix = "name the columns under governance.protected, or remove it"
            yield document.mistake(("governance", field), message, fix, code="bias-unused")


def _intersections(document: Document, named: dict[str, Place]) -> Iterator[Mistake]:
    lists = document.at("governance", "intersections")
    for number in range(len(lists) if isinstance(lists, list) else 0):
        place: Place = ("governance", "intersections", number)
        parts = [name for _, name in document.texts(*place)]
        for where, name in document.texts(*place):
            if name not in named:
                fix = hint(name, named, "protected groups")
                yield document.mistake(where, f"'{name}' is not protected", fix, code="bias-intersection")
        if isinstance(lists, list) and isinstance(lists[number], list) and len(set(parts)) < 2:
            fix = "name two protected groups or more: [sex, age]"
            yield document.mistake(place, "is no intersection", fix, code="bias-intersection")


def _selected(document: Document) -> Iterator[Mistake]:
    place: Place = ("governance", "selected")
    task, selected = document.text("schema", "task"), document.mapping(*place)
    classes = document.at("schema", "classes")
    if document.at(*place) is None:
        yield document.mistake(
            ("governance", "protected"),
            "groups are compared by who is selected, and governance.selected does not state that",
            "write which predictions are wanted: selected: {above: 0.5}, {below: 0.2} or {top: 10%}",
            code="bias-selected",
        )
    elif task == "multiclass" and "classes" not in selected:
        fix = "write selected: {classes: [...]}"
        yield document.mistake(place, "several classes need the wanted ones", fix, code="bias-selected")
    elif task != "multiclass" and "classes" in selected:
        fix = "write selected: {above: 0.5}"
        yield document.mistake(place, f"classes are for multiclass, the task is {task}", fix, code="bias-selected")
    elif isinstance(classes, list) and [each for each in selected.get("classes") or () if each not in classes]:
        fix = "use classes of schema.classes"
        yield document.mistake(place, "names a class that the target does not have", fix, code="bias-selected")
    elif task == "binary":
        for limit in ("above", "below"):
            value = selected.get(limit)
            if isinstance(value, int | float) and not 0 < value < 1:
                fix = "a prediction is a probability: write a number between 0 and 1"
                yield document.mistake((*place, limit), f"is {value}", fix, code="bias-selected")


def _population(document: Document, named: dict[str, Place]) -> Iterator[Mistake]:
    for name, shares in document.mapping("governance", "population").items():
        place: Place = ("governance", "population", name)
        if name not in named:
            fix = hint(str(name), named, "protected groups")
            yield document.mistake(place, f"'{name}' is not protected", fix, code="bias-population")
            continue
        if isinstance(shares, dict) and len(shares) > MOST_GROUPS:
            yield _too_many(document, place, len(shares))
            continue
        bands = document.mapping(*named[name]).get("bands")
        if isinstance(bands, list) and _ascending(bands) and all(isinstance(each, int | float) for each in bands):
            known = Protected(column="any", bands=tuple(bands)).band_names
            for value in shares if isinstance(shares, dict) else ():
                if value not in known:
                    fix = hint(str(value), known, "bands")
                    yield document.mistake(
                        (*place, value), f"'{value}' is not one of the bands", fix, code="bias-population"
                    )
        try:
            total = sum(float(share_of(each)) for each in shares.values()) if isinstance(shares, dict) else 1.0
        except (TypeError, ValueError):
            continue  # a share that is not valid is a mistake of shape
        if abs(total - 1) > _SUM:
            message = f"the shares sum to {total * 100:g} %"
            yield document.mistake(
                place, message, "state every group, so that they sum to 100 %", code="bias-population"
            )
