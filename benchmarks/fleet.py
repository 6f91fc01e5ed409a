"""What a fleet costs: CPU per cycle of a small member beside its fit, and the time until its table is there.

Run `python benchmarks/fleet.py 500 2` for five hundred members with two months each, five of them broken in five ways.
Results are in benchmarks/README.md.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import mean, stdev
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

STORES, MONTHS = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (50, 2)
BROKEN = ("unreadable", "column", "few", "code", "expectation")


def _cpu() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Make the members, run them all once, then read the table."""
    from tests.fleet.stores import break_stores, month_of_store, write_template

    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    names = [*BROKEN, *(f"s{number:03d}" for number in range(STORES - len(BROKEN)))]
    months = [f"2024-{month:02d}" for month in range(1, MONTHS + 1)]
    for name in names:
        for month in months:
            month_of_store(folder, name, month)
    write_template(folder, names, members=break_stores(folder, months))
    os.environ |= {"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_USECASES": str(folder)}

    from perennial.cli.running import flows_ready

    with flows_ready(whole_cycle=True):
        import tasks.fleet
        from flows.fleet import fleet
        from perennial.errors import TerminalError

        fits, spent = _fit_seconds(), _by_member(tasks.fleet)
        before, began = _cpu(), time.monotonic()
        with suppress(TerminalError):
            fleet("sales")
        cpu, wall = _cpu() - before - fits[0], time.monotonic() - began
    cycles = _ended(folder, [f"sales_{name}" for name in names[len(BROKEN) :]], months)
    good = [spent[f"sales_{name}"] / MONTHS for name in names[len(BROKEN) :]]
    print(f"{STORES} members, {cycles} cycles: {cpu / cycles:.3f} CPU s each, besides {fits[0] / cycles:.3f} in fits")
    print(f"of these, in the steps of a member: {mean(good):.3f} ± {1.96 * stdev(good) / len(good) ** 0.5:.3f}")
    print(f"{wall / cycles:.2f} s wall per cycle")
    _table(folder)


def _fit_seconds() -> list[float]:
    """Seconds in fits, in a list of one, from now on."""
    import sklearn.linear_model as linear

    fits, fit = [0.0], linear.Ridge.fit

    def timed(self: object, *given: object, **named: object) -> object:
        began = time.thread_time()
        try:
            return fit(self, *given, **named)
        finally:
            fits[0] += time.thread_time() - began

    linear.Ridge.fit = timed
    return fits


def _by_member(module: Any) -> Mapping[str, float]:
    """CPU seconds in the turns of each use case, from now on."""
    spent: dict[str, float] = defaultdict(float)
    turn = module.turn

    @contextmanager
    def timed(usecase: str) -> Iterator[None]:
        began = _cpu()
        try:
            with turn(usecase):
                yield
        finally:
            spent[usecase] += _cpu() - began

    module.turn = timed
    return spent


def _ended(folder: Path, good: list[str], months: list[str]) -> int:
    """How many cycles ended. Stops if a member that is not broken lacks a batch or a model."""
    from perennial.ledger.entries import BatchEntry, Cycle
    from perennial.ledger.ledger import Ledger
    from perennial.ledger.present import current_release

    ledger = Ledger(f"sqlite:///{folder / 'home' / 'ledger.db'}")
    for name in good:
        accepted = [row.payload.window for row in ledger.all(name, BatchEntry) if row.payload.status == "accepted"]
        if accepted != months or current_release(ledger, name) is None:
            raise SystemExit(f"{name} ended with {accepted} and without a model, or with other batches than {months}")
    print(f"{len(good)} members have every batch accepted and a live model")
    return sum(len(ledger.all(name, Cycle)) for name in ledger.usecases())


def _table(folder: Path) -> None:
    """The time of the table, and why the broken members are in it."""
    from perennial.fleet.broken import with_broken
    from perennial.fleet.members import Chosen, chosen
    from perennial.fleet.standing import standings
    from perennial.ledger.ledger import Ledger
    from perennial.page.fleet import publish_fleet
    from perennial.usecase.reading import labelled

    began = time.process_time()
    ledger = Ledger(f"sqlite:///{folder / 'home' / 'ledger.db'}")
    listed = with_broken(standings(ledger, chosen(folder, Chosen())), folder)
    print(f"table of {len(listed)}: {time.process_time() - began:.3f} CPU s")
    began = time.process_time()
    publish_fleet(folder / "home" / "pages", listed, labelled([each.usecase for each in listed], folder))
    print(f"page of {len(listed)}: {time.process_time() - began:.3f} CPU s")
    for each in listed[: len(BROKEN)]:
        print(f"  {each.usecase}: {each.state}: {each.why.splitlines()[0][:150]}")


if __name__ == "__main__":
    main()
