"""Files as people have them: `init` finds how each is written, `check` passes, and what is read is exact.

One set of orders is written in some forty ways, each option alone and in pairs. Whatever the file looks like, the rows
that come out of it are the same.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perennial.cli import drafting
from perennial.errors import InputError
from perennial.intake.looking import look, source_mistakes
from perennial.intake.typed import typed_batch
from perennial.sources import open_source
from perennial.usecase.declaration import UseCase
from perennial.usecase.reading import document_of, load_use_case

Captured = pytest.CaptureFixture[str]
Write = Callable[[Any], str]

ROWS = 400


def orders() -> pd.DataFrame:
    """Orders of four months; prices of up to a million with cents, weights with three decimals, two umlauts."""
    draw = np.random.default_rng(7)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(draw.integers(0, 120 * 1440, ROWS)), unit="min")
    cents = draw.integers(0, 10**8, ROWS)
    cents[draw.random(ROWS) < 0.1] *= -1
    cents[:3] = 123_456_789, 50, 100_000
    return pd.DataFrame(
        {
            "order": [f"A{n}" for n in range(10_000, 10_000 + ROWS)],
            "at": at,
            "price": [Decimal(int(n)).scaleb(-2) for n in cents],
            "weight": [Decimal(int(n)).scaleb(-3) for n in draw.integers(1_000, 30_000, ROWS)],
            "carrier": draw.choice(["dhl", "müller", "gls", "grün"], ROWS),
            "returned": draw.choice([0, 1], ROWS, p=[0.6, 0.4]),
        }
    )


def grouped(mark: str, decimal: str) -> Write:
    """1234.50 as 1,234.50 with those marks."""
    return lambda value: f"{value:,}".replace(",", "~").replace(".", decimal).replace("~", mark)


def dated(form: str) -> Write:
    return lambda at: at.strftime(form)


def accounted(form: str, write: Write = str) -> Write:
    """-5.00 as (5.00) or 5.00-."""
    return lambda value: form.format(write(-value)) if value < 0 else write(value)


ISO = dated("%Y-%m-%dT%H:%M:%S")


def epoch(per_second: int) -> Write:
    return lambda at: str(int((at - pd.Timestamp(0)).total_seconds()) * per_second)


@dataclass(frozen=True)
class File:
    """How the orders are written, and what `init` is to find of it. nulls: the text of a missing price."""

    name: str
    read: dict[str, Any] = field(default_factory=dict)
    decimal: str = "."
    separator: str = ","
    quote: str = ""
    price: Write = str
    weight: Write = str
    at: Write = ISO
    returned: Write = str
    schema: dict[str, Any] = field(default_factory=dict)
    null: str = ""
    header: Write = str
    above: str = ""
    line: str = "\n"
    encoding: str = "utf-8"
    packed: Callable[[bytes], bytes] = bytes
    ending: str = ".csv"

    def text(self, rows: pd.DataFrame) -> str:
        columns = {
            **{name: rows[name].map(str) for name in ("order", "carrier")},
            "returned": rows["returned"].map(self.returned),
            "at": rows["at"].map(self.at),
            "price": rows["price"].map(self.price).where(rows.index % 20 != 7, self.null),
            "weight": rows["weight"].map(self.weight),
        }
        lines = [[self.header(name) for name in rows.columns]]
        lines += [list(row) for row in zip(*(columns[name] for name in rows.columns), strict=True)]
        return self.above + "".join(
            self.separator.join(f"{self.quote}{value}{self.quote}" for value in line) + self.line for line in lines
        )

    def data(self, rows: pd.DataFrame) -> bytes:
        return self.packed(self.text(rows).encode(self.encoding))


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", data)
    return out.getvalue()


GERMAN: dict[str, Any] = {"separator": ";", "decimal": ",", "price": grouped(".", ","), "weight": grouped(".", ",")}
GERMAN_READ = {"delimiter": ";", "thousands": "."}

FILES = [
    File("plain"),
    File("carriage_returns", line="\r"),
    File("windows_lines", line="\r\n"),
    File("byte_order_mark", encoding="utf-8-sig"),
    File("utf16", {"encoding": "utf-16"}, encoding="utf-16"),
    File("utf16_unmarked", {"encoding": "utf-16"}, encoding="utf-16-be"),
    File("cp1252", {"encoding": "cp1252"}, encoding="cp1252"),
    File("semicolons", {"delimiter": ";"}, separator=";"),
    File("tabs", {"delimiter": "\t"}, separator="\t", ending=".tsv"),
    File("pipes", {"delimiter": "|"}, separator="|", ending=".txt"),
    File("carets", {"delimiter": "^"}, separator="^"),
    File("quoted", quote='"'),
    File("single_quotes", {"quote": "'"}, quote="'"),
    File("gzip", packed=gzip.compress, ending=".csv.gz"),
    File("gzip_called_csv", packed=gzip.compress),
    File("zstd", packed=zstd, ending=".csv.zst"),
    File("zip", packed=zipped, ending=".zip"),
    File("comments", {"comment": "#"}, above="# export of Monday\n# by Ada, for Bob\n"),
    File("sep_line", {"delimiter": ";"}, separator=";", above="sep=;\n"),
    File("header_with_spaces", header=lambda name: f" {name} "),
    File("nulls", {"nulls": ["N/A"]}, null="N/A"),
    File("dashes", {"nulls": ["-"]}, null="-"),
    File(
        "decimal_commas",
        {"delimiter": ";", "thousands": ""},
        **{**GERMAN, "price": grouped("", ","), "weight": grouped("", ",")},
    ),
    File("german", GERMAN_READ, **GERMAN),
    File("thousands", {"thousands": ","}, price=grouped(",", "."), quote='"'),
    File("thousands_by_spaces", {"thousands": " "}, price=grouped("\u00a0", ".")),
    File("swiss", {"thousands": "'"}, price=grouped("'", ".")),
    File("dollars", {"currency": ["$"], "thousands": ","}, price=lambda v: f"${v:,}", quote='"'),
    File("euros", {**GERMAN_READ, "currency": ["€"]}, **{**GERMAN, "price": lambda v: grouped(".", ",")(v) + " €"}),
    File("codes", {"currency": ["EUR"]}, price=lambda v: f"EUR {v}"),
    File("percent", {"percent": "number"}, weight=lambda v: f"{v}%"),
    File("day_first", {"day_first": True}, at=dated("%d/%m/%Y %H:%M")),
    File("month_first", {"day_first": False}, at=dated("%m/%d/%Y %I:%M %p")),
    File("year_first", at=dated("%Y/%m/%d %H:%M:%S")),
    File("seconds", {"epochs": {"at": "s"}}, at=epoch(1)),
    File("milliseconds", {"epochs": {"at": "ms"}}, at=epoch(10**3)),
    File("nanoseconds", {"epochs": {"at": "ns"}}, at=epoch(10**9)),
    File("good_and_bad", schema={"positive": "bad", "negative": "good"}, returned=lambda v: "bad" if v else "good"),
    File("letters", schema={"positive": "Y", "negative": "N"}, returned=lambda v: "Y" if v else "N"),
    File("one_and_two", schema={"positive": 2, "negative": 1}, returned=lambda v: str(v + 1)),
    File("title", {"skip_lines": 2}, above="Orders of the first quarter\n\n"),
    File("title_as_wide", {"skip_lines": 1}, above="Orders of 2024,,,,,\n"),
    File("month_names", at=dated("%d-%b-%Y %H:%M")),
    File("month_words", at=dated("%B %d, %Y %I:%M %p"), quote='"'),
    File("parentheses", {"negatives": ["()"]}, price=accounted("({})")),
    File("minus_behind", {"negatives": ["5-"]}, price=accounted("{}-")),
    File("two_digits", {"day_first": True, "short_years": 1970}, at=dated("%d/%m/%y %H:%M")),
    File("two_digits_month_first", {"day_first": False, "short_years": 1970}, at=dated("%m-%d-%y %H:%M")),
    File("two_digits_year_first", {"year_first": True, "short_years": 1970}, at=dated("%y/%m/%d %H:%M")),
    File("two_digits_points", {"short_years": 1970}, at=dated("%d.%m.%y %H:%M")),
    File("two_digits_names", {"short_years": 1970}, at=dated("%d-%b-%y %H:%M")),
    # In pairs.
    File("title_german", {**GERMAN_READ, "skip_lines": 3}, **GERMAN, above="Bestellungen\nStand;März 2024\n\n"),
    File("title_gzip_tabs", {"delimiter": "\t", "skip_lines": 1}, separator="\t", above="Q1\n", packed=gzip.compress),
    File("title_utf16", {"encoding": "utf-16", "skip_lines": 1}, encoding="utf-16", above="Überblick\n"),
    File("title_comments", {"skip_lines": 3}, above="# by Ada\nOrders\n\n"),
    File("title_sep_line", {"delimiter": ";", "skip_lines": 1}, separator=";", above="sep=;\nOrders\n"),
    File(
        "dollars_in_parentheses",
        {"currency": ["$"], "thousands": ",", "negatives": ["()"], "nulls": ["-"]},
        price=lambda v: f"$({-v:,})" if v < 0 else f"${v:,}",
        quote='"',
        null="-",
    ),
    File(
        "german_minus_behind_euros",
        {**GERMAN_READ, "currency": ["€"], "negatives": ["5-"]},
        **{**GERMAN, "price": lambda v: accounted("{}-", grouped(".", ","))(v) + " €"},
    ),
    File(
        "two_digits_cp1252_title",
        {"day_first": True, "short_years": 1970, "encoding": "cp1252", "skip_lines": 1},
        at=dated("%d/%m/%y %H:%M"),
        encoding="cp1252",
        above="Bestellungen für Ada\n",
    ),
    File(
        "german_cp1252_gzip", {**GERMAN_READ, "encoding": "cp1252"}, **GERMAN, encoding="cp1252", packed=gzip.compress
    ),
    File("german_nulls", {**GERMAN_READ, "nulls": ["k.A."]}, **GERMAN, null="k.A."),
    File(
        "utf16_tabs_day_first",
        {"encoding": "utf-16", "delimiter": "\t", "day_first": True},
        encoding="utf-16",
        separator="\t",
        at=dated("%d/%m/%Y %H:%M"),
    ),
    File("utf16_zip_german", {**GERMAN_READ, "encoding": "utf-16"}, **GERMAN, encoding="utf-16", packed=zipped),
    File(
        "comments_german_quoted",
        {**GERMAN_READ, "comment": "#"},
        **GERMAN,
        quote='"',
        above='# by "Ada\n',
    ),
    File(
        "dollars_nulls",
        {"currency": ["$"], "thousands": ",", "nulls": ["-"]},
        price=lambda v: f"$ {v:,}",
        quote='"',
        null="-",
    ),
    File(
        "seconds_gzip_pipes",
        {"epochs": {"at": "s"}, "delimiter": "|"},
        at=epoch(1),
        separator="|",
        packed=gzip.compress,
    ),
]


def drafted(file: File, tmp_path: Path, capsys: Captured) -> UseCase:
    """The declaration that `init` writes of the orders in that file."""
    path = tmp_path / f"{file.name}{file.ending}"
    path.write_bytes(file.data(orders()))
    drafting.init(str(path), "returned", "at", ["order"], "orders", True, [])
    capsys.readouterr()
    return load_use_case("orders", tmp_path / "usecases")


def rows_of(case: UseCase) -> pd.DataFrame:
    """What is read of every batch of its source, in the order of the keys."""
    declaration, schema = case.declaration, case.declaration.schema_
    source = open_source(declaration.source, folder=case.folder, schema_time=schema.time, timezone=schema.timezone)
    looked = look(case, source, [])
    assert not source_mistakes(case, document_of(case), looked)
    arrivals = [source.fetch(window) for window in source.windows()]
    batches = [typed_batch(declaration, arrival.data, arrival.suffix) for arrival in arrivals]
    assert not any(batch.unreadable or batch.missing for batch in batches)
    return pd.concat([batch.frame for batch in batches]).sort_values("order", ignore_index=True)


@pytest.fixture(autouse=True)
def usecases(home: Path, tmp_path: Path) -> None:
    (tmp_path / "usecases").mkdir(exist_ok=True)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_everyday_file_is_read_exactly(file: File, tmp_path: Path, capsys: Captured) -> None:
    case = drafted(file, tmp_path, capsys)
    source = case.declaration.source
    assert source.read.model_dump(mode="json", exclude_defaults=True) == file.read  # type: ignore[union-attr]
    schema = case.declaration.schema_.model_dump(mode="json", exclude_defaults=True)
    assert schema.get("decimal", ".") == file.decimal
    assert {name: schema[name] for name in ("positive", "negative") if name in schema} == file.schema
    expected, found = orders(), rows_of(case)
    assert list(found["order"]) == list(expected["order"])
    assert list(found["at"]) == list(expected["at"].dt.tz_localize("UTC"))
    assert list(found["carrier"]) == list(expected["carrier"])
    assert list(found["returned"]) == list(expected["returned"])
    assert list(found["weight"]) == [float(weight) for weight in expected["weight"]]
    there = expected.index % 20 != 7
    assert list(found["price"][there]) == [float(price) for price in expected["price"][there]]
    assert found["price"][~there].isna().all()


def set_aside(case: UseCase, rows: list[int], window: str) -> pd.DataFrame:
    """Rows of a batch as the quarantine keeps them."""
    from data_checks.split import raw_rows

    schema = case.declaration.schema_
    source = open_source(case.declaration.source, folder=case.folder, schema_time=schema.time, timezone="UTC")
    arrival = next(source.fetch(each) for each in source.windows() if each.name == window)
    return raw_rows(typed_batch(case.declaration, arrival.data, arrival.suffix), rows)


def test_a_row_that_is_set_aside_keeps_its_texts_as_they_stood(tmp_path: Path, capsys: Captured) -> None:
    file = File(
        "orders",
        **{**GERMAN, "price": lambda v: grouped(".", ",")(v) + " €"},
        null="k.A.",
        encoding="cp1252",
        at=dated("%d/%m/%Y %H:%M"),
        returned=lambda v: "J" if v else "N",
    )
    case = drafted(file, tmp_path, capsys)
    raw = set_aside(case, [0, 1, 7], "2024-01")
    expected = orders()
    assert list(raw["price"]) == ["1.234.567,89 €", "0,50 €", "k.A."]
    assert raw["at"][0] == expected["at"][0].strftime("%d/%m/%Y %H:%M")
    assert raw["carrier"][1] == expected["carrier"][1]
    assert raw["returned"][0] == ("J" if expected["returned"][0] else "N")


def test_cut_files_are_landed_in_the_letters_that_they_are_written_in(tmp_path: Path, capsys: Captured) -> None:
    case = drafted(File("orders", encoding="cp1252", separator=";", packed=gzip.compress), tmp_path, capsys)
    schema = case.declaration.schema_
    source = open_source(case.declaration.source, folder=case.folder, schema_time=schema.time, timezone="UTC")
    january = source.fetch(source.windows()[0])
    assert "müller".encode("cp1252") in january.data and january.suffix == ".csv"
    lines = File("orders", encoding="cp1252", separator=";").data(orders()).splitlines(keepends=True)
    assert january.data == b"".join(lines[: january.data.count(b"\n")])


def questions(data: Path, capsys: Captured, *say: str) -> dict[str, str]:
    """What `init` asks about columns."""
    drafting.init(str(data), "returned", "at", ["order"], "orders", True, list(say))
    return {each["column"]: each["question"] for each in json.loads(capsys.readouterr().out)["questions"]}


def test_a_point_before_three_digits_in_a_file_with_decimal_commas_is_asked_about(
    tmp_path: Path, capsys: Captured
) -> None:
    file = File("orders", separator=";", decimal=",", price=grouped("", ","), weight=str)
    path = tmp_path / "orders.csv"
    path.write_bytes(file.data(orders()))
    first = str(orders()["weight"][0])
    asked = questions(path, capsys)
    assert asked["weight"] == (
        f"{first!r} may be {first.replace('.', '')} or {first}: answer with --read thousands=. or --read decimal=."
    )
    case = load_use_case("orders", tmp_path / "usecases")
    assert "weight" not in case.declaration.features.numeric
    assert case.declaration.source.read.thousands == ""  # type: ignore[union-attr]
    (tmp_path / "usecases" / "orders.yaml").unlink()
    assert "weight" not in questions(path, capsys, "thousands=.")
    case = load_use_case("orders", tmp_path / "usecases")
    assert case.declaration.source.read.thousands == "."  # type: ignore[union-attr]


def test_a_comma_before_three_digits_alone_is_asked_about(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(File("orders", quote='"', weight=grouped("", ","), price=lambda v: str(int(v))).data(orders()))
    assert "answer with --read thousands=, or --read decimal=," in questions(path, capsys)["weight"]
    case = load_use_case("orders", tmp_path / "usecases")
    assert "weight" not in case.declaration.features.numeric


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("encodin=utf-16", "there is no option 'encodin'"),
        ("delimiter", "delimiter has no value"),
        ("decimal=x", "the decimal mark is a point or a comma"),
        ("percent=half", "Input should be 'number' or 'share'"),
        ("nulls=[N/A", "its value cannot be read"),
        ("delimiter=ab", "should be one character"),
    ],
)
def test_an_answer_that_is_wrong_is_refused(word: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(File("orders").data(orders()))
    with pytest.raises(InputError, match=message) as caught:
        drafting.init(str(path), "returned", "at", ["order"], "orders", True, [word])
    assert caught.value.field == "--read"


def test_two_decimal_marks_in_one_file_are_asked_about(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(File("orders", separator=";", price=grouped("", ","), weight=lambda v: f"{v:.2f}").data(orders()))
    assert "with '.' as decimal mark, as others here are" in questions(path, capsys)["price"]
    assert load_use_case("orders", tmp_path / "usecases").declaration.features.numeric == ("weight",)


def test_a_word_that_other_columns_have_means_nothing_only_where_it_must(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "orders.csv"
    text = File("orders", null="none").text(orders()).replace(",gls,", ",none,")
    path.write_text(text, encoding="utf-8")
    drafting.init(str(path), "returned", "at", ["order"], "orders", True, [])
    case = load_use_case("orders", tmp_path / "usecases")
    read = case.declaration.source.read  # type: ignore[union-attr]
    assert read.nulls == () and read.nulls_of == {"price": ("none",)}
    rows = rows_of(case)
    assert rows["price"].isna().sum() == ROWS // 20 and rows["carrier"].notna().all()
    assert "none" in set(rows["carrier"])


def test_a_row_number_that_pandas_wrote_makes_no_copy_another_row() -> None:
    from perennial.intake.copies import copies_in
    from perennial.sources.parsing import Parsed

    batch = Parsed(pd.DataFrame({"order": ["A", "A", "B", "B"], "price": [1.0, 1.0, 2.0, 3.0]}), {}, (), ())
    numbered = ",order,price\n0,A,1\n1,A,1\n2,B,2\n3,B,3\n"
    assert copies_in(numbered.encode, ".csv", batch, ("order",)) == {1: 0}
    assert copies_in(numbered.replace(",order", "note,order", 1).encode, ".csv", batch, ("order",)) == {}


def test_copies_are_found_whatever_the_file_is_written_with(tmp_path: Path, capsys: Captured) -> None:
    from perennial.intake.copies import copies_in
    from perennial.usecase.columns import read_options

    file = File("orders", **{**GERMAN, "price": lambda v: grouped(".", ",")(v) + " €"}, encoding="cp1252")
    case = drafted(file, tmp_path, capsys)
    lines = file.text(orders()).splitlines(keepends=True)
    data = gzip.compress(
        "".join([*lines[:3], lines[2], lines[1].replace("1.234.567,89", "1.234.567,80")]).encode("cp1252")
    )
    parsed = typed_batch(case.declaration, data, ".csv")
    read = read_options(case.declaration)
    assert copies_in(lambda: data, ".csv", parsed, case.declaration.schema_.key, read) == {2: 1}


@pytest.mark.parametrize(("decimal", "mark", "odd"), [(",", ".", "1.373,12"), (".", ",", "1,373.12")])
def test_one_number_with_a_thousands_mark_among_hundreds_without_shows_the_mark(
    tmp_path: Path, capsys: Captured, decimal: str, mark: str, odd: str
) -> None:
    rows = orders()
    price = [f"{(i * 7919) % 90_000 / 100:.2f}".replace(".", decimal) for i in range(ROWS)]
    file = File("orders", separator=";", decimal=decimal, weight=lambda v: str(v).replace(".", decimal))
    path = tmp_path / "orders.csv"
    path.write_bytes(file.data(rows.assign(price=[*price[:-1], odd])))
    assert "price" not in questions(path, capsys)
    case = load_use_case("orders", tmp_path / "usecases")
    assert case.declaration.source.read.thousands == mark  # type: ignore[union-attr]
    assert "price" in case.declaration.features.numeric
