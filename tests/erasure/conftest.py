"""A shop that knows a person: her own strings are in every column, and in every kind of file that it sends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perennial.serving.log.segment import Answered, SegmentWriter
from tests.cli.conftest import Told, asking
from tests.places import lead_to
from tests.training.stores import cycle
from tests.world import World, copied, month_of_rows

KEY = "ADA-7731"
OF_THE_PERSON = (KEY, "lovelace-express", "ada.lovelace@example.org", "987.654")
"""Strings that only her rows have: key, carrier, a column that is not declared, a price that no check allows."""
SEGMENT = "20240301T000000-0123456789ab"
ASKED = ("erase", "shop", "--key", KEY, "--key", f"{KEY}-2", "--by", "Ben", "--reason", "asked to be forgotten")

Ask = Callable[..., Told]


@pytest.fixture(scope="session")
def known_person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with home and use cases: three cycles, late labels, a row set aside, served predictions, a log."""
    folder = tmp_path_factory.mktemp("known")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        meet_the_person(World(folder / "usecases", rows_a_day=20), folder / "home")
        left_by_other_processes(folder / "home")
    return folder


def meet_the_person(shop: World, home: Path) -> None:
    """Three cycles of a shop; the person is in the second month."""
    shop.declare(
        labels={"path": "late", "known_at": "known_at"},
        watch={"channels": ["contract", "gap", "level", "unseen", "features", "calibration", "predictions"]},
    )
    (shop.usecases / "late").mkdir()
    for month in ("2024-01", "2024-02", "2024-03"):
        rows = month_of_rows(month, rows_a_day=20).assign(contact="nobody")
        if month == "2024-02":
            rows = rows.astype({"price": "object"})
            rows.loc[5, ["order", "carrier", "contact"]] = OF_THE_PERSON[:3]
            rows.loc[9, ["order", "price", "contact"]] = [f"{KEY}-2", OF_THE_PERSON[3], OF_THE_PERSON[2]]
        rows.to_csv(shop.usecases / "shop" / f"{month}.csv", index=False)
        if month == "2024-03":
            (shop.usecases / "late" / "2024-02.csv").write_text(
                f"order,returned,known_at\n{KEY},1,2024-02-20T00:00:00Z\n2024-02-00007,1,2024-02-20T00:00:00Z\n"
            )
            served(home)
        cycle()


def served(home: Path) -> None:
    """What a service answered and left behind."""
    from tasks.collecting import collect_segments

    writer = SegmentWriter(home / "served", SEGMENT)
    sent = json.dumps({"order": KEY, "contact": OF_THE_PERSON[2]}).encode()
    writer.append([Answered("shop", 0, 1, "1", "f", (0.5,), each) for each in (sent, b'{"order": "o"}')])
    writer.close()
    assert collect_segments.fn() == 2


def left_by_other_processes(home: Path) -> None:
    """What a failed command, Prefect, a page and a backtest keep of what they were given."""
    (home / "failures").mkdir()
    (home / "failures" / "perennial.log").write_text(f"$ perennial prediction {KEY}\n")
    (home / "pages").mkdir(exist_ok=True)
    (home / "pages" / "shop.html").write_text(f"<p>set aside: price 987.654 of {OF_THE_PERSON[2]}</p>")
    with sqlite3.connect(home / "prefect" / "prefect.db") as prefect:
        prefect.execute("PRAGMA journal_mode = WAL")
        prefect.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, message TEXT)")
        prefect.execute("INSERT INTO log (message) VALUES (?)", (f"row {KEY} was set aside",))
        prefect.execute("CREATE TABLE artifact (id INTEGER PRIMARY KEY, data JSON)")
        prefect.execute("INSERT INTO artifact (data) VALUES (?)", (json.dumps({"seen": [987.654, OF_THE_PERSON[1]]}),))
    prefect.close()


@pytest.fixture
def shop(known_person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of it, for this test alone."""
    copied(known_person, tmp_path)
    lead_to(monkeypatch, tmp_path)
    yield World(tmp_path / "usecases", rows_a_day=20)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """A command that needs no Prefect, in this process: its exit code and what it wrote."""
    return asking(capsys)
