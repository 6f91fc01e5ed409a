"""Small true-to-shape payloads, made by hand: a test states only what matters to it."""

from __future__ import annotations

from typing import Any

from perennial.evaluation.staged.results import Look
from perennial.ledger.entries import (
    KIND_OF,
    AlertDelivered,
    AlertFailed,
    AlertQueued,
    AliasMoved,
    AliasPutBack,
    Approval,
    BatchEntry,
    BatchFollowed,
    BatchScored,
    Calibration,
    Code,
    Cycle,
    DeclarationEntry,
    Endorsement,
    Episode,
    EpisodeClosed,
    EpisodeRose,
    Erased,
    Family,
    Health,
    LabelBatchEntry,
    LandingErased,
    ModelArchived,
    ModelErased,
    RaceStep,
    Recorded,
    Reference,
    Refusal,
    Release,
    ReleasesFrozen,
    ReleasesResumed,
    RollbackNotPossible,
    Rows,
    RowsErased,
    RunFailed,
    RunSucceeded,
    SegmentCollected,
    Served,
    Snapshot,
    StageLooked,
    Tested,
    Waiver,
)
from tests.release.payloads import challenger as trained
from tests.release.payloads import decision

AT = "2024-02-01T00:00:00Z"


def declaration(number: int | str) -> DeclarationEntry:
    """A payload with the key `d<number>`."""
    return DeclarationEntry(digest=f"d{number}", declaration={"number": number})


def episode(channel: str, opened_at: str, **changes: Any) -> Episode:
    """An episode about the first release."""
    values: dict[str, Any] = {"batch": "2024-03", "detail": f"{channel} is off"} | changes
    return Episode(episode=f"{channel}@{opened_at}", channel=channel, opened_at=opened_at, release_no=1, **values)


def batch(window: str = "2024-01", **changes: Any) -> BatchEntry:
    """An accepted batch of ten rows that arrived at the end of its month."""
    year, month = (int(part) for part in window.split("-"))
    end = f"{year + month // 12}-{month % 12 + 1:02d}-01T00:00:00Z"
    values: dict[str, Any] = {
        "batch": f"b-{window}",
        "window": window,
        "start": f"{window}-01T00:00:00Z",
        "end": end,
        "revision": 1,
        "landing": "l.csv",
        "digest": f"content-{window}",
        "arrived_at": end,
        "status": "accepted",
        "rows": Rows(arrived=10, accepted=10, quarantined=0, unlabelled=0),
        "quarantine": (),
        "warnings": (),
        "held_because": (),
        "extra_columns": (),
        "table_version": 0,
        "quarantine_version": None,
        "declaration_digest": "d",
    }
    return BatchEntry(**{**values, **changes})


def label_batch(name: str, arrived_at: str, rows: int = 1, **changes: Any) -> LabelBatchEntry:
    """Labels that came in a separate file."""
    values: dict[str, Any] = {
        "batch": name,
        "landing": f"{name}.csv",
        "file": name,
        "rows": rows,
        "refused": 0,
        "arrived_at": arrived_at,
        "table_version": 0,
        "status": "accepted",
        "quarantine": (),
        "held_because": (),
        "declaration_digest": "d",
    }
    return LabelBatchEntry(**{**values, **changes})


