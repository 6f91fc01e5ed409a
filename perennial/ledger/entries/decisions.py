"""Decisions, the code that they ran and what people said of them."""

from __future__ import annotations

from pydantic import Field

from perennial.evaluation.results import Evaluation, Flips, MetricResult, Outcome, Policy, SliceResult
from perennial.ledger.entries.entry import Entry, Recorded, Trigger
from perennial.ledger.entries.training import ModelRef


class Reference(Entry):
    """The champion's primary loss where it was judged: what watching compares with.

    declared: digest of the declaration that says what a team's own metric was then; empty for one of ours.
    """

    metric: str
    value: float
    se: float
    df: float
    rows: int
    clusters: int
    declared: str = ""


class Decision(Recorded):
    """A comparison and what followed from it. Key: `id`, of (challenger, champion, evaluation rows)."""

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
        None, description="how much better than the base rate the champion is on the rows that judged"
    )
    slices: tuple[SliceResult, ...] = Field((), description="the rows of each value of the declared columns")
    flips: Flips = Field(description="rows newly right and newly wrong")
    code: dict[str, str] = Field({}, description="file → digest of the team's own metrics")

    @property
    def key(self) -> str:
        return self.id


class Code(Recorded):
    """A file of a team's own functions, as it was when a declaration first named it so. Key: its digest."""

    digest: str
    file: str
    text: str

    @property
    def key(self) -> str:
        return self.digest


class Approval(Recorded):
    """A person's approval of a decision that was left to one. Key: the decision's id, so the first one counts.

    as_of: the use case's time at the approval; the model is live since then.
    """

    decision: str
    by: str
    reason: str
    as_of: str

    @property
    def key(self) -> str:
        return self.decision
