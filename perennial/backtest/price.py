"""The price of one retraining, which is weighed against the declared value."""

from __future__ import annotations

from math import isfinite

from perennial.errors import InputError
from perennial.evaluation.metrics.metric import Metric
from perennial.team_code.metrics import declared_metric, metric_sources
from perennial.usecase.declaration import UseCase


def value_of(case: UseCase) -> Metric | None:
    """The metric that counts as value: the first custom one with one number per row; None without one."""
    own = case.declaration.evaluation.metrics
    name = next((name for name, each in own.items() if each.per == "row"), None)
    return None if name is None else declared_metric(case.declaration, metric_sources(case), name)


def checked_price(case: UseCase, price: float | None, value: Metric | None) -> float:
    """The price, 0 if none is given. Raises InputError for one below 0, or without a value to compare it with."""
    if price is None:
        return 0.0
    if not (isfinite(price) and price >= 0):
        raise InputError(
            f"{price:g} is no price of a retraining: it should be 0 or more",
            code="price-impossible",
            field="price",
            value=f"{price:g}",
        )
    if value is None:
        raise InputError(
            f"{case.name} declares no value that a price could be compared with\n"
            "  name a function with one number per row: evaluation.metrics: {value: {function: FILE:NAME, per: row}}",
            code="price-without-value",
            field="price",
            value=f"{price:g}",
        )
    return price
