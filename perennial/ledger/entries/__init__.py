"""What the ledger holds: one typed payload for each kind of thing that happened, one file per kind.

The names of fields are those of `--json`; other people build on them.
"""

from __future__ import annotations

from perennial.ledger.entries.alerts import AlertDelivered, AlertFailed, AlertQueued, Stage
from perennial.ledger.entries.batches import BatchEntry, LabelBatchEntry, Reason, Rows, Waiver
from perennial.ledger.entries.decisions import Alone, Approval, Code, Decision, Mixture, Reference
from perennial.ledger.entries.declarations import DeclarationEntry, EditedField
from perennial.ledger.entries.entry import Entry, Recorded, Trigger, TriggerKind
from perennial.ledger.entries.releases import (
    AliasMoved,
    AliasPutBack,
    Candidate,
    PlannedStage,
    Release,
    ReleasesFrozen,
    ReleasesResumed,
    RollbackNotPossible,
)
from perennial.ledger.entries.serving import BatchScored, SegmentCollected
from perennial.ledger.entries.staging import StageLooked
from perennial.ledger.entries.training import ChallengerEntry, ModelRef, RaceStep, Served, Snapshot, versions_in_words
from perennial.ledger.entries.watching import (
    NO_CHALLENGER,
    Alarm,
    Calibration,
    ChannelRate,
    ColumnEvidence,
    Cycle,
    DailyValue,
    Day,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Evidence,
    FeatureMove,
    Health,
    LossWithInterval,
    NewValue,
    Reading,
    Severity,
    SliceShare,
)

__all__ = [
    "KINDS",
    "KIND_OF",
    "NO_CHALLENGER",
    "Alarm",
    "AlertDelivered",
    "AlertFailed",
    "AlertQueued",
    "AliasMoved",
    "AliasPutBack",
    "Alone",
    "Approval",
    "BatchEntry",
    "BatchScored",
    "Calibration",
    "Candidate",
    "ChallengerEntry",
    "ChannelRate",
    "Code",
    "ColumnEvidence",
    "Cycle",
    "DailyValue",
    "Day",
    "Decision",
    "DeclarationEntry",
    "EditedField",
    "Entry",
    "Episode",
    "EpisodeClosed",
    "EpisodeRose",
    "Evidence",
    "FeatureMove",
    "Health",
    "LabelBatchEntry",
    "LossWithInterval",
    "Mixture",
    "ModelRef",
    "NewValue",
    "PlannedStage",
    "RaceStep",
    "Reading",
    "Reason",
    "Recorded",
    "Reference",
    "Release",
    "ReleasesFrozen",
    "ReleasesResumed",
    "RollbackNotPossible",
    "Rows",
    "SegmentCollected",
    "Served",
    "Severity",
    "SliceShare",
    "Snapshot",
    "Stage",
    "StageLooked",
    "Trigger",
    "TriggerKind",
    "Waiver",
    "versions_in_words",
]

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
    "releases_frozen": ReleasesFrozen,
    "releases_resumed": ReleasesResumed,
    "rollback_not_possible": RollbackNotPossible,
    "batch_scored": BatchScored,
    "segment_collected": SegmentCollected,
    "stage_looked": StageLooked,
    "episode": Episode,
    "episode_rose": EpisodeRose,
    "calibration": Calibration,
    "episode_closed": EpisodeClosed,
    "alert_queued": AlertQueued,
    "alert_delivered": AlertDelivered,
    "alert_failed": AlertFailed,
    "alias_moved": AliasMoved,
    "alias_put_back": AliasPutBack,
    "cycle": Cycle,
}


KIND_OF: dict[type[Recorded], str] = {payload: kind for kind, payload in KINDS.items()}
