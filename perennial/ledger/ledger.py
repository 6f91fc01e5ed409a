"""The ledger: a permanent, ordered record. One append-only table with a hash chain per use case.

A row's key makes appends idempotent. The unique key on a release number is the compare-and-set that decides which
process releases. The hash chain reveals any change to the past.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import IntegrityError, InterfaceError, NoSuchModuleError, OperationalError

from perennial.clock import write_instant
from perennial.errors import InputError, LedgerBroken, TransientError
from perennial.fault_points import write
from perennial.identity import canonical_json, digest
from perennial.ledger import turns
from perennial.ledger.chain import GENESIS, Head, follow, require_head
from perennial.ledger.connections import APART, KeptWithinStep
from perennial.ledger.entries import KIND_OF, KINDS, Recorded
from perennial.ledger.many import BatchesNow, batches_now, newest_and_every
from perennial.ledger.migrations import bring_up_to_date, take_turns
from perennial.ledger.migrations.tables import entries
from perennial.settings import takes_writes

Payload = TypeVar("Payload", bound=Recorded)
CHECKED = 500
"""Before a release, this many of the newest rows are checked, and as many older ones in turn."""
_LOCK_WAIT_MS = 30_000
_DAMAGED = ("file is not a database", "malformed", "file is encrypted")
_ATTEMPTS = 20


@dataclass(frozen=True)
class Row(Generic[Payload]):
    """A payload as the ledger holds it."""

    payload: Payload
    position: int
    key: str
    recorded_at: str
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class _Read(Generic[Payload]):
    """All rows of a kind up to a position of the chain, whose row has that hash."""

    position: int
    hash: str
    rows: tuple[Row[Payload], ...]


_KNOWN: dict[tuple[str, str, type[Recorded]], _Read[Any]] = {}
"""What this process has read, by ledger, use case and kind."""


@dataclass(frozen=True)
class Position:
    """The end of a chain: how many rows, the last one's hash, when it was written."""

    position: int
    hash: str
    recorded_at: str

    @property
    def head(self) -> str:
        """As noted elsewhere and accepted by `ledger verify --head`: `62:37a6b01e…`, with all 64 digits."""
        return f"{self.position}:{self.hash}"


