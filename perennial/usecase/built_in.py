"""Derived features that come with Perennial, written `hour_of:at`: which there are, and the columns they read.

How their values are computed is in `perennial.features.built_in`.
"""

from __future__ import annotations

from collections.abc import Iterable

VERSIONS = {"hour_of": 1, "weekday_of": 1, "month_of": 1, "days_since": 1}
"""The version that new models use. It is part of every identity that depends on the feature, as team code is."""


def built_in(spec: str) -> tuple[str, str] | None:
    """Name and column of a derived feature that is built in; None for a custom function.

    >>> built_in("hour_of:at"), built_in("shop.py:hour_of")
    (('hour_of', 'at'), None)
    """
    name, colon, column = spec.partition(":")
    return (name, column) if colon and name in VERSIONS else None


def derived_name(spec: str) -> str:
    """The name of a derived feature among a model's inputs.

    >>> derived_name("hour_of:at"), derived_name("shop.py:speed")
    ('hour_of_at', 'speed')
    """
    known = built_in(spec)
    return "_".join(known) if known else spec.rpartition(":")[2]


def versions_of(derived: Iterable[str]) -> dict[str, int]:
    """Built-in features among these → the version that a new model uses."""
    return {known[0]: VERSIONS[known[0]] for known in map(built_in, derived) if known}


def columns_read(derived: Iterable[str]) -> list[str]:
    """The columns of times that built-in features among these read, each once."""
    return list(dict.fromkeys(known[1] for known in map(built_in, derived) if known))
