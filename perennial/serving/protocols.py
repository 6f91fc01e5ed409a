"""Other services' protocols, so that their clients work unchanged: MLflow's scoring server, Open Inference Protocol 2.

MLflow: POST /invocations with `dataframe_split`, `dataframe_records`, `instances` or `inputs`
(https://mlflow.org/docs/latest/genai/serving/, "Local Inference Server Spec"). Open Inference Protocol:
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perennial.serving.answering import Answer, in_words
from perennial.serving.request import BadField, BadRecords
from perennial.sources.column_type import ColumnType

MLFLOW_FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_DATATYPES: dict[ColumnType, str] = {
    "number": "FP64",
    "integer": "INT64",
    "text": "BYTES",
    "boolean": "BOOL",
    "timestamp": "BYTES",
}


def records_of_mlflow(document: Any) -> list[Any]:
    """The records of a body in one of MLflow's four formats. Raises BadRecords."""
    given = [name for name in MLFLOW_FORMATS if isinstance(document, Mapping) and name in document]
    if len(given) != 1:
        raise _wrong(f"the body has {len(given)} of {', '.join(MLFLOW_FORMATS)}", "send exactly one of them")
    name, value = given[0], document[given[0]]
    if name == "dataframe_split":
        return _split(value)
    if name == "inputs" and isinstance(value, Mapping):
        return _of_columns(value)
    if isinstance(value, list):
        return value
    raise _wrong(f"{name} is not a list", f"send `{name}` as a list of records")


def _split(value: Any) -> list[Any]:
    columns, data = (value.get("columns"), value.get("data")) if isinstance(value, Mapping) else (None, None)
    if not isinstance(columns, list) or not isinstance(data, list):
        raise _wrong("dataframe_split lacks `columns` or `data`", "send both as lists")
    _refuse_names(columns, "dataframe_split.columns")
    for row, values in enumerate(data):
        if not isinstance(values, list) or len(values) != len(columns):
            raise _wrong(f"row {row} of dataframe_split.data has not one value for each column", "correct it", row)
    return [dict(zip(columns, values, strict=True)) for values in data]


def _of_columns(columns: Mapping[str, Any]) -> list[Any]:
    lists = {name: value if isinstance(value, list) else [value] for name, value in columns.items()}
    lengths = {name: len(value) for name, value in lists.items()}
    if len(set(lengths.values())) > 1:
        raise _wrong(f"the columns have different lengths: {lengths}", "send one value of each column per record")
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def mlflow_answer(answered: Answer) -> dict[str, Any]:
    """`predictions` as MLflow answers them, with what made them beside it."""
    live, (arms, versions) = answered.live, in_words(answered)
    return {
        "predictions": answered.scores.tolist(),
        "release": live.release.release_no,
        "versions": live.versions,
        "ids": [place.id if place else None for place in answered.places],
        **({"arms": arms, "versions_each": versions} if arms else {}),
    }


def records_of_tensors(document: Any) -> list[Any]:
    """The records of an Open Inference request: one tensor of shape [n] or [n, 1] for each field. Raises BadRecords."""
    inputs = document.get("inputs") if isinstance(document, Mapping) else None
    if not isinstance(inputs, list) or not all(isinstance(each, Mapping) and "name" in each for each in inputs):
        raise _wrong("the body has no list `inputs` of named tensors", "send one tensor for each field")
    _refuse_names([each["name"] for each in inputs], "inputs")
    for each in inputs:
        if not isinstance(each.get("data"), list):
            raise _wrong(f"the tensor {each['name']} has no list `data`", "send one value for each record")
    return _of_columns({each["name"]: [_flat(value) for value in each["data"]] for each in inputs})


def _refuse_names(names: Sequence[Any], place: str) -> None:
    """Raise BadRecords for names of fields that are no texts, or of which one is given twice."""
    if not all(isinstance(name, str) for name in names):
        raise _wrong(f"a name in {place} is not a text", "send the names of fields")
    if len(set(names)) < len(names):
        raise _wrong(f"a name in {place} is there twice", "send each field once")


def _flat(value: Any) -> Any:
    """The value of a tensor of shape [n, 1]."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def tensors_answer(answered: Answer, request_id: str | None) -> dict[str, Any]:
    """The output tensor `score`, shape [n], or `scores`, shape [n, K], flattened in row-major order; `id`, shape [n].

    An id is empty if the record could not be logged. In a stage also `arm` and `versions`, shape [n].
    """
    live, scores = answered.live, answered.scores
    named = "score" if scores.ndim == 1 else "scores"
    texts = {"id": [place.id if place else "" for place in answered.places]}
    arms, versions = in_words(answered)
    if arms:
        texts |= {"arm": arms, "versions": versions}
    whole = {
        "model_name": live.usecase,
        "model_version": str(live.release.release_no),
        "outputs": [
            {"name": named, "shape": list(scores.shape), "datatype": "FP64", "data": scores.ravel().tolist()},
            *({"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data} for name, data in texts.items()),
        ],
        "parameters": {"versions": live.versions},
    }
    return {**whole, "id": request_id} if request_id is not None else whole


def model_metadata(usecase: str, release_no: int, kinds: Mapping[str, ColumnType], classes: Sequence[Any]) -> Any:
    """What Open Inference clients ask of a model. Shapes have -1 for the number of records."""
    score = {"name": "scores", "shape": [-1, len(classes)]} if classes else {"name": "score", "shape": [-1]}
    return {
        "name": usecase,
        "versions": [str(release_no)],
        "platform": "perennial",
        "inputs": [{"name": name, "datatype": _DATATYPES[kind], "shape": [-1]} for name, kind in kinds.items()],
        "outputs": [{**score, "datatype": "FP64"}, {"name": "id", "datatype": "BYTES", "shape": [-1]}],
    }


def _wrong(message: str, fix: str, row: int = 0) -> BadRecords:
    return BadRecords((BadField(row, None, "not-a-record", None, message, fix),))
