"""The log of served predictions: what was answered is there, whatever happens to the process that answered."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.errors import DiskFull, TerminalError
from perennial.serving.log import segment, writing
from perennial.serving.log.segment import (
    MAGIC,
    Answered,
    InStage,
    Place,
    SegmentWriter,
    finished_segments,
    place_of,
    read_segment,
)
from perennial.serving.log.writing import ServedLog
from tests.serving.running_service import wait_for

scores = st.lists(st.floats(allow_nan=False), min_size=1, max_size=4).map(tuple)
stages = st.builds(
    InStage,
    arm=st.sampled_from(["champion", "candidate"]),
    candidate=st.text(),
    other=st.none() | scores,
    failed=st.none() | st.text(),
    champion_us=st.integers(0, 2**40),
    candidate_us=st.integers(0, 2**40),
)
records = st.builds(
    Answered,
    usecase=st.text(),
    at=st.integers(0, 2**53),
    release_no=st.integers(1, 2**31),
    versions=st.text(),
    features=st.text(),
    score=scores,
    received=st.binary(max_size=200),
    in_stage=st.none() | stages,
)


def _one(number: int = 0) -> Answered:
    return Answered("shop", number, 1, "1", "f", (0.5,), b'{"price": 1}')


@given(parts=st.lists(st.lists(records, max_size=5), max_size=5))
def test_what_is_written_is_read_with_its_place(
    parts: list[list[Answered]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    writer = SegmentWriter(tmp_path_factory.mktemp("log"), "w-1")
    places = [place for part in parts for place in writer.append(part)]
    writer.close()
    whole = [each for part in parts for each in part]
    assert [place_of(each.id) for each in places] == [Place("w-1", number) for number in range(len(whole))]
    assert writer.path.exists() == bool(whole)
    if whole:
        assert list(read_segment(writer.path)) == whole


def test_a_segment_from_before_there_were_stages_is_read(tmp_path: Path) -> None:
    body = msgspec.msgpack.encode(("shop", 7, 1, "1", "f", (0.5,), b'{"price": 1}'))
    left = tmp_path / "s-1.served"
    left.write_bytes(MAGIC + struct.pack("<II", len(body), zlib.crc32(body)) + body)
    assert list(read_segment(left)) == [_one(7)]


@given(cut=st.integers(0, 400))
def test_a_record_that_was_cut_off_is_left_out_and_those_before_it_stay(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    writer = SegmentWriter(tmp_path_factory.mktemp("log"), "w-1")
    ends = []
    for number in range(5):
        writer.append([_one(number)])
        ends.append(writer.bytes)
    writer.close()
    os.truncate(writer.path, min(cut, writer.bytes))
    assert list(read_segment(writer.path)) == [_one(number) for number, end in enumerate(ends) if end <= cut]


def test_damage_in_the_middle_is_an_error_and_not_a_shorter_log(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w-1")
    writer.append([_one(0), _one(1), _one(2)])
    writer.close()
    data = bytearray(writer.path.read_bytes())
    data[60] ^= 1
    writer.path.write_bytes(bytes(data))
    with pytest.raises(TerminalError, match=r"record 0 .* damaged"):
        list(read_segment(writer.path))


def test_a_segment_is_finished_when_its_writer_closes_it_or_is_killed(tmp_path: Path) -> None:
    write = (
        "import sys; from pathlib import Path; from perennial.serving.log.segment import *\n"
        "writer = SegmentWriter(Path(sys.argv[1]), 'w-2')\n"
        "for number in range(10**6):\n"
        "    print(writer.append([Answered('shop', number, 1, '1', 'f', (.5,), b'{}')])[0].id, flush=True)\n"
    )
    mine = SegmentWriter(tmp_path, "w-1")
    mine.append([_one()])
    with subprocess.Popen([sys.executable, "-c", write, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        answered = [other.stdout.readline() for _ in range(50)]
        assert finished_segments(tmp_path) == []
        other.send_signal(signal.SIGKILL)
        answered += other.stdout.read().splitlines()
    (left,) = finished_segments(tmp_path)
    last = place_of(answered[-1].strip())
    assert last is not None and len(list(read_segment(left))) > last.position, "what was answered is there"
    mine.close()
    assert [path.name for path in finished_segments(tmp_path)] == ["w-1.served", "w-2.served"]


def test_a_quiet_service_closes_its_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over, without another request."""
    names = iter(("first", "second"))
    log = ServedLog(tmp_path, lambda: next(names))
    (place,) = log.append([_one()])
    assert finished_segments(tmp_path) == []
    monkeypatch.setattr(writing, "SEGMENT_SECONDS", 0.1)
    wait_for(lambda: [path.stem for path in finished_segments(tmp_path)] == [place.segment])
    assert log.append([_one()])[0].segment == "second"
    log.close()


def test_a_segment_is_seen_only_once_its_writer_has_locked_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Path]] = []
    lock = fcntl.flock

    def locked(file: int, how: int) -> None:
        seen.append(sorted(tmp_path.glob("*.served")))
        lock(file, how)

    monkeypatch.setattr(segment.fcntl, "flock", locked)
    SegmentWriter(tmp_path, "w-1")
    assert seen == [[]], "whoever collects at that moment sees no segment that looks finished"
    assert [path.name for path in tmp_path.iterdir()] == ["w-1.served"]


def test_a_full_disk_refuses_a_record_and_takes_the_next_that_fits(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "w-1")
    writer.append([_one(0)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (writer.bytes + 100, hard))
        with pytest.raises(DiskFull, match="cannot be logged"):
            writer.append([Answered("shop", 1, 1, "1", "f", (0.5,), b"x" * 1000)])
        assert [place.position for place in writer.append([_one(2)])] == [1]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    writer.close()
    assert list(read_segment(writer.path)) == [_one(0), _one(2)]
