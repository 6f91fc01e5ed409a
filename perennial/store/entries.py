"""What the ledger holds: one typed payload for each kind of thing that happened.

The names of fields are those of `--json`; other people build on them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from perennial.evaluation.figures import percent
from perennial.evaluation.results import Evaluation, Flips, MetricResult, Outcome, Policy, SliceResult
from perennial.identity import short_id

TriggerKind = Literal["first", "schedule", "new_batch", "drift", "event", "person"]


class Entry(BaseModel):
    """A payload: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recorded(Entry):
    """A payload that stands in the ledger in its own right. `key` makes doing it twice doing it once."""

    @property
    def key(self) -> str:
        """The identity under which the ledger takes it once."""
        raise NotImplementedError


class Trigger(Entry):
    """Why something was started."""

    kind: TriggerKind = Field(description="who or what asks")
    event: str | None = Field(None, description="id of the episode or event, where one asks")
    detail: str = Field("", description="why, for the record")


class EditedField(Entry):
    """A field that differs from the declaration in use before, and what that restarts."""

    field: str
    old: Any
    new: Any
    restarts: str


class DeclarationEntry(Recorded):
    """A declaration at its first use, with what it changed. Key: its digest."""

    digest: str
    declaration: dict[str, Any]
    edits: tuple[EditedField, ...] = ()

    @property
    def key(self) -> str:
        return self.digest


class Reason(Entry):
    """How many rows were set aside for one reason. A row may have several."""

    reason: str
    rows: int


class Rows(Entry):
    """arrived = accepted + quarantined, unless the batch is held; unlabelled are among the accepted."""

    arrived: int
    accepted: int
    quarantined: int
    unlabelled: int


class BatchEntry(Recorded):
    """A batch that was taken in or held. Key: `window/revision`; a use case has one source."""

    batch: str
    window: str
    start: str | None
    end: str
    revision: int
    landing: str
    digest: str
    arrived_at: str
    status: Literal["accepted", "held"]
    rows: Rows
    quarantine: tuple[Reason, ...]
    warnings: tuple[str, ...]
    held_because: tuple[str, ...]
    extra_columns: tuple[str, ...]
    table_version: int | None
    quarantine_version: int | None
    declaration_digest: str
    because: Literal["arrived", "restated", "requeued", "waived"] = Field(
        "arrived", description="why there is this revision: other content, checks run again, or checks waived"
    )
    waived: tuple[str, ...] = Field((), description="checks that a person waived for these landed bytes")

    @property
    def key(self) -> str:
        return f"{self.window}/{self.revision}"


class Waiver(Recorded):
    """A person's word that checks may fail on what landed for a window. Key: of window, landing and checks."""

    window: str
    landing: str
    checks: tuple[str, ...]
    by: str
    reason: str

    @property
    def key(self) -> str:
        return short_id([self.window, self.landing, *self.checks])


class LabelBatchEntry(Recorded):
    """Labels that arrived in a file of their own. Key: the landing's digest."""

    batch: str
    landing: str
    file: str
    rows: int
    refused: int
    arrived_at: str
    table_version: int | None

    @property
    def key(self) -> str:
        return self.landing


class Snapshot(Recorded):
    """Exactly the rows a model was trained on. Key: `snapshot`, an id made of all the rest."""

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

    @property
    def key(self) -> str:
        return self.snapshot


class ModelRef(Entry):
    """A registered model: version in MLflow, the run that made it, digest of its bytes."""

    version: int
    run_id: str
    digest: str


class RaceStep(Recorded):
    """How each rival predicted a batch that came after its training. Key: the batch's, and `model_digest`.

    values: rival → the metric on `rows` labelled rows; None where it could not be trained or had no value.
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


class ChallengerEntry(Recorded):
    """A trained model that waits to be compared. Key: `challenger`, of (snapshot, declaration, seed).

    rival: which of those that raced it is; empty where none did.
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

    @property
    def key(self) -> str:
        return self.challenger


class Reference(Entry):
    """The champion's primary loss where it was judged: what watching compares with."""

    metric: str
    value: float
    se: float
    df: float
    rows: int
    clusters: int


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
    flips: Flips | None = Field(None, description="rows newly right and newly wrong; None in rows of 0.1.0")
    code: dict[str, str] = Field({}, description="file → digest of the team's own metrics")

    @property
    def key(self) -> str:
        return self.id


