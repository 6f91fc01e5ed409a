"""A source of a SQL database: one query, asked for one stretch of time after the other.

The address comes from an environment variable that the declaration names, so that no password stands in a file, a
log or the ledger. Windows begin with `first` and end with the one that holds the newest row: an hour, day or month
that is not over is given like the others, and when more of its rows are there it is given again, a revision (on the
wall clock it is left out until it is over). SQLite has no times: `:start` and `:end` are then texts like
2024-01-31T00:00:00Z; write `datetime(at) >= datetime(:start)` where a column is written otherwise.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from perennial.errors import InputError, TransientError
from perennial.secrets import remember
from perennial.sources.epochs import epoch_hint
from perennial.sources.window import Arrival, Cut, Window, window_name, window_of

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection

    from perennial.sources.config import SqlSource


_QUOTED = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/)""", re.DOTALL)
_OTHER_COLON = re.compile(r"(?<=:):|:(?!(?:start|end)\b)")


def open_sql(config: SqlSource, *, folder: Path, schema_time: str, timezone: str) -> SqlRows:
    """The source of a query. Nothing is asked yet."""
    return SqlRows(config.url_env, config.query, config.batch, config.first, schema_time, timezone)


@dataclass(frozen=True)
class SqlRows:
    """Rows of a query between two times. url_env: the variable that holds SQLAlchemy's URL."""

    url_env: str
    query: str
    cut: Cut
    first: str
    time: str
    timezone: str

    def windows(self) -> list[Window]:
        """Every window from `first` to the newest row's, oldest first.

        Raises InputError for a wrong variable or query, TransientError where the database does not answer.
        """
        newest = self._newest()
        window = self._window_at(datetime.fromisoformat(self.first).replace(tzinfo=ZoneInfo(self.timezone)))
        windows = []
        while newest is not None and window.start is not None and window.end is not None and window.start <= newest:
            windows.append(window)
            window = self._window_at(window.end.astimezone(ZoneInfo(self.timezone)))
        return windows

    def fetch(self, window: Window) -> Arrival:
        """The window's rows as Parquet, sorted, so that the same rows are the same bytes. Raises as `windows`."""
        import pyarrow.parquet as pq

        with self._asking() as connection:
            names, rows = _answer(connection, self.query, {"start": window.start, "end": window.end})
        out = io.BytesIO()
        pq.write_table(_table(names, rows), out)
        return Arrival(window, out.getvalue(), ".parquet")

    def _newest(self) -> datetime | None:
        first = datetime.fromisoformat(self.first).replace(tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)
        span = {"start": first, "end": datetime.now(UTC) + timedelta(days=1)}
        with self._asking() as connection:
            quoted = connection.dialect.identifier_preparer.quote_identifier(self.time)
            _, rows = _answer(connection, f"SELECT max({quoted}) FROM ({self.query}\n) AS asked", span)
        return _instant(rows[0][0], self.time, self.timezone)

    def _window_at(self, moment: datetime) -> Window:
        local = moment.astimezone(UTC) if self.cut == "hour" else moment
        return window_of(window_name(local, self.cut), self.cut, ZoneInfo(self.timezone))

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        """A connection that may read only. No error of it shows the address, nor leads to one that does."""
        from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError

        address = os.environ.get(self.url_env)
        if not address:
            raise InputError(
                f"source.url_env: the environment has no {self.url_env}\n"
                f"  set it to the database's address: {self.url_env}=postgresql+psycopg://user:password@host/database"
            )
        remember({self.url_env: address})
        try:
            with _connected(address, self.timezone) as connection:
                yield connection
        except (NoSuchModuleError, ModuleNotFoundError) as problem:
            message = f"source.url_env: the driver of {self.url_env} is not installed ({_in_a_line(problem, address)})"
            raise InputError(f"{message}\n  for PostgreSQL: pip install 'perennial[postgres]'") from None
        except (ArgumentError, ValueError):
            message = f"source.url_env: {self.url_env} holds no address that SQLAlchemy understands"
            raise InputError(f"{message}\n  for example postgresql+psycopg://user:password@host/database") from None
        except (OperationalError, InterfaceError) as problem:
            if "syntax" in str(problem.orig) or "no such" in str(problem.orig):
                raise self._wrong_query(problem, address) from None
            message = f"source: the database of {self.url_env} does not answer: {_in_a_line(problem.orig, address)}"
            raise TransientError(message) from None
        except DBAPIError as problem:
            raise self._wrong_query(problem, address) from None

    def _wrong_query(self, problem: Any, address: str) -> InputError:
        message = f"source.query: the database refuses it: {_in_a_line(problem.orig, address)}"
        return InputError(f"{message}\n  try it in the database's own shell with times for :start and :end")


