"""What the ledger holds, in the field names of `--json`. Others build on them: they are added to, never renamed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from perennial.alerting.outbox import Undelivered, undelivered
from perennial.clock import day, instant, write_instant
from perennial.deciding.at_once import is_evaluated_at_once
from perennial.governance.anchored import anchored_at
from perennial.governance.tier import lacking
from perennial.ledger.entries import (
    BatchEntry,
    Candidate,
    ChallengerEntry,
    Cycle,
    Decision,
    EpisodeRose,
    Release,
    Snapshot,
)
from perennial.ledger.erased import erasures
from perennial.ledger.learned_erased import learned_erased
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import (
    approval_of,
    current_release,
    first_live,
    freezes,
    frozen_decision,
    held_batches,
    label_files,
    last_batch,
    made_live,
    open_question,
    refusal_of,
    standing_failure,
    time_of,
    undone_decision,
    waiting_challenger,
)
from perennial.processes.schedule import next_scheduled_run
from perennial.release.approvals import Standing, endorsements, standing
from perennial.release.planned_stages import ends_at
from perennial.release.stages import looks_of
from perennial.release.waited import waited, waited_in_words
from perennial.release.words import candidate_at, challenger_waits, trained_through
from perennial.settings import settings
from perennial.store.at_work import at_work_since
from perennial.usecase.declaration import Declaration
from perennial.usecase.reading import template_of
from perennial.watching.explained import is_of_former
from perennial.watching.health import open_with_severity
from perennial.watching.repaired import repaired


def batch_view(usecase: str, batch: BatchEntry) -> dict[str, Any]:
    """One batch."""
    whole = batch.model_dump(mode="json")
    first = ("batch", "window", "revision", "table_version", "rows", "quarantine", "status", "digest")
    rest = ("warnings", "held_because", "extra_columns", "arrived_at", "end", "landing", "declaration_digest")
    named = {name: whole[name] for name in (*first, *rest, "because", "waived")}
    return {"usecase": usecase, **named, "notes": list(batch.notes)}


def trained_on(ledger: Ledger, usecase: str) -> dict[str, list[int]]:
    """Which model versions learned from which batch, by the batch's id: a revision's are its own."""
    snapshots = {r.key: r.payload.batches for r in ledger.all(usecase, Snapshot)}
    versions: dict[str, list[int]] = {}
    for row in ledger.all(usecase, ChallengerEntry):
        for batch in snapshots[row.payload.snapshot]:
            versions.setdefault(batch, []).append(row.payload.model.version)
    return versions


def decision_view(ledger: Ledger, row: Row[Decision]) -> dict[str, Any]:
    """One decision, with the snapshot that its challenger was trained on and its place in the chain."""
    whole = row.payload.model_dump(mode="json")
    snapshot = ledger.get(row.payload.usecase, Snapshot, row.payload.snapshot)
    approval, refusal = approval_of(ledger, row.payload), refusal_of(ledger, row.payload)
    names = ("table", "version", "rows", "first", "last", "digest")
    trained_on = snapshot.payload.model_dump(mode="json") if snapshot else {}
    return {
        "id": whole["id"],
        "usecase": whole["usecase"],
        "batch": whole["batch"],
        "at": row.recorded_at,
        "as_of": whole["as_of"],
        "trigger": whole["trigger"],
        "champion": whole["champion"],
        "challenger": whole["challenger"],
        "snapshot": {name: trained_on.get(name) for name in names},
        "evaluation": _evaluation(whole["evaluation"]),
        **_results(whole),
        "live": whole.get("live"),
        "mixture": _mixture(whole.get("mixture")),
        "not_recalled": whole.get("not_recalled", []),
        "bias": _bias(whole.get("bias")),
        "family": whole.get("family"),
        **{name: whole[name] for name in ("declaration_digest", "features_digest", "code_version", "code", "policy")},
        "outcome": whole["outcome"],
        "reasons": whole["reasons"],
        "approvals": [approval.payload.model_dump(mode="json")] if approval else [],
        "refusal": refusal.payload.model_dump(mode="json") if refusal else None,
        "release_no": whole["release_no"],
        "position": row.position,
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    }


def _results(of: dict[str, Any]) -> dict[str, Any]:
    """Metrics, slices and flips without the sums they are computed from."""
    return {
        "metrics": [_without_sums(metric) for metric in of["metrics"]],
        "slices": [_without_errors(each) for each in of["slices"]],
        "flips": of["flips"],
    }


def _without_errors(of: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in of.items() if name not in ("own_se", "variance_ratio")}


def _bias(bias: dict[str, Any] | None) -> dict[str, Any] | None:
    """How groups are treated, with the measures that intervals were computed for."""
    if bias is None:
        return None
    columns = [
        {
            **column,
            "groups": [
                {**group, "measures": [_without_errors(each) for each in group["measures"]]}
                for group in column["groups"]
            ],
        }
        for column in bias["columns"]
    ]
    return {**bias, "columns": columns}


def _without_sums(metric: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in metric.items() if n not in ("sums", "sum_of_squares", "challenger_sums")}


def _mixture(mixture: dict[str, Any] | None) -> dict[str, Any] | None:
    if mixture is None:
        return None
    challenger, alone = _without_sums(mixture["challenger"]), mixture["alone"]
    mixture = {**mixture, "challenger": challenger, "recalled": mixture.get("recalled")}
    if alone is None:
        return mixture
    against = _without_sums(alone["against_mixture"])
    return {**mixture, "alone": {**_results(alone), "against_mixture": against, "is_live": alone["is_live"]}}


def _evaluation(whole: dict[str, Any]) -> dict[str, Any]:
    """Without what there is of each cluster. `weighted` is null where all rows weigh the same."""
    shown = {name: value for name, value in whole.items() if name not in ("cluster_names", "cluster_rows")}
    weighted = whole.get("weighted")
    return shown | {"weighted": weighted and {name: weighted[name] for name in ("by", "effective_rows")}}


def _waited(decisions: list[Decision], release: Release | None) -> dict[str, Any] | None:
    cost = waited(decisions, release)
    if cost is None:
        return None
    low, high = (cost.interval.ci_low, cost.interval.ci_high) if cost.interval else (None, None)
    numbers = {"decisions": cost.decisions, "rows": cost.rows, "gain": cost.gain, "ci_low": low, "ci_high": high}
    return {**numbers, "in_words": waited_in_words(decisions, release)}


def status_view(ledger: Ledger, declaration: Declaration, now: datetime) -> dict[str, Any]:
    """A use case at a glance. `age_days` and what is due follow its own clock."""
    usecase = declaration.name
    release, newest = current_release(ledger, usecase), ledger.newest(usecase)
    batches = [row.payload for row in ledger.all(usecase, BatchEntry)]
    rises = [row.payload for row in ledger.all(usecase, EpisodeRose)]
    last = last_batch(batches)
    decisions = ledger.all(usecase, Decision)
    question, approvers = open_question(ledger, usecase), declaration.governance.approvers
    stands = standing(endorsements(ledger, question), approvers, now) if question else Standing({}, (), ())
    champion = None
    releases = [row.payload for row in ledger.all(usecase, Release)]
    live, first = made_live(releases), first_live(releases)
    if release is not None and live is not None:
        age = (time_of(ledger, declaration, now) - instant(release.since)).total_seconds() / 86400
        champion = {
            "version": release.champion.model.version,
            "serves": [{"version": each.model.version, "weight": each.weight} for each in release.serves],
            "since": release.since,
            "age_days": age,
            "release_no": live.release_no,
            "kind": live.kind,
            "reason": live.reason,
            "by": live.by,
        }
    return {
        "usecase": usecase,
        "release_no": release.release_no if release else None,
        "champion": champion,
        "candidate": _candidate(ledger, usecase, release.candidate) if release and release.candidate else None,
        "challenger": _challenger(ledger, usecase),
        "last_batch": batch_view(usecase, last) if last else None,
        "held": [{"window": b.window, "because": list(b.held_because)} for b in held_batches(ledger, usecase)],
        "labels": None if declaration.labels is None else labels_view(ledger, declaration, now),
        "last_decision": _short(decisions[-1]) if decisions else None,
        "waited": _waited([row.payload for row in decisions], release),
        "open_question": question.id if question else None,
        "tier_lacks": lacking(ledger, declaration) if question else [],
        "endorsements": [each.model_dump(mode="json") for each in stands.given.values()],
        "missing_roles": list(stands.missing),
        "failed": failed.model_dump(mode="json", exclude={"number"})
        if (failed := standing_failure(ledger, usecase))
        else None,
        "frozen": [each.model_dump(mode="json") for each in freezes(ledger, usecase)],
        "held_by_freeze": held.id if (held := frozen_decision(ledger, usecase)) else None,
        "undelivered": [undelivered_view(each) for each in undelivered(ledger, usecase)],
        "open_episodes": [
            {
                **each.episode.model_dump(mode="json"),
                "severity": each.severity,
                "of_former_champion": is_of_former(each.episode.channel, each.episode.release_no, first),
                "repaired": list(repaired(each.episode, rises, batches)),
            }
            for each in open_with_severity(ledger, usecase)
        ],
        "next_run": next_scheduled_run(settings(), usecase),
        "reconcile": _reconcile(ledger, usecase),
        "head": newest.head if newest else None,
        "learned_erased": [asdict(each) for each in learned_erased(ledger, usecase)],
        "erasures": [each.model_dump(mode="json", include=_ERASURE) for each in erasures(ledger, usecase)],
        "anchors": [asdict(each) for each in anchored_at(settings(), usecase).values()],
    }


_ERASURE = {"number", "because", "by", "reason", "as_of", "then"}


def undelivered_view(each: Undelivered) -> dict[str, Any]:
    """A message that its target has not accepted yet."""
    return {
        **each.message.model_dump(mode="json"),
        "attempts": each.attempts,
        "again_at": each.failed.again_at if each.failed else None,
        "because": each.failed.why if each.failed else None,
    }


def labels_view(ledger: Ledger, declaration: Declaration, now: datetime) -> dict[str, Any]:
    """Label files of a use case: how many, their rows, what of them is held, and labels that match no row."""
    from perennial.store.keys import labels_without_row
    from perennial.store.known import known_at
    from perennial.store.workspace import Workspace

    usecase, files = declaration.name, label_files(ledger, declaration.name)
    # A second on: on a replay clock labels may have come since the moment it stands at.
    known = known_at(ledger, usecase, time_of(ledger, declaration, now) + timedelta(seconds=1))
    unmatched = labels_without_row(Workspace(settings()).tables, usecase, declaration.schema_, known)
    return {
        "files": len(files),
        "rows": sum(file.rows for file in files),
        "refused": sum(file.refused for file in files),
        "held": [{"file": f.file, "because": list(f.held_because)} for f in files if f.status == "held"],
        "without_row": unmatched.count if unmatched else 0,
        "first_without_row": list(map(str, unmatched.keys[0])) if unmatched else None,
    }


def _challenger(ledger: Ledger, usecase: str) -> dict[str, Any]:
    """The waiting challenger and why nothing was decided about it yet; without any, why none could be trained.

    One that is held for a person waits too.
    """
    waiting, cycles = waiting_challenger(ledger, usecase), ledger.all(usecase, Cycle)
    last = cycles[-1].payload if cycles else None
    if waiting is None and (question := open_question(ledger, usecase)) is not None:
        trained = trained_through(ledger, question)
        return {
            "version": question.challenger.version,
            "because": f"for a person, since {day(question.as_of)}{trained}",
        }
    if waiting is None:
        return {"version": None, "because": last.not_trained if last else ""}
    at_once = is_evaluated_at_once(ledger, usecase, waiting)
    return {"version": waiting.model.version, "because": challenger_waits(waiting, last, at_once=at_once)}


def _short(row: Row[Decision]) -> dict[str, Any]:
    taken = row.payload
    return {"id": taken.id, "batch": taken.batch, "outcome": taken.outcome, "reasons": list(taken.reasons)}


def _reconcile(ledger: Ledger, usecase: str) -> str:
    """What a crash left to do, as far as the ledger alone knows. `doctor` looks at the alias too.

    While a run is at work, what is not finished yet is not left: it is being done.
    """
    since = at_work_since(settings(), ledger, usecase)
    if since is not None:
        return f"running since {since:%Y-%m-%d %H:%M} UTC{_at(_unfinished(ledger, usecase))}"
    if undone_decision(ledger, usecase) is not None:
        return "a decided release was not carried out: run the same command again"
    unfinished = _unfinished(ledger, usecase)
    if unfinished is not None:
        template = template_of(usecase, settings().usecases)
        again = f"fleet run {template.name}" if template and template.fleet.releases else f"run {usecase}"
        return f"the cycle of batch {unfinished} is not finished: `perennial {again}`"
    return "nothing is left half done"


def _at(window: str | None) -> str:
    return "" if window is None else f", at the cycle of batch {window}"


def _unfinished(ledger: Ledger, usecase: str) -> str | None:
    """The window of the newest batch, if its cycle is not finished."""
    finished = {r.payload.batch for r in ledger.all(usecase, Cycle)}
    batches = [r.payload for r in ledger.all(usecase, BatchEntry)]
    if batches and batches[-1].status == "accepted" and batches[-1].batch not in finished:
        return batches[-1].window
    return None


def _candidate(ledger: Ledger, usecase: str, candidate: Candidate) -> dict[str, Any]:
    """The model in a stage, and the newest look at it."""
    release = current_release(ledger, usecase)
    looks = looks_of(ledger, usecase, release.release_no) if release else []
    newest = looks[-1].payload if looks else None
    return {
        "version": candidate.model.version,
        "serves": [{"version": each.model.version, "weight": each.weight} for each in candidate.serves],
        "decision": candidate.decision,
        "stage": candidate.stage.kind,
        "share": candidate.stage.share,
        "since": candidate.since,
        "until": write_instant(ends_at(candidate)),
        "in_words": candidate_at(candidate),
        "verdict": newest.look.verdict if newest else None,
        "reason": newest.look.reason if newest else None,
    }
