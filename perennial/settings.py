"""Settings, read from the environment at each call, with defaults below one folder.

A plain dataclass, because every command needs it, `--help` included, and a settings library takes half a second to
import.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from perennial import __version__
from perennial.clock import parse_duration
from perennial.errors import InputError
from perennial.machine_memory import usable_memory
from perennial.secrets import holds_secret, masked, remember, remember_address
from perennial.whole_file import write_whole
from perennial.work_pools import WorkPool, read_pools

HOME_FORMAT = 2
PREFECT_DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
"""Prefect's variable for another database, for example PostgreSQL. The embedded server uses it."""
ROWS_IN_MEMORY = 2_000_000
MODELS_KEPT = timedelta(days=365)
LEAST_MEMORY = 256 * 2**20
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_ENGINES = ("local", "dask")
_SCHEDULER = re.compile(r"(tcp|tls|ws|wss)://[^\s/@?#]+:[0-9]{1,5}/?")
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Settings:
    """Every path is absolute.

    home: everything that Perennial stores, unless another setting points elsewhere.
    files_uri: where landed bytes and results of checks are: a path or the address of a bucket; the home by default.
    mlflow_artifacts: where model files are stored; None leaves it to the tracking server.
    model_archive: where the files of old versions are moved to, `models_kept` after their training; None if nowhere.
    dask_scheduler: the address of the Dask scheduler on whose workers large steps run; None for this process.
    namespace: a prefix for the names of experiments and models in MLflow; empty by default.
    prefect_api_url: an existing Prefect server; None means an embedded one, in `prefect_home`.
    prefect_database_url: the database of the embedded Prefect server; None means a file in `prefect_home`.
    threads: how many threads a fit may use.
    memory: how many bytes the joins and sorts of one process may use before they continue in files, in `spill`.
    rows_in_memory: a file of Parquet or CSV with more rows is typed into a file in `spill`, and read column by column;
    so are the accepted rows of a batch, and the rows of a decision.
    pools: the work pools of Prefect with machines of a size that declarations ask for.
    anchors: the places outside the home that get signed heads of the ledger, each as an address.
    anchor_key: the file of the private key that signs them.
    openlineage: the receivers of OpenLineage events, each as an address. openlineage_token: for those that ask for one.
    user, token: the person at this machine, by the environment and by a signed token. token_key: the public key that
    tokens are checked with. Each is None where it is not set.
    model_key: the file of the private key that signs model files. trusted_model_keys: the files of the public keys that
    they are verified with. require_signed_models: whether a model without a valid signature is refused.
    """

    home: Path
    database_url: str
    tables_uri: str
    files_uri: str
    usecases: Path
    mlflow_tracking_uri: str
    mlflow_artifacts: str | None
    prefect_api_url: str | None
    threads: int
    memory: int
    rows_in_memory: int = ROWS_IN_MEMORY
    dask_scheduler: str | None = None
    namespace: str = ""
    pools: tuple[WorkPool, ...] = ()
    model_archive: str | None = None
    models_kept: timedelta = MODELS_KEPT
    anchors: tuple[str, ...] = ()
    anchor_key: Path | None = None
    openlineage: tuple[str, ...] = ()
    openlineage_token: str | None = field(default=None, repr=False)
    user: str | None = None
    token: str | None = field(default=None, repr=False)
    token_key: Path | None = None
    model_key: Path | None = None
    trusted_model_keys: tuple[Path, ...] = ()
    require_signed_models: bool = False
    prefect_database_url: str | None = field(default=None, repr=False)

    @property
    def docs(self) -> Path:
        """Data Docs of the validations."""
        return self.home / "docs"

    @property
    def pages(self) -> Path:
        """One HTML page per use case."""
        return self.home / "pages"

    @property
    def dossiers(self) -> Path:
        """Dossiers, in a folder of each use case: they are part of the site."""
        return self.pages / "dossiers"

    @property
    def served(self) -> Path:
        """The log of served predictions, until they are collected into the tables."""
        return self.home / "served"

    @property
    def backtests(self) -> Path:
        """What backtests keep to be quick the next time; may be deleted at any time."""
        return self.home / "backtests"

    @property
    def measured(self) -> Path:
        """What scoring services have counted since they started."""
        return self.home / "measured"

    @property
    def serving(self) -> Path:
        """What scorers are made from; all of it can be made again."""
        return self.home / "serving"

    @property
    def anchored(self) -> Path:
        """What was last anchored where; for people, and no proof of anything."""
        return self.home / "anchored"

    @property
    def openlineage_sent(self) -> Path:
        """How far each receiver of OpenLineage events has come."""
        return self.home / "openlineage"

    @property
    def spill(self) -> Path:
        """What joins and sorts do not keep in memory; removed when they end."""
        return self.home / "spill"

    @property
    def locks(self) -> Path:
        """Files that processes lock to take turns."""
        return self.home / "locks"

    @property
    def logs(self) -> Path:
        """One log file for each part of the stack that runs on this machine."""
        return self.home / "logs"

    @property
    def prefect_home(self) -> Path:
        """Database, log and record of the embedded Prefect server."""
        return self.home / "prefect"


def settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The current settings from the environment. Raises InputError with variable, value and how to fix it."""
    remember(environ)
    home = _home(environ)
    model_key, trusted, required = _model_keys(environ, home)
    tracking = _whole_sqlite(environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}")
    return Settings(
        home=home,
        database_url=_url(environ, "PERENNIAL_DATABASE_URL", "sqlite", "postgresql")
        or f"sqlite:///{home / 'ledger.db'}",
        tables_uri=_place(environ, "PERENNIAL_TABLES_URI", home / "tables"),
        files_uri=_place(environ, "PERENNIAL_FILES_URI", home),
        usecases=_usecases(environ),
        mlflow_tracking_uri=tracking,
        mlflow_artifacts=_artifacts(environ, home, tracking),
        prefect_api_url=_url(environ, "PREFECT_API_URL", "http", "https"),
        threads=_threads(environ),
        memory=_memory(environ),
        rows_in_memory=_rows_in_memory(environ),
        dask_scheduler=_dask_scheduler(environ),
        namespace=_namespace(environ),
        model_archive=_archive(environ),
        models_kept=_models_kept(environ),
        pools=read_pools(environ.get("PERENNIAL_POOLS") or ""),
        anchors=_anchors(environ, home),
        anchor_key=_anchor_key(environ, home),
        openlineage=_openlineage(environ),
        openlineage_token=environ.get("PERENNIAL_OPENLINEAGE_TOKEN") or None,
        user=(environ.get("PERENNIAL_USER") or "").strip() or None,
        token=environ.get("PERENNIAL_TOKEN") or None,
        token_key=_absolute(key) if (key := environ.get("PERENNIAL_TOKEN_KEY")) else None,
        model_key=model_key,
        trusted_model_keys=trusted,
        require_signed_models=required,
        prefect_database_url=_url(environ, PREFECT_DATABASE, "sqlite", "postgresql"),
    )


def readable_home(where: Settings) -> Path:
    """The home for a command that only reads: an existing one need not be writable.

    Raises InputError like `prepare_home`.
    """
    if _known_format(where.home) is not None and not takes_writes(where.home):
        return where.home
    return prepare_home(where)


def takes_writes(path: Path) -> bool:
    """Whether this process may write to a file or a folder."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def allow_threads(threads: int) -> None:
    """Set, for this process, how many threads a fit or a prediction may use. Opening a workspace calls this."""
    _allowed[0] = threads


def allowed_threads() -> int:
    """How many threads a fit or a prediction may use; 1 by default."""
    return _allowed[0]


_allowed = [1]


