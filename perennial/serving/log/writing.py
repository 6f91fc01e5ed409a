"""The log of one worker: segments that follow one another, synced and closed by a thread beside the answering one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from perennial.serving.log.segment import Answered, Place, SegmentWriter

log = logging.getLogger("perennial.serving")
SYNC_SECONDS = 0.1
"""A power cut loses at most what was answered in this time; killing the process loses nothing."""
SEGMENT_SECONDS = 60.0
"""A segment is closed after this time, so that it can be collected."""


class ServedLog:
    """Appends to the newest segment. name: of each new segment, never given twice. sync_each: see `SegmentWriter`."""

    def __init__(self, folder: Path, name: Callable[[], str], *, sync_each: bool = False) -> None:
        self._folder, self._name, self._sync_each = folder, name, sync_each
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._writer: SegmentWriter | None = None
        self._begun = 0.0
        self._thread = threading.Thread(target=self._tend, name="served-log", daemon=True)
        self._thread.start()

    def append(self, answered: list[Answered]) -> list[Place]:
        """Write records, which is done when this returns. Raises DiskFull."""
        with self._lock:
            if self._writer is None:
                self._writer = SegmentWriter(self._folder, self._name(), sync_each=self._sync_each)
                self._begun = time.monotonic()
            return self._writer.append(answered)

    def close(self) -> None:
        """Sync and close the newest segment. Nothing can be appended afterwards."""
        self._stopped.set()
        self._thread.join()
        self._close_segment()

    def _tend(self) -> None:
        while not self._stopped.wait(SYNC_SECONDS):
            writer = self._writer
            if writer is None:
                continue
            try:
                writer.sync()
                if time.monotonic() - self._begun > SEGMENT_SECONDS:
                    self._close_segment()
            except OSError as problem:
                log.error("segment %s cannot be synced to disk; tried again: %s", writer.name, problem)

    def _close_segment(self) -> None:
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
