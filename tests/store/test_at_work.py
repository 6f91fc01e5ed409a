"""Whether a run is at work is asked of the lock that it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from perennial.store.lock import RUN, held_since, only_one


def test_a_run_is_at_work_from_taking_its_turn_to_its_end(tmp_path: Path) -> None:
    assert held_since(tmp_path, "shop", RUN) is None, "nothing ever ran"
    with only_one(tmp_path, "shop", RUN):
        since = held_since(tmp_path, "shop", RUN)
        assert since is not None and abs(datetime.now(UTC) - since) < timedelta(hours=1)
        assert held_since(tmp_path, "shop", RUN) == since, "asking changes nothing"
        assert held_since(tmp_path, "bikes", RUN) is None
    assert held_since(tmp_path, "shop", RUN) is None
    with only_one(tmp_path, "shop", RUN, seconds=0):
        pass  # asking has released what it took


def test_a_home_that_cannot_be_written_answers_too(tmp_path: Path) -> None:
    with only_one(tmp_path, "shop", RUN):
        pass
    (tmp_path / f"shop.{RUN}.lock").touch()
    (tmp_path / f"shop.{RUN}.lock").chmod(0o444)
    assert held_since(tmp_path, "shop", RUN) is None
