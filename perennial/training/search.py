"""Searches for parameters on time-ordered folds of the training rows, so that no trial sees later data.

Optuna's TPE sampler with the model's seed: the same rows, declaration and libraries give the same trials.
Source: Bergstra et al. (2011), Algorithms for Hyper-Parameter Optimization; rolling-origin folds after
Tashman (2000), Out-of-sample tests of forecasting accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perennial.clock import write_duration
from perennial.evaluation.figures import counted
from perennial.evaluation.judgement import gain_of
from perennial.evaluation.metrics.metric import Metric, Undefined
from perennial.features.recipe import Recipe
from perennial.model.predicting import in_places, predict
from perennial.our_columns import KNOWN_AT, LABEL
from perennial.store.rows import labels_of, weights_of
from perennial.training.estimator_fit import TrainingFailed, fit_pipeline
from perennial.training.readiness import NotTrainableYet, refuse_one_class
from perennial.training.rows import age_weights
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_model import Search, Span

if TYPE_CHECKING:
    import optuna
    import pandas as pd


@dataclass(frozen=True)
class Fold:
    """Inputs and labels known before `cut`, and those from that day on, which are predicted.

    train_weights, test_weights: how much each row counts; train_age: the weight by age of a `decay` window, as in the
    final fit. None if all count the same.
    """

    cut: str
    train: pd.DataFrame
    train_labels: np.ndarray
    test: pd.DataFrame
    test_labels: np.ndarray
    train_weights: np.ndarray | None = None
    test_weights: np.ndarray | None = None
    train_age: np.ndarray | None = None


@dataclass(frozen=True)
class Trial:
    """One set of parameters. values: the primary metric of each fold; why: it lost, failed, or won."""

    number: int
    params: dict[str, Any]
    state: Literal["won", "lost", "failed"]
    values: tuple[float, ...]
    why: str

    @property
    def mean(self) -> float:
        """The mean of the folds' values."""
        return float(np.mean(self.values))


@dataclass(frozen=True)
class Searched:
    """The result of a search. summary: how many of the requested trials ran, and what ended them."""

    params: dict[str, Any]
    trials: tuple[Trial, ...]
    summary: str


