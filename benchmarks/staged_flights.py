"""Stages of a release on flights of 2013, through the commands and a running service.

    python benchmarks/staged_flights.py [--rows 5000] [--rate 100] [--only shuffled] [--only raising] [--keep FOLDER]

The use case of the demo with a shadow and a canary of 10 %, a week each, in a new home:
- good: the challenger that is proven better in April goes through both stages, a service answers flights meanwhile.
- shuffled: a challenger of an estimator that shuffles the labels. No decision would let it out, so its shadow begins by
  hand, with the decision that was taken about it, and batches alone are looked at.
- raising: a challenger with a derived feature that raises for a single record of a carrier with 1 % of the flights,
  though never in a batch. Its canary begins by hand as well, and `perennial stage` looks while requests come in.
Every request has to be answered with status 200 all the time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.ledger.entries import ChallengerEntry, Decision, Release, StageLooked  # noqa: E402
from perennial.ledger.ledger import Ledger  # noqa: E402
from perennial.ledger.present import current_release  # noqa: E402
from perennial.release.planned_stages import first_stage, full_release, planned_stages  # noqa: E402
from perennial.release.promote import insert_release  # noqa: E402
from perennial.serving.log.segment import SUFFIX, finished_segments  # noqa: E402

PERENNIAL = Path(sys.executable).parent / "perennial"
USECASE = "flights"
STAGES = [{"shadow": "7d"}, {"canary": "10%", "for": "7d"}, "full"]
SHUFFLED = '''"""An estimator with a bug: it learns from shuffled labels."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.compose import make_column_transformer


class Shuffled(HistGradientBoostingClassifier):
    def fit(self, inputs, labels):
        super().fit(inputs, np.random.default_rng(0).permutation(labels))
        self.__class__ = HistGradientBoostingClassifier  # a model file holds known types only
        return self


def shuffled(**params):
    unknown = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    codes = make_column_transformer((unknown, ["carrier", "origin", "dest"]), remainder="passthrough")
    return make_pipeline(codes, Shuffled(**params))
'''
RAISING = '''"""A derived feature with a bug that no batch shows: some records fail when they arrive alone."""


def warmth(rows):
    if len(rows) == 1 and (rows["carrier"] == "FL").any():
        raise ValueError("cannot reindex on an axis with duplicate labels")
    return rows["temp"] - 17.0
