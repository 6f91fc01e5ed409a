"""Every model of a history, fitted once: its predictions for later rows are kept on disk, so that a run can go on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np

from perennial.backtest.history import History
from perennial.backtest.stream import Model, Predicted
from perennial.backtest.windows import trained_as
from perennial.clock import write_instant
from perennial.errors import TerminalError
from perennial.evaluation.arrays import FloatArray, IntArray
from perennial.identity import SHORT, digest_bytes, short_id
from perennial.model.environment import code_version, libraries
from perennial.model.threads import bounded_threads
from perennial.settings import allowed_threads
from perennial.store.tables import Tables
from perennial.training.fit import fit
from perennial.training.opened_rows import opened_rows
from perennial.training.readiness import NotTrainableYet
from perennial.usecase.declaration import UseCase
from perennial.whole_file import replacing


@dataclass(frozen=True)
class Progress:
    """done, of: models that are fitted or were on disk. seconds: so far. left: an estimate, None before the first."""

    done: int
    of: int
    seconds: float
    left: float | None


@dataclass
class Fits(Mapping[Model, Predicted | None]):
    """The models of a history; one that is not there yet is fitted when it is asked for.

    folder: of the kept predictions. newest: as in `Stream`. fitted, seconds: how many were fitted in this process, and
    how long that took. failed: models that could not be fitted, and why. done, waited: of `fit_all`, how many models
    and how many seconds so far.
    """

    case: UseCase
    tables: Tables
    history: History
    folder: Path
    newest: IntArray
    fitted: int = 0
    seconds: float = 0.0
    failed: dict[Model, str] = field(default_factory=dict)
    done: int = 0
    waited: float = 0.0
    _models: dict[Model, Predicted | None] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __getitem__(self, model: Model) -> Predicted | None:
        if model not in self._models:
            self._models[model] = self._predicted(model)
        return self._models[model]

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def fit_all(self, models: Iterable[Model], report: Callable[[Progress], None], *, to_come: int = 0) -> None:
        """Fit models in parallel on the available cores.

        report: called after each one. to_come: how many models a later call will fit, so that they count as not done.
        """
        asked = [model for model in models if model not in self._models]
        started, of = time.perf_counter() - self.waited, self.done + len(asked) + to_come

        def one(model: Model) -> None:
            self[model]
            with self._lock:
                self.done += 1
                self.waited = time.perf_counter() - started
                # What was on disk takes no time, so it is no measure of the rest.
                left = self.waited / self.fitted * (of - self.done) if self.fitted else None
                report(Progress(self.done, of, self.waited, left))

        with bounded_threads(), ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // allowed_threads())) as pool:
            for _ in pool.map(one, asked):
                pass

    def _predicted(self, model: Model) -> Predicted | None:
        kept = self.folder / f"{self._identity(model)}.npz"
        if kept.exists():
            with np.load(kept, allow_pickle=False) as stored:
                return self._placed(model, stored["later"], stored["naive"]) if stored["naive"].size else None
        started = time.perf_counter()
        try:
            later, naive = self._fit(model)
        except TerminalError as why:  # such a model is none; the other lives go on, and the reason is reported
            self.failed[model] = str(why)
            if not isinstance(why, NotTrainableYet):
                return None
            later, naive = np.empty(0), np.empty(0)
        with self._lock:
            self.fitted += 1
            self.seconds += time.perf_counter() - started
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as half, half.open("wb") as file:
            np.savez(file, later=later, naive=naive)
        return self._placed(model, later, naive) if naive.size else None

    def _fit(self, model: Model) -> tuple[FloatArray, FloatArray]:
        """Its predictions for the rows of `_later`, and its constant, shape (1,) or (1, K). Raises NotTrainableYet."""
        case = trained_as(self.case, model.window)
        known = self.history.known[model.moment]
        with opened_rows(self.tables, case.declaration, known, self._until(model)) as training:
            fitted = fit(case, training.rows).fitted
        classes = case.declaration.schema_.classes
        rows = self.history.rows.iloc[self._later(model)]
        later = fitted.over(fitted.predict(rows), classes) if len(rows) else np.empty(0)
        return np.asarray(later), np.asarray(fitted.over(fitted.naive_predictions(1), classes))

    def _until(self, model: Model) -> datetime | None:
        """The midnight from which rows are left out, None if none are."""
        return self.history.midnights[int(self.newest[model.moment])] if model.without_newest else None

    def _later(self, model: Model) -> IntArray:
        """Places of the rows that it was not trained on and may be asked about."""
        later = self.history.moment > model.moment
        if model.without_newest:
            later |= self.history.day >= self.newest[model.moment]
        return np.flatnonzero(later)

    def _placed(self, model: Model, later: FloatArray, naive: FloatArray) -> Predicted:
        whole = np.full((self.history.labels.size, *later.shape[1:]), np.nan, dtype=later.dtype)
        whole[self._later(model)] = later
        return Predicted(whole, float(naive[0]) if naive.ndim == 1 else naive[0])

    def _identity(self, model: Model) -> str:
        """Of everything that its predictions depend on. The first part is the history's: see `forget_others`."""
        known, until = self.history.known[model.moment], self._until(model)
        made = short_id(
            [
                trained_as(self.case, model.window).declaration.model_digest,
                self.case.code.digests,
                model.window,
                known.batch_ids,
                known.label_batch_ids,
                write_instant(known.as_of),
                None if until is None else write_instant(until),
                libraries(),
                code_version(),
            ]
        )
        return f"{self._history_id}-{made}"

    @cached_property
    def _history_id(self) -> str:
        """Of the rows that are predicted, in their order."""
        from pandas.util import hash_pandas_object

        return digest_bytes(hash_pandas_object(self.history.rows, index=False).to_numpy().tobytes())[:SHORT]

    def forget_others(self) -> None:
        """Remove what is kept for another history: after a new batch or an erasure it is of no use."""
        for path in self.folder.glob("*.npz"):
            if not path.name.startswith(self._history_id):
                path.unlink(missing_ok=True)
