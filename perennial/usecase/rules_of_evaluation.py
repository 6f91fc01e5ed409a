"""Mistakes in the comparison of models: metrics, guards, slices, clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from perennial.usecase.declared_evaluation import DEFAULT_METRICS
from perennial.usecase.document import Document, Place
from perennial.usecase.importable import missing_function
from perennial.usecase.mistakes import Mistake, hint
from perennial.usecase.rules_of_columns import check_columns, known_columns, no_column


def evaluation_rules(document: Document, folder: Path) -> Iterator[Mistake]:
    """Every mistake in the meaning of `evaluation`. folder: the folder of the declaration."""
    yield from _metrics(document)
    yield from _own_metrics(document, folder)
    yield from _slices(document)
    yield from _clusters(document)


def _metrics(document: Document) -> Iterator[Mistake]:
    from perennial.evaluation.metrics import (
        METRIC_TASKS,
        NEGATIVE_FLIPS,
        REGISTERED,
        SHOWN_ONLY,
        grouped_by,
        takes_weights,
        wrong_cut,
    )

    task, own = document.text("schema", "task"), document.mapping("evaluation", "metrics")
    of_task = [*own, *([name for name, tasks in METRIC_TASKS.items() if task in tasks] or METRIC_TASKS)]
    of_task += REGISTERED.installed()
    primary = document.text("evaluation", "primary") or DEFAULT_METRICS.get(task or "")
    guards = [name for name in document.mapping("evaluation", "guards") if isinstance(name, str)]
    named: list[tuple[Place, str]] = [(("evaluation", "guards", name), name) for name in guards]
    if document.text("evaluation", "primary"):
        named.insert(0, (("evaluation", "primary"), str(primary)))
    first: dict[str, str] = {str(primary): "the primary metric"} | {
        name: "a guard" for name in guards if name != primary
    }
    for place, name in [*named, *document.texts("evaluation", "also")]:
        if place[1] == "guards" and name == NEGATIVE_FLIPS:
            yield from _flips(document, place, task)
            continue
        tasks = (task,) if name in own else _tasks_of(name)
        if fix := wrong_cut(name):
            yield document.mistake(place, f"metric '{name}' is not valid", fix, code="metric-cut")
        elif tasks is None:
            yield document.mistake(
                place, f"unknown metric '{name}'", hint(name, of_task, "metrics"), code="metric-unknown"
            )
        elif name in SHOWN_ONLY and place[1] != "also":
            yield document.mistake(
                place,
                f"'{name}' cannot decide: {SHOWN_ONLY[name]}",
                "list it under evaluation.also",
                code="metric-shown-only",
            )
        elif task in DEFAULT_METRICS and task not in tasks:
            message = f"metric '{name}' is for {' and '.join(map(str, tasks))}, the task is {task}"
            yield document.mistake(
                place, message, f"metrics for {task}: {', '.join(sorted(of_task))}", code="metric-other-task"
            )
        elif document.text("schema", "weight") is not None and name not in own and not takes_weights(name):
            message = f"metric '{name}' cannot be weighted, and schema.weight is declared"
            usual = DEFAULT_METRICS.get(task or "", "log_loss")
            fix = f"use another metric, for example {usual}, or remove schema.weight"
            yield document.mistake(place, message, fix, code="metric-without-weights")
        elif (column := grouped_by(name)) is not None:
            if place[1] == "primary":
                message = f"'{name}' measures how evenly a model treats groups, not how good it is"
                yield document.mistake(place, message, "make it a guard: {at_least: 0.8}", code="metric-group-primary")
            elif (columns := known_columns(document)) and column not in columns:
                yield no_column(document, place, column, columns)
        elif place[1] == "guards" and name == primary and "margin" in document.mapping(*place):
            message = f"'{name}' is the primary metric, which a release must improve anyway"
            yield document.mistake(
                place, message, "remove the guard, or guard another metric", code="metric-guard-is-primary"
            )
        if place[1] == "also" and tasks is not None:
            if name in first:
                yield document.mistake(
                    place, f"'{name}' is {first[name]} already, and shown", "remove it here", code="metric-listed-twice"
                )
            first.setdefault(name, "listed")


def _flips(document: Document, place: Place, task: str | None) -> Iterator[Mistake]:
    if task == "regression":
        message = f"'{place[-1]}' needs classes, because a number is never right or wrong; the task is regression"
        yield document.mistake(place, message, "guard a metric, for example mae", code="flips-regression")
    elif document.mapping(*place) and "at_most" not in document.mapping(*place):
        yield document.mistake(
            place, f"'{place[-1]}' has no at_most", "write {at_most: 2%}", code="flips-without-limit"
        )


def _own_metrics(document: Document, folder: Path) -> Iterator[Mistake]:
    from perennial.evaluation.metrics import GROUP_RATIOS, METRIC_TASKS, NEGATIVE_FLIPS

    for name in document.mapping("evaluation", "metrics"):
        place: Place = ("evaluation", "metrics", name)
        if name in (*METRIC_TASKS, *GROUP_RATIOS, NEGATIVE_FLIPS):
            yield document.mistake(
                place, f"'{name}' is the name of a built-in metric", "give it another name", code="metric-name-taken"
            )
        function = document.text(*place, "function")
        if function is None:
            continue
        if wrong := missing_function(function, folder, takes="labels, predictions"):
            yield document.mistake((*place, "function"), *wrong, code="metric-function")
        elif document.text("schema", "weight") is not None and document.text(*place, "per") == "all":
            yield from _without_weights(document, (*place, "function"), function, folder)


def _without_weights(document: Document, place: Place, function: str, folder: Path) -> Iterator[Mistake]:
    """A function of all rows has to weigh them itself."""
    if missing_function(function, folder, takes="labels, predictions, weights"):
        name = function.partition(":")[2]
        message = f"'{name}' takes no weights, and schema.weight is declared"
        fix = f"write `def {name}(labels, predictions, weights)`, or return one number per row and write `per: row`"
        yield document.mistake(place, message, fix, code="metric-without-weights")


def _slices(document: Document) -> Iterator[Mistake]:
    """A slice is the rows with one value, so a column of slices contains names or codes."""
    columns = known_columns(document)
    numbers = {name for _, name in document.texts("features", "numeric")}
    numbers |= {name for name, kind in document.mapping("schema", "types").items() if kind in ("number", "timestamp")}
    for place, name in document.texts("evaluation", "slices"):
        if columns and name not in columns:
            yield no_column(document, place, name, columns)
        elif name in numbers or name in (document.text("schema", "time"), document.text("schema", "target")):
            message = f"'{name}' contains numbers or times, so every row would be a separate slice"
            yield document.mistake(place, message, "use a column of names or codes", code="slice-of-numbers")


def _clusters(document: Document) -> Iterator[Mistake]:
    """A cluster column must be declared and must not have the name of a calendar unit."""
    columns, named = known_columns(document), document.texts("evaluation", "cluster_by")
    for number, (place, name) in enumerate(named):
        if len(named) == 2 and (number == 0) != (name in ("day", "week")):
            message = "a two-way clustering is days or weeks first, then a column"
            yield document.mistake(
                ("evaluation", "cluster_by"), message, "write for example [day, customer]", code="cluster-order"
            )
            return
        if name in ("day", "week") and len(named) == 1:
            message = f"a column called '{name}' would be confused with the calendar's {name}"
            yield document.mistake(
                place, message, f"write `cluster_by: {name}`, or rename the column", code="cluster-name-of-calendar"
            )
        elif columns and name not in ("day", "week"):
            yield from check_columns(document, place, columns)


def _tasks_of(name: str) -> tuple[str, ...] | None:
    """The tasks of a metric, built in or from an installed package; None if there is no such metric."""
    from perennial.evaluation.metrics import GROUP_RATIOS, REGISTERED, base_of, tasks_of

    return tasks_of(name) if base_of(name) in GROUP_RATIOS or REGISTERED.has(base_of(name)) else None
