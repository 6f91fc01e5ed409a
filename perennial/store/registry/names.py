"""Names as MLflow takes them. What a team may name a column is more than MLflow takes as the name of a metric."""

from __future__ import annotations

import re

from perennial.identity import digest_bytes

SCHEME = "perennial"
"""Of the addresses under which MLflow keeps files of a home, wherever that lies."""
LONGEST_KEY = 250
LONGEST_TAG, LONGEST_PARAM = 5000, 6000
"""Characters of names and values; within what MLflow takes."""

_FORBIDDEN = re.compile(r"[^\w.\- :]")
_WRITTEN_OTHERWISE = re.compile(r" [0-9a-f]{12}\Z")


def in_namespace(namespace: str, usecase: str) -> str:
    """The name of a use case's experiment and of its registered model.

    >>> in_namespace("team-a", "flights"), in_namespace("", "flights")
    ('team-a.flights', 'flights')
    """
    return f"{namespace}.{usecase}" if namespace else usecase


def key(name: str) -> str:
    """The name of a metric or parameter as MLflow takes it; two names never become one.

    A name that MLflow refuses is written with `_` for each character that it refuses, and a digest of the whole.

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
    """Where the files of an experiment are kept, as MLflow's database has it; see `places`."""
    return f"{SCHEME}:/{name}"
