"""Everything a step needs, opened from the settings: ledger, tables, landing, registry, declarations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path

from perennial.engine import Engine
from perennial.engine.chosen import engine_of
from perennial.errors import InputError
from perennial.identity import SHORT
from perennial.ledger.allowed_edits import refuse_edits
from perennial.ledger.erased import digests_now
from perennial.ledger.ledger import Ledger
from perennial.settings import Settings, allow_threads, prepare_home, readable_home
from perennial.signing.signature import Signatures
from perennial.store.bounded import Bounds
from perennial.store.files import Files, files_at
from perennial.store.landing import Landing
from perennial.store.lease import only_one_of_all
from perennial.store.lock import RUN as RUN
from perennial.store.lock import WAIT_SECONDS, only_one
from perennial.store.model_archive import ModelArchive, archived
from perennial.store.registry import Registry
from perennial.store.site import Site
from perennial.store.statistics import StatisticsFiles
from perennial.store.tables import Tables
from perennial.store.validations import Validations
from perennial.usecase.declaration import UseCase
from perennial.usecase.reading import load_use_case, stamps_of, use_case_name
from perennial.usecase.team_files import code_of
from perennial.usecase.template import Stamp


@dataclass(frozen=True)
class Workspace:
    """The stores of one home. Each is opened at first use."""

    settings: Settings

    @cached_property
    def ledger(self) -> Ledger:
        """The record of batches, decisions, releases and everything else."""
        return Ledger(self.settings.database_url)

    @cached_property
    def tables(self) -> Tables:
        """Accepted rows, rows set aside, labels."""
        where = self.settings
        in_turn = self.ledger.require_turn if self.is_shared else None
        return Tables(where.tables_uri, Bounds(where.memory, where.spill, where.rows_in_memory), in_turn)

    @cached_property
    def engine(self) -> Engine:
        """Where large steps run."""
        return engine_of(self.settings)

    @cached_property
    def site(self) -> Site | None:
        """Where steps over parts of rows run; None for this process."""
        return Site(self.engine, self.settings.files_uri) if self.engine.spreads else None

    @cached_property
    def files(self) -> Files:
        """Where landed bytes and results of checks are kept."""
        return files_at(self.settings.files_uri, self.settings.spill)

    @cached_property
    def landing(self) -> Landing:
        """The bytes as they arrived."""
        return Landing(self.files)

    @cached_property
    def validations(self) -> Validations:
        """The check results of each batch."""
        return Validations(self.files)

    def statistics(self, usecase: str, recipe: str) -> StatisticsFiles:
        """The counts of a use case's features, as the recipe with that digest computes them."""
        return StatisticsFiles(self.settings.home / "statistics" / usecase / recipe[:SHORT])

    def backtests(self, usecase: str) -> Path:
        """The folder of the predictions that a backtest of a use case keeps; it may be deleted at any time."""
        return self.settings.backtests / usecase

    @cached_property
    def registry(self) -> Registry:
        """Model versions in MLflow."""
        where = self.settings
        return Registry(
            where.mlflow_tracking_uri,
            where.mlflow_artifacts,
            where.namespace,
            self.signatures,
            partial(digests_now, self.ledger),
            self.model_archive,
            partial(archived, self.ledger),
        )

    @cached_property
    def model_archive(self) -> ModelArchive:
        """Where the files of old model versions are."""
        return ModelArchive(self.settings.model_archive, self.settings.spill)

    @property
    def signatures(self) -> Signatures:
        """Which key signs model files, and which ones verify them."""
        where = self.settings
        return Signatures(where.model_key, where.trusted_model_keys, where.require_signed_models)

    def use_case(self, name: str) -> UseCase:
        """The declaration with that name.

        Raises DeclarationError with all its mistakes, InputError for an edit that its history does not allow.
        """
        case = self.declared(name)
        refuse_edits(self.ledger, case.declaration)
        return case

    def declared(self, name: str) -> UseCase:
        """The declaration with that name as it is in its file, regardless of its history."""
        if (known := use_case_name(name, self.settings.usecases)) != name:
            raise InputError(f"'{name}' is the path of a use case; a run takes its name, {known}", field="usecase")
        written = stamps_of(name, self.settings.usecases)
        if not written:
            return load_use_case(name, self.settings.usecases)
        case = _unchanged(name, self.settings.usecases, written)
        if case.code != code_of(
            case.declaration.functions, case.folder
        ):  # small files, so that they are read each time
            _unchanged.cache_clear()
            case = _unchanged(name, self.settings.usecases, written)
        return case

    @property
    def is_shared(self) -> bool:
        """Whether other machines may work on the same ledger."""
        return self.settings.database_url.startswith("postgresql")

    @contextmanager
    def only_one(self, usecase: str, step: str, seconds: float = WAIT_SECONDS) -> Iterator[None]:
        """Hold a step of a use case exclusively; on all machines if the ledger is on PostgreSQL.

        Raises TransientError if another process holds it longer than `seconds`.
        """
        if self.is_shared:
            turn = only_one_of_all(self.ledger, usecase, step, seconds, self.settings.namespace)
        else:
            turn = only_one(self.settings.locks, usecase, step, seconds)
        with turn:
            yield

    @contextmanager
    def undisturbed(self, usecase: str) -> Iterator[None]:
        """Hold every step that reads or writes rows of a use case, and the collecting of served predictions.

        A training on another machine outlives the run that asked for it, and its turn. Raises TransientError as
        `only_one` does.
        """
        with (
            self.only_one(usecase, RUN),
            self.only_one(usecase, "ingest"),
            self.only_one(usecase, "train"),
            self.only_one("served", "collect"),
        ):
            yield


@lru_cache(maxsize=1024)
def _unchanged(name: str, folder: Path, written: tuple[Stamp | None, ...]) -> UseCase:
    """Cached: a declaration is read and checked again only if its file, or a code file that it names, has changed."""
    return load_use_case(name, folder)


def open_workspace(where: Settings) -> Workspace:
    """The workspace of these settings. Raises InputError for a home of another format."""
    prepare_home(where)
    allow_threads(where.threads)
    return Workspace(where)


def reading_workspace(where: Settings) -> Workspace:
    """Like `open_workspace`, for a command that only reads: the home need not be writable."""
    readable_home(where)
    allow_threads(where.threads)
    return Workspace(where)
