"""The declared model: its estimator, its training window and the models that race."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from perennial.usecase.spelling import Duration, Frozen, Number
from perennial.usecase.windows import TrainingWindow, window_in_words


class Span(Frozen):
    """Values from `low` to `high`, both included; integers if both are written without a decimal point."""

    low: Number = Field(description="smallest value")
    high: Number = Field(description="largest value")
    log: bool = Field(False, description="whether to sample on a log scale")

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) is not below high ({self.high}): write the smaller one as low")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, is {self.low}: raise it, or leave log out")
        return self


def _values(value: Any) -> str:
    """Which form of values is given: a list is choices, everything else a span."""
    return "values:choices" if isinstance(value, list | tuple) else "values:span"


Values = Annotated[
    Annotated[Span, Tag("values:span")] | Annotated[tuple[str | int | float | bool | None, ...], Tag("values:choices")],
    Discriminator(_values),
]


class Search(Frozen):
    """A hyperparameter search on time-ordered folds of the training rows."""

    space: dict[str, Values] = Field(
        min_length=1, description="parameter → `{low, high, log}` or a list of values; overrides params"
    )
    trials: int = Field(30, gt=0, description="number of parameter sets to try")
    timeout: Duration | None = Field(None, gt=timedelta(0), description="no new trial starts after this time: 10m")
    folds: int = Field(3, gt=0, description="number of blocks of days, each predicted from the data before it")


class Sample(Frozen):
    """At most so many of the window's labelled rows, chosen by their keys."""

    rows: int = Field(ge=100, le=10**12, description="number of rows; a window with fewer is trained on whole")
    by: Literal["uniform", "time_decay"] = Field(
        "uniform",
        description="`uniform`: every row is as likely as any other; `time_decay`: newer rows are more likely",
    )
    half_life: Duration | None = Field(
        None,
        gt=timedelta(0),
        description="for `time_decay`: a row this much older is half as likely to be chosen next",
    )


class Parts(Frozen):
    """A fit that reads its rows from disk part by part, for more rows than fit into memory."""

    rows: int = Field(100_000, ge=100, description="rows of a part; `partial_fit` gets one part at a time")
    passes: int = Field(1, gt=0, description="how often `partial_fit` gets every row; not for XGBoost")
    prepared_on: int = Field(
        1_000_000,
        ge=1000,
        description="rows, chosen by their keys, on which encoders and all other steps before the estimator are fitted",
    )
    workers: int = Field(
        1,
        ge=1,
        le=1000,
        description="the fit is divided among so many workers, on a Dask cluster if one is set up; only for XGBoost. "
        "Another number gives another model",
    )

    @property
    def in_words(self) -> str:
        """How a model was fitted."""
        passes = f" in {self.passes} passes" if self.passes > 1 else ""
        among = f" by {self.workers} workers together" if self.workers > 1 else ""
        some = f"its encoders on at most {self.prepared_on:,} rows"
        return f"fitted in parts of {self.rows:,} rows{passes}{among}, {some}"


class Rival(Frozen):
    """Another estimator in the race."""

    estimator: str = Field(description="same form as `model.estimator`")
    params: dict[str, Any] = Field({}, description="parameters of this estimator")


class Model(Frozen):
    """The estimator, by import path or from your own function, and its training window."""

    estimator: str = Field(
        description="for example `sklearn.ensemble.HistGradientBoostingClassifier`, or `file.py:function`"
    )
    params: dict[str, Any] = Field({}, description="parameters of the estimator")
    window: TrainingWindow = Field(
        "expanding",
        description="`expanding`: all rows; `{last: 90d}`, `{batches: 3}`, `{decay: 60d}`, `{season: 45d}`; "
        "or a window from an installed package. With a list, the window that predicted earlier batches best is used",
    )
    rivals: tuple[Rival, ...] = Field((), description="other estimators in the race; the best so far is trained")
    seed: int = Field(0, description="passed as random_state if the estimator accepts one and params does not set it")
    categories: Literal["native", "onehot", "ordinal"] | None = Field(
        None, description="encoding of text columns; by default native if the estimator supports it, otherwise ordinal"
    )
    sample: Sample | None = Field(None, description="train on a random sample of the window's rows")
    parts: Parts | None = Field(None, description="fit part by part, with the rows on disk")
    search: Search | None = Field(None, description="a hyperparameter search before the fit")

    @property
    def racing(self) -> dict[str, Model]:
        """Every combination of window and estimator by name, each as a single model; one entry without a race."""
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
