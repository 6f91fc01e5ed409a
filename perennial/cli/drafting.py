"""`perennial init`: a first declaration from a file."""

from __future__ import annotations

import json as json_format
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.cli.output import as_json, flowing
from perennial.errors import InputError
from perennial.evaluation.figures import counted
from perennial.settings import settings
from perennial.sources.paths import ending_of
from perennial.usecase.reading import load_use_case

if TYPE_CHECKING:
    from data_checks.proposal import Proposal
    from perennial.usecase.drafting.guess import Guess, NeedsAnswer
    from perennial.usecase.drafting.sample import Column, Sample

MOST_CHECKS = 30
MOST_LEFT_OUT = 8


def init(
    data: str, target: str | None, time: str | None, key: list[str], name: str | None, json: bool, read: list[str]
) -> None:
    """Raises NeedsAnswer where the data leave open what is needed; InputError where the file is there already."""
    from data_checks.proposal import propose
    from perennial.usecase.drafting.calendar import calendar_of, times_of
    from perennial.usecase.drafting.features import features_of
    from perennial.usecase.drafting.form_writing import given_form
    from perennial.usecase.drafting.guess import Guess, NeedsAnswer
    from perennial.usecase.drafting.keys import spaced_apart
    from perennial.usecase.drafting.roles import roles_of
    from perennial.usecase.drafting.sample import look_at
    from perennial.usecase.drafting.season import years_with_a_season
    from perennial.usecase.drafting.writing import CLOCK, ONE_FILE, TIMEZONE, Draft, as_yaml

    path = Path(data).expanduser().resolve()
    # Beside the working folder's home, not in the folder that the project ships its own use cases in.
    folder = settings().usecases if os.environ.get("PERENNIAL_USECASES") else Path("usecases").resolve()
    called = name or _name_of(path)
    sample = look_at(path, *given_form(read))
    try:
        when, (wanted, task, classes), named = roles_of(sample, time, target, key)
    except NeedsAnswer as open_questions:
        raise _with_name(open_questions, folder, called) from None
    file = _free(folder, called)
    calendar = calendar_of(sample, when.value, wanted)
    times = times_of(sample, when.value)
    features = features_of(sample, named.value, when.value, wanted, task.value, times)
    chosen = [*features.numeric, *features.categorical]
    if not chosen and not features.derived:
        left = "; ".join(f"{column}: {why}" for column, why in features.left_out[:8])
        raise NeedsAnswer(f"{path}: no column is left to learn from ({left})\n  Add columns, or name another key.")
    # A number to predict is checked too: one absurd value spoils the loss of every later comparison.
    checked = [wanted, *chosen] if task.value == "regression" else chosen
    frame = sample.frame(checked) if checked else times.to_frame()[[]]
    frame[list(features.categorical)] = frame[list(features.categorical)].astype("str").where(frame.notna())
    timed = times.notna()
    proposals = propose(frame[timed], times[timed].dt.floor("D"), monthly=calendar.batch.value == "month")[:MOST_CHECKS]
    draft = Draft(
        name=called,
        path=_path_from(folder, path),
        rows=sample.rows,
        decimal=sample.decimal,
        key=named,
        time=when,
        target=wanted,
        task=task,
        classes=classes,
        calendar=calendar,
        features=features,
        checks=[(p.expectation, p.arguments, p.why) for p in proposals],
        form=sample.form,
        one_file=Guess(path.name, "unsure", ONE_FILE) if path.is_file() else None,
        season=years_with_a_season(times, sample.columns[wanted].values),
    )
    _write_new(file, as_yaml(draft))
    try:
        load_use_case(called, folder)
    except InputError:
        file.unlink()
        raise
    guesses = [
        *([_guess("path", draft.one_file)] if draft.one_file else []),
        _guess("batch", calendar.batch),
        _guess("key", named),
        _guess("time", when),
        _guess("task", task),
        _guess("label_known_after", calendar.label_known_after),
        _guess("cluster_by", calendar.clusters),
        _guess("timezone", TIMEZONE),
        _guess("clock", CLOCK),
        *(_guess("decimal" if name == "decimal" else f"read.{name}", guess) for name, guess in sample.form),
    ]
    asked_before = dict(sample.asked)
    questions = [(column, question) for column, question in features.questions if column not in asked_before]
    notes = [*sample.asked, *questions, *_unreadable(sample), *_implausible(proposals)]
    if (text := spaced_apart(sample, named.value)) is not None:
        notes.append((named.value[0], f"{text!r} differs from another value by spaces alone: they name two rows"))
    leaks = [asdict(leak) for leak in features.never]
    asked = [asdict(leak) for leak in features.asked]
    if json:
        as_json(
            {
                "usecase": called,
                "file": str(file),
                "rows": sample.rows,
                "guesses": guesses,
                "numeric": list(features.numeric),
                "categorical": list(features.categorical),
                "derived": [{"feature": feature, "why": why} for feature, why in features.derived],
                "never": leaks,
                "asked": asked,
                "left_out": [{"column": column, "why": why} for column, why in features.left_out],
                "questions": [{"column": column, "question": question} for column, question in notes],
                "checks": len(proposals),
            }
        )
        return
    named_features = counted(len(chosen) + len(features.derived), "feature", "features")
    checks = counted(len(proposals), "check", "checks")
    flowing(f"{file} is written, from {counted(sample.rows, 'row', 'rows')}: {named_features}, {checks} (warnings).")
    for guess in guesses:
        flowing(f"  {guess['certainty']:<7} {guess['field']}: {_as_written(guess['value'])} ({guess['why']})")
    for feature, why in features.derived:
        flowing(f"  likely  derived feature {feature}: {why}")
    for leak, field in [*((x, "never") for x in leaks), *((x, "features") for x in asked)]:
        seen = f"{leak['measure']} {leak['score']:.3f} on {leak['rows']:,} later rows"
        flowing(
            f"  unsure  {field}: {leak['column']} by itself predicts the target suspiciously well ({seen}). "
            "Is it known before the event?"
        )
    for column, question in notes:
        flowing(f"  unsure  {column or 'the column without a name'}: {question}")
    silent = [(name, why) for name, why in features.left_out if name not in dict(notes) and why != "it is the key"]
    for column, why in silent[:MOST_LEFT_OUT]:
        flowing(f"  left out {column or 'the column without a name'}: {why}")
    if len(silent) > MOST_LEFT_OUT:
        flowing(f"  left out {len(silent) - MOST_LEFT_OUT} more; the file names them")
    flowing(f"Read it, answer what is unsure, then: `perennial check {called}`, `perennial backfill {called}`")


