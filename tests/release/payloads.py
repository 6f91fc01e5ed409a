"""Decisions and challengers made by hand: a promoter needs no model to win or lose."""

from __future__ import annotations

from perennial.evaluation.results import Estimate, Evaluation, Flips, Policy
from perennial.ledger.entries import ChallengerEntry, Decision, ModelRef, Reference, Trigger

AS_OF = "2024-03-01T00:00:00Z"
REASON = Trigger(kind="new_batch")
STILL = Estimate(share=0.0, ci_low=None, ci_high=None)
NO_FLIPS = Flips(rows=1, negative=None, positive=None, moved=STILL, moved_95=0.0, worst=())


def challenger(name: str, version: int) -> ChallengerEntry:
    """A trained model that waits."""
    return ChallengerEntry(
        challenger=name,
        model=ModelRef(version=version, run_id=f"run-{version}", digest=f"bytes-{version}"),
        snapshot=f"snapshot-{version}",
        model_digest="m",
        declaration_digest="d",
        features_digest=f"features-{version}",
        code_version="0",
        as_of=AS_OF,
        trigger=REASON,
        seconds=1.0,
    )


def decision(name: str, model: ChallengerEntry, release_no: int) -> Decision:
    """A decision to release a challenger, taken while `release_no` served."""
    return Decision(
        id=name,
        usecase="shop",
        batch="2024-02",
        as_of=AS_OF,
        trigger=REASON,
        champion=None,
        challenger=model.model,
        challenger_id=model.challenger,
        snapshot=model.snapshot,
        evaluation=Evaluation(
            rows=1,
            clusters=1,
            cluster_by="day",
            cluster_names=("2024-02-01",),
            cluster_rows=(1,),
            labelled_share=1.0,
            autocorrelation=None,
            largest_cluster_share=None,
            skewness=None,
            first=AS_OF,
            last=AS_OF,
            digest="e",
        ),
        metrics=(),
        release_no=release_no,
        reference=Reference(metric="log_loss", value=0.5, se=0.01, df=20, rows=1, clusters=1),
        declaration_digest="d",
        features_digest=model.features_digest,
        code_version="0",
        policy=Policy(name="balanced", parameters={}, alpha=0.05),
        outcome="release" if release_no else "first",
        reasons=(f"{name} shows it",),
        libraries={},
        flips=NO_FLIPS,
    )
