"""What is due for a fleet, and what comes once at the end of its run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from prefect.flow_engine import FlowRunTimeoutError

from perennial.errors import PerennialError, TerminalError
from perennial.evaluation.figures import counted
from perennial.fleet.budget import DueRefit, Refits, plan_refits
from perennial.fleet.due import due_of, is_postponed, refit_of
from perennial.fleet.members import Chosen, chosen
from perennial.fleet.plan import Failed, FleetPlan, FleetRun, failed_in_words
from perennial.fleet.strangers import rows_of_nobody
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, LabelBatchEntry, Release, RunFailed, Trigger
from perennial.ledger.present import failures_before
from perennial.secrets import masked
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.reading import template_of
from tasks.artifacts import note_success
from tasks.as_of import present, scheduled_start
from tasks.step import step
from tasks.training import why_train
from tasks.turn import turn

R = TypeVar("R")

story = logging.getLogger("perennial.story")
log = logging.getLogger("perennial.tasks")

HAD_TO_WAIT = Trigger(kind="new_batch", detail="a batch was accepted, and the refit had to wait for the fleet's budget")

OF_ALL = ("ledger-unreachable", "registry-unreachable", "disk-full")
"""Codes of errors that every use case would meet."""
LONGEST = 300
"""Characters of a message that the ledger keeps."""


@step(timeout_minutes=60)
def plan_fleet(template: str | None, tags: Sequence[str]) -> FleetPlan:
    """What is due for each use case."""
    workspace = open_workspace(settings())
    folder = workspace.settings.usecases
    plan = due_of(workspace, chosen(folder, Chosen(template, tuple(tags))), scheduled_start())
    if not tags and not plan.failed:  # otherwise, which rows have no use case is unknown
        for line in rows_of_nobody(workspace.declared(name) for name in chosen(folder, Chosen(template))):
            story.warning("%s", line)
    return plan


def decided_together(usecases: Sequence[str]) -> dict[tuple[str, float], list[str]]:
    """Template and its declared share of wrong releases → those of the use cases that are its members."""
    together: dict[tuple[str, float], list[str]] = {}
    for usecase in usecases:
        template = template_of(usecase, settings().usecases)
        if template is not None and template.fleet.releases is not None:
            together.setdefault((template.name, template.fleet.releases.fdr), []).append(usecase)
    return together


@step(timeout_minutes=5)
def due_refit(usecase: str, as_of: datetime, asked: Trigger | None) -> DueRefit | None:
    """The refit that is due now, if its template has a budget; None otherwise."""
    workspace = open_workspace(settings())
    template = template_of(usecase, workspace.settings.usecases)
    if template is None or template.fleet.budget is None:
        return None
    reason = why_train.fn(usecase, asked, True, as_of)
    if reason is None:
        return None
    return refit_of(workspace, usecase, template.name, template.fleet.budget, reason, as_of)


@step(timeout_minutes=5)
def postponed_refit(usecase: str) -> DueRefit | None:
    """The refit that had to wait in an earlier run and is still due; None otherwise."""
    workspace = open_workspace(settings())
    template = template_of(usecase, workspace.settings.usecases)
    if template is None or template.fleet.budget is None or not is_postponed(workspace.ledger, usecase):
        return None
    as_of = present(usecase, None, None).as_of
    return refit_of(workspace, usecase, template.name, template.fleet.budget, HAD_TO_WAIT, as_of)


class Alone:
    """Keeps the failure of one use case from the others, and collects what became of each.

    usecases: those whose declaration can be read. began_at: the last row of each in the ledger before the run; mine:
    the rows that were written in the turns of this run. held: those with a held batch, whoever held it. by_others:
    batches whose cycle another run ended meanwhile.
    """

    def __init__(self, plan: FleetPlan) -> None:
        self.usecases = sorted({*(name for _, names in plan.rounds for name in names), *plan.idle})
        self.ledger = open_workspace(settings()).ledger
        self.began_at = {name: self._end(name) for name in self.usecases}
        self.mine: dict[str, set[int]] = {name: set() for name in self.usecases}
        self.by_others: dict[str, list[str]] = {}
        self.held: list[str] = []
        self.failed = list(plan.failed)
        self.cycles: dict[str, list[tuple[str, str]]] = {}
        self.planned: dict[str, float] = {}

    def still(self, usecases: Iterable[str]) -> list[str]:
        """Those that can go on: no batch is taken in after one that failed."""
        stopped = {each.usecase for each in self.failed}
        return [name for name in usecases if name not in stopped]

    def of_each(self, usecases: Iterable[str], window: str, step_: str, do: Callable[[str], R]) -> dict[str, R]:
        """Use case → what `do` returns in its turn, for those that can go on and do not fail. step_: what it does."""
        done, going = {}, self.still(usecases)
        for number, usecase in enumerate(going, 1):
            log.info("%s: %s %s (%d of %d)", usecase, step_, window, number, len(going))
            with self(usecase, window, step_), turn(usecase), self._written(usecase):
                done[usecase] = do(usecase)
        return done

    @contextmanager
    def _written(self, usecase: str) -> Iterator[None]:
        """Nobody else writes what counts in a turn of this run."""
        before = self._end(usecase)
        try:
            yield
        finally:
            self.mine[usecase] |= {*range(before + 1, self._end(usecase) + 1)}

    def _end(self, usecase: str) -> int:
        end = self.ledger.newest(usecase)
        return end.position if end else 0

    def within_budgets(self, wanted: Mapping[str, DueRefit | None]) -> Refits:
        """The refits of a round, each within the budget of its template, of which this run may have planned a part.

        Use cases without a budget, or without a refit that is due, come first.
        """
        made = plan_refits([refit for refit in wanted.values() if refit is not None], self.planned)
        self.planned |= {name: self.planned.get(name, 0.0) + more for name, more in made.seconds.items()}
        return replace(made, order=(*(name for name, refit in wanted.items() if refit is None), *made.order))

    @contextmanager
    def __call__(self, usecase: str, window: str, step_: str) -> Iterator[None]:
        """What a use case does; its error is kept. What would stop every other one too ends the run."""
        try:
            yield
        except FlowRunTimeoutError:
            raise
        except (Exception, SystemExit) as error:
            ours = isinstance(error, PerennialError)
            code = error.code if isinstance(error, PerennialError) else "failed"
            if code in OF_ALL:
                raise
            failed = Failed(usecase, window, str(error) if ours else f"{type(error).__name__}: {error}", step_, code)
            self.failed.append(failed)
            if not ours:
                log.exception("%s failed", usecase)
            log.error("%s", failed)

    def ended(self, window: str, batches: Mapping[str, BatchEntry | None]) -> None:
        """Cycles that ran to their end, in this run or meanwhile in another one."""
        for usecase, batch in batches.items():
            if batch is not None and batch.status == "held":
                self.held.append(usecase)
            if batch is not None and self._is_of_another(usecase, batch):
                self.by_others.setdefault(usecase, []).append(window)
            else:
                self.cycles.setdefault(usecase, []).append((window, batch.status if batch else "nothing new"))

    def _is_of_another(self, usecase: str, batch: BatchEntry) -> bool:
        """Whether another run held the batch, or ended its cycle, since this one began."""
        kind, key = (BatchEntry, batch.key) if batch.status == "held" else (Cycle, batch.batch)
        row = self.ledger.get(usecase, kind, key)
        return row is not None and row.position > self.began_at[usecase] and row.position not in self.mine[usecase]

    def report(self, window: str) -> None:
        """Print what became of a batch, one line for all use cases."""
        ended = Counter(status for cycles in self.cycles.values() for name, status in cycles if name == window)
        ended["by another run"] = sum(window in windows for windows in self.by_others.values())
        ended["failed"] = sum(each.window == window for each in self.failed)
        story.info("%s: %s", window, ", ".join(f"{count} {status}" for status, count in ended.items() if count))


@step(timeout_minutes=15)
def record_outcomes(usecases: Sequence[str], failed: Sequence[Failed]) -> None:
    """Commit which use cases failed, and of those that had failed before which have now succeeded."""
    ledger = open_workspace(settings()).ledger
    for each in failed:
        why = masked(each.why).strip().partition("\n")[0][:LONGEST]
        number = failures_before(ledger, each.usecase) + 1
        row = RunFailed(number=number, window=each.window, step=each.step, code=each.code, why=why)
        ledger.append(each.usecase, row)
    for usecase in {*usecases} - {each.usecase for each in failed}:
        note_success(ledger, usecase)


def finish_fleet(alone: Alone) -> FleetRun:
    """What the run did, which is printed. Raises TerminalError with every use case that failed."""
    cycles = {name: tuple(cycles) for name, cycles in alone.cycles.items()}
    rows = {
        name: [row for row in alone.ledger.after(name, position) if row.position in alone.mine[name]]
        for name, position in alone.began_at.items()
    }
    trained, released, labels = (
        {name: count for name, of_one in rows.items() if (count := sum(is_one(row.payload) for row in of_one))}
        for is_one in (
            lambda entry: isinstance(entry, ChallengerEntry),
            lambda entry: isinstance(entry, Release),
            lambda entry: isinstance(entry, LabelBatchEntry) and entry.status == "accepted",
        )
    )
    now = alone.ledger.batches_now()
    held_labels = {
        name: tuple(each["file"] for each in now[name].held_labels)
        for name in alone.usecases
        if name in now and now[name].held_labels
    }
    by_others = {name: tuple(windows) for name, windows in alone.by_others.items()}
    held = tuple(dict.fromkeys(alone.held))
    run = FleetRun(cycles, tuple(alone.failed), held, trained, released, by_others, labels, held_labels)
    for line in run.in_words():
        story.info("%s", line)
    if run.failed:
        raise TerminalError(
            f"{counted(len(run.failed), 'use case', 'use cases')} failed; the others were run:\n"
            + "\n".join(f"  {line}" for line in failed_in_words(run.failed)),
            code="fleet-failed",
            fix="Repair what is named, and run the same command again: it goes on where each stopped.",
        )
    return run
