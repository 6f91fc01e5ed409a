"""Mistakes in the rules of release: policies and their requirements."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.evaluation.hedge import RECALLED
from perennial.usecase.declaration import DECISIONS_A_YEAR, ReleaseRules
from perennial.usecase.declared_evaluation import DEFAULT_METRICS
from perennial.usecase.declared_judge import NEXT_BATCH, judge_of
from perennial.usecase.declared_stages import stage_of
from perennial.usecase.document import Document
from perennial.usecase.mistakes import Mistake

if TYPE_CHECKING:
    from perennial.evaluation.policies.policy import ReleasePolicy


def release_rules(document: Document) -> Iterator[Mistake]:
    """Every mistake in the meaning of `release`."""
    from perennial.evaluation.policies import REGISTERED, load_policy

    name = document.text("release", "policy") or ReleaseRules().policy
    if not REGISTERED.has(name):
        yield document.mistake(
            ("release", "policy"), f"unknown policy '{name}'", REGISTERED.hint(name), code="policy-unknown"
        )
        return
    try:
        policy = load_policy(name)
    except InputError as error:
        message, _, fix = str(error).partition("\n  ")
        yield document.mistake(("release", "policy"), message, fix, code="policy-unknown")
        return
    yield from _budget(document, policy)
    yield from _mixing(document, policy)
    yield from _patience(document, policy)
    yield from _members(document)
    yield from _recall(document, policy)
    yield from _judge(document, policy)
    yield from _stages(document, policy)


def _judge(document: Document, policy: ReleasePolicy) -> Iterator[Mistake]:
    """The newest days evaluate a challenger only if a decision can be taken on that many, and one model is live."""
    from perennial.evaluation.intervals.mde import MIN_CLUSTERS

    try:
        judge = judge_of(document.at("release", "judge") or NEXT_BATCH)
    except ValueError:
        return  # its form is another mistake
    if judge == NEXT_BATCH:
        return
    if policy.mixes:
        yield document.mistake(
            ("release", "judge"),
            f"{{newest: {judge.days}d}} conflicts with policy '{policy.name}', under which a model that learned from "
            "the newest days is live at once, so those days cannot evaluate it",
            "remove it, or use policy balanced",
            code="newest-blend",
        )
    needed = MIN_CLUSTERS * (7 if document.text("evaluation", "cluster_by") == "week" else 1)
    if judge.days < needed:
        yield document.mistake(
            ("release", "judge"),
            f"a decision needs {needed} days, and the newest {judge.days} are too few",
            f"write {{newest: {needed}d}} or more",
            code="newest-too-short",
        )


def _budget(document: Document, policy: ReleasePolicy) -> Iterator[Mistake]:
    """A policy with a yearly budget needs to know how many decisions share it."""
    stated = document.mapping("release").get("decisions_a_year") is not None
    calendar = document.text("source", "batch") in DECISIONS_A_YEAR
    demo = document.text("source", "kind") == "nycflights13"
    if policy.a_year is not None and not stated and not calendar and not demo:
        message = (
            f"'{policy.name}' has a yearly budget, but these batches do not determine the number of decisions per year"
        )
        yield document.mistake(
            ("release", "policy"),
            message,
            "write release.decisions_a_year, for example 12",
            code="budget-without-decisions",
        )


def _mixing(document: Document, policy: ReleasePolicy) -> Iterator[Mistake]:
    """Only for a convex loss, a blend loses at most the mean of the blended models."""
    task = document.text("schema", "task")
    primary = document.text("evaluation", "primary") or DEFAULT_METRICS.get(task or "")
    if policy.mixes and primary is not None and not _is_convex(document, primary):
        message = (
            f"'{policy.name}' blends two models, whose loss is bounded for convex losses only; {primary} is not one"
        )
        yield document.mistake(
            ("release", "policy"),
            message,
            f"use {', '.join(_convex())} as primary metric, or policy balanced",
            code="blend-not-convex",
        )


def _is_convex(document: Document, name: str) -> bool:
    from perennial.evaluation.metrics import UnknownMetric, load_metric

    if name in document.mapping("evaluation", "metrics"):
        return False
    try:
        return load_metric(name).convex
    except UnknownMetric:
        return True  # reported as a mistake of evaluation.primary


def _convex() -> list[str]:
    from perennial.evaluation.metrics import METRIC_TASKS, load_metric

    return [name for name in METRIC_TASKS if load_metric(name).convex]


def _patience(document: Document, policy: ReleasePolicy) -> Iterator[Mistake]:
    patience = document.mapping("release").get("patience")
    if patience is not None and not policy.allows_patience:
        message = f"is {patience}, but '{policy.name}' takes the newest model at every batch, so no challenger waits"
        yield document.mistake(
            ("release", "patience"),
            message,
            "remove it, or use balanced, hold or a policy with a yearly budget",
            code="patience-newest",
        )


def _members(document: Document) -> Iterator[Mistake]:
    serve, members = document.text("release", "serve"), document.mapping("release").get("members")
    if members is not None and serve != "mixture":
        why = "but one model is live at a time (release.serve: single)"
        if serve == "recall":
            why = f"but with serve: recall, the challenger and up to {RECALLED} past ones are live together"
        yield document.mistake(
            ("release", "members"),
            f"is {members}, {why}",
            "remove it" if serve == "recall" else "write release.serve: mixture too, or remove it",
            code="members-single",
        )


def _recall(document: Document, policy: ReleasePolicy) -> Iterator[Mistake]:
    """A policy that mixes in the newest refit has not been measured with past challengers."""
    if policy.mixes and document.text("release", "serve") == "recall":
        yield document.mistake(
            ("release", "serve"),
            f"'{policy.name}' serves the newest refit beside what was evaluated, which recalls no past challenger",
            "write serve: mixture, or use policy balanced",
            code="recall-blend",
        )


def _stages(document: Document, policy: ReleasePolicy) -> Iterator[Mistake]:
    """Stages lead from a shadow over growing shares to all keys, and compare one candidate with one champion."""
    stages = document.at("release", "stages")
    if not isinstance(stages, list) or not stages:
        return
    if policy.mixes:
        yield document.mistake(
            ("release", "stages"),
            f"'{policy.name}' lets two models answer together, so a candidate has no single champion beside it",
            "remove the stages, or use policy balanced",
            code="stages-blend",
        )
    feedback, own = document.text("release", "feedback"), document.mapping("evaluation", "metrics")
    per_row = [name for name in own if (document.text("evaluation", "metrics", name, "per") or "row") == "row"]
    if feedback in ("labels", "outcome") and not per_row:
        yield document.mistake(
            ("release", "feedback"),
            f"with feedback '{feedback}' a loss cannot compare the arms of a canary, and no value is declared",
            "name a function with one number per row: evaluation.metrics: {value: {function: FILE:NAME, per: row}}",
            code="feedback-without-value",
        )
    steps = [_step(stage) for stage in stages]
    if None in steps:
        return  # its form is another mistake
    if steps[-1] != 1.0 or any(later <= earlier for earlier, later in pairwise(steps)):  # type: ignore[operator]
        yield document.mistake(
            ("release", "stages"),
            "stages should begin with a shadow or a small share, grow, and end with full",
            "write [{shadow: 7d}, {canary: 10%, for: 7d}, full]",
            code="stages-order",
        )


def _step(stage: object) -> float | None:
    """The share of a stage as written; None if it is none."""
    try:
        return stage_of(stage).share
    except ValueError:
        return None
