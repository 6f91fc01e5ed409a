"""A backtest in words: for the terminal, and as an artifact."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.backtest.amount import Amount
from perennial.backtest.backtest import Backtest
from perennial.backtest.money import Hindsight
from perennial.backtest.results import LifeResult
from perennial.evaluation.figures import chance, change, counted, figure, interval_in_words


def head(made: Backtest) -> Iterator[str]:
    """What was compared, and whether the declared life is the one that was really lived."""
    declared, really = made.lives[0], made.really
    lives, batches = counted(len(made.lives), "life", "lives"), counted(len(made.batches), "batch", "batches")
    yield f"{made.usecase}: {lives} on {batches}, compared on {made.compared[0]} to {made.compared[-1]}."
    worth = "" if declared.earnings is None else f", {made.value} {_value(declared.earnings.net)}"
    yield f"Declared: {declared.name}, {made.metric} {_amount(declared.loss)}{worth}."
    yield f"Best earlier model of each batch: {figure(made.best)}."
    if made.hindsight is not None:
        yield _beside(made.hindsight, made.value or "")
    if really.loss is not None:
        yield f"What was really live: {figure(really.loss)}, {counted(really.releases, 'release', 'releases')}."
    if really.unlike is None:
        yield f"The declared life decides as the ledger did, at {counted(really.alike, 'decision', 'decisions')}."
    else:
        differing = f"{really.moments - really.alike} of {counted(really.moments, 'decision', 'decisions')}"
        yield (
            f"The declared life differs from the ledger at {differing}, first at {really.unlike.batch}: "
            f"{really.unlike.backtest} instead of {really.unlike.really}."
        )


def headings(made: Backtest) -> tuple[str, ...]:
    """Of the columns of `cells`."""
    money = (made.value, "share", "break-even") if made.value else ()
    changes = ("releases", "harmful", "needless", "regret", "members", "fits")
    return ("life", made.metric, "gain", "95 % interval", "p", *money, *changes)


def cells(made: Backtest, life: LifeResult) -> tuple[str, ...]:
    """One life as a row of the table."""
    against = life.against_declared
    gain, between, p_value = "declared", "", ""
    if against is not None:
        gain, between = change(against.gain.value), _between(against.gain)
        p_value = "–" if against.p_value is None else chance(against.p_value)
    return (
        life.name,
        figure(life.loss.value),
        gain,
        between,
        p_value,
        *_money(life),
        f"{life.releases}",
        f"{life.harmful}",
        f"{life.needless}",
        figure(life.regret.value, 3),
        f"{life.members:.1f}",
        f"{life.fits}",
    )


def _money(life: LifeResult) -> tuple[str, ...]:
    earned = life.earnings
    if earned is None:
        return ()
    share = "–" if earned.share is None else f"{100 * earned.share:.0f} %"
    return _value(earned.net), share, "–" if earned.break_even is None else f"{earned.break_even:,.4g}"


def _beside(hindsight: Hindsight, value: str) -> str:
    priced = f" at {hindsight.price:,.4g} a retraining" if hindsight.price else ""
    changes = counted(hindsight.changes, "change", "changes")
    return (
        f"Never retraining: {value} {hindsight.never:,.0f}. Clairvoyant: {hindsight.clairvoyant:,.0f} with "
        f"{changes}{priced}."
    )


def notes(made: Backtest) -> Iterator[str]:
    """What the table rests on, and what it cannot show by itself."""
    periods = counted(made.periods, "decision period", "decision periods")
    others = counted(len(made.lives) - 1, "life was", "lives were")
    yield (
        f"Gain: over the declared life, per batch, with its 95 % interval by t over {periods}. p: by Holm's test, "
        f"since {others} compared with it. Regret: against the best earlier model of each batch."
    )
    better = [each.name for each in made.lives if each.against_declared and each.against_declared.verdict == "better"]
    yield (
        f"Proven better than the declared life: {'; '.join(better)}."
        if better
        else "No life is proven better than the declared one."
    )
    if made.seen:
        before = counted(len(made.seen), "batch", "batches")
        yield (
            f"{made.seen[0]} to {made.seen[-1]} ({before}) came before this declaration was first used: its parameters "
            "may have been chosen with these batches in view, and the losses there are too good."
        )
    for reason in made.failed:
        yield f"Not fitted: {reason}."


def in_markdown(made: Backtest) -> str:
    """All of it, with the table in markdown."""
    names = headings(made)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(cells(made, life))} |" for life in made.lives]
    return "\n\n".join(["  \n".join(head(made)), "\n".join(lines), *notes(made)])


def _between(amount: Amount) -> str:
    if amount.low is None or amount.high is None:
        return "unknown"
    return f"{change(amount.low)} to {change(amount.high)}"


def _amount(amount: Amount) -> str:
    if amount.low is None or amount.high is None:
        return figure(amount.value)
    return f"{figure(amount.value)} ({interval_in_words(amount.low, amount.high)})"


def _value(amount: Amount) -> str:
    return f"{amount.value:,.0f}"