@contextmanager
def _connected(address: str, timezone: str) -> Iterator[Connection]:
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.pool import NullPool

    engine = create_engine(make_url(address), poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only=ON")
        elif engine.dialect.name in ("postgresql", "mysql", "mariadb"):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        if engine.dialect.name == "postgresql":  # a column without a zone means the schema's
            connection.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": timezone})
        yield connection
        connection.rollback()


def _answer(connection: Connection, query: str, span: Mapping[str, datetime | None]) -> tuple[list[str], list[Any]]:
    """Column names and rows. SQLite has no times: there they are compared as ISO text in UTC."""
    from sqlalchemy import text

    bound: dict[str, Any] = dict(span)
    if connection.dialect.name == "sqlite":
        bound = {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None for name, moment in span.items()}
    result = connection.execute(text(only_our_parameters(query)), bound)
    return list(result.keys()), [tuple(row) for row in result]


def outside_quotes(query: str) -> str:
    """A query without its quoted parts and comments.

    >>> outside_quotes("SELECT ';' FROM o WHERE at < :end -- ;")
    'SELECT  FROM o WHERE at < :end '
    """
    return "".join(_QUOTED.split(query)[::2])


def only_our_parameters(query: str) -> str:
    """The query with every colon escaped for SQLAlchemy, but for those of `:start` and `:end` outside of quotes.

    >>> only_our_parameters("at < :end AND x::date AND note NOT LIKE '%:end%'")
    "at < :end AND x\\\\:\\\\:date AND note NOT LIKE '%\\\\:end%'"
    """
    parts = _QUOTED.split(query)
    parts[::2] = [_OTHER_COLON.sub(r"\\:", part) for part in parts[::2]]
    parts[1::2] = [part.replace(":", r"\:") for part in parts[1::2]]
    return "".join(parts)


def _table(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    import pyarrow as pa

    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputError(f"source.query: it gives the columns {', '.join(twice)} twice\n  name them apart with AS")
    ordered = sorted(rows, key=lambda row: tuple((value is None, str(value)) for value in row))
    columns = list(zip(*ordered, strict=True)) if ordered else [()] * len(names)
    return pa.table({name: _column(values) for name, values in zip(names, columns, strict=True)})


def _column(values: Sequence[Any]) -> pa.Array:
    """Values of one type as that type; of several, as SQLite allows, as text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _instant(value: Any, time: str, timezone: str) -> datetime | None:
    import pyarrow as pa

    from perennial.sources.typed_column import read_timestamps

    if value is None:
        return None
    instants, bad = read_timestamps(pa.array([value]), timezone)
    if bad.notna().any():
        message = f"source.query: its newest '{time}' is not a time: {value!r}{epoch_hint(value)}"
        raise InputError(message, fix="give times, or ISO 8601 texts")
    newest: datetime = instants.iloc[0].to_pydatetime()
    return newest


def _in_a_line(problem: object, address: str) -> str:
    """A driver's words on one line, without the address; its password is masked wherever a message is made."""
    return " ".join(str(problem).split()).replace(address, "***")
