"""How the files of a source are written, as far as that is not CSV in UTF-8 with plain numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Encoding = Literal["utf-8", "utf-16", "latin-1", "cp1252"]
EpochUnit = Literal["s", "ms", "us", "ns"]


def _one_character(text: str) -> str:
    if len(text) != 1 or not text.isascii() or text in "\r\n\"'0123456789":
        raise ValueError(f"should be one character of ASCII, is {text!r}: write ';' or \"\\t\"")
    return text


def _some_text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: name the text, or leave it out")
    return text


Character = Annotated[str, AfterValidator(_one_character)]
SomeText = Annotated[str, AfterValidator(_some_text)]


class ReadOptions(BaseModel):
    """How files are written. gzip, Zstandard and zip are recognised by a file's first bytes and need no option."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Encoding = Field("utf-8", description="how the letters of CSV files are written")
    delimiter: Character | None = Field(
        None, description="what separates values; by default whichever of , ; tab and | the header has most of"
    )
    quote: Literal['"', "'", ""] = Field('"', description="what stands around values that hold a delimiter; '' if none")
    comment: SomeText | None = Field(None, description="lines of CSV that begin with this text are left out: '#'")
    nulls: tuple[SomeText, ...] = Field(
        (), description="texts that mean no value, beside an empty one, NA, NaN and null: ['N/A', '-']"
    )
    nulls_of: dict[str, tuple[SomeText, ...]] = Field(
        {}, description="column → further texts that mean no value there: {temp: ['-999']}"
    )
    thousands: Literal["", ".", ",", " ", "'"] | None = Field(
        None,
        description="what separates thousands; '' for nothing. By default nothing, or a point where schema.decimal "
        "is a comma",
    )
    currency: tuple[SomeText, ...] = Field(
        (), description="signs before or after a number that are left out: ['$', EUR]"
    )
    percent: Literal["number", "share"] | None = Field(
        None, description="what 12.5 % is read as: `number` 12.5, `share` 0.125; by default it is unreadable"
    )
    day_first: bool | None = Field(
        None, description="whether 03/04/2024 is the 3rd of April; by default such dates are unreadable"
    )
    epochs: dict[str, EpochUnit] = Field({}, description="column → the unit in which it counts from 1970: {at: ms}")
    sheet: SomeText | None = Field(None, description="the sheet of Excel workbooks; by default the only one")


PLAIN = ReadOptions()
"""CSV in UTF-8 with plain numbers, or Parquet."""