def _machine_clock() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Appends to and reads from the ledger at `url` (SQLAlchemy), migrating it at first use.

    now: stamps `recorded_at`, the time of writing. It is kept for people; no decision depends on it.
    Raises InputError if the ledger was written by a newer version than this one.
    """

    def __init__(self, url: str, now: Callable[[], datetime] = _machine_clock) -> None:
        self.url = url
        self._now = now
        self._engine = _engine(url)
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._shown = self._engine.url.render_as_string(hide_password=True)
        bring_up_to_date(self._engine, self._shown)
        self._past: tuple[ColumnElement[bool], ...] = ()

    def before(self, position: int) -> Ledger:
        """The ledger as it was before that row of a use case's chain, read-only."""
        past = copy(self)
        past._past = (entries.c.position < position,)
        return past

    @property
    def is_past(self) -> bool:
        """Whether it is the ledger as it was before some row."""
        return bool(self._past)

    def append(self, usecase: str, payload: Payload) -> tuple[Row[Payload], bool]:
        """Write a row under its key, or return the existing one: (row, whether it was written now).

        Raises TransientError if the database stays locked or out of reach, TurnLost if this process had the turn of
        the use case and another one has it now.
        """
        if self._past:
            raise ValueError("a past state of the ledger cannot be appended to")
        kind = KIND_OF[type(payload)]
        for _ in range(_ATTEMPTS):
            try:
                with write(f"{kind}_row"), self._writing() as connection, connection.begin():
                    take_turns(connection, usecase)
                    turns.require(connection, self.url, usecase)
                    existing = self._find(connection, usecase, type(payload), payload.key)
                    return (existing, False) if existing else (self._insert(connection, usecase, kind, payload), True)
            except IntegrityError:
                continue  # another process took the key or the head of the chain: look again
            except (OperationalError, InterfaceError) as error:
                raise TransientError(f"the ledger at {self._shown} cannot be written to: {error.orig}") from error
        raise TransientError(f"the ledger at {self._shown} is too busy: {_ATTEMPTS} attempts to append a {kind} failed")

    def _insert(self, connection: Connection, usecase: str, kind: str, payload: Payload) -> Row[Payload]:
        head = connection.execute(
            select(entries.c.position, entries.c.hash)
            .where(entries.c.usecase == usecase)
            .order_by(entries.c.position.desc())
            .limit(1)
        ).first()
        position, previous = (head.position + 1, head.hash) if head else (1, GENESIS)
        values = {
            "usecase": usecase,
            "position": position,
            "kind": kind,
            "key": payload.key,
            "recorded_at": write_instant(self._now()),
            "payload": canonical_json(payload.model_dump(mode="json")),
            "previous_hash": previous,
        }
        values["hash"] = digest(values)
        connection.execute(insert(entries).values(values))
        return _row(values, type(payload))

    def _find(self, connection: Connection, usecase: str, payload: type[Payload], key: str) -> Row[Payload] | None:
        row = connection.execute(
            select(entries).where(
                entries.c.usecase == usecase, entries.c.kind == KIND_OF[payload], entries.c.key == key, *self._past
            )
        ).first()
        return _row(row._asdict(), payload) if row else None

    def get(self, usecase: str, payload: type[Payload], key: str) -> Row[Payload] | None:
        """The row with that kind and key, or None."""
        with self._reading() as connection:
            return self._find(connection, usecase, payload, key)

    def all(self, usecase: str, payload: type[Payload]) -> tuple[Row[Payload], ...]:
        """Every row of a kind, in the order of writing.

        Rows never change, so a process reads each once and then only what was written since, of any kind. If the end
        of the chain that it knows is gone or has another hash, as after a restore, it reads them all again.
        """
        if self._past:
            return tuple(self._of_kind(usecase, payload))
        kind, place = KIND_OF[payload], (self.url, usecase, payload)
        known = cast("_Read[Payload] | None", _KNOWN.get(place))
        since = self._since(usecase, known.position) if known else []
        if known and since and since[0]["hash"] == known.hash:
            rows = known.rows + tuple(_row(values, payload) for values in since[1:] if values["kind"] == kind)
            end, last = since[-1]["position"], since[-1]["hash"]
        else:
            newest = self.newest(usecase)
            if newest is None:
                return ()
            end, last = newest.position, newest.hash
            rows = tuple(row for row in self._of_kind(usecase, payload) if row.position <= end)
        _KNOWN[place] = _Read(end, last, rows)
        return rows

    def _since(self, usecase: str, position: int) -> list[Mapping[Any, Any]]:
        """The rows of every kind from that position on, in order."""
        of_chain = (entries.c.usecase == usecase, entries.c.position >= position)
        with self._reading() as connection:
            rows = connection.execute(select(entries).where(*of_chain).order_by(entries.c.position)).all()
        return [row._mapping for row in rows]

    def _of_kind(self, usecase: str, payload: type[Payload]) -> list[Row[Payload]]:
        """The rows of a kind, in the order of writing."""
        of_kind = (entries.c.usecase == usecase, entries.c.kind == KIND_OF[payload])
        with self._reading() as connection:
            rows = connection.execute(select(entries).where(*of_kind, *self._past).order_by(entries.c.position)).all()
        return [_row(row._mapping, payload) for row in rows]

    def everywhere(
        self, newest: Collection[type[Recorded]], every: Collection[type[Recorded]]
    ) -> dict[str, dict[type[Recorded], list[Mapping[str, Any]]]]:
        """Use case → kind → payloads as JSON values: of some kinds the newest one, of others every one."""
        with self._reading_now() as connection:
            return newest_and_every(connection, newest, every)

    def batches_now(self) -> dict[str, BatchesNow]:
        """Use case → its last batch, and those that are held."""
        with self._reading_now() as connection:
            return batches_now(connection)

    def after(self, usecase: str, position: int) -> list[Row[Recorded]]:
        """Rows of every kind behind a position of a use case's chain, in order."""
        with self._reading() as connection:
            rows = connection.execute(
                select(entries)
                .where(entries.c.usecase == usecase, entries.c.position > position, *self._past)
                .order_by(entries.c.position)
            ).all()
        return [_row(row._mapping, KINDS[row.kind]) for row in rows]

    def starting(self, payload: type[Payload], prefix: str) -> list[Row[Payload]]:
        """Rows of any use case whose key begins with `prefix` (letters and digits), found through an index."""
        key = entries.c.key
        # PostgreSQL's index supports patterns, SQLite's only ranges.
        ranged = key.between(prefix, prefix + chr(0x10FFFF)) if self._sqlite else key.like(f"{prefix}%")
        with self._reading() as connection:
            rows = connection.execute(select(entries).where(entries.c.kind == KIND_OF[payload], ranged)).all()
        return [_row(row._mapping, payload) for row in rows]

    def newest(self, usecase: str) -> Position | None:
        """The end of a use case's chain, or None if it has no rows."""
        with self._reading() as connection:
            last = connection.execute(
                select(entries.c.position, entries.c.hash, entries.c.recorded_at)
                .where(entries.c.usecase == usecase)
                .order_by(entries.c.position.desc())
                .limit(1)
            ).first()
        return Position(last.position, last.hash, last.recorded_at) if last else None

    def hashes(self, usecase: str) -> dict[int, str]:
        """The hash of each row of a use case's chain, by position. What they are hashes of is not checked here."""
        of_chain = select(entries.c.position, entries.c.hash).where(entries.c.usecase == usecase)
        with self._reading() as connection:
            return {row.position: row.hash for row in connection.execute(of_chain)}

    def usecases(self) -> list[str]:
        """Names of all use cases that have rows."""
        with self._reading() as connection:
            return list(connection.execute(select(entries.c.usecase).distinct().order_by(entries.c.usecase)).scalars())

    def verify(self, usecase: str, head: Head | None = None) -> int:
        """Check the chain from its first row and return the number of rows.

        head: one that was noted earlier; the chain must still contain it.
        Raises LedgerBroken at the first row that is wrong.
        """
        with self._reading() as connection:
            count = follow(connection, usecase, 1, None)
            if head is not None:
                require_head(connection, usecase, head, count)
        return count

    def verify_for_release(self, usecase: str, release_no: int, used: Sequence[int] = ()) -> None:
        """Check the newest `CHECKED` rows, as many older ones, and those that the release is based on.

        The older stretch moves on with each release number, so that every row is checked again in turn while the cost
        does not grow with the ledger. used: positions of rows. Raises LedgerBroken.
        """
        newest = self.newest(usecase)
        if newest is None:
            return
        recent = max(1, newest.position - CHECKED + 1)
        stretches = -(-(recent - 1) // CHECKED)
        start = 1 + (release_no % stretches) * CHECKED if stretches else recent
        with self._reading() as connection:
            if stretches:
                follow(connection, usecase, start, min(start + CHECKED, recent) - 1)
            follow(connection, usecase, recent, newest.position)
            for position in used:
                follow(connection, usecase, position, position)

    def require_turn(self, usecase: str) -> None:
        """Raises TurnLost if this process had the turn of a use case and another one has it now."""
        with self._reading() as connection:
            turns.require(connection, self.url, usecase)

    def session(self) -> Connection:
        """A separate connection in autocommit mode, which no later question gets.

        Raises TransientError if the database does not respond.
        """
        session = self._reading()
        session.connection.info[APART] = True
        return session.execution_options(isolation_level="AUTOCOMMIT")

    def _reading_now(self) -> Connection:
        if self._past:
            raise ValueError("a past state of the ledger is read one use case at a time")
        return self._reading()

    def _writing(self) -> Connection:
        return self._engine.connect().execution_options(perennial_write=True)

    def _reading(self) -> Connection:
        try:
            return self._engine.connect()
        except (OperationalError, InterfaceError) as error:
            raise TransientError(
                f"the ledger at {self._shown} does not answer: {error.orig}", code="ledger-unreachable"
            ) from error


def _row(values: Mapping[Any, Any], payload: type[Payload]) -> Row[Payload]:
    try:
        entry = _payload(payload, values["payload"])
    except ValueError as error:
        raise LedgerBroken(
            f"{values['usecase']}: row {values['position']} of the ledger ({values['kind']} {values['key']}) cannot be "
            f"read. Restore the ledger from a backup; nothing is released until then."
        ) from error
    return Row(
        payload=entry,
        position=values["position"],
        key=values["key"],
        recorded_at=values["recorded_at"],
        previous_hash=values["previous_hash"],
        hash=values["hash"],
    )


@lru_cache(maxsize=8192)
def _payload(payload: type[Payload], text: str) -> Payload:
    """Cached, because rows never change and a cycle reads the same ones many times."""
    return payload.model_validate_json(text)


def _engine(url: str) -> Engine:
    path = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    if path is not None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    only_reads = path is not None and path.exists() and not (takes_writes(path) and takes_writes(path.parent))
    if path is not None and only_reads:
        return _made(_read_only(path), url, only_reads)
    return _kept(url)


@lru_cache(maxsize=32)
def _kept(url: str) -> Engine:
    """Kept for the statements that it has compiled, and for the connections of a step."""
    return _made(url, url)


def _made(address: str, url: str, only_reads: bool = False) -> Engine:
    try:
        # A kept connection to a server may be lost by the next question; one to a file cannot.
        engine = create_engine(address, poolclass=KeptWithinStep, pool_pre_ping=not address.startswith("sqlite"))
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise InputError(
            f"PERENNIAL_DATABASE_URL: the driver it names is not installed ({error})\n"
            "  For PostgreSQL, run pip install 'perennial[postgres]' and set it to "
            "postgresql+psycopg://user:password@host/database"
        ) from None
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: Any, _: object) -> None:
            connection.isolation_level = None  # transactions begin explicitly, below
            connection.execute(f"PRAGMA busy_timeout={_LOCK_WAIT_MS}")
            if not only_reads:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            # A deferred transaction that reads and then writes fails at once if another one wrote in between;
            # an immediate one waits for its turn.
            writes = cast(bool, connection.get_execution_options().get("perennial_write", False))
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    shown = make_url(url).render_as_string(hide_password=True)

    @event.listens_for(engine, "handle_error", retval=True)
    def _in_our_words(context: ExceptionContext) -> BaseException | None:
        """Translate a damaged file and a connection lost while reading; the writer handles errors while writing."""
        problem = context.sqlalchemy_exception
        words = str(getattr(problem, "orig", "")).lower()
        if any(each in words for each in _DAMAGED):
            return LedgerBroken(
                f"the ledger at {shown} is damaged: {words}",
                code="ledger-damaged",
                fix="Restore it from a backup.",
            )
        writes = context.connection is not None and context.connection.get_execution_options().get("perennial_write")
        if isinstance(problem, OperationalError | InterfaceError) and context.connection is not None and not writes:
            return TransientError(f"the ledger at {shown} does not answer: {words}", code="ledger-unreachable")
        return None

    return engine


def _read_only(path: Path) -> str:
    """The address of a read-only SQLite file.

    If no write-ahead log waits to be merged, the file is opened as immutable, because SQLite could not lock it.
    """
    waiting = path.with_name(f"{path.name}-wal")
    alone = "" if waiting.exists() and waiting.stat().st_size else "&immutable=1"
    return f"sqlite:///file:{quote(str(path))}?mode=ro{alone}&uri=true"
