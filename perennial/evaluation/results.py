"""The results of a comparison, as decisions store and show them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from perennial.clock import day

Outcome = Literal["first", "release", "keep", "undecided", "blocked", "held"]
Pool = Literal["planned", "event"]
"""Whether a decision was planned, or an event asked for the challenger."""
Verdict = Literal["better", "worse", "no_difference_shown", "non_inferior", "not_decidable"]


class Result(BaseModel):
    """A result: unknown fields are refused, and values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def left_out_if_none(*names: str) -> Any:
    """A serializer for a result or an entry: fields that were added later are left out where they are None.

    What was recorded stays as it was before the fields were added, and so do its hashes.
    """

    def without_none(self: BaseModel, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in written(self).items() if name not in names or value is not None}

    return model_serializer(mode="wrap")(without_none)


class Interval(Result):
    """One method's interval of a gain: Student t with `df`, at 95 %."""

    se: float
    df: float
    ci_low: float
    ci_high: float
    p_value: float


class SecondClusters(Result):
    """One estimate's standard errors by a second clustering.

    se_alone: by its clusters; se_within: by the pairs of both clusterings. largest_share: of rows in its largest one.
    """

    name: str
    clusters: int
    largest_share: float
    se_alone: float
    se_within: float


class MetricResult(Result):
    """One metric of a comparison. `gain` is positive if the challenger is better, whatever the direction.

    p_value is one-sided, against "the challenger is not better"; lower_bound is the one-sided 5 % bound of the gain,
    which is above 0 exactly if the verdict is better. day_t and row_t are for information.
    sums, sum_of_squares: of the rows' influence on the gain, by cluster and over all rows. The rest can be computed
    again from these.
    at_least, at_most: the bounds of a guard on the challenger's own value, whose interval is `of_challenger`, computed
    from `challenger_sums`.
    second: what a second clustering adds, if one is declared.
    own_code: digest of a custom metric with the text of its function; empty for a built-in one. Only results of the
    same code are combined.
    inflation, inflation_seen_in: the factor applied to the variance by days alone, and the number of earlier decisions
    it comes from; None and 0 if only these clusters were used.
    """

    name: str
    role: Literal["primary", "guard", "info"]
    direction: Literal["lower", "higher"]
    champion: float | None
    challenger: float | None
    gain: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    df: float | None
    se: float | None
    margin: float | None
    mde: float | None
    verdict: Verdict
    note: str = ""
    day_t: Interval | None = None
    row_t: Interval | None = None
    sums: tuple[float, ...] = ()
    sum_of_squares: float | None = None
    inflation: float | None = None
    inflation_seen_in: int = 0
    at_least: float | None = None
    at_most: float | None = None
    of_challenger: Interval | None = None
    challenger_sums: tuple[float, ...] = ()
    second: SecondClusters | None = None
    own_code: str = ""
    lower_bound: float | None = None


class SliceResult(Result):
    """The rows of one value of a column, under the primary metric.

    own_se: of the gain, by this slice's days alone; variance_ratio: of EWC over that. p_harm: against "not worse",
    adjusted by Holm over all slices. harm: the loss to detect. The interval is that of this slice alone, at 95 %.
    verdict: worse if harm is proven; not_decidable, with a note, if harm could not have been detected.
    """

    column: str
    value: str
    rows: int
    clusters: int
    metric: str
    champion: float | None = None
    challenger: float | None = None
    gain: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_harm: float | None = None
    se: float | None = None
    df: float | None = None
    mde: float | None = None
    harm: float | None = None
    verdict: Verdict = "not_decidable"
    note: str = ""
    own_se: float | None = None
    variance_ratio: float | None = None


class Estimate(Result):
    """A share or a mean with its 95 % interval, which is None if there are too few clusters."""

    share: float
    ci_low: float | None
    ci_high: float | None


class WorstSlice(Result):
    """A slice and the share of its rows that are newly wrong."""

    column: str
    value: str
    rows: int
    share: float


class Flips(Result):
    """Shares of all `rows`: negative, right before and wrong now; positive, wrong before and right now.

    moved: the mean change of a prediction, and moved_95 the change that 95 % of rows stay below; for several classes,
    the probability that moved between them. For a regression, negative and positive are None. at_most: the largest
    negative share that a guard allows, if there is one.
    """

    rows: int
    negative: Estimate | None
    positive: Estimate | None
    moved: Estimate
    moved_95: float
    worst: tuple[WorstSlice, ...]
    at_most: float | None = None


class Weighted(Result):
    """How rows were weighted. by: the column. sizes: n times each cluster's share of the weight, in their order.

    effective_rows: how many equally weighted rows would give a mean as precise (Kish).
    """

    by: str
    sizes: tuple[float, ...]
    effective_rows: float


class Evaluation(Result):
    """The evaluation rows: how many, in which clusters, and how similar neighbouring clusters are.

    effective_clusters: how many independent clusters would be as informative about the primary metric.
    weighted: None, and left out of what is written, if all rows weigh the same.
    """

    rows: int
    clusters: int
    cluster_by: str
    cluster_names: tuple[str, ...]
    cluster_rows: tuple[int, ...]
    labelled_share: float
    autocorrelation: float | None
    largest_cluster_share: float | None
    skewness: float | None
    first: str
    last: str
    digest: str
    effective_clusters: float | None = None
    weighted: Weighted | None = None

    _without_none = left_out_if_none("weighted")

    @property
    def sizes(self) -> tuple[float, ...]:
        """How much each cluster counts: its rows, or n times its share of the weight."""
        return self.weighted.sizes if self.weighted else self.cluster_rows

    @property
    def span(self) -> str:
        """From when to when the rows are: in local days if these are the clusters, otherwise by UTC."""
        if self.cluster_by == "day" and self.cluster_names:
            return f"from {min(self.cluster_names)} to {max(self.cluster_names)}"
        return f"from {day(self.first)} to {day(self.last)} (UTC)"


class InFamily(Result):
    """Which decisions one was taken together with, and its level: `rank` parts of `size` of the declared `fdr`.

    family: its id in the chain of the `template`, whose members' decisions they are.
    """

    family: str
    template: str
    size: int
    fdr: float
    rank: int
    level: float


class Policy(Result):
    """The rule that decided, with its parameters, so that the decision can be replayed.

    alpha: the one-sided error level of a release. pool: whether an event had requested the challenger. spent: the error
    level that earlier decisions of the year used together, None without a budget.
    looks: at this challenger so far, each as the share of the declared patience that had passed; empty without any.
    waits: whether the challenger, still undecided, is evaluated again with more days.
    refit_weight: the newest refit's weight in the live predictions from then on, None if a single model is live.
    lower_bound: the one-sided bound of the primary metric's gain at `level`, as it was tested. level: alpha, or that of
    one look of several.
    """

    name: str
    parameters: dict[str, Any]
    alpha: float
    pool: Pool = "planned"
    spent: float | None = None
    refit_weight: float | None = None
    looks: tuple[float, ...] = ()
    waits: bool = False
    level: float = 0.05
    lower_bound: float | None = None