def prepare_home(where: Settings) -> Path:
    """Create the home's folders and its `home.json`, and return the home.

    All files have the modes given by the umask.
    Raises InputError, with nothing changed, if the home has another format, or it or another place cannot be written.
    """
    home = where.home
    mark = home / "home.json"
    format_before = _known_format(home)
    for name, place in (("PERENNIAL_TABLES_URI", where.tables_uri), ("PERENNIAL_FILES_URI", where.files_uri)):
        if "://" not in place and not Path(place).is_relative_to(home):
            _make_folder(name, Path(place))
    try:
        home.mkdir(parents=True, exist_ok=True)
        if format_before is None:
            write_whole(mark, json.dumps({"format": HOME_FORMAT, "made_by": f"perennial {__version__}"}) + "\n")
        for folder in (where.docs, where.locks, where.prefect_home, home / "mlflow"):
            folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise InputError(
            f"PERENNIAL_HOME: {home} cannot be written: {error.strerror}\n"
            "  Set PERENNIAL_HOME to a folder that you can write to."
        ) from error
    return home


def _make_folder(name: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{name}: {folder} cannot be made: {error.strerror}\n  Set {name} to a folder that you can write to."
        ) from error


def database_file(url: str) -> Path | None:
    """The file of a SQLite database, None for any other.

    >>> database_file("sqlite:////srv/home/ledger.db"), database_file("postgresql://host/ledger")
    (PosixPath('/srv/home/ledger.db'), None)
    """
    scheme, _, rest = url.partition(":///")
    path = rest.partition("?")[0]
    if scheme.partition("+")[0] != "sqlite" or not path or path.startswith((":memory:", "file:")):
        return None
    return Path(path)


def beside_database(url: str) -> str | None:
    """The folder of MLflow's files beside its SQLite database; None for any other."""
    file = database_file(url)
    return str(file.parent / "artifacts") if file else None


def _artifacts(environ: Mapping[str, str], home: Path, tracking: str) -> str | None:
    """Where model files are stored: as set, else next to MLflow's SQLite database, else on its server or in home."""
    value = environ.get("PERENNIAL_MLFLOW_ARTIFACTS")
    if value:
        _refuse_secret("PERENNIAL_MLFLOW_ARTIFACTS", value)
        value = value.removeprefix("file://")
        return value if "://" in value else str(_absolute(value))
    if tracking.startswith(("http://", "https://", "databricks")):
        return None
    return beside_database(tracking) or str(home / "mlflow" / "artifacts")


def _namespace(environ: Mapping[str, str]) -> str:
    value = environ.get("PERENNIAL_NAMESPACE") or ""
    if value and not _NAMESPACE.fullmatch(value):
        raise InputError(
            f"PERENNIAL_NAMESPACE: {value!r} is not a valid name\n"
            "  Use up to 63 ASCII letters, digits, '-' and '_', beginning with a letter or digit."
        )
    return value


def _listed(environ: Mapping[str, str], name: str) -> list[str]:
    """Addresses that are separated by commas, each without spaces around it."""
    parts = re.split(r",\s*(?=[a-z]+:)", environ.get(name) or "")
    return [address for part in parts if (address := part.strip(" ,"))]


def _anchors(environ: Mapping[str, str], home: Path) -> tuple[str, ...]:
    """The addresses, separated by commas, with absolute paths. Raises InputError for one inside the home."""
    addresses = []
    for address in _listed(environ, "PERENNIAL_ANCHORS"):
        kind, _, rest = address.partition(":")
        if kind in ("file", "git") and rest:
            path = Path(rest.removeprefix("//")).expanduser()
            if not path.is_absolute():
                raise InputError(
                    f"PERENNIAL_ANCHORS: {address!r} depends on the folder that a command runs in\n"
                    f"  Write the whole path, such as {kind}:/mnt/anchors."
                )
            path = _absolute(str(path))
            _refuse_in_home("PERENNIAL_ANCHORS", path, home, "whoever can rewrite the ledger could rewrite that too")
            address = f"{kind}:{path}"
        elif not re.match(r"(tsa:)?https?://[^/\s]", address):
            raise InputError(
                f"PERENNIAL_ANCHORS: {masked(address)!r} is not a place for anchors\n"
                "  Write file:/mnt/anchors.txt, git:/path/to/repository, https://host/path or tsa:https://host/path, "
                "separated by commas."
            )
        else:
            remember_address(address.removeprefix("tsa:"))
        addresses.append(address)
    return tuple(dict.fromkeys(addresses))


