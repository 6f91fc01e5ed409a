"""The draft as YAML: each guess with how sure it is and why beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perennial.usecase.drafting.calendar import Calendar
from perennial.usecase.drafting.features import GuessedFeatures
from perennial.usecase.drafting.form_writing import Form, read_lines
from perennial.usecase.drafting.guess import Guess
from perennial.usecase.drafting.release import WRITTEN
from perennial.usecase.drafting.roles import Task

WIDTH = 110
_PLAIN = re.compile(r"^[A-Za-z_][\w ./-]*$")
_NO_TEXT = {"yes", "no", "true", "false", "null", "on", "off", "y", "n", "none", "nan"}
ESTIMATORS = {
    "binary": "sklearn.ensemble.HistGradientBoostingClassifier",
    "multiclass": "sklearn.ensemble.HistGradientBoostingClassifier",
    "regression": "sklearn.ensemble.HistGradientBoostingRegressor",
}
PARAMS = "{max_iter: 100, learning_rate: 0.05, max_leaf_nodes: 8}"
"""With scikit-learn's own, a model of 2,000 rows and little signal predicts worse than a constant."""
ALSO = {"binary": "[brier, roc_auc]", "multiclass": "[accuracy]", "regression": "[rmse]"}
TIMEZONE: Guess[str] = Guess("UTC", "unsure", "the calendar of batches, days and hours; Europe/Berlin?")
ONE_FILE = "this file alone; name its folder if later rows come in more files"
CLOCK: Guess[str] = Guess("replay", "unsure", "replay for a history; wall once batches come by schedule")


@dataclass(frozen=True)
class Draft:
    """All that is guessed of a use case. checks: (expectation, arguments, why), each proposed as a warning.

    one_file: the question whether more files will come, where the path is a file.
    season: over how many years the target has a season, None without one.
    """

    name: str
    path: str
    rows: int
    decimal: str
    key: Guess[tuple[str, ...]]
    time: Guess[str]
    target: str
    task: Guess[Task]
    classes: tuple[Any, ...]
    calendar: Calendar
    features: GuessedFeatures
    checks: Sequence[tuple[str, dict[str, Any], str]]
    form: Form = ()
    one_file: Guess[str] | None = None
    season: int | None = None


