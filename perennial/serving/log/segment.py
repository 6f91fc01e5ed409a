"""A segment: an append-only file of served predictions, written by one worker and locked while it lives.

Each record is framed by its length and CRC-32 (ISO 3309, as `zlib.crc32`). It is handed to the operating system before
the answer is sent, so killing the process loses nothing that was answered; how often the file is synced to disk bounds
what a power cut can lose. A record that a killed process left half written was never answered; it is the last of its
segment and is ignored.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from perennial.errors import DiskFull, TerminalError

MAGIC = b"perennial served predictions 1\n"
SUFFIX = ".served"
_FRAME = struct.Struct("<II")
_LARGEST = 64 * 2**20


class InStage(msgspec.Struct, frozen=True, array_like=True):
    """What a stage of a release adds to a served prediction.

    arm: `champion` or `candidate`, by the record's key. candidate: its model version.
    other: the score of the model that did not answer; None if the candidate failed. failed: why it did
    (`perennial.serving.arms.Failure`), so that the live models answered; None if it did not.
    champion_us, candidate_us: microseconds that each took for the record.
    """

    arm: str
    candidate: str
    other: tuple[float, ...] | None
    failed: str | None
    champion_us: int
    candidate_us: int


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """One served prediction.

    at: when, in microseconds since 1970, UTC. received: the record's bytes as they arrived. release_no, versions: what
    scored it. score: the probability of the positive class or the number; of each declared class for several.
    in_stage: None if the release had no candidate, as in every segment from before there were stages.
    """

    usecase: str
    at: int
    release_no: int
    versions: str
    features: str
    score: tuple[float, ...]
    received: bytes
    in_stage: InStage | None = None


@dataclass(frozen=True)
class Place:
    """A served prediction's position in its segment."""

    segment: str
    position: int

    @property
    def id(self) -> str:
        """As the answer has it: `SEGMENT-POSITION`."""
        return f"{self.segment}-{self.position}"


def place_of(prediction: str) -> Place | None:
    """The place that an answer's id names; None if it is no such id."""
    segment, _, position = prediction.rpartition("-")
    return Place(segment, int(position)) if segment and position.isdigit() else None


class SegmentWriter:
    """Appends to a new segment in `folder`, locked until it is closed or its process ends."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises DiskFull; no file is left then."""
        self.name, self.path = name, folder / f"{name}{SUFFIX}"
        self._encoder = msgspec.msgpack.Encoder()
        self.records, self.bytes, self._synced = 0, 0, 0
        # It gets its name once it is locked: whoever collects would take an unlocked one away as finished.
        unnamed = folder / f".{name}.new"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise _not_logged(problem) from problem
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._append(MAGIC)
            unnamed.rename(self.path)
        except BaseException:
            unnamed.unlink()
            os.close(self._file)
            raise

    def append(self, answered: list[Answered], *, sync: bool = False) -> list[Place]:
        """Write records at once, and return their places. Raises DiskFull: none of them then counts.

        sync: make them survive a power cut before this returns, which takes milliseconds.
        """
        frames = []
        for each in answered:
            body = self._encoder.encode(each)
            frames.append(_FRAME.pack(len(body), zlib.crc32(body)) + body)
        self._append(b"".join(frames), sync=sync)
        first, self.records = self.records, self.records + len(answered)
        return [Place(self.name, first + number) for number in range(len(answered))]

    def try_room(self, size: int) -> None:
        """Raise DiskFull if a record of so many bytes cannot be written.

        What is written to find out looks like a record that was cut off, which readers ignore, and is taken back.
        """
        try:
            self._write(_FRAME.pack(_LARGEST, 0) + bytes(size))
        except OSError as problem:
            raise _not_logged(problem) from problem
        finally:
            os.ftruncate(self._file, self.bytes)

    def _append(self, data: bytes, *, sync: bool = False) -> None:
        before = self.bytes
        try:
            self._write(data)
            self.bytes += len(data)
            if sync:
                self.sync()
        except OSError as problem:
            self.bytes, self._synced = before, -1
            os.ftruncate(self._file, self.bytes)
            raise _not_logged(problem) from problem

    def _write(self, data: bytes) -> None:
        if os.write(self._file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def sync(self) -> None:
        """Make everything written so far survive a power cut."""
        if (written := self.bytes) != self._synced:
            os.fdatasync(self._file)
            self._synced = written

    def close(self) -> None:
        """Sync and unlock: whoever collects may take the segment. An empty one is removed."""
        try:
            self.sync()
        finally:
            if not self.records:
                self.path.unlink()
            os.close(self._file)


def _not_logged(problem: OSError) -> DiskFull:
    return DiskFull(
        f"a prediction cannot be logged: {problem.strerror}\n"
        "  `served` in PERENNIAL_HOME needs free space and must be writable"
    )


def finished_segments(folder: Path) -> list[Path]:
    """Segments that nobody writes to any more, closed or left by a killed process, the oldest first."""
    return [path for path in sorted(folder.glob(f"*{SUFFIX}")) if not _is_written(path)]


def _is_written(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_segment(path: Path) -> Iterator[Answered]:
    """The records of a segment, in order; one that was cut off at its end was never answered and is left out.

    Raises TerminalError for a record that is damaged although others follow it.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        if MAGIC.startswith(data):
            return
        raise _damaged(path, 0)
    decoder, at, number = msgspec.msgpack.Decoder(Answered), len(MAGIC), 0
    while at + _FRAME.size <= len(data):
        length, crc = _FRAME.unpack_from(data, at)
        body = data[at + _FRAME.size : at + _FRAME.size + length]
        if len(body) < length and length <= _LARGEST:
            return
        if zlib.crc32(body) != crc:
            raise _damaged(path, number)
        yield decoder.decode(body)
        at, number = at + _FRAME.size + length, number + 1


def _damaged(path: Path, number: int) -> TerminalError:
    return TerminalError(
        f"{path}: record {number} of the log of served predictions is damaged\n"
        "  restore the file from a backup; until then its predictions are not collected"
    )
