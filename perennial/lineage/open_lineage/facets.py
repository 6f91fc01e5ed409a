"""Facets of OpenLineage events, as plain JSON.

Source: https://openlineage.io/docs/spec/facets/, in the versions of their schema URLs. The schemas of our facets
are in docs/openlineage/facets-1-0-0.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perennial.our_columns import is_ours

PRODUCER = "urn:perennial"
_SPEC = "https://openlineage.io/spec/facets"
_OURS = "urn:perennial:openlineage:1-0-0"

Facet = dict[str, Any]
_SEVERITY = {"critical": "error", "warning": "warn", "info": "info"}


def _standard(version: str, name: str, **fields: Any) -> Facet:
    return {"_producer": PRODUCER, "_schemaURL": f"{_SPEC}/{version}/{name}.json#/$defs/{name}", **fields}


def own(name: str, **fields: Any) -> Facet:
    """A facet of ours, by the name in our schemas."""
    return {"_producer": PRODUCER, "_schemaURL": f"{_OURS}#/$defs/{name}", **fields}


def schema(columns: Mapping[str, str]) -> Facet:
    """Columns and their declared types."""
    fields = [{"name": name, "type": kind} for name, kind in columns.items()]
    return _standard("1-2-0", "SchemaDatasetFacet", fields=fields)


def version(of: str) -> Facet:
    """Which version of a data set was read or written."""
    return _standard("1-0-1", "DatasetVersionDatasetFacet", datasetVersion=of)


def dataset_type(kind: str) -> Facet:
    """`TABLE`, `FILE`, `MODEL`."""
    return _standard("1-0-1", "DatasetTypeDatasetFacet", datasetType=kind)


def assertions(checks: Sequence[Mapping[str, Any]]) -> Facet:
    """The results of data checks, without values of rows. A check that was not evaluated is left out.

    checks: as the validations of a batch hold them.
    """
    results = []
    for check in checks:
        if check["exception"] is None:
            column = check["arguments"].get("column")
            result = {"assertion": check["expectation"], "success": bool(check["success"])}
            result |= {"column": column} if isinstance(column, str) and not is_ours(column) else {}
            results.append(result | {"severity": _SEVERITY[check["severity"]], "name": check["reason"]})
    return _standard("1-1-0", "DataQualityAssertionsDatasetFacet", assertions=results)


def statistics(rows: int, checks: Sequence[Mapping[str, Any]]) -> Facet:
    """How many rows arrived, and how many values of a column are missing where a check counted them."""
    columns: dict[str, dict[str, int]] = {}
    for check in checks:
        column, result = check["arguments"].get("column"), check["result"]
        if isinstance(column, str) and not is_ours(column) and {"element_count", "missing_count"} <= set(result):
            columns[column] = {"nullCount": result["missing_count"], "count": result["element_count"]}
    return _standard("1-0-3", "DataQualityMetricsInputDatasetFacet", rowCount=rows, columnMetrics=columns)


def written(rows: int) -> Facet:
    """How many rows were written."""
    return _standard("1-0-2", "OutputStatisticsOutputDatasetFacet", rowCount=rows)


def nominal_time(start: str, end: str | None = None) -> Facet:
    """The time that a step is about, by the clock of the use case."""
    fields = {"nominalStartTime": start} | ({"nominalEndTime": end} if end is not None else {})
    return _standard("1-0-1", "NominalTimeRunFacet", **fields)


def error(message: str) -> Facet:
    """Why a step did not come to its end."""
    return _standard("1-0-1", "ErrorMessageRunFacet", message=message, programmingLanguage="Python")


def job_type() -> Facet:
    """Each step is a task of a batch job."""
    return _standard("2-0-4", "JobTypeJobFacet", processingType="BATCH", integration="PERENNIAL", jobType="TASK")


def documentation(text: str) -> Facet:
    """What a job does."""
    return _standard("1-1-0", "DocumentationJobFacet", description=text)