class Code(Recorded):
    """A file with a team's own metrics, as it was when these first decided. Key: its digest."""

    digest: str
    file: str
    text: str

    @property
    def key(self) -> str:
        return self.digest


class Approval(Recorded):
    """A person's word on a decision that was left to one. Key: the decision's id."""

    decision: str
    by: str
    reason: str

    @property
    def key(self) -> str:
        return self.decision


class Served(Entry):
    """One model of a release and its weight in the mean of predictions; the weights of a release add up to 1."""

    model: ModelRef
    challenger: str
    weight: float


class Release(Recorded):
    """What serves from now on: the tested champion, and under a blending policy the newest refit beside it.

    Key: `release_no`: whoever inserts it first has released. reference, snapshot and digests are the champion's.
    """

    release_no: int
    kind: Literal["first", "release", "rollback", "blend"]
    serves: tuple[Served, ...]
    stage: Literal["full"]
    as_of: str
    reason: str
    decision: str | None
    restores: int | None
    reference: Reference
    snapshot: str
    features_digest: str
    declaration_digest: str

    @property
    def key(self) -> str:
        return str(self.release_no)

    @property
    def champion(self) -> Served:
        """The tested model, which challengers are compared with."""
        return self.serves[0]

    @property
    def refit(self) -> Served | None:
        """The newest refit, which nobody judged yet, where it serves a share."""
        return self.serves[1] if len(self.serves) > 1 else None

    @property
    def versions(self) -> str:
        """What serves, in words: `version 3`, or `version 3 (50 %) and version 4 (50 %)`."""
        if self.refit is None:
            return f"version {self.champion.model.version}"
        return " and ".join(f"version {each.model.version} ({percent(each.weight)})" for each in self.serves)


class Episode(Recorded):
    """A champion that went bad. Key: `channel@opened_at`."""

    episode: str
    channel: Literal["level", "unseen"]
    opened_at: str
    batch: str
    release_no: int
    detail: str

    @property
    def key(self) -> str:
        return self.episode


class EpisodeClosed(Recorded):
    """The end of an episode. Key: the episode's."""

    episode: str
    closed_at: str
    batch: str
    detail: str

    @property
    def key(self) -> str:
        return self.episode


class AliasMoved(Recorded):
    """Somebody moved MLflow's alias by hand; it was put back. Key: release, version and time."""

    at: str
    found: int | None
    restored: int
    release_no: int

    @property
    def key(self) -> str:
        return f"{self.release_no}/{self.found}/{self.at}"


class Cycle(Recorded):
    """A cycle that ran to its end. Key: the batch's."""

    batch: str
    as_of: str
    decision: str | None
    challenger: str | None
    health: Health
    waits: str

    @property
    def key(self) -> str:
        return self.batch


class LossWithInterval(Entry):
    """A loss, its 95 % interval and the reference it is held against."""

    value: float
    ci_low: float
    ci_high: float
    reference: float | None


class Alarm(Entry):
    """What watching found."""

    channel: str
    severity: Literal["info", "warning", "page"]
    detail: str
    episode: str | None


class Health(Entry):
    """How the champion did on one batch. None where nothing can be said yet."""

    usecase: str
    batch: str
    as_of: str
    rows: int
    labelled_rows: int
    loss: LossWithInterval | None
    unseen_share: float | None
    alarms: tuple[Alarm, ...]
    action: Literal["none", "retrain"]


Cycle.model_rebuild()

KINDS: dict[str, type[Recorded]] = {
    "declaration": DeclarationEntry,
    "batch": BatchEntry,
    "waiver": Waiver,
    "labels": LabelBatchEntry,
    "snapshot": Snapshot,
    "race": RaceStep,
    "challenger": ChallengerEntry,
    "code": Code,
    "decision": Decision,
    "approval": Approval,
    "release": Release,
    "episode": Episode,
    "episode_closed": EpisodeClosed,
    "alias_moved": AliasMoved,
    "cycle": Cycle,
}

KIND_OF: dict[type[Recorded], str] = {payload: kind for kind, payload in KINDS.items()}
