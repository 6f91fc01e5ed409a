"""Files that several use cases share: each reads the rows with its own text in a column."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.errors import InputError
from perennial.sources import cut_files
from perennial.sources.cut_files import CutFiles, Others

ROWS = "n,store,at\n1,a,2024-01-05\n2, b ,2024-01-06\n3,a,2024-02-05\n4,,2024-02-06\n5,c,2024-02-07\n6,c,2024-02-08\n"


def of_store(folder: Path, store: str) -> CutFiles:
    return CutFiles(folder, "month", "at", "UTC", only=("store", store))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_each_source_has_its_rows_and_windows_from_one_reading(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    import pandas as pd

    (tmp_path / "all.csv").write_text(ROWS.replace(" b ", "b"))
    if suffix == ".parquet":
        pd.read_csv(tmp_path / "all.csv").to_parquet(tmp_path / "all.parquet")
        (tmp_path / "all.csv").unlink()
    read: list[Path] = []

    def bytes_of(path: Path) -> bytes:
        read.append(path)
        return path.read_bytes()

    monkeypatch.setattr(cut_files, "bytes_of", bytes_of)
    a, b, d = (of_store(tmp_path, store) for store in "abd")
    assert [window.name for window in a.windows()] == ["2024-01", "2024-02"]
    assert [window.name for window in b.windows()] == ["2024-01"]
    assert d.windows() == []
    data = a.fetch(a.windows()[1]).data
    frame = pd.read_csv(io.BytesIO(data)) if suffix == ".csv" else pd.read_parquet(io.BytesIO(data))
    assert frame.to_dict("records") == [{"n": 3, "store": "a", "at": "2024-02-05"}]
    assert a.others({"a", "b"}) == [Others("", "2024-02", 1), Others("c", "2024-02", 2)]
    assert len(read) == 1


def test_a_file_without_the_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("n,at\n1,2024-01-05\n")
    with pytest.raises(
        InputError, match=r"all.csv: there is no column 'store', which source.only names\n  it has n, at"
    ):
        of_store(tmp_path, "a").windows()
