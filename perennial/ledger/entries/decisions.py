"""Decisions, the custom code they used, and people's approvals."""

from __future__ import annotations

from pydantic import Field

from perennial.evaluation.results import Evaluation, Flips, MetricResult, Outcome, Policy, SliceResult
from perennial.ledger.entries.entry import Entry, Recorded, Trigger
from perennial.ledger.entries.training import ModelRef


class Reference(Entry):
    """The champion's primary loss on its evaluation rows, which watching compares with.

    declared: digest of the declaration that defines a custom metric; empty for a built-in one.
    """

    metric: str
    value: float
    se: float
    df: float
    rows: int
    clusters: int
    declared: str = ""


class Decision(Recorded):
    """A comparison and its outcome. Key: `id`, of (challenger, champion, evaluation rows)."""

    id: str
    usecase: str
    batch: str
    as_of: str
    trigger: Trigger
    champion: ModelRef | None
    challenger: ModelRef
    challenger_id: str
    snapshot: str
    evaluation: Evaluation
    metrics: tuple[MetricResult, ...]
    release_no: int
    reference: Reference | None
    declaration_digest: str
    features_digest: str
    code_version: str
    policy: Policy
    outcome: Outcome
    reasons: tuple[str, ...]
    libraries: dict[str, str]
    champion_skill: float | None = Field(
        None, description="how much better than the base rate the champion is on the evaluation rows"
    )
    slices: tuple[SliceResult, ...] = Field((), description="the rows of each value of the declared columns")
    flips: Flips = Field(description="rows newly right and newly wrong")
    code: dict[str, str] = Field({}, description="file → digest of the custom metrics")

    @property
    def key(self) -> str:
        return self.id


class Code(Recorded):
    """A file of custom functions, as it was when a declaration first used it. Key: its digest."""

    digest: str
    file: str
    text: str

    @property
    def key(self) -> str:
        return self.digest


class Approval(Recorded):
    """A person's approval of a held decision. Key: the decision's id, so the first approval counts.

    as_of: the use case's time at the approval, from which the model is live.
    """

    decision: str
    by: str
    reason: str
    as_of: str

    @property
    def key(self) -> str:
        return self.decision
