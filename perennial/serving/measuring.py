"""What a worker counts while it answers, and the counts of its service as Prometheus reads them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from perennial.serving.answering import Answer
from perennial.serving.arms import Arms
from perennial.serving.exposition import exposition
from perennial.serving.following import Follower
from perennial.serving.request import Checked
from perennial.serving.slots import Slot
from perennial.serving.tally import SCORING, SECONDS, TENTHS, Spread, Tally, count, together

CHAMPION = "champion"
log = logging.getLogger("perennial.serving")


class Measures:
    """The counts of one worker, continued from those of a killed one in the same slot."""

    def __init__(self, follower: Follower, slot: Slot, now: Callable[[], datetime]) -> None:
        self._follower, self._slot, self._now = follower, slot, now
        self._tally = slot.former() or Tally(now().timestamp())
        self._wrong = ""

    def request(self, path: str, status: int, seconds: float, arm: str = CHAMPION) -> None:
        """Count a request."""
        usecase = self._usecase(path)
        count(self._tally.requests, (usecase, arm, str(status)))
        _spread(self._tally.seconds, (usecase, arm), SECONDS).add(seconds)

    def _usecase(self, path: str) -> str:
        """The use case that a path is about; empty if it is about none."""
        match path.strip("/").split("/"):
            case ["usecases", name, *_] | ["v2", "models", name, *_] if self._follower.serves(name):
                return name
            case ["invocations"] if len(self._follower.usecases) == 1:
                return self._follower.usecases[0]
        return ""

    def scored(self, answered: Answer) -> None:
        """Count the records of an answer."""
        if answered.arms is None:
            self._scored(answered, CHAMPION)
            return
        self._in_stage(answered, answered.arms)
        for arm in sorted(set(answered.arms.arms)):
            self._scored(_of_arm(answered, answered.arms, arm), arm)

    def _in_stage(self, answered: Answer, arms: Arms) -> None:
        """Count what both models gave, and where the candidate failed."""
        usecase, release, tally = answered.live.usecase, str(answered.live.release.release_no), self._tally
        for why in arms.failed:
            if why is not None:
                count(tally.failures, (usecase, release, why))
        for model, scores, us in (
            ("champion", arms.champion, arms.champion_us),
            ("candidate", arms.candidate, arms.candidate_us),
        ):
            key = (usecase, model, release)
            seconds, given = _spread(tally.scoring, key, SCORING), _spread(tally.given, key, TENTHS)
            for score, why in zip(scores.tolist(), arms.failed, strict=True):
                if model == "champion" or why is None:
                    seconds.add(us / 1e6)
                    if answered.live.schema.task == "binary":
                        given.add(score)

    def _scored(self, answered: Answer, arm: str) -> None:
        live, checked, tally = answered.live, answered.checked, self._tally
        by_release = (live.usecase, arm, str(live.release.release_no))
        count(tally.predictions, by_release, checked.rows)
        if unlogged := sum(place is None for place in answered.places):
            count(tally.unlogged, by_release, unlogged)
        tally.answered[live.usecase, arm] = self._now().timestamp()
        if live.schema.task == "binary":
            scores = _spread(tally.scores, by_release, TENTHS)
            for score in answered.scores.tolist():
                scores.add(score)
        elif live.schema.task == "multiclass":
            for place in answered.scores.argmax(axis=1).tolist():
                count(tally.classes, (*by_release, str(live.schema.classes[place])))
        else:
            numbers = _spread(tally.numbers, by_release, ())
            for score in answered.scores.tolist():
                numbers.add(score)
        unseen = [note for note in checked.notes if note.code == "unseen-category"]
        for note in unseen:
            count(tally.unseen, (live.usecase, arm, note.field))
        if unseen:
            count(tally.unseen_records, by_release, len({note.row for note in unseen}))
        for name in live.features:
            if None in (values := checked.columns[name]):
                count(tally.missing, (live.usecase, arm, name), sum(value is None for value in values))

    def keep(self) -> None:
        """Leave the counts where other workers, and the page, find them. A full disk is logged, once."""
        tally = self._tally
        states = self._follower.states
        tally.serving = {each.usecase: each.serving for each in states if each.serving is not None}
        tally.wanted = {each.usecase: each.wanted for each in states if each.wanted is not None}
        tally.candidates = {each.usecase: int(not each.stage.wrong) for each in states if each.stage is not None}
        try:
            self._slot.keep(tally)
            self._wrong = ""
        except OSError as problem:
            if self._wrong != str(problem):
                log.warning("what this worker counts is not kept: %s", problem)
            self._wrong = str(problem)

    def text(self) -> bytes:
        """The counts of all workers, in Prometheus' text format."""
        self.keep()
        whole = together([self._tally, *self._slot.others()])
        assert whole is not None, "it has the tally of this worker"
        return exposition(whole)

    def close(self) -> None:
        """Keep the last counts."""
        self.keep()
        self._slot.close()


def _of_arm(answered: Answer, arms: Arms, arm: str) -> Answer:
    """The records of one arm."""
    rows = [row for row, each in enumerate(arms.arms) if each == arm]
    if len(rows) == len(arms.arms):
        return answered
    columns = {name: [values[row] for row in rows] for name, values in answered.checked.columns.items()}
    notes = tuple(note for note in answered.checked.notes if arms.arms[note.row] == arm)
    checked = Checked(len(rows), columns, notes)
    return Answer(answered.live, checked, answered.scores[rows], [answered.places[row] for row in rows])


def _spread(spreads: dict[tuple[str, ...], Spread], key: tuple[str, ...], bounds: tuple[float, ...]) -> Spread:
    known = spreads.get(key)
    if known is None or known.bounds != bounds:
        known = spreads[key] = Spread(bounds)
    return known
