"""The log of one worker: segments that follow one another, synced and closed by a thread beside the answering one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from perennial.errors import DiskFull
from perennial.serving.log.segment import Answered, Place, SegmentWriter

log = logging.getLogger("perennial.serving")
SYNC_SECONDS = 0.1
"""A power cut loses at most what was answered in this time; killing the process loses nothing."""
SEGMENT_SECONDS = 60.0
"""A segment is closed after this time, so that it can be collected."""
_ROOM = 64 * 1024
"""Bytes that must be free before a full disk counts as no longer full."""


class ServedLog:
    """Appends to the newest segment. name: of each new segment, never given twice.

    sync_each: sync every record before it is answered. wrong: why the newest record could not be written, empty if it
    could; once it can be written again, that is found without a request.
    """

    def __init__(self, folder: Path, name: Callable[[], str], *, sync_each: bool = False) -> None:
        self._folder, self._name, self._sync_each = folder, name, sync_each
        self.wrong = ""
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._writer: SegmentWriter | None = None
        self._begun = 0.0
        self._thread = threading.Thread(target=self._tend, name="served-log", daemon=True)
        self._thread.start()

    def append(self, answered: list[Answered], *, sync: bool = False) -> list[Place]:
        """Write records, which is done when this returns. Raises DiskFull. sync: see `SegmentWriter.append`."""
        with self._lock:
            try:
                places = self._open().append(answered, sync=sync or self._sync_each)
            except DiskFull as full:
                if not self.wrong:
                    log.error("%s", full)
                self.wrong = str(full)
                raise
            self.wrong = ""
            return places

    def _open(self) -> SegmentWriter:
        """The newest segment, which is made if there is none."""
        if self._writer is None:
            self._writer, self._begun = SegmentWriter(self._folder, self._name()), time.monotonic()
        return self._writer

    def close(self) -> None:
        """Sync and close the newest segment. Nothing can be appended afterwards."""
        self._stopped.set()
        self._thread.join()
        self._close_segment()

    def _tend(self) -> None:
        while not self._stopped.wait(SYNC_SECONDS):
            if self.wrong:
                self._try_again()
            writer = self._writer
            if writer is None:
                continue
            try:
                writer.sync()
                if time.monotonic() - self._begun > SEGMENT_SECONDS:
                    self._close_segment()
            except OSError as problem:
                log.error("segment %s cannot be synced to disk; tried again: %s", writer.name, problem)

    def _try_again(self) -> None:
        with self._lock, suppress(DiskFull):
            self._open().try_room(_ROOM)
            self.wrong = ""
            log.warning("predictions can be logged again")

    def _close_segment(self) -> None:
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
