"""Mistakes in the format of files, and in the treatment of columns that a batch lacks."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.usecase.document import Document
from perennial.usecase.mistakes import Mistake, hint
from perennial.usecase.rules_of_columns import known_columns, no_column, read_by_built_in, roles


def reading_rules(document: Document) -> Iterator[Mistake]:
    """Separators with two meanings, and options for columns that the declaration does not have."""
    decimal = document.text("schema", "decimal") or "."
    if document.text("source", "read", "thousands") == decimal:
        yield document.mistake(
            ("source", "read", "thousands"),
            f"{decimal!r} is the decimal separator (schema.decimal), so it cannot separate thousands",
            "correct one of the two",
            code="read-same-marks",
        )
    if document.at("source", "only") and (document.text("source", "batch") or "file") == "file":
        yield document.mistake(
            ("source", "only"),
            "rows can be chosen only of files that are cut by the time column",
            "write `batch: month` under source, or year, week, day or hour",
            code="source-only-of-whole-files",
        )
    columns = known_columns(document)
    for part in ("nulls_of", "epochs"):
        for name in document.mapping("source", "read", part):
            if columns and name not in columns:
                yield no_column(document, ("source", "read", part, name), str(name), columns)
    needed = {
        name for name, _, role in roles(document) if role in ("time", "target", "label_known_at", "weight", "key")
    }
    features = {name for name, _, role in roles(document) if role in ("numeric", "categorical")}
    features = (features | {name for name, _ in read_by_built_in(document)}) - needed
    for name in document.mapping("features", "missing_column"):
        if features and name not in features:
            place = ("features", "missing_column", name)
            message = f"'{name}' is not a feature that a batch can lack, so a batch without it is always held"
            yield document.mistake(place, message, hint(str(name), features, "features"), code="missing-column-feature")
