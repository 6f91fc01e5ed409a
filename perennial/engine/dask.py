"""An engine on a Dask cluster that the team runs; see https://distributed.dask.org.

One client drives it, from one task of the orchestrator. If a worker dies, Dask runs its calls again on another one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from perennial.engine.dask_fit import Lost, train_on, turn_of
from perennial.engine.engine import File, Result
from perennial.engine.together import Rank
from perennial.engine.versions import ASKED, installed, installed_xgboost, refuse_other_versions
from perennial.errors import InputError, TerminalError, TransientError

if TYPE_CHECKING:
    from distributed import Client, Future

story = logging.getLogger("perennial.story")
log = logging.getLogger("perennial.engine")
log.setLevel(logging.INFO)

_FIELD = "PERENNIAL_DASK_SCHEDULER"
_POLL = 1.0
_SOON = 3.0
"""Seconds after which a wait is reported."""


@dataclass(frozen=True)
class Dask:
    """See `Engine`. scheduler: its address. patience: seconds to wait for it, and for a worker if there is none."""

    scheduler: str
    patience: float = 60.0
    spreads: ClassVar[bool] = True

    def described(self) -> str:
        """Its address and the number of workers, all with the versions of this process."""
        with self._client() as client:
            return self._words(self._workers(client, installed()))

    def map_files(self, step: str, function: Callable[[File], Result], files: Sequence[File]) -> list[Result]:
        """One call per file, each on a worker that is free. The first error in the order of the files is raised."""
        ours = installed()
        with self._client() as client:
            workers = self._workers(client, ours)
            log.info("%s: %s on %s", step, _parts(files), self._words(workers))
            calls = client.map(partial(_called, function, ours), files, key=f"perennial-{step}", pure=False)
            return [self._result(client, step, call) for call in calls]

    def train(self, step: str, function: Callable[[File, Rank], Result], files: Sequence[File]) -> list[Result]:
        """On as many workers as there are files; with fewer, some have several calls."""
        with self._client() as client:
            try:
                with turn_of(client):
                    workers = self._workers(client, {**installed(), **installed_xgboost()})
                    log.info("%s: %s on %s", step, _parts(files), self._words(workers))
                    return train_on(client, workers, step, function, files)
            except Lost as lost:
                raise self._unreachable(f"{lost.what} during a step") from lost

    def _words(self, workers: Sequence[str]) -> str:
        return f"the dask engine at {self.scheduler}, workers: {len(workers)}"

    @contextmanager
    def _client(self) -> Iterator[Client]:
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise InputError(
                "the package distributed is not installed",
                field="PERENNIAL_ENGINE",
                value="dask",
                fix="pip install 'perennial[dask]'",
            ) from error
        connect = partial(Client, self.scheduler, set_as_default=False, name="perennial")
        # A timeout is an OSError.
        with self._waited(lambda seconds: connect(timeout=seconds), OSError, "does not answer") as client:
            yield client

    def _workers(self, client: Client, ours: Mapping[str, object]) -> list[str]:
        """Their addresses, once there is one. Raises InputError if one would compute other bits."""
        from distributed import TimeoutError

        self._waited(lambda seconds: client.wait_for_workers(1, timeout=seconds), TimeoutError, "has no worker")
        questions = {name: ASKED.get(name, (version, (name,))) for name in ours}
        asked = {name: client.run(ask, *given, on_error="return") for name, (ask, given) in questions.items()}
        there = {
            name: {worker: answer for worker, answer in answers.items() if not isinstance(answer, OSError)}
            for name, answers in asked.items()  # a worker that ended meanwhile answers with an OSError
        }
        refuse_other_versions(ours, there)
        return sorted(there["perennial"])

    def _result(self, client: Client, step: str, call: Future[Result]) -> Result:
        from distributed import CancelledError, KilledWorker, TimeoutError

        without = 0.0
        while True:
            has_failed = call.status == "error"
            # To fetch a result that is there may take longer than to look whether it is there.
            longest = None if has_failed else self.patience if call.done() else _POLL
            try:
                return call.result(timeout=longest)
            except TimeoutError:
                if has_failed:  # it is the error of the function
                    raise
            except CancelledError as error:
                raise self._unreachable("was lost during a step") from error
            except KilledWorker as error:
                raise TerminalError(
                    f"{step}: a part of the step ended {error.allowed_failures + 1} workers, one after another",
                    code="workers-killed",
                    field=_FIELD,
                    value=self.scheduler,
                    fix="Look into the log of a worker: most often it needs more memory than it may use. Give workers "
                    "more memory, or write files with smaller row groups. Nothing of the step counts.",
                ) from error
            without = 0.0 if self._has_workers(client) else without + _POLL
            if 0 <= without - min(_SOON, self.patience) < _POLL:
                self._report_wait("has no worker any more")
            if without >= self.patience:
                raise self._unreachable("has no worker any more")

    def _has_workers(self, client: Client) -> bool:
        try:
            return bool(client.nthreads())
        except OSError as error:
            raise self._unreachable("was lost during a step") from error

    def _waited(self, ask: Callable[[float], Result], too_late: type[Exception], what: str) -> Result:
        """What `ask` returns if it is given so many seconds. what: a predicate of the scheduler until then."""
        try:
            return ask(min(_SOON, self.patience))
        except too_late:
            self._report_wait(what)
        try:
            return ask(self.patience)
        except too_late as error:
            raise self._unreachable(what) from error

    def _report_wait(self, what: str) -> None:
        story.warning("the Dask scheduler at %s %s; waiting for up to %.0f s", self.scheduler, what, self.patience)

    def _unreachable(self, what: str) -> TransientError:
        return TransientError(
            f"the Dask scheduler at {self.scheduler} {what}",
            code="engine-unreachable",
            field=_FIELD,
            value=self.scheduler,
            fix="Start the scheduler and its workers, or unset PERENNIAL_ENGINE to run the step in this process. "
            "Nothing of the step counts: the next try runs all of it.",
        )


def _parts(files: Sequence[object]) -> str:
    return f"{len(files)} part{'' if len(files) == 1 else 's'}"


def _called(function: Callable[[File], Result], ours: Mapping[str, object], file: File) -> Result:
    """On a worker, which may have come after the others were asked for their versions."""
    from distributed import get_worker

    here = get_worker().address
    refuse_other_versions(ours, {name: {here: theirs} for name, theirs in installed().items()})
    return function(file)
