"""What a service counts: added up over its workers, continued after a kill, and readable by Prometheus."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from perennial.serving.exposition import exposition
from perennial.serving.slots import ServicePlace, Slot, tally_of_home
from perennial.serving.tally import SECONDS, TENTHS, Spread, Tally, count, together

ARM = ("shop", "champion")


def counted(requests: int, seconds: float, since: float = 100.0, release: int = 3) -> Tally:
    tally = Tally(since)
    spread = tally.seconds.setdefault(ARM, Spread(SECONDS))
    for _ in range(requests):
        count(tally.requests, (*ARM, "200"))
        spread.add(seconds)
    count(tally.unseen, (*ARM, "carrier"))
    tally.scores[(*ARM, "3")] = Spread(TENTHS, [1] + [0] * 10, 0.05)
    tally.answered[ARM] = since + requests
    tally.serving, tally.wanted = {"shop": release}, {"shop": 4}
    return tally


def samples(text: bytes) -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(v for _, v in sorted(sample.labels.items()))] = sample.value
    return found


def test_the_counts_of_workers_add_up_and_the_slowest_follower_shows() -> None:
    one, two = counted(30, 0.0015), counted(10, 0.3, since=90, release=4)
    whole = together([one, two])
    assert whole is not None and one.requests == {(*ARM, "200"): 30}, "what was added is unchanged"
    found = samples(exposition(whole))
    assert found["perennial_requests_total"] == {("champion", "200", "shop"): 40}
    assert found["perennial_request_seconds_count"] == {("champion", "shop"): 40}
    assert found["perennial_request_seconds_bucket"]["champion", "0.002", "shop"] == 30
    assert found["perennial_request_seconds_bucket"]["champion", "+Inf", "shop"] == 40
    assert found["perennial_request_seconds_sum"]["champion", "shop"] == pytest.approx(3.045)
    assert found["perennial_served_score_bucket"]["champion", "0.1", "3", "shop"] == 2
    assert found["perennial_serving_release"] == {("shop",): 3}
    assert found["perennial_wanted_release"] == {("shop",): 4}
    assert found["perennial_last_answered_timestamp_seconds"] == {("champion", "shop"): 130}
    assert found["perennial_serving_since_timestamp_seconds"] == {(): 90}
    assert whole.seconds[ARM].below(0.5) == 0.002 and whole.seconds[ARM].below(0.99) == 0.5
    assert together([]) is None


def test_what_was_not_counted_has_no_sample() -> None:
    assert set(samples(exposition(Tally(1.0)))) == {"perennial_serving_since_timestamp_seconds"}


def test_a_worker_takes_the_slot_of_a_killed_one_and_continues_its_counts(tmp_path: Path) -> None:
    first, second = Slot(tmp_path), Slot(tmp_path)
    first.keep(counted(7, 0.001))
    second.keep(counted(5, 0.001))
    assert [each.requests for each in second.others()] == [{(*ARM, "200"): 7}]
    first.close()  # as the system does when its process is killed
    third = Slot(tmp_path)
    former = third.former()
    assert former is not None and former.requests == {(*ARM, "200"): 7}
    assert [each.requests for each in third.others()] == [{(*ARM, "200"): 5}]


def test_a_new_service_removes_what_ended_ones_left_and_no_other(tmp_path: Path) -> None:
    ended, lives = ServicePlace(tmp_path, "ended"), ServicePlace(tmp_path, "lives")
    for place in (ended, lives):
        slot = Slot(place.folder)
        slot.keep(counted(1, 0.001))
        slot.close()
    ended.close()
    home = tally_of_home(tmp_path)
    assert home is not None and sum(home.requests.values()) == 2, "the last counts stay until another service starts"
    new = ServicePlace(tmp_path, "new")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["lives", "new"]
    home = tally_of_home(tmp_path)
    assert home is not None and sum(home.requests.values()) == 1
    new.close()
    assert tally_of_home(tmp_path / "nothing") is None


def test_a_worker_that_outlives_its_parent_keeps_the_folder(tmp_path: Path) -> None:
    place = ServicePlace(tmp_path, "service")
    code = (
        "import sys, pathlib; from perennial.serving.slots import Slot; "
        "slot = Slot(pathlib.Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code, os.fspath(place.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdout is not None and worker.stdout.readline() == b"locked\n"
    place.close()
    ServicePlace(tmp_path, "second").close()
    assert place.folder.is_dir()
    worker.communicate()
    ServicePlace(tmp_path, "third").close()
    assert not place.folder.exists()


def test_counts_of_another_version_are_left_out(tmp_path: Path) -> None:
    slot, other = Slot(tmp_path), Slot(tmp_path)
    (tmp_path / "1.tally").write_bytes(b"\x81\xa5since\xa3one")
    assert slot.others() == [] and other.former() is None
    to, strange = counted(1, 0.1), counted(1, 0.1)
    strange.seconds[ARM] = Spread((1.0,), [5, 0], 1.0)
    whole = together([to, strange])
    assert whole is not None and whole.seconds[ARM].n == 1
