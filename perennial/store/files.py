"""Where landed bytes, results of checks and notes of unfinished erasures are kept: a folder, or object storage.

Both write a file completely or not at all, and neither needs to rename one. Machines that share a ledger share this
place too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

FOLDERS = ("landing", "validations", "erasing", "typed", "fitting", "predicting")
"""What is kept there; every name begins with one of them."""


class Files(Protocol):
    """Files by name, such as `landing/shop/5a54….csv`."""

    def put(self, name: str, data: bytes | Iterator[bytes]) -> None:
        """Write a file, in place of a former one. If an iterator of its parts raises an error, nothing is written."""

    def get(self, name: str) -> bytes | None:
        """The bytes of a file; None if there is none."""

    def local(self, name: str) -> AbstractContextManager[Path | None]:
        """A file of this machine with the same bytes, which may be gone afterwards; None if there is none."""

    def opened(self, name: str) -> pa.NativeFile:
        """A file that is there, of which parts can be read. It is closed when nothing refers to it any more."""

    def has(self, name: str) -> bool:
        """Whether there is a file with that name."""

    def names(self, folder: str) -> list[str]:
        """The names of all files in a folder, in order, each without the folder's name."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def remove_folder(self, folder: str) -> None:
        """Remove all files in a folder, also those that were not written to their end."""

    def where(self, name: str) -> str:
        """The whole address of a file, for people."""


def files_at(place: str, scratch: Path) -> Files:
    """The files at an absolute path or at the address of a bucket, which is not asked yet.

    scratch: a folder for local copies of what is in a bucket.
    """
    if "://" in place:
        from perennial.store.bucket import Bucket

        return Bucket(place, scratch)
    from perennial.store.folder import Folder

    return Folder(Path(place))
