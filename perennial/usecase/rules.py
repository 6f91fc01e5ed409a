"""Mistakes in the meaning of a declaration: names of things that do not exist, and fields that contradict each other.

Every rule reads the values of the file, not a finished declaration, so that a mistake elsewhere hides none here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from perennial.errors import InputError
from perennial.registered import CHANNELS
from perennial.sources.sql import outside_quotes
from perennial.usecase.built_in import built_in, derived_name
from perennial.usecase.declaration import Watch
from perennial.usecase.declared_source import OUR_KINDS
from perennial.usecase.document import Document, Place, written
from perennial.usecase.importable import is_own, missing_class, missing_function
from perennial.usecase.mistakes import Mistake, closest, hint
from perennial.usecase.rules_of_alerts import alert_rules
from perennial.usecase.rules_of_checks import check_rules
from perennial.usecase.rules_of_columns import (
    built_in_rules,
    known_columns,
    names_tables_refuse,
    roles,
)
from perennial.usecase.rules_of_evaluation import evaluation_rules
from perennial.usecase.rules_of_governance import governance_rules
from perennial.usecase.rules_of_parts import parts_rules
from perennial.usecase.rules_of_reading import reading_rules
from perennial.usecase.rules_of_release import release_rules
from perennial.usecase.rules_of_training import training_rules
from perennial.usecase.schema import other_kinds
from perennial.usecase.windows import OURS, REGISTERED, OtherWindow, read_window

_OF_THE_MACHINE = {"localtime", "local", "posixrules", "factory"}


def broken_rules(document: Document, path: Path) -> list[Mistake]:
    """Every mistake in the meaning of a declaration read from `path`."""
    return [
        *_name(document, path),
        *_source(document),
        *_columns(document),
        *names_tables_refuse(document),
        *_label_time(document),
        *_derived(document, path.parent),
        *built_in_rules(document),
        *check_rules(document),
        *reading_rules(document),
        *_estimator(document, path.parent),
        *evaluation_rules(document, path.parent),
        *release_rules(document),
        *_channels(document),
        *alert_rules(document),
        *governance_rules(document, path.parent),
        *_windows(document),
        *training_rules(document),
        *parts_rules(document),
        *_schedule(document),
        *_timezones(document),
    ]


def _name(document: Document, path: Path) -> Iterator[Mistake]:
    name = document.text("name")
    if name is not None and name != path.stem:
        yield document.mistake(
            ("name",),
            f"'{name}' differs from the name of the file",
            f"write `name: {path.stem}` or rename the file to {name}.yaml",
            code="declaration-name-differs",
        )


def _source(document: Document) -> Iterator[Mistake]:
    kind, known = document.text("source", "kind"), (*OUR_KINDS, *other_kinds())
    if kind is not None and kind not in known:
        yield document.mistake(
            ("source", "kind"), f"unknown source '{kind}'", hint(kind, known, "sources"), code="source-unknown-kind"
        )
    elif kind == "sql":
        yield from _sql(document)
    elif kind == "delta" and re.search(r"//[^/]*@", document.text("source", "path") or ""):
        yield _secret(document, ("source", "path"), "remove it: credentials come from the environment (AWS_…)")


def _sql(document: Document) -> Iterator[Mistake]:
    name, query = document.text("source", "url_env"), document.text("source", "query")
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        yield _secret(
            document,
            ("source", "url_env"),
            "put the address in a variable, and write the name of the variable here: SHOP_URL",
        )
    if query is not None:
        plain = outside_quotes(query)
        missing = [word for word in (":start", ":end") if not re.search(rf"(?<!:){word}\b", plain)]
        if missing:
            message = f"does not use {' and '.join(missing)}, so every batch would be the whole table"
            yield document.mistake(
                ("source", "query"), message, "… WHERE at >= :start AND at < :end", code="source-query-parameters"
            )
        if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE) or ";" in plain:
            yield document.mistake(
                ("source", "query"),
                "is not a single SELECT",
                "write one read-only query without ';'",
                code="source-query-not-select",
            )
    first = document.at("source", "first")
    try:
        date.fromisoformat(str(first))
    except ValueError:
        if first is not None:
            yield document.mistake(
                ("source", "first"), f"'{first}' is not a day", "write it as 2024-01-01", code="source-first-day"
            )


def _secret(document: Document, place: Place, fix: str) -> Mistake:
    """A mistake in a value that may contain a password. The value is not repeated."""
    mistake = document.mistake(
        place, "is not the name of a variable, or holds credentials (not shown)", fix, code="source-secret"
    )
    return replace(mistake, value=None)


def _columns(document: Document) -> Iterator[Mistake]:
    """A column has one role. Only the time can also be (part of) the key, and a part of a key can be a feature."""
    first: dict[str, tuple[Place, str]] = {}
    parts = len([name for name, _, role in roles(document) if role == "key"])
    for name, place, role in roles(document):
        if not name.strip():
            yield document.mistake(place, "a column has no name", "write its name", code="column-without-name")
        elif name not in first:
            first[name] = place, role
        elif (first[name][1], role) not in {("time", "key"), ("key", "categorical" if parts > 1 else "")}:
            yield _two_roles(document, name, place, role, *first[name])
    for name in document.mapping("schema", "types"):
        if name in first and first[name][1] not in ("key", "never"):
            place, role = first[name]
            message = f"the type of '{name}' follows from {written(place)} (line {document.line(place)})"
            yield document.mistake(("schema", "types", name), message, "remove it here", code="column-type-repeated")


def _two_roles(document: Document, name: str, place: Place, role: str, other: Place, other_role: str) -> Mistake:
    line = document.line(other)
    if role == other_role:
        return document.mistake(
            place,
            f"'{name}' is listed twice, first on line {line}",
            "remove one of the two",
            code="column-listed-twice",
        )
    reasons = {
        "target": "it is the target, which the model must not see",
        "never": "it is listed under never, as known only after the event",
        "key": "it is the key, which contains no information about a new row",
        "time": "it is the time; derive features from it with a function",
        "label_known_at": "it is the time at which the label became known, which is after the event",
        "weight": "it is the weight, which rows to score need not have; copy it to another column at its source",
    }
    is_feature = role in ("numeric", "categorical")
    if is_feature and other_role in reasons:
        message = f"'{name}' cannot be a feature: {reasons[other_role]} (line {line})"
    else:
        message = f"'{name}' is already {written(other)} (line {line})"
    return document.mistake(place, message, f"remove it here or from {written(other)}", code="column-two-roles")


def _label_time(document: Document) -> Iterator[Mistake]:
    schema = document.mapping("schema")
    if schema.get("label_known_at") is not None and schema.get("label_known_after") is not None:
        message = "conflicts with label_known_after: the time of a label is either a column or a delay"
        yield document.mistake(("schema", "label_known_at"), message, "remove one of the two", code="label-time-twice")


def _derived(document: Document, folder: Path) -> Iterator[Mistake]:
    columns, first = known_columns(document), dict[str, Place]()
    for place, reference in document.texts("features", "derived"):
        wrong = missing_function(reference, folder) if built_in(reference) is None else None
        if wrong:
            yield document.mistake(place, *wrong, code="derived-function")
            continue
        name = derived_name(reference)
        if name in columns:
            message = f"'{name}' is a column too: a derived feature has the name of its function"
            yield document.mistake(place, message, "rename one of the two", code="derived-name-is-column")
        elif name in first:
            message = f"a second derived feature '{name}', first on line {document.line(first[name])}"
            yield document.mistake(place, message, "remove or rename one of the two", code="derived-name-twice")
        first.setdefault(name, place)


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
            yield document.mistake(place, *wrong, code="model-estimator")
    if len(places) > 1 and document.at("model", "search") is not None:
        message = "conflicts with search, whose parameters belong to a single estimator"
        yield document.mistake(("model", "rivals"), message, "remove one of the two", code="model-rivals-with-search")


def _channels(document: Document) -> Iterator[Mistake]:
    for place, name in document.texts("watch", "channels"):
        if not CHANNELS.has(name):
            message = f"unknown channel '{name}'"
            yield document.mistake(place, message, CHANNELS.hint(name), code="channel-unknown")
    watched = [name for _, name in document.texts("watch", "channels")] or list(Watch().channels)
    for place, name in document.texts("triggers", "on_drift"):
        if name not in watched:
            message = f"the channel '{name}' is not monitored"
            fix = f"add it to watch.channels, or name one of {', '.join(watched)}"
            yield document.mistake(place, message, fix, code="on-drift-unwatched")


def _windows(document: Document) -> Iterator[Mistake]:
    """A window from an installed package is read by the model of that package."""
    window = document.at("model", "window")
    one: Place = ("model", "window")
    places = [(*one, number) for number in range(len(window))] if isinstance(window, list) else [one]
    for place in places:
        word = next(iter(document.mapping(*place)), None)
        if word is None or word in OURS or word not in REGISTERED.installed():
            continue
        try:
            read_window(OtherWindow.model_validate(document.mapping(*place)))
        except InputError as error:
            message = str(error).partition(": ")[2]
            fix = "write what the package that has this window takes, or use one of Perennial's windows"
            yield document.mistake((*place, word), message, fix, code="window-wrong")


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
            reason = "a date that does not exist"
    if reason:
        fix = 'five fields: minute hour day month weekday, for example "0 6 2 * *" (the 2nd of each month, 6:00)'
        yield document.mistake(
            ("triggers", "schedule"), f"'{line}' is not a cron expression: {reason}", fix, code="schedule-not-cron"
        )


def _timezones(document: Document) -> Iterator[Mistake]:
    places: list[Place] = [("schema", "timezone"), ("triggers", "timezone")]
    for place in places:
        name = document.text(*place)
        if name is None:
            continue
        if name.casefold() in _OF_THE_MACHINE:
            message = f"'{name}' depends on the machine, so batches would differ from machine to machine"
            fix = "write a region and city, such as Europe/Berlin, or UTC"
            yield document.mistake(place, message, fix, code="timezone-of-machine")
            continue
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = closest(name, available_timezones())
            fix = (
                f"did you mean '{near}'? " if near else ""
            ) + "Write a region and city, such as Europe/Berlin, or UTC"
            yield document.mistake(place, f"unknown time zone '{name}'", fix, code="timezone-unknown")
