"""What a table keeps that no reader opens any more, and removing it.

Small files are joined as batches come, and a batch is written again when rows are erased. The files from before stay,
so that a reader which opened them can finish, and so do entries of the log that a later checkpoint contains. Source:
https://github.com/delta-io/delta/blob/master/PROTOCOL.md (checkpoints, tombstones and the retention of both).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

from deltalake import DeltaTable

from perennial.fault_points import write
from perennial.store.tables import Name, Tables, cut_log, has_present_settings
from perennial.store.workspace import Workspace

if TYPE_CHECKING:
    from deltalake.fs._base_handler import BaseDeltaStorageHandler
    from pyarrow.fs import FileInfo

FILES_KEPT = timedelta(days=7)
"""So long a reader may take with a file that is replaced meanwhile; Delta Lake's own default."""
LOG_KEPT = timedelta(days=30)
"""So long the log of a table can be looked at; Delta Lake's own default. What the newest version needs always stays."""
_LOG = "_delta_log"


@dataclass(frozen=True)
class Unread:
    """Files of one table that nothing reads. data, log: how many of each. bytes: of all of them."""

    table: Name
    data: int
    log: int
    bytes: int


def unread_files(tables: Tables, usecase: str, now: datetime) -> list[Unread]:
    """What can be removed of each table; tables without any are left out. now: by the machine's clock."""
    return [each for name in get_args(Name) if (each := _of_table(tables, usecase, name, now))]


def remove_unread(workspace: Workspace, usecase: str, now: datetime) -> list[Unread]:
    """Remove the files, while no other run writes to the tables; returns what was removed.

    Killed anywhere, the next call goes on. The newest version, which alone is read, does not change.
    Raises TransientError if another run holds its turn.
    """
    with workspace.undisturbed(usecase):
        removed = unread_files(workspace.tables, usecase, now)
        for each in removed:
            _remove(workspace.tables, usecase, each)
        return removed


def _remove(tables: Tables, usecase: str, unread: Unread) -> None:
    table = tables.open(usecase, unread.table)
    assert table is not None, "it has files"
    with write("unread_files"):
        if unread.log:
            _shorten_log(table)
        if unread.data:
            _vacuum(table, dry_run=False)


def _vacuum(table: DeltaTable, dry_run: bool) -> list[str]:
    """The files that are unread, also those that a killed writer never committed."""
    hours = int(FILES_KEPT / timedelta(hours=1))
    return table.vacuum(hours, dry_run=dry_run, enforce_retention_duration=False, full=True)


def _shorten_log(table: DeltaTable) -> None:
    if has_present_settings(table):
        table.create_checkpoint()
        table.cleanup_metadata()
    else:
        cut_log(table)


def _of_table(tables: Tables, usecase: str, name: Name, now: datetime) -> Unread | None:
    table = tables.open(usecase, name)
    if table is None:
        return None
    data = _sizes(table, _vacuum(table, dry_run=True))
    log = [each.size for each in _old_log(table, now)]
    return Unread(name, len(data), len(log), sum(data) + sum(log)) if data or log else None


def _old_log(table: DeltaTable, now: datetime) -> list[FileInfo]:
    """Entries and checkpoints that are older than the log is kept, and older than the checkpoint that replaces them."""
    from pyarrow.fs import FileSelector

    listed = _files(table).get_file_info_selector(FileSelector(_LOG))
    files = [each for each in listed if each.base_name[:20].isdigit()]
    checkpoints = [_version(each) for each in files if ".checkpoint." in each.base_name and _is_old(each, now)]
    last = max(checkpoints, default=0)
    return [each for each in files if _version(each) < last and _is_old(each, now)]


def _is_old(file: FileInfo, now: datetime) -> bool:
    return now - file.mtime > LOG_KEPT


def _version(file: FileInfo) -> int:
    return int(file.base_name[:20])


def _sizes(table: DeltaTable, names: Iterable[str]) -> list[int]:
    """Of the files that are still there; a vacuum lists those of former ones too."""
    from pyarrow.fs import FileType

    return [each.size for each in _files(table).get_file_info(list(names)) if each.type == FileType.File]


def _files(table: DeltaTable) -> BaseDeltaStorageHandler:
    from deltalake.fs import DeltaStorageHandler

    return DeltaStorageHandler.from_table(table._table)
