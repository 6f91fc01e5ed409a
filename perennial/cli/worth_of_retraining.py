"""`perennial worth`: what older models cost on a use case's own history, and which schedule costs least."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from perennial.cli import machine_clock
from perennial.cli.backtesting import BETWEEN, fitting
from perennial.cli.output import as_json, flowing, say
from perennial.cli.tables import Column, table
from perennial.ledger.present import time_of
from perennial.settings import settings
from perennial.store.workspace import open_workspace

if TYPE_CHECKING:
    from perennial.backtest.worth import Worth


def worth(usecase: str, price: float | None, wide: bool, json: bool) -> None:
    """Raises InputError for a price that has no meaning here, and if the history is too short."""
    from perennial.backtest.kept_worth import keep_worth
    from perennial.backtest.worth import to_keep
    from perennial.backtest.worth import worth as measured

    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    now = time_of(ledger, case.declaration, machine_clock.now())
    with fitting() as report:
        made = measured(workspace.tables, ledger, case, workspace.backtests(usecase), now, price=price, report=report)
    keep_worth(workspace.backtests(usecase), to_keep(made))
    if json:
        as_json(asdict(made))
        return
    _show(made, wide)


def _show(made: Worth, wide: bool) -> None:
    from perennial.backtest.worth import every, in_words, measured_on, shown

    flowing(f"{made.usecase}: {measured_on(made)}")
    say()
    ages = [
        (str(age.batches), f"{age.batches * made.days:.0f}", *shown(age.cost), str(age.seen))
        for age in made.measured.ages
    ]
    columns = [Column(name, right=name != BETWEEN) for name in ("age, batches", "days", "costs", BETWEEN, "batches")]
    table(columns, ages, wide=wide)
    say()
    schedules = [(every(each, made.days), *shown(each.total)) for each in made.measured.schedules]
    table([Column("retraining"), Column("costs", right=True), Column(BETWEEN)], schedules, wide=wide)
    say()
    for sentence in in_words(made):
        flowing(sentence)
    if made.seconds is not None:
        flowing(f"A fit takes {made.seconds:.2g} s on average; evaluation and review come on top.")
