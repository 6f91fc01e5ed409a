"""Bytes stay as they arrived, under the name of their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial.errors import InputError, TerminalError, TransientError
from perennial.sources.file_bytes import parts_of
from perennial.store.landing import Landing, suffix_of


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def test_the_same_bytes_lie_once_under_the_name_of_their_content(landing: Landing) -> None:
    name = landing.keep("shop", b"a,b\n1,2\n", ".csv")
    assert name == hashlib.sha256(b"a,b\n1,2\n").hexdigest() + ".csv"
    assert landing.keep("shop", b"a,b\n1,2\n", ".csv") == name
    assert [p.name for p in (landing.folder / "shop").iterdir()] == [name]
    assert landing.read("shop", name) == b"a,b\n1,2\n"
    assert suffix_of(name) == ".csv"


def test_changed_bytes_are_reported_not_read(landing: Landing) -> None:
    name = landing.keep("shop", b"truth", ".csv")
    (landing.folder / "shop" / name).write_bytes(b"lies")
    with pytest.raises(TerminalError, match=f"landed bytes {name} were changed after they arrived: restore"):
        landing.read("shop", name)


def test_missing_bytes_are_reported(landing: Landing) -> None:
    with pytest.raises(TerminalError, match=r"landed bytes gone\.csv are missing"):
        landing.read("shop", "gone.csv")


def test_a_half_written_file_of_a_killed_process_is_not_taken_for_the_whole(landing: Landing) -> None:
    whole = hashlib.sha256(b"whole").hexdigest() + ".csv"
    (landing.folder / "shop").mkdir(parents=True)
    (landing.folder / "shop" / f".{whole}.1.half").write_bytes(b"who")
    assert landing.keep("shop", b"whole", ".csv") == whole
    assert landing.read("shop", whole) == b"whole"


def test_a_file_is_copied_and_lands_as_its_bytes_would(landing: Landing, tmp_path: Path) -> None:
    file, data = tmp_path / "march.csv", b"a,b\n" + b"1,2\n" * 2**21  # more than is read at a time
    file.write_bytes(data)
    name = landing.keep("shop", file, ".csv")
    assert landing.keep("shop", data, ".csv") == name
    assert landing.read("shop", name) == data
    with pytest.raises(InputError, match=r"april\.csv: cannot be read"):
        landing.keep("shop", tmp_path / "april.csv", ".csv")


def test_a_file_that_changes_while_it_is_copied_does_not_land(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "march.csv"
    file.write_bytes(b"a\n1\n")

    def later(path: Path) -> Iterator[bytes]:
        path.write_bytes(b"a\n1\n2\n")
        return parts_of(path)

    monkeypatch.setattr("perennial.store.landing.parts_of", later)
    with pytest.raises(TransientError, match="changed while it was read"):
        landing.keep("shop", file, ".csv")
    assert landing.names("shop") == []
