"""`perennial calibrate`: how often each channel raises an alarm without a cause, on the use case's own history."""

from __future__ import annotations

from perennial.cli import machine_clock
from perennial.cli.output import as_json, flowing, working
from perennial.cli.tables import Column, table
from perennial.errors import InputError
from perennial.evaluation.figures import counted, figure, percent
from perennial.ledger.entries import Calibration, ChannelRate
from perennial.ledger.present import current_release, time_of
from perennial.registered import CHANNELS
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.watching.channels import load_channel
from perennial.watching.resampled import open_rate

FEW_BLOCKS = 26
"""A year's."""

COLUMNS = (
    Column("channel"),
    Column("threshold", right=True, gives_way=2),
    Column("per year", right=True),
    Column("95 % interval"),
    Column("paging", right=True, gives_way=1),
)


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
    show(usecase, measured)


def _threshold(rate: ChannelRate) -> str:
    """The calibrated threshold with its unit: of the level it is a share of the reference."""
    if rate.threshold is None:
        return "declared"
    if rate.channel == "level":
        return f"{percent(rate.threshold)} of the reference"
    unit = load_channel(rate.channel).unit if CHANNELS.has(rate.channel) else ""
    return f"{figure(rate.threshold, 4)} {unit}".rstrip()


def show(usecase: str, measured: Calibration) -> None:
    """The rates as a table, and what the history is too short for."""
    flowing(
        f"{usecase}, release {measured.release_no}: alarms without a cause per year, from "
        f"{counted(measured.days, 'day', 'days')} of history in blocks of {measured.block} days. "
        f"Budget: {figure(measured.page_per_year, 3)} alerts a year that page a person."
    )
    rows = [
        (
            each.channel,
            _threshold(each),
            "unknown" if each.rate is None else f"{each.rate:.2f}",
            "–" if each.low is None or each.high is None else f"{each.low:.2f} to {each.high:.2f}",
            "–" if each.pages is None else f"{each.pages:.2f}",
        )
        for each in measured.rates
    ]
    table(COLUMNS, rows)
    blocks = measured.days // measured.block
    if any(each.rate is not None for each in measured.rates) and blocks < FEW_BLOCKS:
        few = counted(blocks, "independent block is", "independent blocks are")
        flowing(
            f"{few} few: even if none has an alarm, up to {open_rate(blocks):.1f} a year are possible. A year of "
            f"history narrows that to {open_rate(FEW_BLOCKS):.1f}."
        )
    for each in measured.rates:
        if each.why:
            flowing(f"{each.channel}: unknown, {each.why}")
