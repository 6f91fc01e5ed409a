"""What an edit of a declaration changes, and what it restarts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perennial.errors import InputError

_REFUSED = ("schema.key", "schema.target")
_RESTARTS = (
    ("schema.key", "a new use case: give the declaration another name"),
    ("schema.target", "a new use case: give the declaration another name"),
    ("evaluation.primary", "a new comparison history"),
    ("evaluation.cluster_by", "a new comparison history"),
    ("checks", "data checks, from the next batch"),
    ("features", "the next challenger"),
    ("model", "the next challenger"),
    ("schema", "data checks from the next batch, and the next challenger"),
)
_NOTHING = "nothing: it holds from the next run"
_CODE = "code."


@dataclass(frozen=True)
class Edit:
    """One field that differs from the declaration in use, and what that restarts. Missing fields are None."""

    field: str
    old: Any
    new: Any
    restarts: str

    @property
    def refused(self) -> bool:
        """Whether the history of the use case could not go on after it."""
        return self.field in _REFUSED


def edits(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Fields that differ between two declarations as the ledger keeps them, in the order of their names.

    Mappings are compared field by field, lists as a whole.

    >>> edits({"schema": {"target": "late"}}, {"schema": {"target": "gone"}})[0].refused
    True
    """
    return tuple(Edit(field, was, is_, _restarted(field, new)) for field, was, is_ in _differing("", old, new))


def refuse_new_identity(usecase: str, found: tuple[Edit, ...]) -> None:
    """Raises InputError where key or target changed: rows, models and decisions of before would mean another thing."""
    for edit in found:
        if edit.refused:
            raise InputError(
                f"{usecase}: {edit.field} was {edit.old!r} and is now {edit.new!r}; its batches, models and decisions "
                f"are about the former. Nothing was changed. Put it back, or declare a use case with a new name."
            )


def _differing(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*old, *new}):
        field, was, is_ = f"{path}{name}", old.get(name), new.get(name)
        if isinstance(was, Mapping) and isinstance(is_, Mapping):
            yield from _differing(f"{field}.", was, is_)
        elif was != is_ and not (path == _CODE and None in (was, is_)):  # a file that is named first, or no more
            yield field, was, is_


def _restarted(field: str, new: Mapping[str, Any]) -> str:
    if field.startswith(_CODE):
        return _of_code(field.removeprefix(_CODE), new)
    return next((what for part, what in _RESTARTS if field == part or field.startswith(f"{part}.")), _NOTHING)


def _of_code(file: str, new: Mapping[str, Any]) -> str:
    """What another text of a team's file restarts, by the functions of it that the declaration names."""
    model, evaluation = new["model"], new["evaluation"]
    estimators = [model["estimator"], *(rival["estimator"] for rival in model["rivals"])]
    fitted = [*new["features"]["derived"], *estimators]
    metrics = [name for name, own in evaluation["metrics"].items() if own["function"].startswith(f"{file}:")]
    what = ["the next challenger"] if any(function.startswith(f"{file}:") for function in fitted) else []
    if metrics:
        what.append(f"a new comparison history of {', '.join(metrics)}")
    if evaluation["primary"] in metrics:
        what.append("the champion is watched by the former code until the next release")
    return "; ".join(what) or _NOTHING
