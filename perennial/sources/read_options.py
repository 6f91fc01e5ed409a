"""The format of a source's files, if it is not CSV in UTF-8 with plain numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Encoding = Literal["utf-8", "utf-16", "latin-1", "cp1252"]
Negative = Literal["()", "5-"]
EpochUnit = Literal["s", "ms", "us", "ns"]


def _one_character(text: str) -> str:
    if len(text) != 1 or not text.isascii() or text in "\r\n\"'0123456789":
        raise ValueError(f"should be one character of ASCII, is {text!r}: write ';' or \"\\t\"")
    return text


def _some_text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: write the text, or omit it")
    return text


Character = Annotated[str, AfterValidator(_one_character)]
SomeText = Annotated[str, AfterValidator(_some_text)]


class ReadOptions(BaseModel):
    """The format of files. gzip, Zstandard and zip are recognised by the first bytes of a file and need no option."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Encoding = Field("utf-8", description="character encoding of CSV files")
    delimiter: Character | None = Field(
        None, description="separator of values; by default the most frequent of , ; tab and | in the header"
    )
    quote: Literal['"', "'", ""] = Field(
        '"', description="quote character around values that contain a delimiter; '' for none"
    )
    skip_lines: int = Field(
        0, ge=0, le=1000, description="lines above the header that are skipped, empty ones too; in a sheet, rows"
    )
    comment: SomeText | None = Field(None, description="lines of CSV files that begin with this text are skipped: '#'")
    nulls: tuple[SomeText, ...] = Field(
        (), description="texts that mean no value, besides an empty one, NA, NaN and null: ['N/A', '-']"
    )
    nulls_of: dict[str, tuple[SomeText, ...]] = Field(
        {}, description="column → more texts that mean no value in it: {temp: ['-999']}"
    )
    thousands: Literal["", ".", ",", " ", "'"] | None = Field(
        None,
        description="thousands separator; '' for none. By default none, or a point if schema.decimal is a comma",
    )
    currency: tuple[SomeText, ...] = Field(
        (), description="signs before or after a number that are ignored: ['$', EUR]"
    )
    negatives: tuple[Negative, ...] = Field(
        (), description="how else than -5 negative numbers are written: '()' for (5.00), '5-' for 5.00-"
    )
    percent: Literal["number", "share"] | None = Field(
        None, description="how 12.5 % is read: `number` as 12.5, `share` as 0.125; by default it is unreadable"
    )
    day_first: bool | None = Field(
        None, description="whether 03/04/2024 is the 3rd of April; by default such dates are unreadable"
    )
    short_years: int | None = Field(
        None,
        ge=1,
        le=9900,
        description="first of the hundred years that two digits stand for: with 1970, 31.12.24 is in 2024 and 70 is "
        "1970; by default such dates are unreadable",
    )
    year_first: bool = Field(False, description="whether dates with years of two digits begin with the year: 24/12/31")
    epochs: dict[str, EpochUnit] = Field({}, description="column → unit of its times since 1970: {at: ms}")
    sheet: SomeText | None = Field(None, description="sheet of Excel workbooks; by default the only one")


PLAIN = ReadOptions()
"""CSV in UTF-8 with plain numbers, or Parquet."""
