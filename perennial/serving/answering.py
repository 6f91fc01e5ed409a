"""From a request's body to its answer: checked, scored, logged, and only then answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from perennial.errors import DiskFull, TerminalError
from perennial.scoring.made_by import versions_in_short
from perennial.serving.arms import Arms, in_arms, microseconds_each
from perennial.serving.checker import Checker, not_json
from perennial.serving.live import Live
from perennial.serving.log.segment import Answered, Place
from perennial.serving.log.writing import ServedLog
from perennial.serving.logged import logged
from perennial.serving.request import Checked

MOST_RECORDS = 10_000
"""Records of one request."""


UNLOGGED = "this prediction could not be logged, so it has no id and cannot be looked up later"


class TooMany(TerminalError):
    """A request with more records than one may have."""

    code = "too-many-records"


class NoPrediction(TerminalError):
    """A model gave something that is no prediction, so nothing was answered."""

    code = "no-prediction"


@dataclass(frozen=True, eq=False)
class Answer:
    """Scored and logged records. scores: shape (n,), or (n, K) over the declared classes.

    places: None for records that could not be logged, which happens only where `serving.log` allows it.
    arms: None if the release has no candidate.
    """

    live: Live
    checked: Checked
    scores: np.ndarray
    places: Sequence[Place | None]
    arms: Arms | None = None


@dataclass(frozen=True, eq=False)
class Asked:
    """The checked records of one request. received: the bytes of each."""

    checked: Checked
    received: Sequence[bytes]


def answer_all(live: Live, asked: Sequence[Asked], log: ServedLog, at: int) -> list[Answer]:
    """Score the records of several requests together and log them. at: now, in microseconds since 1970, UTC.

    A record gets the same bits in any company. Raises BadRecords, TooMany, NoPrediction, TeamCodeFailed, DiskFull;
    nothing of any request is answered then.
    """
    for each in asked:
        if (rows := each.checked.rows) > MOST_RECORDS:
            raise TooMany(f"the request has {rows:,} records, more than {MOST_RECORDS:,}", fix="send them in parts")
    joined, received = _joined([each.checked for each in asked]), [record for each in asked for record in each.received]
    begun = time.perf_counter_ns()
    scores = live.served.score(joined)
    took = microseconds_each(begun, joined.rows)
    if not np.isfinite(scores).all():
        raise NoPrediction(f"{live.usecase}: version {live.versions} gave a prediction that is no finite number")
    arms, candidate = None, live.release.candidate
    if candidate is not None:
        arms = in_arms(live, candidate, joined, received, scores, took)
        scores = arms.scores
    places, answers, begin = _kept(live, log, logged(live, scores, received, arms, at)), [], 0
    for each in asked:
        end = begin + each.checked.rows
        part = arms.part(begin, end) if arms is not None else None
        answers.append(Answer(live, each.checked, scores[begin:end], places[begin:end], part))
        begin = end
    return answers


def _kept(live: Live, log: ServedLog, answered: list[Answered]) -> Sequence[Place | None]:
    """Where the log has the records; None for each if it has not, where the declaration allows that."""
    try:
        return log.append(answered, sync=live.log == "synced")
    except DiskFull:
        if live.log != "best_effort":
            raise
        return [None] * len(answered)


def _joined(parts: Sequence[Checked]) -> Checked:
    """The records of several requests as those of one. Notes stay with their requests."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: [value for part in parts for value in part.columns[name]] for name in parts[0].columns}
    return Checked(sum(part.rows for part in parts), columns)


def as_json(answered: Answer) -> bytes:
    """The native answer: the release and, for each record, its id, score and warnings.

    In a stage each also has its arm and the versions that scored it.
    """
    live, classes = answered.live, [str(each) for each in answered.live.schema.classes]
    warnings: dict[int, list[str]] = {}
    for note in answered.checked.notes:
        warnings.setdefault(note.row, []).append(note.message)
    predictions: list[dict[str, Any]] = []
    arms, versions = in_words(answered)
    for row, (place, score) in enumerate(zip(answered.places, answered.scores.tolist(), strict=True)):
        scored = {"scores": dict(zip(classes, score, strict=True))} if isinstance(score, list) else {"score": score}
        of_arm = {"arm": arms[row], "versions": versions[row]} if arms else {}
        noted = warnings.get(row, []) if place is not None else [*warnings.get(row, []), UNLOGGED]
        predictions.append({"id": place.id if place else None, **scored, **of_arm, "warnings": noted})
    whole = {
        "usecase": live.usecase,
        "release": live.release.release_no,
        "versions": live.versions,
        "predictions": predictions,
    }
    return msgspec.json.encode(whole)


def in_words(answered: Answer) -> tuple[list[str], list[str]]:
    """The arm of each record and the model versions that scored it; both empty if the release has no candidate."""
    candidate, arms = answered.live.release.candidate, answered.arms
    if candidate is None or arms is None:
        return [], []
    other, own = versions_in_short(candidate.serves), answered.live.versions
    return list(arms.arms), [other if by_candidate else own for by_candidate in arms.by_candidate]


def asked_in(body: bytes, checker: Checker) -> Asked:
    """What a body with one record or a list of them asks. Raises BadRecords."""
    listed, received = records_in(body)
    checked = checker.decode(listed)
    if checked.rows != len(received):  # records one after the other, in no list
        raise not_json("it has more than one record but no list")
    return Asked(checked, received)


def records_in(body: bytes) -> tuple[bytes, list[bytes]]:
    """A body with one record or a list of them, as (a JSON list, the bytes of each record).

    A body that is no such JSON comes back as it is, for the checker to say what is wrong with it.
    """
    start = body.lstrip()[:1]
    if start == b"{":
        return b"[" + body + b"]", [body]
    try:
        return body, [bytes(each) for each in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body, []