def as_yaml(draft: Draft) -> str:
    """The declaration, to be read and corrected by a person."""
    calendar, features = draft.calendar, draft.features
    clusters = calendar.clusters.value
    lines = [
        f"# Drafted from {draft.rows:,} rows, {calendar.first} to {calendar.last} ({calendar.days:,} days with rows).",
        "# `unsure` marks a question for you; the rest follows from the rows.",
        f"name: {draft.name}",
        "description: ''  # the question that the model answers",
        *_source(draft),
        "schema:",
        f"  key: {_list(draft.key.value)}{_note(draft.key)}",
        f"  time: {_text(draft.time.value)}{_note(draft.time)}",
        f"  target: {_text(draft.target)}",
        f"  task: {draft.task.value}{_note(draft.task)}",
    ]
    if draft.classes and draft.task.value == "binary":
        lines += [
            f"  {name}: {_value(value)}" for name, value in zip(("negative", "positive"), draft.classes, strict=True)
        ]
    elif draft.classes:
        lines.append(f"  classes: {_list(draft.classes)}")
    lines += [f'  decimal: "{guess.value}"{_note(guess)}' for name, guess in draft.form if name == "decimal"]
    lines += [
        f"  timezone: {TIMEZONE.value}{_note(TIMEZONE)}",
        f"  label_known_after: {calendar.label_known_after.value}{_note(calendar.label_known_after)}",
        "features:",
    ]
    for field, names in (("numeric", features.numeric), ("categorical", features.categorical)):
        if names:
            lines += _folded(f"  {field}: ", names)
    if features.derived:
        lines += _folded("  derived: ", [spec for spec, _ in features.derived])
        lines += [f"    # likely: {_comment(spec)}: {_comment(why)}" for spec, why in features.derived]
    if features.never:
        lines += _folded("  never: ", [leak.column for leak in features.never])
        for leak in features.never:
            seen = f"{leak.measure} {leak.score:.3f} on {leak.rows:,} later rows"
            lines.append(
                f"    # unsure: {_comment(leak.column)} by itself predicts the target suspiciously well ({seen})."
            )
            lines.append("    #   Is it known before the event? Then move it up.")
    for leak in features.asked:
        seen = f"{leak.measure} {leak.score:.3f} on {leak.rows:,} later rows"
        lines.append(f"  # unsure: {_comment(leak.column)} by itself predicts much of the target ({seen}):")
        lines.append("  #   move it under never unless it is known before the event.")
    for name, question in features.questions:
        lines.append(f"  # unsure: {_comment(name)}: {_comment(question)}")
    lines += [f"  # left out: {_comment(name) or 'no name'}: {_comment(why)}" for name, why in features.left_out]
    lines.append(f"clock: {CLOCK.value}{_note(CLOCK)}")
    if draft.checks:
        lines.append("checks:  # warnings are shown and accept the rows; make critical what must hold")
    for expectation, arguments, why in draft.checks:
        asked = ", ".join(f"{name}: {_value(value)}" for name, value in arguments.items())
        lines += [f"  # {_comment(why)}", f"  - {{{expectation}: {{{asked}}}, severity: warning}}"]
    lines += [
        "model:",
        f"  estimator: {ESTIMATORS[draft.task.value]}",
        f"  params: {PARAMS}",
        "  window: [expanding, {batches: 3}, {batches: 12}]  # they race: the best on earlier batches is trained",
        "evaluation:",
        f"  also: {ALSO[draft.task.value]}",
        f"  cluster_by: {clusters if clusters in ('day', 'week') else _list([clusters])}{_note(calendar.clusters)}",
        "release:  # a mixture of what is live and the newest model is evaluated, at once, on the newest 15 days",
        f"  {{{', '.join(f'{name}: {value}' for name, value in WRITTEN.items())}}}",
        *_season(draft),
        "watch:  # those that may start a retraining; features, predictions, calibration and others only inform",
        "  channels: [gap, level, unseen, contract]",
    ]
    return "\n".join(lines) + "\n"


def _season(draft: Draft) -> list[str]:
    if draft.season is None:
        return []
    return [
        f"  # unsure: {_comment(draft.target)} has a season over {draft.season} years. If what it depends on does too,",
        "  #   serve: recall, which takes old models back, may lose less. A backtest shows what it would be worth.",
    ]


def _source(draft: Draft) -> list[str]:
    batch = draft.calendar.batch
    read = read_lines(draft.form)
    if not read and draft.one_file is None:
        return [f"source: {{kind: files, path: {_text(draft.path)}, batch: {batch.value}}}{_note(batch)}"]
    return [
        "source:",
        "  kind: files",
        f"  path: {_text(draft.path)}{_note(draft.one_file) if draft.one_file else ''}",
        f"  batch: {batch.value}{_note(batch)}",
        *read,
    ]


def _note(guess: Guess[Any]) -> str:
    return f"  # {guess.certainty}: {_comment(guess.why)}"


def _comment(text: str) -> str:
    return " ".join(str(text).split())


def _text(value: str) -> str:
    """A text as YAML reads it back: in quotes wherever it could be taken for something else."""
    if _PLAIN.match(value) and value.lower() not in _NO_TEXT and not value.endswith(" "):
        return value
    return json.dumps(value, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return _list(value) if isinstance(value, list | tuple) else f"{value:.10g}"


def _list(values: Sequence[Any]) -> str:
    return "[" + ", ".join(_value(value) for value in values) + "]"


def _folded(start: str, names: Sequence[str]) -> list[str]:
    """A flow list over as many lines as it needs."""
    lines, line = [], f"{start}["
    for place, name in enumerate(names):
        word = _text(name) + ("]" if place == len(names) - 1 else ",")
        if len(line) + len(word) > WIDTH and not line.endswith("["):
            lines.append(line.rstrip())
            line = " " * 4
        line += f"{word} "
    return [*lines, line.rstrip()]
