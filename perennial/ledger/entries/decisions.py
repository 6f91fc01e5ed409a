"""Decisions, the custom code they used, and people's approvals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from perennial.clock import day
from perennial.evaluation.bias.results import Bias
from perennial.evaluation.family import levels
from perennial.evaluation.figures import enumerated
from perennial.evaluation.reason import ALONE_IS_BETTER
from perennial.evaluation.results import (
    Evaluation,
    Flips,
    InFamily,
    MetricResult,
    Outcome,
    Policy,
    SliceResult,
    left_out_if_none,
)
from perennial.ledger.entries.entry import Entry, Recorded, Trigger
from perennial.ledger.entries.training import ModelRef, Served, versions_in_words

Proof = Literal["stated", "environment", "token", "key", "proxy"]
"""How a person is known: by a name that was typed, by PERENNIAL_USER, by a signed token, by a key of the site, or by
the proxy before it."""


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


class Recalled(Entry):
    """A past challenger in a mixture. trained_to: the time of the last event that it was trained on."""

    version: int
    trained_to: str

    @property
    def in_words(self) -> str:
        """`version 3 (trained on rows up to 2013-05-01)`."""
        return f"version {self.version} (trained on rows up to {day(self.trained_to)})"


class NotRecalled(Entry):
    """A past challenger that its losses would put into a mixture, and why it cannot be there."""

    version: int
    why: str


def mixture_in_words(members: Sequence[Served], recalled: Sequence[Recalled]) -> str:
    """`version 4 (50 %) and version 1 (50 %). It recalls version 1 (trained on rows up to 2013-05-01)`."""
    which = f". {recalled_in_words(recalled)}" if recalled else ""
    return versions_in_words(members) + which


def recalled_in_words(recalled: Sequence[Recalled]) -> str:
    """`It recalls version 1 (trained on rows up to 2013-05-01)`, for at least one."""
    return f"It recalls {enumerated([each.in_words for each in recalled])}"


class Alone(Entry):
    """The challenger alone, evaluated on the same rows because its mixture passed.

    against_mixture: the primary metric, with the mixture as the champion. metrics, slices, flips: against what is live,
    empty unless the challenger is proven better than the mixture. is_live: whether a release makes it live alone.
    """

    against_mixture: MetricResult
    metrics: tuple[MetricResult, ...] = ()
    slices: tuple[SliceResult, ...] = ()
    flips: Flips | None = None
    is_live: bool


class Mixture(Entry):
    """Half of the challenger, and half of what is live or of past challengers: evaluated in its place.

    challenger: the primary metric of the challenger alone against what is live, for information.
    recalled: the past challengers, in the order of `members`; None if the other half is what is live.
    """

    members: tuple[Served, ...]
    challenger: MetricResult
    alone: Alone | None = None
    recalled: tuple[Recalled, ...] | None = None

    _without_none = left_out_if_none("recalled")

    @property
    def alone_is_live(self) -> bool:
        """Whether a release makes the challenger live alone."""
        return self.alone is not None and self.alone.is_live

    @property
    def in_words(self) -> str:
        """Its members: `version 4 (50 %) and version 3 (50 %)`, and which of them are recalled."""
        return mixture_in_words(self.members, self.recalled or ())


class Decision(Recorded):
    """A comparison and its outcome. Key: `id`, of (challenger, champion, evaluation rows).

    mixture: what was evaluated in place of the challenger alone, if that is declared. live: what it was compared with,
    if that is several models, of which `champion` was trained last. not_recalled: past challengers that are not in the
    mixture only because they cannot predict. held_for: what the risk tier required, for which it is held although the
    policy releases. bias: how the groups of persons are treated, if any are declared. family: of which it is one, if
    releases are controlled over a fleet. Each is left out of the row where it is None.
    """

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
    mixture: Mixture | None = Field(None, description="what was evaluated in place of the challenger alone")
    live: tuple[Served, ...] | None = Field(None, description="what it was compared with, if that is several models")

    not_recalled: tuple[NotRecalled, ...] | None = Field(None, description="past models that could not be recalled")

    held_for: tuple[str, ...] | None = Field(None, description="what the risk tier required of this release")

    bias: Bias | None = Field(None, description="how the declared groups of persons are treated")

    family: InFamily | None = Field(None, description="the decisions of a fleet that it was taken together with")

    _without_none = left_out_if_none("mixture", "live", "not_recalled", "held_for", "bias", "family")

    @property
    def key(self) -> str:
        return self.id

    @property
    def releases(self) -> tuple[Served, ...]:
        """What a release would make live: the challenger alone, or the mixture that was evaluated."""
        if self.mixture is not None and not self.mixture.alone_is_live:
            return self.mixture.members
        return (Served(model=self.challenger, challenger=self.challenger_id, weight=1.0),)

    @property
    def recalls(self) -> str:
        """Which past models a release would make live again, as a sentence; empty without any."""
        mixture = self.mixture
        if mixture is None or mixture.alone_is_live or not mixture.recalled:
            return ""
        return f"{recalled_in_words(mixture.recalled)}."

    @property
    def prefers_alone(self) -> str:
        """Why a release would make the challenger alone live in place of its mixture, as recorded; empty otherwise."""
        if self.alone_released is None:
            return ""
        return next((each for each in self.reasons if each.startswith(ALONE_IS_BETTER)), "")

    @property
    def alone_released(self) -> Alone | None:
        """The challenger alone, if a release would make it live in place of its mixture."""
        return self.mixture.alone if self.mixture is not None and self.mixture.alone_is_live else None

    @property
    def of_released(self) -> tuple[MetricResult, ...]:
        """The results of what a release would make live."""
        return self.alone_released.metrics if self.alone_released is not None else self.metrics

    @property
    def of_newest(self) -> MetricResult:
        """The primary metric of the challenger alone against what was live."""
        return self.mixture.challenger if self.mixture is not None else self.metrics[0]

    @property
    def champions(self) -> str:
        """What it was compared with, in words: `version 3`, or its models with weights; empty without a champion."""
        if self.live is not None:
            return versions_in_words(self.live)
        return f"version {self.champion.version}" if self.champion is not None else ""


class Tested(Entry):
    """A decision of a family: the id that it has or will have, and its one-sided p-value of a gain."""

    usecase: str
    decision: str
    p_value: float


class Family(Recorded):
    """Decisions of a template's members that are taken together. Key: `family`, an id made from the other fields.

    It is in the chain of the template, before any of its decisions: each takes its level from here, so an interrupted
    run ends as it began. fdr: as declared.
    """

    family: str
    template: str
    fdr: float
    tests: tuple[Tested, ...]

    @property
    def key(self) -> str:
        return self.family

    def has(self, usecase: str, decision: str) -> bool:
        """Whether a decision is one of them."""
        return any((each.usecase, each.decision) == (usecase, decision) for each in self.tests)

    def level_of(self, usecase: str, decision: str) -> InFamily:
        """The level of one of its decisions."""
        place = [(each.usecase, each.decision) for each in self.tests].index((usecase, decision))
        own = levels([each.p_value for each in self.tests], self.fdr)[place]
        return InFamily(
            family=self.family,
            template=self.template,
            size=len(self.tests),
            fdr=self.fdr,
            rank=own.rank,
            level=own.alpha,
        )


class Code(Recorded):
    """A file of custom functions, as it was when a declaration first used it. Key: its digest."""

    digest: str
    file: str
    text: str

    @property
    def key(self) -> str:
        return self.digest


class Approval(Recorded):
    """A person's approval of a held decision, or that of several roles. Key: the decision's id, so the first counts.

    as_of: the use case's time at the approval, from which the model is live. proof: how the person is known; None, and
    left out of the row, for several roles and in rows of earlier versions.
    """

    decision: str
    by: str
    reason: str
    as_of: str
    proof: Proof | None = None

    _without_none = left_out_if_none("proof")

    @property
    def key(self) -> str:
        return self.decision


class Endorsement(Recorded):
    """One person's approval in a role, where the declaration asks for several. Key: `decision/role/number`, from 1.

    at, expires_at: by the machine's clock. After it expires it no longer counts, and the role approves anew. Once every
    role has approved, an `Approval` follows.
    """

    decision: str
    role: str
    number: int
    by: str
    proof: Proof
    reason: str
    at: str
    expires_at: str

    @property
    def key(self) -> str:
        return f"{self.decision}/{self.role}/{self.number}"


class Refusal(Recorded):
    """A person's refusal of a held decision, which ends it. Key: the decision's id, so the first refusal counts.

    Of an approval and a refusal, the one that comes first in the ledger counts.
    """

    decision: str
    by: str
    proof: Proof
    reason: str
    as_of: str

    @property
    def key(self) -> str:
        return self.decision
