"""What an edit of a declaration changes, and what it restarts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from perennial.errors import InputError

_IDENTITY = (
    "schema.key",
    "schema.target",
    "schema.time",
    "schema.task",
    "schema.positive",
    "schema.negative",
    "schema.weight",
)
_RESTARTS = (
    ("evaluation.cluster_by", "a new comparison history"),
    ("source.read", "how batches are read, from the next one"),
    ("labels.read", "how label files are read, from the next one"),
    ("set_aside", "data checks, from the next batch"),
    ("checks", "data checks, from the next batch"),
    ("features.missing_column", "data checks, from the next batch"),
    ("features.derived", "the next challenger"),
    ("built_in", "the next challenger"),
    ("features", "data checks from the next batch, and the next challenger"),
    ("model", "the next challenger"),
    ("schema", "data checks from the next batch, and the next challenger"),
)
_NOTHING = "nothing: it applies from the next run"
_CODE = "code."
_BUILT_IN = "built_in."
_METRICS = "evaluation.metrics."


@dataclass(frozen=True)
class Edit:
    """A field that differs from the declaration in use, and what the edit restarts. Missing fields are None."""

    field: str
    old: Any
    new: Any
    restarts: str

    @property
    def refused(self) -> bool:
        """Whether the history of the use case could not continue after it."""
        return self.field in _IDENTITY or bool(self.lost_classes)

    @property
    def lost_classes(self) -> list[Any]:
        """For an edit of the classes, those that were removed although accepted rows may have them as labels."""
        if self.field != "schema.classes":
            return []
        return [each for each in self.old or () if each not in (self.new or ())]


def edits(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Fields that differ between two declarations as stored in the ledger, in order of their names.

    Mappings are compared field by field, lists as a whole.

    >>> edits({"schema": {"target": "late"}}, {"schema": {"target": "gone"}})[0].refused
    True
    """
    every = (Edit(field, was, is_, _restarted(field, old, new)) for field, was, is_ in _differing("", old, new))
    return tuple(replace(edit, restarts=_NEW_USE_CASE) if edit.refused else edit for edit in every)


_NEW_USE_CASE = "a new use case: give the declaration another name"


def refuse_new_identity(usecase: str, edited: tuple[Edit, ...]) -> None:
    """Raises InputError if earlier rows, models and decisions would no longer mean the same as later ones."""
    for edit in edited:
        if edit.refused:
            what = f"no longer names {edit.lost_classes}" if edit.lost_classes else f"was {edit.old!r}, is {edit.new!r}"
            raise InputError(
                f"{what}; the batches, models and decisions of {usecase} are about the former",
                code="declaration-new-identity",
                field=edit.field,
                value=edit.new,
                fix="undo the change, or declare a use case with a new name",
            )


def _differing(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*old, *new}):
        field, was, is_ = f"{path}{name}", old.get(name), new.get(name)
        if isinstance(was, Mapping) and isinstance(is_, Mapping):
            yield from _differing(f"{field}.", was, is_)
        elif was != is_ and not (path in (_CODE, _BUILT_IN) and None in (was, is_)):  # named first, or no more
            yield field, was, is_


def _restarted(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if field.startswith(_CODE):
        return _of_code(field.removeprefix(_CODE), old, new)
    if field.startswith(_METRICS):
        name = field.removeprefix(_METRICS).partition(".")[0]
        return _of_metrics([name], old, new) or _NOTHING
    if field == "evaluation.primary":
        chooses = ["the next challenger, and its search or race"] if _chooses(new) else []
        return "; ".join(["a new comparison history", *chooses, _WATCHED])
    return next((what for part, what in _RESTARTS if field == part or field.startswith(f"{part}.")), _NOTHING)


_WATCHED = "the champion is monitored with the former metric until the next release"


def _of_code(file: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What a new text of a custom file restarts, from the functions of it that the declaration names."""
    model, evaluation = new["model"], new["evaluation"]
    estimators = [model["estimator"], *(rival["estimator"] for rival in model["rivals"])]
    fitted = [*new["features"]["derived"], *estimators]
    metrics = [name for name, own in evaluation["metrics"].items() if own["function"].startswith(f"{file}:")]
    challenger = any(function.startswith(f"{file}:") for function in fitted)
    challenger |= _chooses(new) and evaluation["primary"] in metrics
    what = ["the next challenger"] if challenger else []
    return "; ".join([*what, *filter(None, [_of_metrics(metrics, old, new)])]) or _NOTHING


def _of_metrics(names: list[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What a new definition of custom metrics restarts; empty if they are new, or removed and unused."""
    before, after = old["evaluation"], new["evaluation"]
    both = [name for name in names if name in before["metrics"] and name in after["metrics"]]
    what = [f"a new comparison history of {', '.join(both)}"] if both else []
    return "; ".join([*what, *([_WATCHED] if before["primary"] in names else [])])


def _chooses(declaration: Mapping[str, Any]) -> bool:
    """Whether the primary metric chooses what is trained: in a search, or a race."""
    model = declaration["model"]
    return bool(model["search"] or model["rivals"] or isinstance(model["window"], list))