def _implausible(proposals: list[Proposal]) -> list[tuple[str, str]]:
    """Of columns with values far outside their usual range, which the check warns about."""
    return [
        (
            p.arguments["column"],
            f"{counted(p.outside, 'row lies', 'rows lie')} far outside the usual values, such as {p.furthest:.10g}: an "
            f"error? The check warns below {p.arguments['min_value']:.10g} and above {p.arguments['max_value']:.10g}",
        )
        for p in proposals
        if p.outside
    ]


def _unreadable(sample: Sample) -> list[tuple[str, str]]:
    """Of columns in which single rows cannot be read."""
    return [
        (
            column.name,
            f"{counted(column.unreadable, 'row has', 'rows have')} no {column.kind} here, first {column.example!r}; "
            f"such a row is set aside if the column is used{_read_with(sample, column)}",
        )
        for column in sample.columns.values()
        if column.unreadable and column.kind != "unusable"
    ]


def _read_with(sample: Sample, column: Column) -> str:
    """Which option would read what was not read, if one would."""
    from perennial.sources.other_reading import other_reading
    from perennial.sources.written import written

    if column.kind not in ("number", "integer"):
        return ""
    field = other_reading(column.example, written(column.name, sample.read, sample.decimal))
    return f". To read it as a number: {field}" if field else ""


def _guess(field: str, guess: Guess[Any]) -> dict[str, Any]:
    return {"field": field, "value": guess.value, "certainty": guess.certainty, "why": guess.why}


def _name_of(path: Path) -> str:
    """Without the date at the end of a file of one month or day: the use case goes on with the next."""
    stem = path.name.lower().removesuffix(ending_of(path)) if path.is_file() else path.name.lower()
    name = re.sub(r"[^a-z0-9]+", "_", stem).strip("_")
    name = re.sub(r"(?<=.)_(19|20)\d\d(_?\d\d){0,2}$", "", name) if path.is_file() else name
    return name if re.match(r"[a-z]", name) else f"data_{name}".rstrip("_")


def _with_name(questions: NeedsAnswer, folder: Path, name: str) -> NeedsAnswer:
    """The questions, and last what is wrong with the name of the file."""
    from perennial.usecase.drafting.guess import NeedsAnswer

    try:
        _free(folder, name)
    except InputError as problem:
        return NeedsAnswer(f"{questions}\n{problem}", field=questions.field)
    return questions


def _free(folder: Path, name: str) -> Path:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise InputError(
            f"--name: {name!r} is not a valid name\n  Small letters, digits and _, a letter first: bike_hires"
        )
    for suffix in (".yaml", ".yml"):
        if (there := folder / f"{name}{suffix}").exists():
            raise InputError(f"{there} is there already, and is never overwritten\n  Choose another with --name.")
    return folder / f"{name}.yaml"


def _path_from(folder: Path, path: Path) -> str:
    """Relative where both lie in one project, so that it can move; else absolute."""
    if path.is_relative_to(folder.parent):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def _write_new(file: Path, text: str) -> None:
    """Raises InputError where the file appeared meanwhile, or the folder cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError as error:
        raise InputError(f"{file} is there already, and is never overwritten\n  Choose another with --name.") from error
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror}\n  Set PERENNIAL_USECASES to your folder."
        ) from error


def _as_written(value: Any) -> str:
    """A guess as in a declaration, where marks without letters or digits would be hard to see.

    >>> _as_written(True), _as_written(","), _as_written(""), _as_written(("shop", "order")), _as_written("1d")
    ('true', '","', '""', 'shop, order', '1d')
    """
    if isinstance(value, tuple):
        return ", ".join(map(_as_written, value))
    if isinstance(value, bool) or (isinstance(value, str) and not any(letter.isalnum() for letter in value)):
        return json_format.dumps(value, ensure_ascii=False)
    return str(value)
