"""A package of somebody else's that adds one of each kind. The test installs a copy of this file by its own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier

from perennial.evaluation.metrics.metric import Metric
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.policy import ReleasePolicy
from perennial.usecase.spelling import Frozen

if TYPE_CHECKING:
    import numpy as np

    from perennial.usecase.windows.window import Past
    from perennial.watching.channels.channel import Watched


def absolute(y: np.ndarray, p: np.ndarray) -> tuple[float, np.ndarray]:
    row = abs(y - p)
    return float(row.mean()), row - row.mean()


METRIC = Metric("absolute", ("binary",), "lower", absolute, lambda y, a, b: None, convex=True)


def decide(case: Case) -> Ruling:
    return Ruling("first" if case.is_first else "keep", ("The policy of another package decided it.",), alpha=0.2)


POLICY = ReleasePolicy("cautious", decide, "the first model, and no other")


class Newest(Frozen):
    """Learn from the newest share of the rows."""

    newest: float = Field(gt=0, le=1)

    def keeps(self, past: Past) -> Any:
        return past.at >= past.at.quantile(1 - self.newest)

    def weights(self, at: Any) -> None:
        pass


class Trees(HistGradientBoostingClassifier):
    """An estimator of another package."""


@dataclass(frozen=True)
class Found:
    value: float | None
    threshold: float | None
    alarm: bool
    back: bool
    words: str
    severity: Literal["info", "warning", "page"] | None = None


@dataclass(frozen=True)
class Small:
    name: str = "small"
    question: str = "Is the batch much smaller than usual?"
    statistic: str = "rows"
    unit: str = "rows"
    blind_to: str = "what is in the rows"
    may_retrain: bool = False
    severity: Literal["info", "warning", "page"] = "info"
    may_page: bool = False

    def look(self, on: Watched) -> Found:
        rows = len(on.rows)
        return Found(rows, 1_000_000, rows < 1_000_000, rows >= 1_000_000, f"{rows} rows are few.")


CHANNEL = Small()
