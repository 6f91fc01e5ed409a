"""Traces of erased rows in the databases of Prefect and MLflow: logs, artifacts, parameters, tags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perennial.erasure import in_postgres, in_sqlite
from perennial.erasure.own_texts import OwnTexts
from perennial.fault_points import write
from perennial.secrets import masked
from perennial.settings import Settings, database_file


@dataclass(frozen=True)
class Database:
    """One database. place: the file of SQLite, or the address of PostgreSQL."""

    of: Literal["prefect", "mlflow"]
    place: Path | str

    def __str__(self) -> str:
        return masked(str(self.place))


def databases(where: Settings) -> list[Database]:
    """Those in the home, and those on a server that the settings name.

    The ledger is none of them: nothing can be removed from its chain.
    """
    prefect = where.prefect_database_url or f"sqlite:///{where.prefect_home / 'prefect.db'}"
    places = [Database("prefect", _place(prefect)), Database("mlflow", _place(where.mlflow_tracking_uri))]
    return [each for each in places if _is_here(each.place)]


def _place(address: str) -> Path | str:
    return database_file(address) or address


def _is_here(place: Path | str) -> bool:
    return place.exists() if isinstance(place, Path) else can_change(place)


def can_change(address: str) -> bool:
    """Whether an erasure changes a database with that address."""
    return database_file(address) is not None or address.startswith("postgresql")


def has_traces(database: Database, own: OwnTexts) -> bool:
    """Whether a value of any table has one of the texts."""
    if isinstance(database.place, Path):
        return in_sqlite.has_traces(database.place, own)
    return in_postgres.has_traces(database.place, own)


def remove_from_database(database: Database, own: OwnTexts) -> None:
    """Replace the texts in every value, and write what was changed anew, without what was removed before.

    Raises TransientError if a server does not let go of it for a minute.
    """
    with write("erased_database"):
        if isinstance(database.place, Path):
            in_sqlite.remove(database.place, own)
        else:
            in_postgres.remove(database.place, own)
