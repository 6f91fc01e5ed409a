"""The page of a backtest: one HTML file in the style of the others, without script or network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from perennial.backtest.backtest import Backtest
from perennial.backtest.legend import legend
from perennial.backtest.money import Hindsight
from perennial.backtest.results import LifeResult
from perennial.backtest.words import cells, head, headings, notes
from perennial.page.backtest_charts import GainOfLife, LossOfLife, gains_of_lives, losses_of_lives
from perennial.page.drawing import unchecked_charts
from perennial.page.render import CHARTED, template
from perennial.whole_file import write_whole

BEST, CLAIRVOYANT = "best earlier model", "clairvoyant"


@dataclass(frozen=True)
class Row:
    """A line of the table. state: a word for its colour."""

    cells: tuple[str, ...]
    state: str


def publish_backtest(path: Path, made: Backtest) -> None:
    """Write the page in one move. Raises OSError where the place cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, render_backtest(made))


def render_backtest(made: Backtest) -> str:
    """The page as a text. Everything that data or people named is escaped."""
    from markupsafe import Markup

    names = list(made.compared)[-CHARTED:]
    with unchecked_charts():
        losses = losses_of_lives(_losses(made), made.metric, names, [each for each in made.seen if each in names])
        gains = gains_of_lives(_gains(made.lives), made.metric)
        money = _money(made)
        earned = losses_of_lives(money, f"{made.value} over never retraining", names, []) if money else ""
    return template("backtest.html.j2").render(
        made=made,
        head=list(head(made)),
        notes=list(notes(made)),
        legend=legend(made),
        headings=headings(made),
        rows=[Row(cells(made, life), _state(life)) for life in made.lives],
        charts={"losses": Markup(losses), "gains": Markup(gains), "money": Markup(earned)},
    )


def _losses(made: Backtest) -> list[LossOfLife]:
    """The declared life, the best other one and the best earlier model by name; the others in the background."""
    better = (min if made.lower_is_better else max)(made.lives[1:], key=lambda life: life.loss.value, default=None)
    lines = []
    for life in made.lives:
        what = life.name if life is made.lives[0] or life is better else ""
        lines += [LossOfLife(life.name, what, *each) for each in zip(made.compared, life.by_batch, strict=True)]
    return lines + [LossOfLife(BEST, BEST, *each) for each in zip(made.compared, made.best_by_batch, strict=True)]


def _money(made: Backtest) -> list[LossOfLife]:
    """What each life has earned by each batch over never retraining; nothing without a declared value."""
    beside = made.hindsight
    if beside is None:
        return []
    best = max(made.lives[1:], key=lambda life: life.earnings.net.value if life.earnings else 0.0, default=None)
    lines = []
    for life in made.lives:
        if life.earnings is not None:
            what = life.name if life is made.lives[0] or life is best else ""
            lines += _summed(life.name, what, life.earnings.by_batch, beside, made.compared)
    return lines + _summed(CLAIRVOYANT, CLAIRVOYANT, beside.clairvoyant_by_batch, beside, made.compared)


def _summed(
    name: str, what: str, earned: Sequence[float], beside: Hindsight, batches: Sequence[str]
) -> list[LossOfLife]:
    over = accumulate(mine - never for mine, never in zip(earned, beside.never_by_batch, strict=True))
    return [LossOfLife(name, what, batch, total) for batch, total in zip(batches, over, strict=True)]


def _gains(lives: Sequence[LifeResult]) -> list[GainOfLife]:
    return [
        GainOfLife(life.name, against.gain.value, against.gain.low, against.gain.high, against.verdict)
        for life in lives
        if (against := life.against_declared) and against.gain.low is not None and against.gain.high is not None
    ]


def _state(life: LifeResult) -> str:
    verdict = life.against_declared.verdict if life.against_declared else "declared"
    return {"better": "good", "worse": "bad"}.get(verdict, "")