'''


@dataclass
class Home:
    """A new home with the use case and, while `served`, a service. sent: statuses of all requests."""

    folder: Path
    url: str = ""
    sent: Counter[str] = field(default_factory=Counter)

    @property
    def ledger(self) -> Ledger:
        return Ledger(f"sqlite:///{self.folder / 'home' / 'ledger.db'}")

    @property
    def release(self) -> Release:
        live = current_release(self.ledger, USECASE)
        assert live is not None
        return live

    def command(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """What a command prints; it runs in this process, which saves the imports of each."""
        from perennial.cli import main as command_line

        before, sys.argv, printed = sys.argv, ["perennial", *words], io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                command_line()
        except SystemExit as end:
            if end.code not in (None, *codes):
                raise SystemExit(f"perennial {' '.join(words)}: exit code {end.code}\n{printed.getvalue()}") from None
        finally:
            sys.argv = before
        return printed.getvalue()

    def declare(self, **changes: Any) -> None:
        """Write the demo's declaration with stages, and some sections changed."""
        into = self.folder / "usecases"
        into.mkdir(exist_ok=True)
        shutil.copy(ROOT / "usecases" / "flights.py", into)
        (into / "shuffled.py").write_text(SHUFFLED)
        (into / "raising.py").write_text(RAISING)
        declared = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text())
        declared["release"] = {"policy": "balanced", "refresh_after": "90d", "stages": STAGES}
        for section, values in changes.items():
            declared[section] = {**declared[section], **values}
        (into / f"{USECASE}.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))

    def clear(self) -> None:
        """Take the candidate away. A reason that was given before would be the same request again."""
        number = self.release.release_no
        self.command("rollback", USECASE, "--reason", f"the benchmark tries another candidate than release {number}'s")

    def send(self, batch: str, rows: int, rate: float) -> int:
        words = ("replay-traffic", USECASE, "--batch", batch, "--most", str(rows), "--rate", str(rate))
        view = json.loads(self.command(*words, "--url", self.url, "--json"))
        self.sent.update(view["statuses"])
        return int(view["sent"])

    def wait_for_log(self) -> None:
        """Until the service has closed its newest segment, which is when its answers count in a look."""
        served = self.folder / "home" / "served"
        while len(list(served.glob(f"*{SUFFIX}"))) > len(finished_segments(served)):
            time.sleep(0.5)

    @contextmanager
    def served(self) -> Iterator[None]:
        words = [PERENNIAL, "serve", USECASE, "--port", "0"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://[\d.]+:\d+", line):
                    self.url = found.group()
                    break
            yield
        finally:
            process.terminate()
            process.wait()

    def wait_for_release(self) -> None:
        """Until the service follows the ledger."""
        ready: Any = None
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/ready") as answer:
                ready = json.load(answer)["usecases"][0]["serving"]
            if ready == self.release.release_no:
                return
            time.sleep(0.5)
        raise SystemExit(f"release {self.release.release_no} is not served: {ready}")


def row(case: str, stage: str, requests: int, batches: int, verdict: str, reason: str, after: str) -> None:
    print(f"| {case} | {stage} | {requests:,} | {batches} | {verdict} | {reason} | {after} |", flush=True)


def newest_look(home: Home, release: Release) -> StageLooked:
    looks = [each.payload for each in home.ledger.all(USECASE, StageLooked)]
    return [each for each in looks if each.release_no == release.release_no][-1]


def scored_batches(home: Home, release: Release) -> int:
    from perennial.ledger.entries import BatchScored

    rows = [each.payload for each in home.ledger.all(USECASE, BatchScored)]
    return len([each for each in rows if each.release_no == release.release_no and each.of == "candidate"])


def begin_by_hand(home: Home, at: int = 0) -> Release:
    """What a release of the newest decision would do, whatever it decided."""
    ledger = home.ledger
    if home.release.candidate is not None:
        home.clear()
    decision, live = ledger.all(USECASE, Decision)[-1].payload, home.release
    challenger = ledger.get(USECASE, ChallengerEntry, decision.challenger_id)
    assert challenger is not None
    digest = challenger.payload.declaration_digest
    full = full_release(decision, digest, live.release_no + 1, decision.as_of, "Begun by hand for the benchmark.")
    made = first_stage(live, full, decision, planned_stages(decision))
    if at and made.candidate is not None:
        entered = made.candidate.model_copy(update={"at": at})
        made = made.model_copy(update={"candidate": entered, "stage": entered.stage.kind})
    return insert_release(ledger, USECASE, made).payload


def decided(home: Home) -> str:
    decision = home.ledger.all(USECASE, Decision)[-1].payload
    return f"decision on {decision.batch}: {decision.outcome}"


def watched(home: Home, case: str, batch: str, rows: int, rate: float, cycles: int) -> Release:
    """Traffic, a look, and then cycles until the stage ends; the release that follows the stage."""
    began = home.release
    home.wait_for_release()
    sent = home.send(batch, rows, rate)
    home.wait_for_log()
    home.command("stage", USECASE, codes=(0, 3))
    look = newest_look(home, began)
    if look.look.verdict == "wait":
        row(case, began.stage, sent, scored_batches(home, began), "wait", look.look.reason, "traffic alone")
    cycles_until_the_end(home, began, case, sent, cycles)
    return home.release


def cycles_until_the_end(home: Home, began: Release, case: str, sent: int, cycles: int) -> None:
    """Batches, each of which ends with a look, until the stage that `began` ends."""
    for _ in range(cycles):
        if home.release.release_no != began.release_no:
            break
        home.command("run", USECASE, codes=(0, 3))
    look = newest_look(home, began)
    after = f"{look.elapsed_days:.3g} days"
    row(case, began.stage, sent, scored_batches(home, began), look.look.verdict, look.look.reason, after)


def good(home: Home, rows: int, rate: float) -> None:
    assert home.release.candidate is not None, home.release
    candidate = home.release.candidate.model
    with home.served():
        watched(home, "good", "2013-04", rows, rate, cycles=2)
        watched(home, "good", "2013-05", rows, rate, cycles=2)
        releases = [each.payload for each in home.ledger.all(USECASE, Release)]
        reached = [each for each in releases if each.kind == "release" and each.champion.model == candidate]
        print(f"version {candidate.version} became the champion: {bool(reached)}", flush=True)


def trained(home: Home, **changes: Any) -> None:
    """A challenger of a changed declaration, and the decision about it on the next batch."""
    if home.release.candidate is not None:
        home.clear()
    home.declare(**changes)
    home.command("train", USECASE, "--reason", "for the benchmark", codes=(0, 3))
    waiting = home.ledger.all(USECASE, ChallengerEntry)[-1].payload.challenger
    home.command("run", USECASE, codes=(0, 3))
    decision = home.ledger.all(USECASE, Decision)[-1].payload
    assert decision.challenger_id == waiting, (decision.challenger_id, waiting)
    print(decided(home), decision.reasons[0], flush=True)


def shuffled(home: Home, rows: int, rate: float) -> None:
    """Batches alone: a custom pipeline answers slowly, which on a busy machine would stop it before its labels do."""
    trained(home, model={"estimator": "shuffled.py:shuffled", "params": {"max_iter": 100, "random_state": 0}})
    began = begin_by_hand(home)
    cycles_until_the_end(home, began, "shuffled", 0, cycles=3)


def raising(home: Home, rows: int, rate: float) -> None:
    derived = ["flights.py:hour_of_day", "flights.py:day_of_week", "raising.py:warmth"]
    trained(home, features={"derived": derived})
    began = begin_by_hand(home, at=1)
    with home.served():
        home.wait_for_release()
        begun = time.monotonic()
        words = ("--batch", "2013-05", "--most", str(rows), "--rate", str(rate), "--url", home.url, "--json")
        traffic = subprocess.Popen([PERENNIAL, "replay-traffic", USECASE, *words], stdout=subprocess.PIPE, text=True)
        over = False
        while home.release.release_no == began.release_no and not over:
            if over := traffic.poll() is not None:
                home.wait_for_log()
            home.command("stage", USECASE, codes=(0, 3))
        took, look = time.monotonic() - begun, newest_look(home, began).look
        asked = next(each.n for each in look.findings if each.check == "traffic")
        row("raising", began.stage, asked, 0, look.verdict, look.reason, f"{took:.0f} s")
        home.sent.update(json.loads(traffic.communicate()[0])["statuses"])


PARTS = (good, shuffled, raising)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--only", action="append", choices=[part.__name__ for part in PARTS])
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="staged_flights"))
    folder.mkdir(exist_ok=True)
    home = Home(folder)
    os.environ |= {"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_USECASES": str(folder / "usecases")}
    without_server = dict(os.environ)
    print("| challenger | stage | requests | batches | verdict | reason | after |\n|---|---|---:|---:|---|---|---|")
    try:
        home.declare()
        home.command("backfill", USECASE, "--last", "2013-04", codes=(0, 3))
        for part in PARTS:
            if not asked.only or part.__name__ in asked.only:
                part(home, asked.rows, asked.rate)
    finally:
        subprocess.run([PERENNIAL, "down"], env=without_server, check=True)
        if not asked.keep:
            shutil.rmtree(folder)
    print(f"statuses of {sum(home.sent.values()):,} requests: {dict(home.sent)}")


if __name__ == "__main__":
    main()
