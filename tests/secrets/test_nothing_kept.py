"""A secret of a source is in nothing that a real cycle and failing ones write, Prefect's database included."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import yaml

from perennial.cli.failures import unexpected
from perennial.processes.prefect_server import stop_server
from perennial.settings import settings
from tests.prefect_once import copy_database
from tests.world import World, month_of_rows

PASSWORD = "0penSesame-Pl4nted"
QUERY = "SELECT * FROM orders WHERE at >= :start AND at < :end"
DERIVED = """
import os
import pandas as pd

def dear(rows: pd.DataFrame) -> pd.Series:
    if os.environ.get("SHOP_BREAKS"):
        raise ValueError("no answer from " + os.environ["SHOP_URL"])
    return (rows["price"] > 100).astype(float)
"""


class Shop:
    """A shop whose orders are in a database, and everything that its commands printed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.database = folder / "orders.db"
        self.printed = ""
        with closing(sqlite3.connect(self.database)) as connection:
            rows = [month_of_rows(f"2024-0{month}", rows_a_day=20) for month in (1, 2, 3)]
            pd.concat(rows).to_sql("orders", connection, index=False)
        world = World(folder / "usecases")
        source = {"kind": "sql", "url_env": "SHOP_URL", "query": QUERY, "batch": "month", "first": "2024-01-01"}
        features = {**world.declaration["features"], "derived": ["shop.py:dear"]}
        world.declare(source=source, features=features)
        (world.usecases / "shop.py").write_text(DERIVED)
        for name, path in (("lake", f"s3://key:{PASSWORD}@bucket/orders"), ("pond", f"orders?token={PASSWORD}")):
            lake = {**world.declaration, "name": name, "source": {"kind": "delta", "path": path, "batch": "month"}}
            (world.usecases / f"{name}.yaml").write_text(yaml.safe_dump(lake))

    def __call__(self, *arguments: str, url: str | None = None, **variables: str) -> int:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PERENNIAL_"))}
        places = {"PERENNIAL_HOME": str(self.home), "PERENNIAL_USECASES": str(self.folder / "usecases")}
        url = url or f"sqlite:///file:{self.database}?uri=true&password={PASSWORD}"
        done = subprocess.run(
            [sys.executable, "-m", "perennial.cli", *arguments],
            env=ours | places | variables | {"SHOP_URL": url},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=240,
        )
        self.printed += done.stdout + done.stderr
        return done.returncode

    def kept(self, text: str) -> list[str]:
        """The files that hold a text, written ahead or not; without the declarations, which a person wrote."""
        wanted = re.compile(re.escape(text.encode()))
        files = [path for path in self.folder.rglob("*") if path.is_file() and "usecases" not in path.parts]
        return [str(path.relative_to(self.folder)) for path in files if wanted.search(path.read_bytes())]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    copy_database(shop.home / "prefect" / "prefect.db")
    yield shop
    stop_server(settings({"PERENNIAL_HOME": str(shop.home)}))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_secret_of_a_source_is_printed_or_kept_by_anything(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop("run", "shop") == 0, shop.printed
    assert shop("run", "shop", "--json", SHOP_BREAKS="1") == 1, shop.printed
    assert shop("run", "shop", url=f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:1/orders") == 1
    assert shop("run", "shop", url=f"nosuch://me:{PASSWORD}@db.example/orders") == 2
    assert [shop("run", name, "--json") for name in ("lake", "pond")] == [2, 2]

    monkeypatch.setenv("PERENNIAL_HOME", str(shop.home))
    try:
        raise RuntimeError(f"cannot open {shop.database}?password={PASSWORD}")
    except RuntimeError as error:
        shop.printed += str(unexpected(error))

    assert "does not answer" in shop.printed and "is not installed" in shop.printed, "the failing ones gave the reason"
    assert any(name.startswith("home/prefect/") for name in shop.kept("no answer from")), "Prefect keeps their words"
    assert any(name.startswith("home/failures/") for name in shop.kept("cannot open"))
    assert PASSWORD not in shop.printed
    assert shop.kept(PASSWORD) == []
