"""What both models of a stage gave the records of a request, and whose score each record is answered with."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from perennial.ledger.entries import Candidate
from perennial.scoring.arms import Arm, arm_of, key_text
from perennial.serving.live import Live
from perennial.serving.request import Checked

Failure = Literal["raised", "invalid", "not-loaded", "not-tried"]
"""Why a candidate has no score for a record. `invalid`: it gave a number that is missing, infinite or not a
probability. `not-tried`: too many of the records beside it failed (see `MOST_CALLS`)."""

MOST_CALLS = 256
"""A candidate that fails for some records is asked at most so often to find out for which."""
log = logging.getLogger("perennial.serving")


@dataclass(frozen=True, eq=False)
class Arms:
    """What n records got in a stage.

    arms: of each record's key. champion, candidate: the scores of the live models and of the candidate, shape (n,) or
    (n, K); the candidate's are NaN where it failed. failed: why, for each record; None where it did not.
    champion_us, candidate_us: what they took for one record, on average over those that were scored together, in
    microseconds.
    """

    arms: Sequence[Arm]
    champion: np.ndarray
    candidate: np.ndarray
    failed: Sequence[Failure | None]
    champion_us: int
    candidate_us: int

    @property
    def by_candidate(self) -> np.ndarray:
        """Whether each record is answered with the candidate's score, shape (n,): its arm is, and it has one."""
        given = [arm == "candidate" and why is None for arm, why in zip(self.arms, self.failed, strict=True)]
        return np.array(given, dtype=bool)

    @property
    def scores(self) -> np.ndarray:
        """Those that are answered."""
        by_candidate = self.by_candidate
        if not by_candidate.any():
            return self.champion
        scores = self.champion.astype(np.float64)
        scores[by_candidate] = self.candidate[by_candidate]
        return scores

    def part(self, begin: int, end: int) -> Arms:
        """Those of some of the records."""
        here = slice(begin, end)
        return Arms(
            self.arms[here],
            self.champion[here],
            self.candidate[here],
            self.failed[here],
            self.champion_us,
            self.candidate_us,
        )


def in_arms(
    live: Live, candidate: Candidate, checked: Checked, received: Sequence[bytes], scores: np.ndarray, took: int
) -> Arms:
    """The candidate's scores beside those of the live models, and the arm of each record. Whatever the candidate
    raises, this does not.

    received: the bytes of each record, by which one without a key gets its arm. scores, took: of the live models, and
    their microseconds for one record.
    """
    begun = time.perf_counter_ns()
    given, failed = _tried(live, checked, scores.shape)
    beside = microseconds_each(begun, checked.rows)
    return Arms(_arms(live, candidate, checked, received), scores, given, failed, took, beside)


def microseconds_each(begun: int, rows: int) -> int:
    """What has passed since, by `time.perf_counter_ns`, for each of so many records."""
    return round((time.perf_counter_ns() - begun) / 1000 / max(rows, 1))


def _arms(live: Live, candidate: Candidate, checked: Checked, received: Sequence[bytes]) -> list[Arm]:
    if not candidate.stage.share:
        return ["champion"] * checked.rows
    keys = zip(*(checked.columns[name] for name in live.schema.key), strict=True)
    texts = (key_text(key, live.key_kinds) for key in keys)
    return [
        arm_of(text if text is not None else record.decode("utf-8", "replace"), candidate)
        for text, record in zip(texts, received, strict=True)
    ]


def _tried(live: Live, checked: Checked, shape: tuple[int, ...]) -> tuple[np.ndarray, list[Failure | None]]:
    """Scores and failures. Records that fail together are halved until those that fail alone are found."""
    scores = np.full(shape, np.nan)
    failed: list[Failure | None] = [None] * checked.rows
    model = live.candidate
    if model is None:
        return scores, ["not-loaded"] * checked.rows
    waiting, calls = [(0, checked.rows)], 0
    while waiting:
        first, end = waiting.pop()
        if calls == MOST_CALLS:
            failed[first:end] = ["not-tried"] * (end - first)
            continue
        calls += 1
        try:
            given = model.score(checked if end - first == checked.rows else _part(checked, first, end))
            if given.shape != scores[first:end].shape:
                raise ValueError(f"it gave predictions of shape {given.shape} for {end - first} records")
            scores[first:end] = given
        except Exception as error:  # noqa: BLE001 - whatever a candidate raises, the live models answer
            _note(live.usecase, live.release.release_no, type(error).__name__)
            if end - first == 1:
                failed[first] = "raised"
            else:
                middle = (first + end) // 2
                waiting += [(middle, end), (first, middle)]
    for row in np.flatnonzero(~_valid(scores, probabilities=live.schema.task != "regression")):
        failed[row], scores[row] = failed[row] or "invalid", np.nan
    return scores, failed


def _valid(scores: np.ndarray, probabilities: bool) -> np.ndarray:
    """Whether each record's score is a finite number, or a probability; shape (n,)."""
    sound = np.isfinite(scores)
    if probabilities:
        sound &= (scores >= 0) & (scores <= 1)
    return sound.reshape(len(scores), -1).all(axis=1)


def _part(checked: Checked, first: int, end: int) -> Checked:
    return Checked(end - first, {name: values[first:end] for name, values in checked.columns.items()})


@lru_cache(maxsize=256)
def _note(usecase: str, release_no: int, kind: str) -> None:
    """The error that is being handled, the first of its kind; the log of served predictions has every record."""
    what = f"the candidate of release {release_no} failed on a record ({kind}); more of these are only counted"
    log.warning("%s: %s", usecase, what, exc_info=True)
