"""Metadata of the training data in the Croissant format, for catalogues of data sets.

Source: MLCommons, Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html). Each landed file is a
file object with the sha256 of its bytes, and the declared columns are the fields of one record set.
"""

from __future__ import annotations

from typing import Any

from perennial.governance.records import Records
from perennial.governance.subject import Subject
from perennial.sources.column_type import ColumnType
from perennial.sources.suffix import Suffix
from perennial.store.landing import suffix_of
from perennial.usecase.columns import column_types

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_FORMATS: dict[Suffix, str] = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TYPES: dict[ColumnType, str] = {
    "number": "sc:Float",
    "integer": "sc:Integer",
    "text": "sc:Text",
    "boolean": "sc:Boolean",
    "timestamp": "sc:DateTime",
}


def croissant(records: Records, subject: Subject) -> dict[str, Any]:
    """The metadata as data for JSON-LD."""
    declaration, newest = records.declaration, subject.newest
    snapshot = newest.snapshot
    files = [
        {
            "@type": "cr:FileObject",
            "@id": batch.landing,
            "name": f"batch {batch.window}, revision {batch.revision}",
            "contentUrl": f"landing/{declaration.name}/{batch.landing}",
            "encodingFormat": _format(batch.landing),
            "sha256": batch.landing.partition(".")[0],
        }
        for batch in newest.batches
    ]
    landed = {
        "@type": "cr:FileSet",
        "@id": "batches",
        "encodingFormat": _format(newest.batches[-1].landing),
        "containedIn": [{"@id": each["@id"]} for each in files],
        "includes": "*",
    }
    licence = declaration.governance.license
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{declaration.name}_training_data",
        "description": f"{snapshot.rows_in_words} of events from {snapshot.first} to {snapshot.last}, as known at "
        f"{snapshot.as_of}. Digest of the rows: {snapshot.digest}.",
        "version": "1.0.0",
        "url": f"urn:perennial:{declaration.name}:{snapshot.snapshot}",
        "datePublished": snapshot.as_of,
        **({"license": licence} if licence else {}),
        "distribution": [*files, landed],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "rows",
                "name": "rows",
                "key": [{"@id": f"rows/{name}"} for name in declaration.schema_.key],
                "field": [_field(name, kind) for name, kind in column_types(newest.trained_under).items()],
            }
        ],
    }


def _field(name: str, kind: ColumnType) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"rows/{name}",
        "name": name,
        "dataType": _TYPES[kind],
        "source": {"fileSet": {"@id": "batches"}, "extract": {"column": name}},
    }


def _format(landing: str) -> str:
    return _FORMATS[suffix_of(landing)]
