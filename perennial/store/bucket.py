"""Files in a bucket of an object store: S3 and what speaks like it, Google Cloud, Azure.

`obstore` is the library below the Delta tables, so both take the same variables with credentials and addresses. An
object appears completely when its put, or the last part of a large one, has arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from perennial.errors import InputError, TransientError

if TYPE_CHECKING:
    import pyarrow as pa
    from obstore import ReadableFile
    from obstore.store import ObjectStore, RetryConfig

FIELD = "PERENNIAL_FILES_URI"
_NO_BUCKET = "NoSuchBucket"
_REFUSED = ("401 Unauthorized", "403 Forbidden")
"""The library has types for them, but not if they are about a listing or about getting credentials."""
_RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(minutes=1)}
"""Of one call. A task that fails is tried again later."""


@dataclass(frozen=True)
class Bucket:
    """See `files.Files`. uri: `s3://bucket/prefix`. scratch: a folder for copies, which are removed after use.

    Every call raises InputError if the bucket does not exist or does not let us in, TransientError if its server does
    not answer; the library has asked several times by then.
    """

    uri: str
    scratch: Path

    @cached_property
    def _store(self) -> ObjectStore:
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        try:
            return from_url(self.uri, retry_config=_RETRIES)
        except (BaseError, ValueError) as error:
            raise InputError(
                f"is not the address of a bucket: {_first_line(error)}",
                field=FIELD,
                value=self.uri,
                fix="Write it as s3://bucket/folder, or as the path of a folder.",
            ) from error

    def put(self, name: str, data: bytes | Iterator[bytes]) -> None:
        with self._asking():
            self._store.put(name, data)

    def get(self, name: str) -> bytes | None:
        with self._asking():
            try:
                return bytes(self._store.get(name).bytes())
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):
                    raise
                return None

    @contextmanager
    def local(self, name: str) -> Iterator[Path | None]:
        self.scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.scratch) as folder:
            path = Path(folder, PurePath(name).name)
            yield path if self._copied(name, path) else None

    def _copied(self, name: str, path: Path) -> bool:
        """Whether there is an object of that name, whose bytes `path` then has."""
        with self._asking():
            try:
                parts = self._store.get(name)
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):
                    raise
                return False
            with path.open("wb") as file:
                for part in parts:
                    file.write(part)
            return True

    def opened(self, name: str) -> pa.NativeFile:
        import pyarrow as pa
        from obstore import open_reader

        with self._asking():
            reader = open_reader(self._store, name)
        return pa.PythonFile(_Object(reader, self._asking), mode="r")

    def has(self, name: str) -> bool:
        with self._asking():
            try:
                self._store.head(name)
            except FileNotFoundError:
                return False
            return True

    def names(self, folder: str) -> list[str]:
        with self._asking():
            listed = [each["path"] for part in self._store.list(folder) for each in part]
        return sorted(path.removeprefix(f"{folder}/") for path in listed)

    def remove(self, name: str) -> None:
        with self._asking():
            try:
                self._store.delete(name)
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):
                    raise

    def remove_folder(self, folder: str) -> None:
        for name in self.names(folder):
            self.remove(f"{folder}/{name}")

    def where(self, name: str) -> str:
        return f"{self.uri}/{name}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            text = str(error)
            if _NO_BUCKET in text or isinstance(error, FileNotFoundError):
                raise InputError(
                    f"the bucket of {self.uri} does not exist",
                    code="bucket-missing",
                    field=FIELD,
                    value=self.uri,
                    fix="Create the bucket, or correct the address. Nothing was changed.",
                ) from error
            if any(status in text for status in _REFUSED):
                raise InputError(
                    f"{self.uri} does not let this machine in: {_first_line(error)}",
                    code="bucket-refused",
                    field=FIELD,
                    value=self.uri,
                    fix="Check the credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of your "
                    "store, and the rights to read, write, list and delete below this address.",
                ) from error
            raise TransientError(
                f"{self.uri} does not answer: {_first_line(error)}",
                code="bucket-unreachable",
                field=FIELD,
                value=self.uri,
                fix="Check the network, and AWS_ENDPOINT_URL if you set it; without credentials, set "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Then run the same command again.",
            ) from error


@dataclass
class _Object:
    """An object as a Python file. Its errors are those of the bucket."""

    reader: ReadableFile
    asking: Callable[[], AbstractContextManager[None]]
    closed: bool = False

    def read(self, size: int = -1) -> bytes:
        with self.asking():
            return bytes(self.reader.read(None if size < 0 else size))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.reader.seek(offset, whence)

    def tell(self) -> int:
        return self.reader.tell()

    def close(self) -> None:
        self.closed = True
        self.reader.close()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].partition("<?xml")[0].strip(": ")
