"""Snapshots, races and challengers."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.evaluation.bias.results import ColumnBias
from perennial.evaluation.figures import counted, enumerated, percent
from perennial.evaluation.results import left_out_if_none
from perennial.ledger.entries.entry import Entry, Recorded, Trigger


class SampledFrom(Entry):
    """How the rows of a snapshot were sampled. of: the labelled rows of the window.

    by, half_life, seed: as declared. bound: the largest priority that was chosen; None if all rows were.
    """

    of: int
    by: str
    half_life: str | None
    seed: int
    bound: float | None

    @property
    def in_words(self) -> str:
        """How they were chosen: `sampled uniformly by key`."""
        if self.bound is None:
            return "all of them, since they are no more than the declared sample"
        by = "uniformly" if self.half_life is None else f"with a half-life of {self.half_life}"
        return f"sampled {by} by key"


class Snapshot(Recorded):
    """Exactly the rows that a model was trained on. Key: `snapshot`, an id computed from the other fields.

    until: only rows of events before this instant; those from it on evaluate the model. None: all that was known.
    sampled: how they were sampled; None if no sample is declared.
    """

    snapshot: str
    as_of: str
    batches: tuple[str, ...]
    label_batches: tuple[str, ...]
    table: str
    version: int
    rows: int
    first: str
    last: str
    digest: str
    declaration_digest: str
    until: str | None = None
    sampled: SampledFrom | None = None

    _without_none = left_out_if_none("until", "sampled")

    @property
    def key(self) -> str:
        return self.snapshot

    @property
    def rows_in_words(self) -> str:
        """How many labelled rows: `1 labelled row`, or for a sample `5,000,000 of 83,000,000 labelled rows`."""
        of = self.rows if self.sampled is None else self.sampled.of
        rows = counted(of, "labelled row", "labelled rows")
        return rows if of == self.rows else f"{self.rows:,} of {rows}"


class ModelRef(Entry):
    """A registered model: version in MLflow, the run that made it, digest of its bytes.

    signed_with: the sha256 of the public key of its signature; None if it was registered without one.
    """

    version: int
    run_id: str
    digest: str
    signed_with: str | None = None

    _without_none = left_out_if_none("signed_with")


class Served(Entry):
    """One of several models and its weight in the mean of predictions; the weights add up to 1."""

    model: ModelRef
    challenger: str
    weight: float


def versions_in_words(serves: Sequence[Served]) -> str:
    """Models with their weights: `version 3`, or `version 3 (50 %) and version 4 (50 %)`."""
    if len(serves) == 1:
        return f"version {serves[0].model.version}"
    return enumerated([f"version {each.model.version} ({percent(each.weight)})" for each in serves])


class RaceStep(Recorded):
    """How well each rival predicted a batch that came after its training. Key: the batch's, and `model_digest`.

    values: rival → the metric on `rows` labelled rows; None if it could not be trained or has no value.
    """

    batch: str
    window: str
    as_of: str
    metric: str
    rows: int
    values: dict[str, float | None]
    model_digest: str

    @property
    def key(self) -> str:
        return f"{self.batch}/{self.model_digest}"


class BatchFollowed(Recorded):
    """How the challengers so far predict the rows whose labels became known when a batch arrived, for `serve: recall`.

    Key: `as_of`, the batch's arrival, `until` and the metric. batch: the newest one that arrived then. until: only rows
    of events before this instant, since those from it on evaluate a challenger; None: all. own_code: digest of a custom
    metric; empty for a built-in one. losses: challenger → the metric on `rows` labelled rows as they were known
    then, with its sign changed if higher is better; empty if it has no value on them. naive: the same of the constant
    from the training labels of the newest of them, None likewise. not_measured: challenger → why it has no loss.
    """

    batch: str
    window: str
    as_of: str
    metric: str
    own_code: str
    rows: int
    losses: dict[str, float]
    naive: float | None
    not_measured: dict[str, str]
    until: str | None = None

    _without_none = left_out_if_none("until")

    @property
    def key(self) -> str:
        return "/".join(filter(None, (self.as_of, self.until, self.metric, self.own_code)))


class ChallengerEntry(Recorded):
    """A trained model that waits to be compared. Key: `challenger`, of (snapshot, declaration, seed).

    rival: the rival of the race that it is; empty without a race. later_because: why it waits for later rows although
    the newest days were to evaluate it at once; None if they do, or if that is not declared. represented: the groups of
    the declared population among its training rows; None if no population was declared.
    """

    challenger: str
    model: ModelRef
    snapshot: str
    model_digest: str
    declaration_digest: str
    features_digest: str
    code_version: str
    as_of: str
    trigger: Trigger
    seconds: float
    rival: str = ""
    later_because: str | None = None
    represented: tuple[ColumnBias, ...] | None = None

    _without_none = left_out_if_none("later_because", "represented")

    @property
    def key(self) -> str:
        return self.challenger
