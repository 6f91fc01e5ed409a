"""`perennial calibrate`: how often each channel raises an alarm without a cause, on the use case's own history."""

from __future__ import annotations

from perennial.cli import machine_clock
from perennial.cli.output import as_json, say, working
from perennial.cli.tables import Column, table
from perennial.errors import InputError
from perennial.evaluation.figures import counted, figure
from perennial.ledger.entries import Calibration
from perennial.ledger.present import current_release, time_of
from perennial.settings import settings
from perennial.store.workspace import open_workspace


def calibrate(usecase: str, json: bool) -> None:
    """Measure, store the result in the ledger, and show it. Raises InputError before the first release."""
    from perennial.watching.calibration import calibrated
    from tasks.statistics import stored_by_champion

    workspace = open_workspace(settings())
    ledger, case = workspace.ledger, workspace.use_case(usecase)
    declaration = case.declaration
    release = current_release(ledger, usecase)
    if release is None:
        raise InputError(f"{usecase}: no model is live yet, so nothing is monitored", code="release-none")
    with working("resampling the history"):
        now = time_of(ledger, declaration, machine_clock.now())
        inputs = lambda: stored_by_champion(workspace, case, release)  # noqa: E731
        measured = calibrated(ledger, declaration, release, now, inputs)
    if json:
        as_json(measured.model_dump(mode="json"))
        return
    _show(usecase, measured)


def _show(usecase: str, measured: Calibration) -> None:
    say(
        f"{usecase}, release {measured.release_no}: alarms without a cause per year, from "
        f"{counted(measured.days, 'day', 'days')} of history in blocks of {measured.block} days. "
        f"Budget: {figure(measured.page_per_year, 3)} pages a year."
    )
    rows = [
        (
            each.channel,
            "declared" if each.threshold is None else figure(each.threshold, 4),
            "unknown" if each.rate is None else f"{each.rate:.2f}",
            "–" if each.low is None or each.high is None else f"{each.low:.2f} to {each.high:.2f}",
            "–" if each.pages is None else f"{each.pages:.2f}",
        )
        for each in measured.rates
    ]
    columns = (
        Column("channel"),
        Column("threshold", right=True),
        Column("per year", right=True),
        Column("95 % interval"),
        Column("pages", right=True),
    )
    table(columns, rows)
    for each in measured.rates:
        if each.why:
            say(f"{each.channel}: unknown, {each.why}")
