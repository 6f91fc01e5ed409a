"""Names in MLflow, which allows fewer characters in the name of a metric than users may have in a column's name."""

from __future__ import annotations

import re

from perennial.identity import digest_bytes

SCHEME = "perennial"
"""The scheme of addresses under which MLflow stores files of a home, independent of its location."""
LONGEST_KEY = 250
LONGEST_TAG, LONGEST_PARAM = 5000, 6000
"""Maximum lengths of names and values, within MLflow's limits."""

_FORBIDDEN = re.compile(r"[^\w.\- :]")
_WRITTEN_OTHERWISE = re.compile(r" [0-9a-f]{12}\Z")


def in_namespace(namespace: str, usecase: str) -> str:
    """The name of a use case's experiment and of its registered model.

    >>> in_namespace("team-a", "flights"), in_namespace("", "flights")
    ('team-a.flights', 'flights')
    """
    return f"{namespace}.{usecase}" if namespace else usecase


def key(name: str) -> str:
    """The name of a metric or parameter for MLflow. Different names stay different.

    In a name that MLflow would refuse, each forbidden character is replaced by `_` and a digest of the name is added.

    >>> key("log_loss"), key("selection_rate_ratio:plan (type)")
    ('log_loss', 'selection_rate_ratio:plan _type_ 7c1e4c4ad3ed')
    """
    plain = name and not name.startswith(".") and len(name) <= LONGEST_KEY and not _FORBIDDEN.search(name)
    if plain and not _WRITTEN_OTHERWISE.search(name):
        return name
    digest = digest_bytes(name.encode("utf-8", "surrogatepass"))[:12]
    readable = _FORBIDDEN.sub("_", name)[: LONGEST_KEY - len(digest) - 2]
    return f"{'_' if readable[:1] in ('', '.') else ''}{readable} {digest}"


def address(name: str) -> str:
    """The address of an experiment's files in MLflow's database; see `places`."""
    return f"{SCHEME}:/{name}"
