"""Traces of erased rows in the files of a home: results of checks, reports, pages, logs, counts of features.

Results of checks may be kept elsewhere, so they are looked through by name; the rest is in the home of each machine.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from perennial.erasure.own_texts import OwnTexts
from perennial.fault_points import write
from perennial.settings import Settings
from perennial.store.files import FOLDERS
from perennial.store.validations import Validations
from perennial.whole_file import replacing

ELSEWHERE = ("tables", "mlflow", "served", "locks", *FOLDERS)
"""Folders that are looked through otherwise, or have no value of a row."""
MADE_AGAIN = ("statistics", "backtests", "serving", "spill")
"""Folders whose files can be made again: a file with a trace is removed."""
_DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")


def traces(where: Settings, own: OwnTexts) -> list[Path]:
    """The files that have one of the texts, whichever part of Perennial wrote them."""
    return [path for path in _files(where) if _has(path, own)] if own else []


def remove_traces(home: Path, paths: list[Path], own: OwnTexts) -> None:
    """Write the files again with a mask instead of the texts; those that can be made again are removed."""
    for path in paths:
        with write("erased_file"):
            if path.relative_to(home).parts[0] in MADE_AGAIN:
                path.unlink()
            elif path.suffix == ".log":
                _masked_in_place(path, own)
            else:
                text = path.read_bytes().decode("utf-8", "surrogateescape")
                with replacing(path) as half:
                    half.write_bytes(own.removed(text).encode("utf-8", "surrogateescape"))


def traces_in_results(validations: Validations, own: OwnTexts) -> list[str]:
    """The names of results of checks that have one of the texts."""
    return [name for name in validations.names() if own.inside(validations.text(name))] if own else []


def remove_from_results(validations: Validations, names: list[str], own: OwnTexts) -> None:
    """Write the results again with a mask instead of the texts."""
    for name in names:
        with write("erased_file"):
            validations.replace(name, own.removed(validations.text(name)))


def _files(where: Settings) -> Iterator[Path]:
    stores = [where.usecases, *map(Path, filter(None, (where.tables_uri, where.mlflow_artifacts)))]
    left_out = [*stores, *(where.home / name for name in ELSEWHERE)]
    left_out += [Path(where.files_uri, name) for name in FOLDERS]  # which may be in another folder of the home
    for path in sorted(where.home.rglob("*")):
        inside = any(path.is_relative_to(folder) for folder in left_out)
        if not inside and path.is_file() and not path.name.endswith(_DATABASES):
            yield path


def _has(path: Path, own: OwnTexts) -> bool:
    data = path.read_bytes()
    if own.inside(data.decode("utf-8", "replace")):
        return True
    return path.suffix == ".parquet" and own.inside(_values(data))


def _values(data: bytes) -> str:
    """Every text of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data), partitioning=None)
    except (pa.ArrowException, OSError):
        return ""
    columns = (each if pa.types.is_nested(each.type) else each.unique() for each in table.columns)
    return "\n".join(str(value) for column in columns for value in column.to_pylist())


def _masked_in_place(path: Path, own: OwnTexts) -> None:
    """A process may be appending to a log, so that its length stays."""
    data = path.read_bytes()
    text = data.decode("utf-8", "surrogateescape")
    masked = own.pattern.sub(lambda match: "*" * len(match[0].encode("utf-8", "surrogateescape")), text)
    with path.open("r+b") as file:
        file.write(masked.encode("utf-8", "surrogateescape"))
