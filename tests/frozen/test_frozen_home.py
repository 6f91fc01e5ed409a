"""A home that an earlier version wrote is opened, verified, replayed and continued.

The home is not made anew when this fails: the change that broke it is put right. See `build.py`.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import Perennial, perennial  # noqa: F401
from tests.frozen.build import ARCHIVE, MONTHS, NEXT


@pytest.fixture
def frozen(home: Path, tmp_path: Path) -> Path:
    """The home, unpacked elsewhere than it was built."""
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(tmp_path, filter="data")
    return home


@pytest.mark.slow
def test_a_home_of_an_earlier_version_is_verified_replayed_and_continued(
    frozen: Path,
    perennial: Perennial,  # noqa: F811
) -> None:
    told = perennial("ledger", "verify", "shop", "--json")
    assert told.code == 0, told.err
    rows = json.loads(told.out)[0]["rows"]
    assert rows >= 10
    batches = json.loads(perennial("batches", "shop", "--json").out)
    assert [batch["window"] for batch in batches] == list(MONTHS)
    told = perennial("doctor", "shop")
    assert told.code == 0, told.out

    before = json.loads(perennial("decisions", "shop", "--json").out)
    assert before
    told = perennial("replay", "shop", "--deep")
    assert told.code == 0, told.out

    told = perennial("run", "shop", "--batch", NEXT)
    assert told.code == 0, told.err
    assert len(json.loads(perennial("decisions", "shop", "--json").out)) == len(before) + 1
    assert perennial("replay", "shop", "--deep").code == 0
    told = perennial("ledger", "verify", "shop", "--json")
    assert told.code == 0 and json.loads(told.out)[0]["rows"] > rows