def _openlineage(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The addresses, separated by commas, with absolute paths."""
    addresses = []
    for address in _listed(environ, "PERENNIAL_OPENLINEAGE"):
        kind, _, rest = address.partition(":")
        path = Path(rest.removeprefix("//")).expanduser()
        if kind == "file" and path.is_absolute():
            address = f"file:{_absolute(str(path))}"
        elif not re.match(r"https?://[^/\s]", address):
            raise InputError(
                f"PERENNIAL_OPENLINEAGE: {masked(address)!r} is not a receiver of events\n"
                "  Write file:/var/log/lineage.jsonl, a whole path, or http://host:5000, several separated by commas."
            )
        elif holds_secret(address):
            raise InputError(
                f"PERENNIAL_OPENLINEAGE: {masked(address)!r} contains credentials\n"
                "  Set PERENNIAL_OPENLINEAGE_TOKEN to the token that the receiver asks for."
            )
        addresses.append(address)
    return tuple(dict.fromkeys(addresses))


def _anchor_key(environ: Mapping[str, str], home: Path) -> Path | None:
    why = "whoever can rewrite the ledger could sign with it"
    return _private_key(environ, "PERENNIAL_ANCHOR_KEY", home, "KEY+", why)


def _model_keys(environ: Mapping[str, str], home: Path) -> tuple[Path | None, tuple[Path, ...], bool]:
    """The key that signs models, those that verify them, and whether a signature is required.

    Without trusted keys, the public one beside the key that signs is trusted.
    """
    why = "whoever can change a model there could sign it too"
    key = _private_key(environ, "PERENNIAL_MODEL_KEY", home, "PRIVATE KEY", why)
    given = environ.get("PERENNIAL_TRUSTED_MODEL_KEYS") or (f"{key}.pub" if key else "")
    trusted = tuple(_absolute(each.strip()) for each in given.split(",") if each.strip())
    for each in trusted:
        _refuse_in_home(
            "PERENNIAL_TRUSTED_MODEL_KEYS", each, home, "whoever can change a model there could make it trusted"
        )
    required = environ.get("PERENNIAL_REQUIRE_SIGNED_MODELS") or "0"
    if required not in ("0", "1"):
        raise InputError(
            f"PERENNIAL_REQUIRE_SIGNED_MODELS: {required!r} is neither 0 nor 1\n"
            "  Set it to 1 to refuse models without a valid signature, or unset it."
        )
    if required == "1" and not trusted:
        raise InputError(
            "PERENNIAL_REQUIRE_SIGNED_MODELS: is 1, and no key is given that signatures are verified with\n"
            "  Set PERENNIAL_TRUSTED_MODEL_KEYS to the files of the public keys, separated by commas."
        )
    return key, trusted, required == "1"


def _private_key(environ: Mapping[str, str], name: str, home: Path, mark: str, why_not: str) -> Path | None:
    """The file of a private key, None if none is set. mark: what is in a key itself. why_not: it is not in the home."""
    if not (value := environ.get(name)):
        return None
    if mark in value:
        raise InputError(
            f"{name}: holds a key, where the path of its file is expected\n"
            "  Write the key to a file that only its owner can read, and set the variable to that file."
        )
    path = _absolute(value)
    _refuse_in_home(name, path, home, why_not)
    return path


def _refuse_in_home(name: str, path: Path, home: Path, why: str) -> None:
    if path.is_relative_to(home):
        raise InputError(
            f"{name}: {path} is inside the home {home}: {why}\n"
            "  Move it outside, best to another disk, host or account.",
            code="anchor-in-home",
            value=str(path),
        )


def _home(environ: Mapping[str, str]) -> Path:
    home = _absolute(environ.get("PERENNIAL_HOME") or ".perennial")
    if home.exists() and not home.is_dir():
        raise InputError(f"PERENNIAL_HOME: {home} is a file\n  Set PERENNIAL_HOME to a folder, or to a new name.")
    if character := re.search(r"[?#%]", str(home)):
        raise InputError(
            f"PERENNIAL_HOME: {home} has a {character[0]!r} in it, which database addresses cannot hold\n"
            "  Set PERENNIAL_HOME to a folder without '?', '#' and '%' in its whole path."
        )
    return home


def _place(environ: Mapping[str, str], name: str, default: Path) -> str:
    """A path or the address of a bucket."""
    value = environ.get(name) or str(default)
    _refuse_secret(name, value)
    if "://" in value:
        return value.rstrip("/")
    place = _absolute(value)
    if place.exists() and not place.is_dir():
        raise InputError(f"{name}: {place} is a file\n  Set {name} to a folder, or to the address of a bucket.")
    return str(place)


def _archive(environ: Mapping[str, str]) -> str | None:
    return _place(environ, "PERENNIAL_MODEL_ARCHIVE", Path()) if environ.get("PERENNIAL_MODEL_ARCHIVE") else None


def _models_kept(environ: Mapping[str, str]) -> timedelta:
    value = (environ.get("PERENNIAL_MODELS_KEPT") or "").strip()
    try:
        return parse_duration(value) if value else MODELS_KEPT
    except ValueError:
        raise InputError(
            f"PERENNIAL_MODELS_KEPT: {value!r} is not a duration\n"
            "  Write a whole number and m, h, d, w or y, such as 2y, or unset it for 365d."
        ) from None


def _refuse_secret(name: str, address: str) -> None:
    """An address that is stored with every table or model must not contain credentials."""
    if holds_secret(address):
        raise InputError(
            f"{name}: {masked(address)!r} contains credentials, which would become part of the record\n"
            "  Put them into separate variables such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )


def _usecases(environ: Mapping[str, str]) -> Path:
    if value := environ.get("PERENNIAL_USECASES"):
        folder = _absolute(value)
        if not folder.is_dir():
            raise InputError(
                f"PERENNIAL_USECASES: {folder} is not a folder\n"
                "  Set it to the folder with the YAML files of your use cases, or unset it to use ./usecases."
            )
        return folder
    here, shipped = _absolute("usecases"), Path(__file__).resolve().parent.parent / "usecases"
    return shipped if shipped.is_dir() and not here.is_dir() else here


def _threads(environ: Mapping[str, str]) -> int:
    value = environ.get("PERENNIAL_THREADS") or "1"
    if not re.fullmatch(r"[1-9][0-9]{0,3}", value):
        raise InputError(
            f"PERENNIAL_THREADS: {value!r} is not a whole number of at least 1\n"
            "  Set it to the number of threads that a fit may use, or unset it for 1."
        )
    return int(value)


def _rows_in_memory(environ: Mapping[str, str]) -> int:
    value = (environ.get("PERENNIAL_ROWS_IN_MEMORY") or "").strip() or str(ROWS_IN_MEMORY)
    if not re.fullmatch(r"[1-9][0-9]{0,17}", value):
        raise InputError(
            f"PERENNIAL_ROWS_IN_MEMORY: {value!r} is not a whole number of rows of at least 1\n"
            f"  Write it with digits only, such as 5000000, or unset it for {ROWS_IN_MEMORY}."
        )
    return int(value)


def _dask_scheduler(environ: Mapping[str, str]) -> str | None:
    """The scheduler of the chosen engine; None for the local one."""
    engine, value = environ.get("PERENNIAL_ENGINE") or "local", environ.get("PERENNIAL_DASK_SCHEDULER") or ""
    if engine not in _ENGINES:
        raise InputError(
            f"PERENNIAL_ENGINE: {engine!r} is neither local nor dask\n"
            "  Set it to dask to run large steps on a Dask cluster, or unset it to run them in this process."
        )
    if engine == "local":
        return None
    if not _SCHEDULER.fullmatch(value):
        wrong = (
            f"PERENNIAL_DASK_SCHEDULER: {masked(value)!r} is not the address of a scheduler"
            if value
            else "PERENNIAL_ENGINE: 'dask' needs PERENNIAL_DASK_SCHEDULER, which is not set"
        )
        raise InputError(f"{wrong}\n  Write it as tcp://host:8786, as `dask scheduler` prints it when it starts.")
    return value.rstrip("/")


def _memory(environ: Mapping[str, str]) -> int:
    """Bytes; by default half of what the machine has, or its container allows."""
    value = (environ.get("PERENNIAL_MEMORY") or "").strip()
    if not value:
        return max(usable_memory() // 2, LEAST_MEMORY)
    size = re.fullmatch(rf"([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?) ?({'|'.join(_UNITS)})", value, re.IGNORECASE)
    if size is None:
        raise InputError(
            f"PERENNIAL_MEMORY: {value!r} is not an amount of memory\n"
            "  Write it as 4GiB or 512MiB, or unset it for half of what the machine has."
        )
    memory = int(float(size[1]) * next(bytes for unit, bytes in _UNITS.items() if unit.lower() == size[2].lower()))
    if memory < LEAST_MEMORY:
        raise InputError(f"PERENNIAL_MEMORY: {value} is too little\n  Set it to at least {LEAST_MEMORY // 2**20}MiB.")
    if memory > usable_memory():
        has = f"{usable_memory() / 2**30:.1f}GiB"
        raise InputError(f"PERENNIAL_MEMORY: {value} is more than this machine or its container has\n  It has {has}.")
    return memory


def _url(environ: Mapping[str, str], name: str, *schemes: str) -> str | None:
    """The variable's address, None if it is not set. A password never appears in the message."""
    value = environ.get(name)
    if not value:
        return None
    if value.partition("://")[0].partition("+")[0] not in schemes or "://" not in value:
        shown = masked(value)
        known = " or ".join(f"{scheme}://" for scheme in schemes)
        raise InputError(f"{name}: {shown!r} does not start with {known}\n  Correct it, or unset it for the default.")
    return value.rstrip("/") if name == "PREFECT_API_URL" else _whole_sqlite(value)


def _whole_sqlite(value: str) -> str:
    """A SQLite address with an absolute path: a relative one starts at the working folder."""
    scheme, _, rest = value.partition(":///")
    if scheme.partition("+")[0] != "sqlite" or rest.startswith((":memory:", "file:")) or not rest:
        return value
    file, mark, options = rest.partition("?")
    return f"{scheme}:///{_absolute(file)}{mark}{options}"


def _absolute(value: str) -> Path:
    return Path(value).expanduser().resolve()


def _format(mark: Path) -> int | None:
    """The format of the home that contains `mark`; None if there is no home yet."""
    try:
        return int(json.loads(mark.read_text())["format"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"PERENNIAL_HOME: {mark} cannot be read: {error.strerror}\n  Nothing was changed.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"PERENNIAL_HOME: {mark} was not written by Perennial or is damaged\n"
            "  Nothing was changed. Restore the file, or set PERENNIAL_HOME to another folder."
        ) from error


def _known_format(home: Path) -> int | None:
    """The format of a home, None if there is none yet. Raises InputError for a home of another format."""
    number = _format(home / "home.json")
    if number is not None and number != HOME_FORMAT:
        newer = number > HOME_FORMAT
        raise InputError(
            f"PERENNIAL_HOME: {home} was written by {'a newer' if newer else 'an earlier'} Perennial "
            f"(format {number}); this version reads format {HOME_FORMAT}\n"
            f"  Nothing was changed. {'Upgrade Perennial, or s' if newer else 'S'}et PERENNIAL_HOME to another folder "
            f"to start a new home."
        )
    return number
