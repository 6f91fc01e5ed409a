"""What the columns of a backtest's table mean."""

from __future__ import annotations

from perennial.backtest.backtest import Backtest
from perennial.backtest.totals import AHEAD, HARM
from perennial.evaluation.figures import percent

P = (
    "the chance of so large a difference if two lives were equal. With many lives, the best looks good by luck; Holm's "
    "test raises each p so that the risk of any false proof in the whole table is at most 5 %"
)
SHARE = (
    "of what the clairvoyant gains over never retraining; the clairvoyant knows each batch in advance, and pays the "
    "price of a retraining for each change"
)


def legend(made: Backtest) -> list[tuple[str, str]]:
    """The columns that need an explanation, each with one."""
    lines = [
        ("gain", "how much better than the declared life, per batch; positive is better"),
        ("p", P),
        (
            "harmful",
            f"changes that cost more than {percent(HARM)} of the skill over the base rate on the next {AHEAD} batches",
        ),
        ("needless", "changes that made no such difference, for better or worse"),
        ("regret", "how much worse than the best earlier model of each batch, which nobody could have known"),
        ("members", "models that are live together, on average: what a mixture costs in latency"),
        ("fits", "trainings, those of a race not counted"),
    ]
    if made.hindsight is None:
        return lines
    less = f", less {made.hindsight.price:,.4g} for each retraining" if made.hindsight.price else ""
    return [
        *lines,
        (made.value or "", f"summed over the compared batches{less}"),
        ("share", SHARE),
        ("break-even", "the price of a retraining up to which the life earns more than never retraining"),
    ]