def search(declaration: Declaration, asked: Search, recipe: Recipe, rows: pd.DataFrame, metric: Metric) -> Searched:
    """The best parameters of `asked.space` by the mean of `metric`, the primary one, over the folds.

    rows: the snapshot's labelled rows. A trial that cannot be fitted is recorded with its reason; after `timeout` no
    new trial is started. Raises TrainingFailed if no trial succeeds, InputError for a wrong parameter.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folds = folds_of(declaration, recipe, rows, asked.folds)
    study = optuna.create_study(
        direction="minimize" if metric.direction == "lower" else "maximize",
        sampler=optuna.samplers.TPESampler(seed=declaration.model.seed),
    )
    started = monotonic()
    trials: list[Trial] = []
    for number in range(asked.trials):
        if asked.timeout is not None and number and monotonic() - started > asked.timeout.total_seconds():
            break
        trial = study.ask()
        params = {name: _suggested(trial, name, values) for name, values in sorted(asked.space.items())}
        try:
            values = tuple(_value(declaration, recipe, metric, params, fold) for fold in folds)
        except TrainingFailed as error:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            trials.append(Trial(number, params, "failed", (), str(error)))
        else:
            study.tell(trial, float(np.mean(values)))
            trials.append(Trial(number, params, "lost", values, ""))
    return _summarised(declaration, asked, metric.direction, trials)


def folds_of(declaration: Declaration, recipe: Recipe, rows: pd.DataFrame, folds: int) -> list[Fold]:
    """Expanding folds by blocks of local days: everything known before a block's first day predicts the block.

    The days are split into `folds` + 1 blocks of nearly equal size; the first is only used for training. A row is used
    for training if both its event and its label were known before the cut; a label that came or was corrected later is
    not. Raises NotTrainableYet if a block would be empty, or no label would be known before it.
    """
    schema = declaration.schema_
    days = rows[schema.time].dt.tz_convert(schema.timezone).dt.normalize()
    distinct = np.sort(days.unique())
    if len(distinct) <= folds:
        raise NotTrainableYet(
            f"{folds} folds of model.search need rows of {folds + 1} days, and there are {len(distinct)}"
        )
    blocks = np.array_split(np.arange(len(distinct)), folds + 1)
    made = []
    for block in blocks[1:]:
        cut, last = distinct[block[0]], distinct[block[-1]]
        train = rows[(days < cut) & (rows[KNOWN_AT] <= cut)]
        test = rows[(days >= cut) & (days <= last)]
        if train.empty:
            raise NotTrainableYet(f"no label was known before the fold of model.search that begins on {cut:%Y-%m-%d}")
        refuse_one_class(list(train[LABEL].unique()), len(train), schema.task)
        made.append(
            Fold(
                f"{cut:%Y-%m-%d}",
                recipe.inputs(train),
                labels_of(train, schema),
                recipe.inputs(test),
                labels_of(test, schema),
                weights_of(train, schema),
                weights_of(test, schema),
                age_weights(declaration.model.window, train[schema.time]),
            )
        )
    return made


def _value(declaration: Declaration, recipe: Recipe, metric: Metric, params: dict[str, Any], fold: Fold) -> float:
    model = declaration.model.model_copy(update={"params": {**declaration.model.params, **params}})
    task, classes = declaration.schema_.task, declaration.schema_.classes
    pipeline = fit_pipeline(
        declaration.name, model, task, recipe, fold.train, fold.train_labels, fold.train_age, fold.train_weights
    )
    try:
        predictions = predict(pipeline, fold.test, task)
        if task == "multiclass":
            predictions = in_places(predictions, np.unique(fold.train_labels).astype(np.int64), len(classes))
        value, _ = metric.measured(fold.test_labels, predictions, fold.test_weights)
    except (Undefined, ValueError) as why:
        raise TrainingFailed(f"fold from {fold.cut} ({len(fold.test_labels):,} rows): {why}") from why
    if not np.isfinite(value):
        raise TrainingFailed(f"fold from {fold.cut}: {declaration.primary} is {value}")
    return float(value)


def _suggested(trial: optuna.Trial, name: str, values: Span | tuple[Any, ...]) -> Any:
    if not isinstance(values, Span):
        return trial.suggest_categorical(name, values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def _summarised(
    declaration: Declaration, asked: Search, direction: Literal["lower", "higher"], trials: list[Trial]
) -> Searched:
    done = [trial for trial in trials if trial.state != "failed"]
    if not done:
        raise TrainingFailed(
            f"{declaration.name}: model.search: none of {counted(len(trials), 'trial', 'trials')} could be fitted; "
            f"the first: {trials[0].why}"
        )
    best = min(done, key=lambda trial: (trial.mean if direction == "lower" else -trial.mean, trial.number))
    metric, folds = declaration.primary, counted(len(best.values), "fold", "folds")
    judged = []
    for trial in trials:
        if trial.number == best.number:
            why = f"won: the best mean {metric} over {folds}, {best.mean:.5f}, of {len(done)} finished trials"
            judged.append(Trial(trial.number, trial.params, "won", trial.values, why))
        elif trial.state == "lost":
            behind = gain_of(direction, trial.mean, best.mean)
            folds_won = sum(gain_of(direction, b, t) > 0 for t, b in zip(trial.values, best.values, strict=True))
            why = (
                f"lost: mean {metric} {trial.mean:.5f}, worse than trial {best.number} by {behind:.5f}; "
                f"better in {folds_won} of {folds}"
            )
            judged.append(Trial(trial.number, trial.params, "lost", trial.values, why))
        else:
            judged.append(trial)
    summary = f"{len(trials)} of {asked.trials} trials ran, {len(trials) - len(done)} failed"
    if len(trials) < asked.trials and asked.timeout is not None:
        summary += f"; stopped after {write_duration(asked.timeout)}"
    return Searched(best.params, tuple(judged), summary)
