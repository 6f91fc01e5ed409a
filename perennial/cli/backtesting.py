"""`perennial backtest`: what other policies, windows and schedules would have done on a use case's own history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from perennial.cli import machine_clock
from perennial.cli.output import as_json, flowing, is_terminal, json_wanted, note, say
from perennial.cli.tables import Column, table
from perennial.errors import InputError
from perennial.ledger.present import time_of
from perennial.settings import settings, takes_writes
from perennial.store.workspace import open_workspace

if TYPE_CHECKING:
    from perennial.backtest.backtest import Backtest
    from perennial.backtest.fits import Progress
    from perennial.backtest.lives import Way
    from perennial.backtest.ways import Asked
    from perennial.usecase.declaration import Declaration


BETWEEN = "95 % interval"
QUICK = 5.0
"""Seconds before which nobody asks how long it takes."""
_GIVES_WAY = {"harmful": 1, "share": 2, "regret": 3, "break-even": 4, "needless": 5, "fits": 6, "members": 7}
"""Columns that a narrow terminal leaves out, the highest number first."""


def backtest(usecase: str, asked: Asked, price: float | None, out: Path | None, wide: bool, json: bool) -> None:
    """Raises InputError for an unknown life or price, if the history is too short, or if `out` cannot be written."""
    from perennial.backtest.backtest import backtest as live_through
    from perennial.backtest.ways import Asked, asked_ways, usual_ways
    from perennial.page.backtest import publish_backtest

    def ways(declaration: Declaration, days: int) -> Sequence[Way]:
        return usual_ways(declaration, days) if asked == Asked() else asked_ways(declaration, asked)

    path = None if out is None else _writable(out)
    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    now = time_of(ledger, case.declaration, machine_clock.now())
    with fitting() as report:
        made = live_through(
            workspace.tables, ledger, case, workspace.backtests(usecase), now, ways=ways, price=price, report=report
        )
    if path is not None:
        publish_backtest(path, made)
    if json:
        as_json(asdict(made))
        return
    show(made, wide)
    if path is not None:
        flowing(f"The page is {path}")


def _writable(out: Path) -> Path:
    """Where the page will be. Refused before the first fit, since that may be hours before the page."""
    path = out.expanduser().resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        why = "" if takes_writes(path.parent) and not path.is_dir() else "no file can be written there"
    except OSError as error:
        why = str(error.strerror)
    if why:
        raise InputError(f"--out: {path} cannot be written: {why}", fix="Choose a file in a folder you can write to.")
    return path


def listed(given: str | None) -> tuple[str, ...]:
    """The names of an option that takes several, separated by commas."""
    return tuple(each.strip() for each in (given or "").split(",") if each.strip())


@contextmanager
def fitting() -> Iterator[Callable[[Progress], None]]:
    """Show how far the fits are: a bar with the time left on a terminal, else a line for each quarter.

    What takes no time is not shown: fits that were kept, and quarters of the first seconds.
    """
    if not is_terminal() or json_wanted():
        shown = 0

        def line(progress: Progress) -> None:
            nonlocal shown
            quarter, is_last = 4 * progress.done // progress.of, progress.done == progress.of
            if json_wanted() or progress.left is None or quarter <= shown:
                return
            if is_last or progress.seconds >= QUICK:
                shown = quarter
                left = "" if is_last else f", about {progress.left:,.0f} s left"
                note(f"{progress.done} of {progress.of} fits after {progress.seconds:,.0f} s{left}")

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("fitting models"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, transient=True) as bar:
        task = bar.add_task("fits", total=None)
        yield lambda progress: bar.update(task, completed=progress.done, total=progress.of)


def show(made: Backtest, wide: bool) -> None:
    """The lives as a table, and what it rests on."""
    from perennial.backtest.words import cells, head, headings, notes

    for sentence in head(made):
        flowing(sentence)
    say()
    names = headings(made)
    columns = [Column(name, right=name not in ("life", BETWEEN), gives_way=_GIVES_WAY.get(name, 0)) for name in names]
    table(columns, [cells(made, life) for life in made.lives], wide=wide)
    say()
    for sentence in notes(made):
        flowing(sentence)
