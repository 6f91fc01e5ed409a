"""Killed with -9 after every write, and before the first of a step, then run again: as if nothing had happened.

What is on disk before a later write is what was there after the former one; only a message is sent in between.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from mlflow import MlflowClient

from perennial.errors import HeldBack, PerennialError
from perennial.fault_points import WRITES
from perennial.governance.anchor_key import make_key
from perennial.ledger.entries import Decision
from perennial.serving.log.segment import Answered, SegmentWriter
from perennial.signing.key_files import write_pair
from perennial.store.registry import ALIAS
from tests.alerting.target import Target
from tests.crashes.agreement import assert_readers_see_whole_batches, assert_whole, story
from tests.crashes.processes import Place
from tests.world import DECLARATION as WORLD
from tests.world import World, month_of_rows

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

ROWS_A_DAY = 20
HELD_BACK = HeldBack.exit_code
LABELS = ("label_landing", "labels_table", "labels_aside_table", "labels_row")
BATCH = ("landing", "validation_file", "accepted_table", "quarantine_table", "batch_row")
SCORES = ("predictions_table", "batch_scored_row")
COLLECTING = ("segment_collected_row", "segment_removed")
DECISION = ("code_row", "flips_table", "decision_row")
SENT = "alert_delivered_row"
ALERTS = ("alert_queued_row", "alert_failed_row", SENT)
RELEASE = ["release_row", "alias", "refit_alias", "page"]
TRAINING = ("mlflow_run", "model_signature", "mlflow_version", "snapshot_row")

ELSEWHERE = ("endorsement_row", "refusal_row", "openlineage_event", "family_row", "run_failed_row", "run_succeeded_row")
"""Rows with the machine's time, killed by tests/crashes/test_persons.py; events, by tests/lineage/test_sending.py; what
only a fleet writes, by tests/fleet/test_together.py."""
ARCHIVING = ("model_archive", "model_archived_row", "model_files", "model_taken_back")
"""tests/cli/test_archive.py kills them."""
OF_ERASURES = (
    "erasure_begun",
    "erased_file",
    "erased_database",
    "erased_table",
    "erased_versions",
    "erased_model",
    "erased_landing",
    "erased_row",
    "erasure_ended",
)
"""Rows are missing while an erasure is unfinished; tests/erasure/test_killed.py kills them."""

DEARER = [{"expect_column_values_to_be_between": {"column": "price", "min_value": 0, "max_value": 1000}}]
CHEAP = {"expect_column_mean_to_be_between": {"column": "price", "max_value": 1}, "severity": "warning"}
MONEY = "def money(labels, predictions):\n    return (predictions >= 0.5) * (5 * labels - 2)\n"
MODEL = {**WORLD["model"], "window": ["expanding", {"batches": 1}]}
EVALUATION = {
    "primary": "log_loss",
    "also": ["brier", "money", "selection_rate_ratio:carrier"],
    "metrics": {"money": {"function": "shop.py:money"}},
    "slices": ["carrier"],
}


@dataclass(frozen=True)
class Killed:
    """How a process that was to die at a point ended, and what readers then saw wrong."""

    code: int
    command: str
    wrong: str


def anchors_beside(folder: Path) -> dict[str, str]:
    """The variables of a key and a place outside the home."""
    make_key(folder / "key", "shop", folder / "home")
    return {"PERENNIAL_ANCHOR_KEY": str(folder / "key"), "PERENNIAL_ANCHORS": f"file:{folder / 'anchors.txt'}"}


def model_key_beside(folder: Path) -> dict[str, str]:
    """The variables of a key that signs models, the same one for each folder."""
    key = ec.derive_private_key(20130101, ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    write_pair(folder / "model-key", private, public)
    return {"PERENNIAL_MODEL_KEY": str(folder / "model-key"), "PERENNIAL_REQUIRE_SIGNED_MODELS": "1"}


class Year:
    """Four months of a shop: a first release, a concept that turns round, a person's approval, a moved alias.

    killed: whether the process is killed at each write of a step on its way to the step's end.
    """

    def __init__(self, folder: Path, *, killed: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.killed, self.chat = killed, Target()
        self.chat.up()
        addresses = {"TEAM_CHAT": self.chat.apprise, "NOBODY": "json://127.0.0.1:1/"}
        addresses |= anchors_beside(folder) | model_key_beside(folder)
        self.place = Place(folder / "home", folder / "usecases", addresses)
        self.ends: defaultdict[str, list[Killed]] = defaultdict(list)
        self._world = World(self.place.usecases, rows_a_day=ROWS_A_DAY)

    def live(self) -> Year:
        """All of it."""
        self._world.declare(
            labels={"path": "late", "known_at": "known_at"},
            evaluation=EVALUATION,
            release={"policy": "blend", "serve": "mixture"},
            model=MODEL,
            watch={"channels": ["level", "unseen", "features", "predictions"]},
            alerts={"nobody": {"to": "NOBODY"}, "team": {"to": "TEAM_CHAT"}},
        )
        (self.place.usecases / "shop.py").write_text(MONEY)
        (self.place.usecases / "late").mkdir()
        self._month("2013-01")
        self._step("run", "shop", at=["declaration_row", *BATCH, "data_docs", *TRAINING, "cycle_row"])
        self._month("2013-02")
        self._corrected_labels("2013-01", known_at="2013-02-10T00:00:00Z")
        self._step("run", "shop", at=[*LABELS, *DECISION, "alias", "race_row"])
        # The level episode, its retraining and the release of a challenger that knows more fall into one cycle.
        self._month("2013-03", flipped=True)
        self._served()
        watched = ["statistics_file", "episode_row", *ALERTS]
        self._step("run", "shop", at=[*COLLECTING, *SCORES, *watched, "release_row", "challenger_row"])
        self._world.declare(release={"policy": "hold"})
        self._month("2013-04", flipped=True)
        assert self._step("run", "shop", at=["episode_closed_row"]) == HELD_BACK
        held = self.place.workspace.ledger.all("shop", Decision)[-1].payload
        self._step(
            "approve", held.id, "--by", "Ada", "--reason", "the concept turned round", at=["approval_row", *RELEASE]
        )
        uri = self.place.workspace.settings.mlflow_tracking_uri
        MlflowClient(uri, uri).set_registered_model_alias("shop", ALIAS, "2")
        client, registry = MlflowClient(uri, uri), self.place.workspace.registry
        client.create_run(registry.experiment("shop"), run_name="left by a process that died")
        self._month("2013-05")
        assert self.place.run("ingest", "shop", crash_at="batch_row.before") == -signal.SIGKILL
        self._step(
            "doctor", "shop", at=["sweep", "alias_moved_row", "alias", "alias_put_back_row", "run_marked_failed"]
        )
        (self.place.usecases / "shop" / "2013-05.csv").unlink()
        self._step("rollback", "shop", "--reason", "returns went up", at=RELEASE)
        waive = ("waive", "shop", "--batch", "2013-01", "--by", "Ada", "--reason", "prices were right")
        self._step(*waive, at=["waiver_row", *BATCH[1:], "page"])
        self._world.declare(checks=DEARER)
        self._step("requeue", "shop", at=["declaration_row", *BATCH[1:], "page"])
        self._step("run", "shop", at=[])  # the cycle of the newest revision
        self._world.declare(watch={"channels": ["unseen"], "respond": {"warning": ["freeze", "roll_back"]}})
        self._month("2013-06", flipped=True, new_carrier=0.5)
        self._step("run", "shop", at=["releases_frozen_row", "rollback_not_possible_row"])
        self._step("resume", "shop", "--by", "Ada", "--reason", "a new carrier is fine", at=["releases_resumed_row"])
        self._step("calibrate", "shop", at=["calibration_row"])
        self._step("anchor", "shop", at=["anchor"])
        self._left_by_a_killed_run("accepted/left.parquet")
        self._step("maintain", "shop", at=["unread_files"])
        staged = {"policy": "newest_unless_worse", "serve": "recall", "stages": [{"shadow": "7d"}, "full"]}
        self._world.declare(checks=[*DEARER, CHEAP], watch={"channels": ["contract"]}, release=staged)
        self._month("2013-07")
        # An episode that informs of a failed warning, which a held batch raises.
        self._step("run", "shop", at=["batch_followed_row"])
        self._month("2013-08", without="price")
        self._step("run", "shop", at=["episode_rose_row"])
        (self.place.usecases / "shop" / "2013-08.csv").unlink()
        self._month("2013-09", flipped=True)
        self._step("run", "shop", at=[])  # a candidate begins its shadow, unless it did in July
        self._month("2013-10", flipped=True)
        self._step("run", "shop", at=["predictions_table", "stage_looked_row", "release_row", "refit_alias"])
        return self

    def _served(self) -> None:
        """What a service answered and left behind."""
        writer = SegmentWriter(self.place.home / "served", "20130301T000000-0123456789ab")
        writer.append([Answered("shop", 0, 1, "1", "f", (0.5,), b'{"order": "2013-03-00001"}')])
        writer.close()

    def _left_by_a_killed_run(self, name: str) -> None:
        """A file of a table that was never committed, from last month."""
        file = self.place.home / "tables" / "shop" / name
        file.write_bytes(b"half")
        os.utime(file, (0, 0))

    def _step(self, *command: str, at: list[str]) -> int:
        sides = {write: ("before", "after") if write in (at[0], SENT) else ("after",) for write in at}
        points = [f"{write}.{side}" for write in at for side in sides[write]]
        for point in points if self.killed else ():
            code = self.place.run(*command, crash_at=point)
            self.ends[point].append(Killed(code, command[0], self._wrong()))
        code = self.place.run(*command)
        assert code in (0, HELD_BACK), self.place.said()
        return code

    def _wrong(self) -> str:
        try:
            assert_readers_see_whole_batches(self.place.workspace, "shop")
        except (AssertionError, PerennialError) as error:
            return str(error) or "an assertion failed"
        return ""

    def _month(self, name: str, *, flipped: bool = False, new_carrier: float = 0.0, without: str = "") -> None:
        rows = month_of_rows(name, rows_a_day=ROWS_A_DAY, flipped=flipped, new_carrier=new_carrier)
        rows.loc[rows.index[:5], "price"] = 900.0  # more than the declaration allows: set aside
        rows = rows.drop(columns=[without] if without else [])
        rows.to_csv(self.place.usecases / "shop" / f"{name}.csv", index=False)

    def _corrected_labels(self, name: str, known_at: str) -> None:
        rows = month_of_rows(name, rows_a_day=ROWS_A_DAY)[["order", "returned"]].iloc[50:90]
        rows = rows.assign(returned=1 - rows["returned"], known_at=known_at)
        rows.loc[rows.index[-1], "returned"] = 7  # set aside
        rows.to_csv(self.place.usecases / "late" / f"{name}.csv", index=False)


@pytest.fixture(scope="module")
def years(killable: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Year, Year]:
    """The same year twice, side by side: undisturbed, and killed at every point."""
    folder = tmp_path_factory.mktemp("years")
    both = Year(folder / "undisturbed", killed=False), Year(folder / "killed", killed=True)
    with ThreadPoolExecutor(2) as pool:
        undisturbed, killed = pool.map(Year.live, both)
    return undisturbed, killed


@pytest.mark.parametrize("write", [each for each in WRITES if each not in (*ELSEWHERE, *OF_ERASURES, *ARCHIVING)])
def test_a_process_killed_at_a_write_leaves_readers_a_whole_state(years: tuple[Year, Year], write: str) -> None:
    _, killed = years
    assert f"{write}.after" in killed.ends, "no step of the year is killed here: say in which"
    for point in (f"{write}.before", f"{write}.after"):
        for end in killed.ends.get(point, ()):
            assert end.code == -signal.SIGKILL, f"{point} was not reached by {end.command}: exit code {end.code}"
            assert end.wrong == "", (point, end.command)


def test_the_killed_year_ends_like_the_undisturbed_one(years: tuple[Year, Year]) -> None:
    undisturbed, killed = (story(year.place.workspace, "shop") for year in years)
    kinds = ["first", "blend", "release", "blend", "release", "rollback", "stage", "release", "stage"]
    assert [r["kind"] for r in undisturbed["release"]] == kinds, "a person's command was carried out once"
    blended = [[served["model"]["version"] for served in r["serves"]] for r in undisturbed["release"]]
    assert blended[:7] == [[1], [1, 2], [2, 1], [2, 1, 3], [3], [2, 1], [2, 1]], "a shadow leaves the live model"
    assert [each["look"]["verdict"] for each in undisturbed["stage_looked"]] == ["advance"]
    revisions = [(b["window"], b["because"]) for b in undisturbed["batch"] if b["revision"] == 2]
    assert revisions == [("2013-01", "waived"), *((f"2013-0{month}", "requeued") for month in (2, 3, 4))]
    assert len(undisturbed["alias_moved"]) == len(undisturbed["alias_put_back"]) == 1
    assert [each["channel"] for each in undisturbed["episode"]] == ["level", "unseen", "contract"]
    assert [each["severity"] for each in undisturbed["episode_rose"]] == ["page"]
    assert len(undisturbed["episode_closed"]) == len(undisturbed["labels"]) == 1
    assert [each["why"] for each in undisturbed["rollback_not_possible"]] == [
        "shop: release 6 is itself a rollback; going further back takes a person"
    ]
    for kind, rows in undisturbed.items():
        assert killed[kind] == rows, kind


def test_every_message_came_and_twice_only_if_its_sender_was_killed_between_sending_and_noting_it(
    years: tuple[Year, Year],
) -> None:
    undisturbed, killed = (Counter(each["message"] for each in year.chat.got) for year in years)
    assert set(undisturbed.values()) == {1}
    assert sorted(killed.values()) == [*([1] * (len(undisturbed) - 1)), 2]
    assert set(years[1].chat.titles) == set(years[0].chat.titles)


def test_every_decision_of_the_killed_year_replays_by_its_own_metrics_code(years: tuple[Year, Year]) -> None:
    place = years[1].place
    (place.usecases / "shop.py").write_text(MONEY.replace("5 *", "7 *"))
    assert place.run("replay", "shop", "--deep") == 0, place.said()


@pytest.mark.parametrize("which", [0, 1], ids=["undisturbed", "killed"])
def test_nothing_is_lost_doubled_or_left_to_repair(years: tuple[Year, Year], which: int) -> None:
    assert_whole(years[which].place.workspace, "shop")
