"""What a worker counts while it answers, and the counts of its service as Prometheus reads them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from perennial.serving.answering import Answer
from perennial.serving.exposition import exposition
from perennial.serving.following import Follower
from perennial.serving.slots import Slot
from perennial.serving.tally import SECONDS, TENTHS, Spread, Tally, count, together

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
        parts, names = path.split("/"), self._follower.usecases
        if path == "/invocations" and len(names) == 1:
            return names[0]
        return next((name for name in names if name in parts), "")

    def scored(self, answered: Answer, arm: str = CHAMPION) -> None:
        """Count the records of an answer."""
        live, checked, tally = answered.live, answered.checked, self._tally
        by_release = (live.usecase, arm, str(live.release.release_no))
        count(tally.predictions, by_release, checked.rows)
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


def _spread(spreads: dict[tuple[str, ...], Spread], key: tuple[str, ...], bounds: tuple[float, ...]) -> Spread:
    known = spreads.get(key)
    if known is None or known.bounds != bounds:
        known = spreads[key] = Spread(bounds)
    return known
