"""What learns, from how much of the past, and who races."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from perennial.usecase.spelling import Duration, Frozen, Number
from perennial.usecase.windows import TrainingWindow, window_in_words


class Span(Frozen):
    """Values from `low` to `high`, both included: whole ones where both are written without a point."""

    low: Number = Field(description="the least value")
    high: Number = Field(description="the greatest value")
    log: bool = Field(False, description="whether to look at orders of magnitude")

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) is not below high ({self.high}): write the smaller one as low")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, is {self.low}: raise it, or leave log out")
        return self


def _values(value: Any) -> str:
    """Which form of values is meant: a list is choices, everything else a span."""
    return "values:choices" if isinstance(value, list | tuple) else "values:span"


Values = Annotated[
    Annotated[Span, Tag("values:span")] | Annotated[tuple[str | int | float | bool | None, ...], Tag("values:choices")],
    Discriminator(_values),
]


class Search(Frozen):
    """A search for parameters on time-ordered folds of the training rows."""

    space: dict[str, Values] = Field(
        min_length=1, description="parameter → `{low, high, log}` or a list of values; wins over params"
    )
    trials: int = Field(30, gt=0, description="how many sets of parameters to try")
    timeout: Duration | None = Field(None, gt=timedelta(0), description="no trial is begun after so long")
    folds: int = Field(3, gt=0, description="blocks of days, each predicted by what was known before it")


class Rival(Frozen):
    """Another estimator that races with the first."""

    estimator: str = Field(description="as `model.estimator`")
    params: dict[str, Any] = Field({}, description="its own parameters")


class Model(Frozen):
    """The estimator, by import path or made by a function of the team's own, and the past it learns from."""

    estimator: str = Field(
        description="for example `sklearn.ensemble.HistGradientBoostingClassifier`, or `file.py:function`"
    )
    params: dict[str, Any] = Field({}, description="the estimator's own parameters")
    window: TrainingWindow = Field(
        "expanding",
        description="`expanding`: everything known; `{last: 90d}`, `{batches: 3}`, `{decay: 60d}`, `{season: 45d}`; "
        "or one of an installed package; of a list the one is trained that predicted earlier batches best",
    )
    rivals: tuple[Rival, ...] = Field((), description="other estimators, of which the best so far is trained")
    seed: int = Field(0, description="passed as random_state where the estimator takes one and params do not say")
    categories: Literal["native", "onehot", "ordinal"] | None = Field(
        None, description="how text becomes numbers; default native where the estimator knows categories, else ordinal"
    )
    search: Search | None = Field(None, description="hyperparameters to search for before the fit")

    @property
    def racing(self) -> dict[str, Model]:
        """Every window with every estimator, by name, each a model of one window and no rivals; one where none race."""
        windows = self.window if isinstance(self.window, tuple) else (self.window,)
        estimators = ((self.estimator, self.params), *((rival.estimator, rival.params) for rival in self.rivals))
        named = {}
        for number, (estimator, params) in enumerate(estimators):
            alone = self.model_copy(update={"estimator": estimator, "params": params, "rivals": ()})
            for window in windows:
                words = [window_in_words(window)] if len(windows) > 1 else []
                words += [estimator.rpartition(".")[2] + (f" {number + 1}" if number else "")] if self.rivals else []
                named[", ".join(words)] = alone.model_copy(update={"window": window})
        return named
