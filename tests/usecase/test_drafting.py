"""`perennial init`: a file becomes a declaration that runs, or a question that names what is missing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from perennial.ledger.entries import BatchEntry
from perennial.usecase.reading import load_use_case
from tests.cli.conftest import Perennial, command, perennial  # noqa: F401
from tests.usecase.test_season import history as season_history
from tests.world import month_of_rows

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the data beside the demo is not here")

pytestmark = pytest.mark.usefixtures("home", "usecases")
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def usecases(tmp_path: Path) -> None:
    """The folder of declarations, still empty."""
    (tmp_path / "usecases").mkdir()


def quarter() -> pd.DataFrame:
    """Three months of the shop's orders."""
    return pd.concat([month_of_rows(f"2024-0{m}", rows_a_day=20) for m in (1, 2, 3)], ignore_index=True)


def with_commas(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers and dates as a German spreadsheet writes them: 1.234,50 and 31.12.2024."""
    marks = str.maketrans(",.", ".,")
    return rows.assign(
        price=[f"{price * 10:,.2f}".translate(marks) for price in rows["price"]],
        weight=[f"{weight}".translate(marks) for weight in rows["weight"]],
        at=pd.to_datetime(rows["at"]).dt.strftime("%d.%m.%Y %H:%M"),
    )


def drafted(data: Path, capsys: Captured, *options: str) -> dict[str, Any]:
    """What `init --json` prints; the declaration passes `check`."""
    capsys.readouterr()
    assert command("init", str(data), "--json", *options) == 0, capsys.readouterr().err
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert command("check", told["usecase"]) == 0, capsys.readouterr().err
    assert "left out" not in capsys.readouterr().out, "init writes what check recommends"
    return told


def asked(data: Path, capsys: Captured, *options: str) -> str:
    """The question instead of a declaration: exit code 2, and no file is written."""
    before = written()
    assert command("init", str(data), *options) == 2
    assert written() == before
    return capsys.readouterr().err


def written() -> list[str]:
    return sorted(path.name for path in Path(os.environ["PERENNIAL_USECASES"]).iterdir())


def first_batch(name: str, window: str) -> BatchEntry:
    from tasks.batches import accept, land, validate

    return accept.fn(name, validate.fn(name, window, land.fn(name, window)))


def test_a_month_of_a_german_shop_asks_for_its_codes_and_whether_more_files_come(
    tmp_path: Path, capsys: Captured
) -> None:
    """A use case goes on after the month of its first file, and numbers of customers and postcodes are not amounts."""
    rows = with_commas(quarter())
    draw = np.random.default_rng(5)
    rows["Kundennummer"] = draw.integers(10_000, 60_000, len(rows))
    rows["Postleitzahl"] = [f"{code:05d}" for code in draw.integers(1_000, 99_999, len(rows))]
    rows["Region"] = [f"{code:05d}" for code in draw.choice([1_001, 20_002, 3_003], len(rows))]
    rows["Stunde"] = [f"{hour:02d}{minute:02d}" for hour, minute in draw.integers(0, 24, (len(rows), 2))]
    data = tmp_path / "Export_2024-01.csv"
    rows.to_csv(data, sep=";")
    assert "It may be one of order, price" in asked(data, capsys), "the column without a name is none to choose"
    told = drafted(data, capsys, "--target", "returned")
    assert told["usecase"] == "export"
    guesses = {guess["field"]: guess for guess in told["guesses"]}
    assert guesses["path"]["certainty"] == "unsure" and guesses["path"]["value"] == "Export_2024-01.csv"
    left_out = {each["column"]: each["why"] for each in told["left_out"]}
    assert "different ids" in left_out["Kundennummer"]
    assert "different codes with leading zeros such as 0" in left_out["Postleitzahl"]
    assert {"Kundennummer", "Postleitzahl"} <= {each["column"] for each in told["questions"]}
    assert "Region" in told["categorical"], "few codes are categories"
    assert "Stunde" in told["numeric"], "hours and minutes are no codes"


def test_a_folder_is_not_asked_for_more_files_and_keeps_its_name(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "orders_2024"
    folder.mkdir()
    quarter().to_csv(folder / "a.csv", index=False)
    told = drafted(folder, capsys, "--target", "returned")
    assert told["usecase"] == "orders_2024" and "path" not in {guess["field"] for guess in told["guesses"]}


def test_semicolons_decimal_commas_and_dotted_dates(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    with_commas(quarter()).to_csv(data, sep=";", index=False)
    told = drafted(data, capsys, "--target", "returned")
    said = load_use_case("orders", tmp_path / "usecases").declaration
    assert said.schema_.decimal == "," and said.schema_.key == ("order",) and said.schema_.time == "at"
    assert (told["numeric"], told["categorical"]) == (["price", "weight"], ["carrier"])
    batch = first_batch("orders", "2024-01")
    assert (batch.status, batch.rows.accepted, batch.warnings) == ("accepted", 620, ())


def test_dates_as_text(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.assign(at=rows["at"].str[:10]).to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned")
    guesses = {each["field"]: each for each in told["guesses"]}
    assert guesses["time"]["value"] == "at" and guesses["batch"]["value"] == "month"
    assert guesses["label_known_after"]["certainty"] == "unsure", "the labels are all there"
    assert first_batch("orders", "2024-02").rows.accepted == 580


def test_dates_by_slashes_are_asked_about(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    quarter().assign(at="03/04/2024").to_csv(data, index=False)
    told = asked(data, capsys, "--target", "returned")
    assert "--time: 'at' has dates like '03/04/2024', which may begin with the day or with the month" in told


def test_a_part_of_the_key_may_say_something_about_the_next_row(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "stations.csv"
    hours = pd.date_range("2024-01-01", periods=24 * 70, freq="h", tz="UTC")
    rows = pd.DataFrame({"station": np.repeat([1, 2, 3], len(hours)), "at": np.tile(hours.astype("str"), 3)})
    draws = np.random.default_rng(0).normal(size=(2, len(rows)))
    rows.assign(wind=draws[0].round(3), rain=(draws[1] + rows["station"]).round(3)).to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "rain")
    assert {each["field"]: each["value"] for each in told["guesses"]}["key"] == ["station", "at"]
    assert (told["numeric"], told["categorical"]) == (["wind"], ["station"])


def test_without_a_time_column_it_asks(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    quarter().drop(columns="at").to_csv(data, index=False)
    told = asked(data, capsys, "--target", "returned")
    assert "--time: no column of" in told and "each row needs the time of its event" in told


def test_constant_empty_and_telltale_columns_stay_out(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.assign(country="US", note=np.nan, refund=rows["price"] * rows["returned"]).to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned")
    assert {each["column"]: each["why"] for each in told["left_out"]} == {
        "order": "it is the key",
        "country": "it is US in every row",
        "note": "it is empty in every row",
    }
    (leak,) = told["never"]
    assert leak["column"] == "refund" and leak["score"] > 0.99 and leak["rows"] == 546
    text = (tmp_path / "usecases" / "orders.yaml").read_text()
    assert "never: [refund]" in text and "Is it known before the event?" in text


def test_three_hundred_columns(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.parquet"
    rows = quarter()
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(len(rows), 300))).rename(columns="x{}".format)
    pd.concat([rows, noise], axis=1).to_parquet(data)
    told = drafted(data, capsys, "--target", "returned")
    assert len(told["numeric"]) == 302 and told["never"] == []
    assert max(map(len, (tmp_path / "usecases" / "orders.yaml").read_text().splitlines())) < 180


@needs_data
@pytest.mark.parametrize(
    ("file", "target", "key", "batch", "window", "accepted"),
    [
        ("bikeshare_hourly", "count", ["ts"], "month", "2010-10", 744),
        ("mpls_stops", "personSearch", ["idNum"], "month", "2017-02", 4579),
        ("census_employment_ma", "employed", ["id"], "year", "2015", 68785),
    ],
)
def test_real_files_become_declarations_that_take_their_data_in(
    file: str, target: str, key: list[str], batch: str, window: str, accepted: int, capsys: Captured
) -> None:
    told = drafted(SHARED / f"{file}.parquet", capsys, "--target", target)
    guesses = {each["field"]: each["value"] for each in told["guesses"]}
    assert (guesses["key"], guesses["batch"]) == (key, batch)
    assert first_batch(file, window).rows.accepted == accepted


def test_it_never_overwrites(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    quarter().to_csv(data, index=False)
    drafted(data, capsys, "--target", "returned")
    mine = tmp_path / "usecases" / "orders.yaml"
    mine.write_text("name: orders  # mine\n")
    assert "is there already, and is never overwritten" in asked(data, capsys, "--target", "returned")
    assert mine.read_text() == "name: orders  # mine\n"
    drafted(data, capsys, "--target", "returned", "--name", "other")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--target: which column is the model to predict?\n  It may be one of order, price, weight"),
        (("--target", "retuned"), "orders.csv has no column 'retuned'"),
        (("--target", "order"), "--target: 'order' has 1,820 different texts"),
        (("--target", "returned", "--time", "carrier"), "--time: 'carrier' cannot be read as a time"),
        (("--target", "returned", "--key", "carrier"), "--key: carrier identifies only 0.2% of 1,820 rows"),
        (("--target", "returned", "--name", "My Shop"), "--name: 'My Shop' is not a valid name"),
    ],
)
def test_what_the_data_do_not_say_is_asked(
    options: tuple[str, ...], message: str, tmp_path: Path, capsys: Captured
) -> None:
    data = tmp_path / "orders.csv"
    quarter().to_csv(data, index=False)
    assert message in asked(data, capsys, *options)


def test_rows_that_no_columns_identify_are_asked_about(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter().drop(columns="order").assign(at="2024-01-01")
    pd.concat([rows, rows]).to_csv(data, index=False)
    assert "--key: no one, two or three columns identify a row" in asked(data, capsys, "--target", "returned")


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["yes", "no"], "binary", None),
        ([True, False], "binary", None),
        (["good", "bad", "no"], "multiclass", ["bad", "good", "no"]),
        ([1.5, 2.25, 3.0, 4.125], "regression", None),
    ],
)
def test_the_task_follows_from_the_targets_values(
    values: list[Any], task: str, classes: list[str] | None, tmp_path: Path, capsys: Captured
) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.assign(returned=np.resize(np.array(values, dtype=object), len(rows))).to_csv(data, index=False)
    drafted(data, capsys, "--target", "returned")
    said = yaml.safe_load((tmp_path / "usecases" / "orders.yaml").read_text())
    assert said["schema"]["task"] == task and said["schema"].get("classes") == classes


def test_labels_that_are_missing_at_the_end_show_how_late_they_come(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter().astype({"returned": "object"})
    rows.loc[rows["at"] >= "2024-03-18", "returned"] = None
    rows.to_csv(data, index=False)
    guesses = {each["field"]: each for each in drafted(data, capsys, "--target", "returned")["guesses"]}
    assert (guesses["label_known_after"]["value"], guesses["label_known_after"]["certainty"]) == ("14d", "likely")


def derived_of(told: dict[str, Any]) -> list[str]:
    return [each["feature"] for each in told["derived"]]


def guesses_of(told: dict[str, Any]) -> dict[str, Any]:
    return {each["field"]: each["value"] for each in told["guesses"]}


def test_all_that_is_open_is_asked_at_once_and_the_target_first(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter().assign(at="03/04/2024")
    pd.concat([rows, rows.assign(price=1.0)]).to_csv(data, index=False)
    first, *rest = [line for line in asked(data, capsys, "--key", "carrier").splitlines() if line.startswith("--")]
    assert first.startswith("--target: which column is the model to predict?")
    assert [line.partition(":")[0] for line in rest] == ["--time", "--key"]
    assert command("init", str(data), "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["field"]) == ("init-needs-answer", "--target")


def test_exact_copies_and_one_bad_row_do_not_hide_the_key(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    pd.concat([rows, rows.iloc[:17]]).to_csv(data, index=False)
    with data.open("a") as file:
        file.write(f"TOTAL,,{rows['price'].sum():.2f},,,\n")
    told = drafted(data, capsys, "--target", "returned")
    assert guesses_of(told)["key"] == ["order"] and guesses_of(told)["time"] == "at"
    why = {each["field"]: each["why"] for each in told["guesses"]}["key"]
    assert why == "it identifies each of 1,838 rows; 17 exact copies are set aside"
    batch = first_batch("orders", "2024-02")
    assert (batch.status, batch.rows.accepted) == ("accepted", 580)


def test_a_total_in_a_column_of_numbers_is_shown_with_its_text(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    quarter().assign(order=range(1, 1821)).to_csv(data, index=False)
    with data.open("a") as file:
        file.write("TOTAL,,12345.00,,,\n")
    told = drafted(data, capsys, "--target", "returned")
    assert guesses_of(told)["key"] == ["order"]
    (question,) = [each["question"] for each in told["questions"] if each["column"] == "order"]
    assert "1 row has no integer here, first 'TOTAL'" in question
    assert first_batch("orders", "2024-03").rows.quarantined == 1


@pytest.mark.parametrize("header", ["", "Unnamed: 0"])
def test_the_row_numbers_of_pandas_are_left_out_by_name(tmp_path: Path, capsys: Captured, header: str) -> None:
    data = tmp_path / "orders.csv"
    quarter().to_csv(data, index_label=header)
    told = drafted(data, capsys, "--target", "returned")
    assert guesses_of(told)["key"] == ["order"]
    assert told["numeric"] == ["price", "weight"]
    (why,) = [each["why"] for each in told["left_out"] if each["column"] == header]
    assert why == "the row number that pandas wrote beside the columns"
    assert first_batch("orders", "2024-02").rows.accepted == 580


def test_what_parquet_can_hold_and_a_model_cannot_is_left_out_by_name(tmp_path: Path, capsys: Captured) -> None:
    rows = quarter().rename_axis("__index_level_0__")
    table = pa.Table.from_pandas(rows.reset_index(), preserve_index=False)
    for name, value in {
        "tags": pa.array([[1, 2]] * len(rows)),
        "size": pa.array([{"w": 1}] * len(rows)),
        "lasted": pa.array([1] * len(rows), pa.duration("s")),
        "picture": pa.array([b"x"] * len(rows), pa.binary()),
    }.items():
        table = table.append_column(name, value)
    pq.write_table(table, tmp_path / "orders.parquet")
    told = drafted(tmp_path / "orders.parquet", capsys, "--target", "returned")
    left_out = {each["column"] for each in told["left_out"]}
    assert {"tags", "size", "lasted", "picture", "__index_level_0__"} <= left_out
    assert (told["numeric"], told["categorical"]) == (["price", "weight"], ["carrier"])
    assert first_batch("orders", "2024-02").rows.accepted == 580


def test_ids_too_long_for_a_number_are_a_key_and_no_feature(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.assign(order=[str(2**64 + n) for n in range(len(rows))], account=str(2**63)).to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned")
    assert guesses_of(told)["key"] == ["order"]
    assert told["numeric"] == ["price", "weight"] and "account" not in told["categorical"]


def test_numbers_written_for_people_are_read_and_second_times_asked_about(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    written = rows.assign(
        price=[f"{100 * price:,.2f}" for price in rows["price"]],
        fee=[f"${weight:.2f}" for weight in rows["weight"]],
        shipped=pd.to_datetime(rows["at"]) + pd.Timedelta(hours=5),
        clock=pd.to_datetime(rows["at"]).dt.strftime("%H:%M"),
    )
    written.to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned", "--time", "at")
    questions = {each["column"]: each["question"] for each in told["questions"]}
    assert questions.keys() == {"shipped", "clock"}
    assert "a second clock: 5 hours after the event in nearly every row" in questions["shipped"]
    assert derived_of(told) == ["hour_of:at", "weekday_of:at"]
    assert told["numeric"] == ["price", "weight", "fee"] and told["categorical"] == ["carrier"]
    text = (tmp_path / "usecases" / "orders.yaml").read_text()
    assert 'thousands: ","  # sure: ' in text and 'currency: ["$"]  # sure: ' in text


@pytest.mark.parametrize(
    ("dates", "day_first", "proof"),
    [(["9/30/1990", "10/1/1990"], False, "9/30/1990"), (["30/9/1990", "1/10/1990"], True, "30/9/1990")],
)
def test_dates_by_slashes_are_read_in_the_order_that_they_prove(
    tmp_path: Path, capsys: Captured, dates: list[str], day_first: bool, proof: str
) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.assign(at=dates * (len(rows) // 2)).to_csv(data, index=False)
    guesses = {each["field"]: each for each in drafted(data, capsys, "--target", "returned")["guesses"]}
    assert guesses["read.day_first"]["value"] is day_first
    assert guesses["read.day_first"]["why"] == f"{proof!r} has no other reading"
    assert first_batch("orders", "1990").rows.accepted == 1820


def test_dates_in_either_order_are_asked_about_and_read_as_answered(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.assign(at=["9/3/1990", "10/1/1990"] * (len(rows) // 2)).to_csv(data, index=False)
    assert "which may begin with the day or with the month" in asked(data, capsys, "--target", "returned")
    drafted(data, capsys, "--target", "returned", "--read", "day_first=true")
    assert first_batch("orders", "1990").end == "1991-01-01T00:00:00Z"


def test_whole_numbers_are_times_in_a_column_called_like_one(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    seconds = 1704067200 + 3600 * np.arange(len(rows))
    rows.assign(at=seconds).rename(columns={"at": "n"}).to_csv(data, index=False)
    assert "'n' may count seconds since 1970" in asked(data, capsys, "--target", "returned")
    rows.assign(at=seconds).to_csv(data, index=False)
    drafted(data, capsys, "--target", "returned")
    assert load_use_case("orders", tmp_path / "usecases").declaration.source.read.epochs == {"at": "s"}  # type: ignore[union-attr]
    assert first_batch("orders", "2024-01").rows.accepted == 744


def test_keys_that_differ_by_spaces_are_shown(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.loc[0, "order"] = f"{rows.loc[1, 'order']} "
    rows.to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned")
    (question,) = [each["question"] for each in told["questions"]]
    assert "differs from another value by spaces alone" in question


def test_ranges_catch_what_is_implausible_and_let_the_usual_pass(tmp_path: Path, capsys: Captured) -> None:
    rng = np.random.default_rng(0)
    rows = quarter()
    rows["kelvin"] = rng.normal(285, 8, len(rows)).round(2)
    rows["amount"] = rng.lognormal(3, 1, len(rows)).round(2)
    rows["rain"] = np.where(rng.random(len(rows)) < 0.02, 5.0, 0.0)
    rows.to_csv(tmp_path / "orders.csv", index=False)
    drafted(tmp_path / "orders.csv", capsys, "--target", "returned")
    checks = load_use_case("orders", tmp_path / "usecases").declaration.checks
    ranges = {
        check.arguments["column"]: (check.arguments["min_value"], check.arguments["max_value"])
        for check in checks
        if check.expectation == "expect_column_values_to_be_between"
    }
    assert all(check.severity == "warning" for check in checks)
    assert not [check for check in checks if check.arguments.get("column") == "rain"]
    assert 0 < ranges["kelvin"][0] < 250 and 320 < ranges["kelvin"][1] < 450
    assert ranges["amount"][0] >= 0 and rows["amount"].max() < ranges["amount"][1] < 1000 * rows["amount"].median() * 10
    for name in ranges:
        assert rows[name].between(*ranges[name]).all(), name
    assert first_batch("orders", "2024-02").warnings == ()


def test_hours_weekdays_and_ages_become_features(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows, rng = quarter(), np.random.default_rng(0)
    at = pd.to_datetime(rows["at"])
    opened = at - pd.to_timedelta(rng.uniform(1, 900, len(rows)), unit="D")
    rows["opened"] = opened.dt.strftime("%Y-%m-%d").where(rng.random(len(rows)) < 0.9)
    rows["promised"] = (at + pd.to_timedelta(rng.uniform(1, 9, len(rows)), unit="D")).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows["day"] = rows["at"].str[:10]
    rows.to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned", "--time", "at")
    assert derived_of(told) == ["hour_of:at", "weekday_of:at", "days_since:opened"]
    questions = {each["column"]: each["question"] for each in told["questions"]}
    assert questions.keys() == {"promised", "day"}
    assert "days after the event. Is it known before the event? Then `days_since:promised`" in questions["promised"]
    assert "a second clock" in questions["day"]
    assert load_use_case("orders", tmp_path / "usecases").declaration.features.derived[2] == "days_since:opened"
    assert first_batch("orders", "2024-02").rows.accepted == 580


def test_an_age_that_gives_the_answer_away_is_asked_about(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows, rng = quarter(), np.random.default_rng(0)
    days = np.where(rows["returned"] == 1, rng.uniform(0, 1, len(rows)), rng.uniform(30, 90, len(rows)))
    rows["touched"] = pd.to_datetime(rows["at"]) - pd.to_timedelta(days, unit="D")
    rows.to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned", "--time", "at")
    assert "days_since:touched" not in derived_of(told)
    (question,) = [each["question"] for each in told["questions"]]
    assert "predict the target suspiciously well" in question


@pytest.mark.parametrize(
    ("every", "offered"),
    [
        ("h", ["hour_of:at", "weekday_of:at"]),
        ("D", ["weekday_of:at", "month_of:at"]),
        ("W", ["month_of:at"]),
        ("MS", ["month_of:at"]),
    ],
)
def test_only_what_varies_in_the_times_is_offered(
    every: str, offered: list[str], tmp_path: Path, capsys: Captured
) -> None:
    data = tmp_path / "readings.csv"
    at = pd.date_range("2020-01-01", "2023-12-31", freq=every)[-3000:]
    draws = np.random.default_rng(0).normal(size=(2, len(at))).round(3)
    pd.DataFrame({"at": at, "wind": draws[0], "rain": draws[1]}).to_csv(data, index=False)
    assert derived_of(drafted(data, capsys, "--target", "rain")) == offered


def test_an_hour_that_is_there_is_not_made_again(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter()
    rows.assign(hour=pd.to_datetime(rows["at"]).dt.hour).to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned")
    assert derived_of(told) == ["weekday_of:at"] and "hour" in told["numeric"]


def test_names_that_are_taken_and_dates_that_never_change_make_no_feature(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows, rng = quarter(), np.random.default_rng(0)
    born = pd.to_datetime(rows["at"]) - pd.to_timedelta(rng.uniform(1, 90, len(rows)), unit="D")
    noise = rng.normal(size=(2, len(rows))).round(3)
    rows = rows.assign(hour_of_at=noise[0], born=born.dt.strftime("%Y-%m-%d"), days_since_born=noise[1])
    rows = rows.assign(founded="2001-05-06", version=np.where(rows["at"] < "2024-02", "2020-01-01", "2020-01-09"))
    rows.to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned", "--time", "at")
    assert derived_of(told) == ["weekday_of:at"]
    assert {each["column"] for each in told["questions"]} == {"born", "version"}


def test_clocks_and_ids_are_no_silent_features(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows, rng = quarter(), np.random.default_rng(0)
    at = pd.to_datetime(rows["at"])
    rows["month"] = at.dt.month
    rows["odometer"] = (at - at.min()).dt.total_seconds() / 7 + rng.normal(0, 100, len(rows))
    rows["customer_id"] = rng.integers(10_000, 10_400, len(rows))
    rows["receiptId"] = rng.permutation(len(rows)) + 50_000
    rows["paid"] = rng.integers(100, 9_000, len(rows))
    rows["shop_id"] = rng.integers(1, 20, len(rows))
    rows.to_csv(data, index=False)
    told = drafted(data, capsys, "--target", "returned", "--key", "order")
    questions = {each["column"]: each["question"] for each in told["questions"]}
    assert questions.keys() == {"month", "odometer", "customer_id"}
    assert "grows with time" in questions["month"] and "grows with time" in questions["odometer"]
    assert "add it under categorical" in questions["customer_id"]
    assert {each["column"]: each["why"] for each in told["left_out"]}["receiptId"] == "1,820 different ids"
    assert told["numeric"] == ["price", "weight", "paid"] and told["categorical"] == ["carrier", "shop_id"]


def test_an_absurd_value_is_shown_and_widens_no_range(tmp_path: Path, capsys: Captured) -> None:
    rng = np.random.default_rng(0)
    rows = quarter()
    clean = rows.assign(
        kelvin=rng.normal(285, 8, len(rows)).round(2),
        amount=rng.lognormal(3, 1, len(rows)).round(2),
        rain=np.where(rng.random(len(rows)) < 0.3, rng.gamma(2, 3, len(rows)).round(1), 0.0),
    )
    broken = clean.copy()
    broken.loc[7, "kelvin"], broken.loc[8, "amount"], broken.loc[9, "rain"] = 0.0, -20_000.0, 9_000.0
    clean.to_csv(tmp_path / "clean.csv", index=False)
    broken.to_csv(tmp_path / "broken.csv", index=False)
    assert drafted(tmp_path / "clean.csv", capsys, "--target", "returned")["questions"] == []
    told = drafted(tmp_path / "broken.csv", capsys, "--target", "returned")
    questions = {each["column"]: each["question"] for each in told["questions"]}
    assert questions.keys() == {"kelvin", "amount", "rain"}
    assert "1 row lies far outside the usual values, such as 0:" in questions["kelvin"]
    assert "such as -20000:" in questions["amount"] and "such as 9000:" in questions["rain"]
    before, after = bounds_of("clean", tmp_path), bounds_of("broken", tmp_path)
    assert before.keys() == after.keys()
    for check, (low, high) in before.items():
        assert after[check] == pytest.approx((low, high), rel=0.1, abs=0.1), check


def bounds_of(name: str, folder: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Of each check on a column of numbers its least and most."""
    checks = load_use_case(name, folder / "usecases").declaration.checks
    return {
        (check.expectation, check.arguments["column"]): (check.arguments["min_value"], check.arguments["max_value"])
        for check in checks
        if "column" in check.arguments and "min_value" in check.arguments
    }


def test_rare_events_break_no_check(tmp_path: Path, capsys: Captured) -> None:
    rng = np.random.default_rng(0)
    rows = quarter()
    rows["hail"] = np.where(rng.random(len(rows)) < 0.004, rng.gamma(2, 3, len(rows)), 0.0)
    rows["wet"] = np.where(rng.random(len(rows)) < 0.2, rng.gamma(2, 3, len(rows)), 0.0)
    rows.to_csv(tmp_path / "orders.csv", index=False)
    told = drafted(tmp_path / "orders.csv", capsys, "--target", "returned")
    assert told["questions"] == []
    columns = {column for _, column in bounds_of("orders", tmp_path)}
    assert "wet" in columns and "hail" not in columns
    low, high = bounds_of("orders", tmp_path)["expect_column_values_to_be_between", "wet"]
    assert low == 0 and high > rows["wet"].max()


def test_the_row_number_of_pandas_is_the_key_where_nothing_else_is(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.parquet"
    rows = quarter().drop(columns="order").assign(at=lambda frame: frame["at"].str[:10], price=1, weight=2.5)
    table = pa.Table.from_pandas(rows.rename_axis("__index_level_0__").reset_index(), preserve_index=False)
    pq.write_table(table, data)
    told = drafted(data, capsys, "--target", "returned")
    (key,) = [each for each in told["guesses"] if each["field"] == "key"]
    assert (key["value"], key["certainty"]) == (["__index_level_0__"], "unsure")
    assert "the row number that pandas wrote" in key["why"]
    assert first_batch("orders", "2024-01").rows.accepted == 620


def test_times_in_the_index_of_pandas_are_the_time(tmp_path: Path, capsys: Captured) -> None:
    rows = quarter()
    indexed = rows.drop(columns="at").set_axis(pd.to_datetime(rows["at"]).rename(None))
    indexed.to_parquet(tmp_path / "orders.parquet")
    assert guesses_of(drafted(tmp_path / "orders.parquet", capsys, "--target", "returned"))["time"] == (
        "__index_level_0__"
    )
    indexed.to_csv(tmp_path / "texts.csv")
    assert "the column without a name looks like one (the first value is '2024-01-0" in asked(
        tmp_path / "texts.csv", capsys, "--target", "returned"
    )


def test_a_single_bad_row_of_a_small_file_hides_no_key(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    rows = quarter().iloc[:300]
    rows.to_csv(data, index=False)
    with data.open("a") as file:
        file.write(f",,{rows['price'].sum():.2f},,,\n")
    assert guesses_of(drafted(data, capsys, "--target", "returned"))["key"] == ["order"]


def test_every_name_that_the_data_do_not_have_is_asked_about(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    quarter().to_csv(data, index=False)
    options = ("--target", "retuned", "--time", "att", "--key", "ordr", "--key", "lien")
    questions = [line for line in asked(data, capsys, *options).splitlines() if line.startswith("--")]
    assert [line.replace(f"{data} has ", "") for line in questions] == [
        "--target: no column 'retuned'",
        "--time: no column 'att'",
        "--key: no column 'ordr'",
        "--key: no column 'lien'",
    ]


def test_a_name_that_cannot_be_used_is_asked_about_with_the_rest(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    quarter().to_csv(data, index=False)
    questions = [
        line for line in asked(data, capsys, "--key", "carrier", "--name", "My Shop").splitlines() if line[0] == "-"
    ]
    assert [line.partition(":")[0] for line in questions] == ["--target", "--key", "--name"]


def test_check_looks_for_the_files(tmp_path: Path, capsys: Captured) -> None:
    data = tmp_path / "orders.csv"
    quarter().to_csv(data, index=False)
    drafted(data, capsys, "--target", "returned")
    data.unlink()
    assert command("check", "orders") == 2
    assert "source.path" in capsys.readouterr().err


def test_hourly_data_are_drafted_run_and_replayed(
    tmp_path: Path,
    perennial: Perennial,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A load that follows the hour and the weekday: what `init` writes learns it and replays."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", "2024-03-31 23:00", freq="h", tz="UTC")
    load = 100 + 40 * np.sin(hours.hour / 24 * 2 * np.pi) + 20 * (hours.day_of_week >= 5) + rng.normal(0, 5, len(hours))
    wind = rng.gamma(2, 3, len(hours)).round(1)
    serviced = (hours - pd.to_timedelta(rng.uniform(1, 90, len(hours)), unit="D")).floor("D")
    readings = pd.DataFrame({"at": hours, "wind": wind, "serviced": serviced, "load": (load - wind).round(2)})
    readings.to_csv(tmp_path / "readings.csv", index=False)
    drafted = perennial("init", "readings.csv", "--target", "load", "--time", "at")
    assert "derived feature hour_of:at: rows are from 24 hours of the day" in drafted.out, drafted.err
    checked = perennial("check", "readings")
    assert "1 numeric, 0 categorical and 3 derived features" in checked.out, checked.err
    ran = perennial("backfill", "readings")
    assert ran.code == 0, ran.err
    last = json.loads(perennial("decisions", "readings", "--json").out)[0]
    gain = last["metrics"][0]
    assert last["outcome"] == "first" and gain["challenger"] < 0.5 * gain["champion"], "a constant knows no hour"
    replayed = perennial("replay", "readings", "--deep")
    assert replayed.code == 0, replayed.out


def test_a_sheet_of_a_workbook(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("python_calamine")
    from tests.sources.test_partitions_and_workbooks import workbook

    rows = quarter()
    cells = [list(rows.columns), *rows.astype("object").to_numpy().tolist()]
    data = tmp_path / "orders.xlsx"
    data.write_bytes(workbook(orders=cells, notes=[["by"], ["Ada"]]))
    assert "2 sheets with rows (orders, notes)\n  answer with --read sheet=NAME" in asked(data, capsys)
    told = drafted(data, capsys, "--target", "returned", "--read", "sheet=orders")
    assert (told["numeric"], told["categorical"]) == (["price", "weight"], ["carrier"])
    assert first_batch("orders", "2024-02").rows.accepted == 580


def test_folders_named_by_year_and_month(tmp_path: Path, capsys: Captured) -> None:
    rows = quarter()
    for month, part in rows.groupby(rows["at"].str[5:7]):
        folder = tmp_path / "orders" / "year=2024" / f"month={int(str(month))}"
        folder.mkdir(parents=True)
        part.to_parquet(folder / "part-0.parquet", index=False)
    told = drafted(tmp_path / "orders", capsys, "--target", "returned")
    assert told["rows"] == len(rows) and told["numeric"][:2] == ["price", "weight"]
    assert first_batch("orders", "2024-02").rows.accepted == 580


def test_a_target_with_a_season_is_offered_recall_in_a_comment(tmp_path: Path) -> None:
    for season, offered in ((3.0, True), (0.0, False)):
        path = tmp_path / f"orders_{season:.0f}.csv"
        season_history(26, season).to_csv(path, index=False)
        assert command("init", str(path), "--target", "amount") == 0
        text = (Path(os.environ["PERENNIAL_USECASES"]) / f"{path.stem}.yaml").read_text()
        assert ("  # unsure: amount has a season over 2 years" in text) == offered
        assert "serve: mixture" in text, "what is declared stays the same"