def one_of_each() -> dict[str, Recorded]:
    """A payload of every kind that the ledger takes."""
    reference = Reference(metric="log_loss", value=0.5, se=0.01, df=20, rows=10, clusters=5)
    challenger = trained("c", 1)
    health = Health(
        usecase="shop",
        batch="b",
        as_of=AT,
        rows=10,
        labelled_rows=0,
        loss=None,
        unseen_share=None,
        alarms=(),
        action="none",
    )
    made = (
        declaration(1),
        batch(),
        Waiver(window="2024-01", landing="l.csv", checks=("price: between 0 and 500",), by="Ada", reason="furs"),
        label_batch("labels", AT),
        Snapshot(
            snapshot="s",
            as_of=AT,
            batches=("b",),
            label_batches=(),
            table="t",
            version=0,
            rows=10,
            first=AT,
            last=AT,
            digest="d",
            declaration_digest="d",
        ),
        RaceStep(
            batch="b",
            window="2024-02",
            as_of=AT,
            metric="log_loss",
            rows=10,
            values={"expanding": 0.5, "last 90d": None},
            model_digest="m",
        ),
        BatchFollowed(
            batch="b",
            window="2024-02",
            as_of=AT,
            metric="log_loss",
            own_code="",
            rows=10,
            losses={"c": 0.5},
            naive=0.7,
            not_measured={"d": "it is no longer in MLflow under its name"},
        ),
        challenger,
        Code(digest="c", file="shop.py", text="def money(labels, predictions): ..."),
        ModelArchived(version=1, digest="d", file="models/shop/1-d.tar", sha256="s", bytes=10),
        Family(family="f", template="shop", fdr=0.05, tests=(Tested(usecase="shop", decision="e", p_value=0.01),)),
        decision("e", challenger, 0),
        Approval(decision="e", by="Ada", reason="seen", as_of=AT),
        Endorsement(decision="e", role="risk", number=1, by="Ben", proof="token", reason="seen", at=AT, expires_at=AT),
        Refusal(decision="f", by="Ben", proof="token", reason="too soon", as_of=AT),
        Release(
            release_no=1,
            kind="first",
            serves=(Served(model=challenger.model, challenger="c", weight=1.0),),
            stage="full",
            as_of=AT,
            reason="better",
            decision="e",
            restores=None,
            reference=reference,
            snapshot="s",
            features_digest="f",
            declaration_digest="d",
        ),
        ReleasesFrozen(episode="level@1", as_of=AT, batch="b", detail="worse"),
        ReleasesResumed(episode="level@1", by="Ada", reason="repaired", as_of=AT),
        RollbackNotPossible(episode="level@1", as_of=AT, why="there is no previous champion"),
        BatchScored(
            batch="b",
            window="2024-02",
            release_no=1,
            serves=(Served(model=challenger.model, challenger="c", weight=1.0),),
            features_digest="f",
            rows=10,
            scored_at=AT,
            digest="d",
            same_again=True,
            table_version=0,
        ),
        SegmentCollected(
            segment="20240301T000000-0123456789ab",
            rows=10,
            first_at=AT,
            last_at=AT,
            releases=(1,),
            digest="d",
            table_version=0,
        ),
        StageLooked(
            release_no=2,
            number=1,
            decision="e",
            as_of=AT,
            elapsed_days=7,
            evidence="d",
            look=Look(verdict="wait", reason="No harm so far.", findings=()),
        ),
        Episode(episode="level@1", channel="level", opened_at=AT, batch="b", release_no=1, detail="worse"),
        EpisodeRose(episode="level@1", risen_at=AT, batch="b", severity="page", detail="much worse"),
        Calibration(release_no=1, as_of=AT, days=90, block=14, page_per_year=1, rates=()),
        EpisodeClosed(episode="level@1", closed_at=AT, batch="b", detail="as it was"),
        AlertQueued(
            subject="level@1",
            stage="opened",
            target="CHAT",
            form="message",
            severity="page",
            channel="level",
            since=AT,
            title="shop",
            text="worse",
        ),
        AlertDelivered(alert="level@1:opened:CHAT"),
        AlertFailed(alert="level@1:opened:CHAT", target="CHAT", attempt=1, at=AT, again_at=AT, why="down"),
        AliasMoved(number=1, at=AT, found=2, release_no=1),
        AliasPutBack(number=1, at=AT, restored=1),
        Cycle(batch="b", as_of=AT, decision="e", challenger="c", health=health, waits="", not_trained=""),
        RunFailed(number=1, window="2024-02", step="decide", code="failed", why="it is gone"),
        RunSucceeded(number=1),
        Erased(
            number=1,
            by="Ada",
            proof="stated",
            reason="asked to be forgotten",
            as_of=AT,
            landings=(LandingErased(was="a.csv", left="b.csv", rows=1),),
            rows=(RowsErased(table="accepted", batch="b", rows=1, of=10),),
            files={"validations": 1},
            models=(
                ModelErased(version=1, challenger="c", was="d", now="e", learned=True, keeps_rows=False, in_use=True),
            ),
        ),
    )
    return {KIND_OF[type(payload)]: payload for payload in made}
