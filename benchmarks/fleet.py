"""What a fleet costs: CPU per cycle of a small member beside its fit, and the time until its table is there.

Run `python benchmarks/fleet.py 50 2` for fifty members with two months each. Results are in benchmarks/README.md.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

STORES, MONTHS = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (50, 2)


def _cpu() -> float:
    """CPU seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Make the members, run them all once, then read the table."""
    from tests.fleet.stores import month_of_store, write_template

    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    names = [f"s{number:03d}" for number in range(STORES)]
    for name in names:
        for month in range(1, MONTHS + 1):
            month_of_store(folder, name, f"2024-{month:02d}")
    write_template(folder, names)
    os.environ |= {"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_USECASES": str(folder)}

    from perennial.cli.running import flows_ready

    with flows_ready(whole_cycle=True):
        import sklearn.linear_model as linear

        from flows.fleet import fleet

        fits, fit = [0.0], linear.Ridge.fit

        def timed(self: object, *given: object, **named: object) -> object:
            began = time.thread_time()
            try:
                return fit(self, *given, **named)
            finally:
                fits[0] += time.thread_time() - began

        linear.Ridge.fit = timed
        before, began = _cpu(), time.monotonic()
        run = fleet("sales")
        cycles = sum(map(len, run.cycles.values()))
        cpu = _cpu() - before - fits[0]
        print(
            f"{STORES} members, {cycles} cycles: {cpu / cycles:.2f} CPU s each, besides {fits[0] / cycles:.3f} in fits"
        )
        print(f"{(time.monotonic() - began) / cycles:.2f} s wall per cycle")
    _table(folder, names)


def _table(folder: Path, names: list[str]) -> None:
    from perennial.fleet.members import Chosen, chosen
    from perennial.fleet.standing import standings
    from perennial.ledger.ledger import Ledger

    began = time.process_time()
    listed = standings(Ledger(f"sqlite:///{folder / 'home' / 'ledger.db'}"), chosen(folder, Chosen()))
    print(f"table of {len(listed)}: {time.process_time() - began:.3f} CPU s, of {len(names)} members")


if __name__ == "__main__":
    main()
