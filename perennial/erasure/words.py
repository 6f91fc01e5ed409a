"""What was erased, and what an erasure cannot reach, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perennial.erasure.databases import can_change
from perennial.evaluation.figures import counted, enumerated
from perennial.ledger.entries import Erased, ModelErased
from perennial.settings import Settings, database_file
from perennial.usecase.declaration import Declaration

_PLACES = {
    "landing": ("row of landed bytes", "rows of landed bytes"),
    "accepted": ("accepted row", "accepted rows"),
    "quarantine": ("row set aside", "rows set aside"),
    "labels": ("label", "labels"),
    "predictions": ("prediction", "predictions"),
    "models": ("model", "models"),
    "flips": ("example of a decision", "examples of decisions"),
}


def places_in_words(counts: Mapping[str, int]) -> str:
    """How many rows or files each place has: `1 row of landed bytes, 1 accepted row and 2 predictions`."""
    if not counts:
        return "nothing: no such row is here"
    return enumerated([_counted(place, count) for place, count in counts.items()])


def _counted(place: str, count: int) -> str:
    one, many = _PLACES.get(place, (f"file of {place}", f"files of {place}"))
    return counted(count, one, many)


def erased_in_words(usecase: str, erased: Erased) -> Iterator[str]:
    """What an erasure has removed, what happens with models, and what stays."""
    yield f"{usecase}: erasure {erased.number} removed values from {places_in_words(erased.counts)}."
    learned = [model for model in erased.models if model.learned and model.in_use]
    if learned and erased.then == "retrain":
        yield f"  {_versions(learned)} may have learned from the rows: the next cycle trains a model without them"
    elif learned:
        yield f"  {_versions(learned)} may have learned from the rows and stay: {erased.kept_because}"
    if former := [model for model in erased.models if model.learned and not model.in_use]:
        are = "is" if len(former) == 1 else "are"
        yield f"  {_versions(former)} may have learned from the rows too, and {are} not in use"
    if with_rows := [model for model in erased.models if model.keeps_rows]:
        yield f"  not removed: {_versions(with_rows)} have training rows in their files, and are in use. Erase again "
        yield "  once another model is live"
    if erased.stays:
        yield f"  not removed: values in the ledger: {', '.join(f'{kind} ({n})' for kind, n in erased.stays.items())}"


def planned_in_words(where: Settings, declaration: Declaration) -> Iterator[str]:
    """What an erasure would lead to beyond the rows, and what it would not reach."""
    if declaration.governance.erasure.models == "retrain":
        yield "  if a model in use may have learned from the rows, the next cycle trains one without them"
    else:
        yield f"  models that may have learned from the rows stay: {declaration.governance.erasure.reason}"
    yield from (f"  not reached: {line}" for line in not_reached(where))


def not_reached(where: Settings) -> Iterator[str]:
    """Copies that an erasure does not reach: a person has to delete them."""
    yield "backups, and copies of the home made before"
    yield "the source of the batches: a batch that is sent again with other content brings its rows back"
    if database_file(where.database_url) is None:
        yield "pages, logs and caches in the homes of other machines"
    if where.prefect_api_url is not None and where.prefect_database_url is None:
        yield "runs, logs and artifacts of a Prefect server whose database is not in this home"
    if not can_change(where.mlflow_tracking_uri):
        yield "runs of an MLflow server, whose database is not named here; the files of its models are changed"
    if writing := len(list(where.served.glob("*.served"))):
        yield f"{counted(writing, 'file', 'files')} that a service still writes: erase again after it has ended"


def _versions(models: list[ModelErased]) -> str:
    return f"version{'' if len(models) == 1 else 's'} {enumerated([str(model.version) for model in models])}"
