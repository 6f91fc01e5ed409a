"""A use case whose rows are weighted: from a batch to the fit, the decision, its replay, and the watch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from perennial.clock import instant
from perennial.deciding.evaluation_rows import evaluation_rows, rows_to_watch
from perennial.deciding.loading import load_contest
from perennial.deciding.replay import replay_deep, replay_sums
from perennial.errors import InputError
from perennial.evaluation.figures import figure
from perennial.features.recipe import recipe_of
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Cycle, Decision, RaceStep
from perennial.ledger.present import current_release
from perennial.model.predicting import ready
from perennial.our_columns import KNOWN_AT, LABEL
from perennial.scoring.rows_to_score import rows_to_score
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.rows import read_rows
from perennial.store.workspace import Workspace, open_workspace
from perennial.training.estimator_fit import fit_pipeline
from perennial.training.fit import fit
from perennial.training.search import folds_of
from perennial.usecase.reading import load_use_case
from tests.training.conftest import accepted
from tests.training.stores import cycle, on_disk
from tests.world import DECLARATION, World, month_of_rows

WEIGHTED = {"schema": {**DECLARATION["schema"], "weight": "exposure"}}


def weighted_month(name: str, rows_a_day: int = 12) -> pd.DataFrame:
    """Bikes count for much more than vans."""
    rows = month_of_rows(name, rows_a_day=rows_a_day)
    draw = np.random.default_rng([7, *map(ord, name)])
    return rows.assign(exposure=draw.lognormal(0, 0.6, len(rows)) * np.where(rows["carrier"] == "bike", 6.0, 1.0))


def add(world: World, name: str, broken: tuple[Any, ...] = ()) -> pd.DataFrame:
    rows = weighted_month(name).astype({"exposure": object})
    for place, value in enumerate(broken):
        rows.loc[place, "exposure"] = value
    rows.to_csv(world.usecases / "shop" / f"{name}.csv", index=False)
    return rows


def test_weights_count_from_the_batch_to_the_replay(world: World) -> None:
    channels = ["level", "gap", "calibration", "business", "estimated_loss"]
    (world.usecases / "worth.py").write_text("def money(labels, predictions):\n    return labels * predictions\n")
    world.declare(
        **WEIGHTED,
        model={**DECLARATION["model"], "window": ["expanding", {"batches": 1}]},
        watch={"channels": channels},
        evaluation={
            "primary": "log_loss",
            "also": ["roc_auc", "money"],
            "slices": ["carrier"],
            "metrics": {"money": {"function": "worth.py:money"}},
        },
    )
    add(world, "2024-01", broken=("", 0, -2, "inf", "much"))
    for month in ("2024-02", "2024-03", "2024-04"):
        add(world, month)
    *_, last = [cycle() for _ in range(4)]
    workspace = open_workspace(settings())
    set_aside(workspace)
    decisions = [row.payload for row in workspace.ledger.all("shop", Decision)]
    assert len(decisions) == 3
    assert decisions[0].outcome == "first"
    evaluated(workspace, decisions[1])
    raced(workspace)
    for row in workspace.ledger.all("shop", Decision):
        for again in (
            replay_sums(workspace.ledger, row),
            replay_deep(workspace.ledger, on_disk(workspace.tables), workspace.registry, row),
        ):
            assert again.exact
            assert again.difference is None
    assert isinstance(last, Cycle)
    watched(workspace, last)
    file = weighted_month("2024-05").drop(columns=["exposure", "returned"]).to_csv(index=False).encode()
    to_score = rows_to_score(workspace.use_case("shop").declaration, file, ".csv", ())
    assert len(to_score.frame) == 31 * 12


def set_aside(workspace: Workspace) -> None:
    first = workspace.ledger.all("shop", BatchEntry)[0].payload
    assert {each.reason: each.rows for each in first.quarantine} == {
        "exposure: missing": 1,
        "exposure: not above 0 and finite": 2,
        "exposure: not a number": 2,
    }


def evaluated(workspace: Workspace, decision: Decision) -> None:
    """The recorded values are those of scikit-learn with `sample_weight`, on rows read anew."""
    ledger, declaration = workspace.ledger, workspace.use_case("shop").declaration
    entry = ledger.get("shop", ChallengerEntry, decision.challenger_id)
    assert entry is not None
    position = next(row.position for row in ledger.all("shop", Decision) if row.key == decision.id)
    past, known = ledger.before(position), known_at(ledger.before(position), "shop", instant(decision.as_of))
    rows = evaluation_rows(workspace.tables, past, declaration, known, entry.payload).rows
    contest = load_contest(workspace.registry, declaration, entry.payload, None)
    p, weights = contest.challenger.predict(rows), rows["exposure"].to_numpy()
    assert decision.metrics[0].challenger == pytest.approx(log_loss(rows[LABEL], p, sample_weight=weights), abs=1e-12)
    assert decision.metrics[0].challenger != pytest.approx(log_loss(rows[LABEL], p), abs=1e-4)
    weighted = decision.evaluation.weighted
    assert weighted is not None
    assert weighted.by == "exposure"
    assert weighted.effective_rows == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    days = rows["at"].dt.strftime("%Y-%m-%d").to_numpy()
    of_days = [len(rows) * weights[days == day].sum() / weights.sum() for day in decision.evaluation.cluster_names]
    assert weighted.sizes == pytest.approx(of_days)
    bike = next(each for each in decision.slices if each.value == "bike")
    mine = (rows["carrier"] == "bike").to_numpy()
    assert bike.challenger == pytest.approx(log_loss(rows[LABEL][mine], p[mine], sample_weight=weights[mine]))


def raced(workspace: Workspace) -> None:
    """The first step: the model of January, which is the first challenger, on the labelled rows of February."""
    step = workspace.ledger.all("shop", RaceStep)[0].payload
    entry = workspace.ledger.all("shop", ChallengerEntry)[0].payload
    declaration = workspace.use_case("shop").declaration
    known = known_at(workspace.ledger, "shop", instant(step.as_of))
    rows = read_rows(workspace.tables, "shop", declaration.schema_, known, only=(step.batch,), labelled=True)
    model = load_contest(workspace.registry, declaration, entry, None).challenger
    expected = log_loss(rows[LABEL], model.predict(rows), sample_weight=rows["exposure"])
    assert step.values["expanding"] == pytest.approx(expected, abs=1e-12)


def watched(workspace: Workspace, last: Cycle) -> None:
    """The loss that is watched, and that of each day, are weighted as the reference is."""
    ledger, declaration = workspace.ledger, workspace.use_case("shop").declaration
    loss, release = last.health.loss, current_release(ledger, "shop")
    assert loss is not None
    assert release is not None
    known = known_at(ledger, "shop", instant(last.as_of))
    batch = ledger.all("shop", BatchEntry)[-1].payload
    _, rows = rows_to_watch(workspace.tables, declaration, known, batch, instant(release.since))
    entry = ledger.get("shop", ChallengerEntry, release.champion.challenger)
    assert entry is not None
    p = load_contest(workspace.registry, declaration, entry.payload, None).challenger.predict(rows.rows)
    y, weights = rows.rows[LABEL].to_numpy(), rows.rows["exposure"].to_numpy()
    assert loss.value == pytest.approx(log_loss(y, p, sample_weight=weights), abs=1e-12)
    gap = next(each for each in last.health.readings if each.channel == "gap")
    days = rows.rows["at"].dt.strftime("%Y-%m-%d").to_numpy()
    for day in gap.days:
        if (mine := days == day.day).sum() == day.labelled:
            assert day.loss == pytest.approx(log_loss(y[mine], p[mine], sample_weight=weights[mine], labels=[0, 1]))
    words = {each.channel: each.words for each in last.health.readings}
    assert f"On average {figure(np.average(p, weights=weights), 4)} is predicted" in words["calibration"]
    assert f"{figure(np.average(y * p, weights=weights), 4)} per row" in words["business"]


def test_a_fit_gets_the_weights_divided_by_their_mean_and_multiplied_with_the_age(world: World) -> None:
    logistic = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 0.01}, "categories": "onehot"}
    world.declare(**WEIGHTED, model={**logistic, "window": {"decay": "20d"}})
    case, rows = load_use_case("shop", world.usecases), weighted_month("2024-01")
    made = fit(case, accepted(rows))
    age = 0.5 ** ((made_at := pd.to_datetime(rows["at"])).max() - made_at).dt.total_seconds().div(20 * 86_400)
    pipeline = made.fitted.pipeline
    inputs = pipeline[:-1].transform(ready(made.inputs))
    alone = type(pipeline[-1])(**pipeline[-1].get_params())
    alone.fit(inputs, rows["returned"], sample_weight=rows["exposure"] / rows["exposure"].mean() * age)
    assert pipeline[-1].coef_ == pytest.approx(alone.coef_, rel=1e-9)
    assert made.fitted.naive == pytest.approx(np.average(rows["returned"], weights=rows["exposure"]))


def test_equal_weights_give_the_model_without_weights(world: World) -> None:
    rows = accepted(weighted_month("2024-01").assign(exposure=0.25))
    plain = fit(load_use_case("shop", world.declare().usecases), rows)
    weighted = fit(load_use_case("shop", world.declare(**WEIGHTED).usecases), rows)
    assert weighted.fitted.predict(rows).tolist() == plain.fitted.predict(rows).tolist()
    assert (weighted.fitted.naive, weighted.in_sample) == (plain.fitted.naive, plain.in_sample)


def test_an_estimator_without_sample_weights_is_refused_by_name(world: World) -> None:
    neighbours = "sklearn.neighbors.KNeighborsClassifier"
    world.declare(**WEIGHTED, model={"estimator": neighbours, "categories": "onehot"})
    with pytest.raises(InputError, match=r"does not support sample weights, which schema.weight needs") as refused:
        fit(load_use_case("shop", world.usecases), accepted(weighted_month("2024-01")))
    assert (refused.value.field, refused.value.value) == ("model.estimator", neighbours)


def test_a_search_weighs_its_folds(world: World) -> None:
    world.declare(**WEIGHTED)
    case, rows = load_use_case("shop", world.usecases), accepted(weighted_month("2024-01"))
    recipe, fold = recipe_of(case), None
    for fold in folds_of(case.declaration, recipe, rows.assign(**{KNOWN_AT: rows["at"]}), 2):
        assert fold.train_weights is not None and len(fold.train_weights) == len(fold.train)
        assert fold.test_weights is not None and len(fold.test_weights) == len(fold.test)
    assert "exposure" not in recipe.inputs(rows).columns
    assert fold is not None
    given = fit_pipeline(
        "shop", case.declaration.model, "binary", recipe, fold.train, fold.train_labels, weights=fold.train_weights
    )
    plain = fit_pipeline("shop", case.declaration.model, "binary", recipe, fold.train, fold.train_labels)
    assert given.predict_proba(ready(fold.test)).tolist() != plain.predict_proba(ready(fold.test)).tolist()
