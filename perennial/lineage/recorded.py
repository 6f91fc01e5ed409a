"""The lineage that the ledger records: batches, snapshots, models, decisions, releases and their predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from perennial.clock import day, instant
from perennial.evaluation.figures import enumerated
from perennial.ledger.entries import (
    BatchEntry,
    BatchScored,
    ChallengerEntry,
    Decision,
    Erased,
    LabelBatchEntry,
    Release,
    SegmentCollected,
    Served,
    Snapshot,
)
from perennial.ledger.erased import erased_rows
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import made_live
from perennial.lineage.graph import Edge, Graph, Node, Ref
from perennial.store.known import known_at


def recorded_lineage(ledger: Ledger, usecase: str) -> Graph:
    """The graph of a use case. It reads the ledger alone, so its cost does not depend on the number of rows."""
    growing = _Growing(ledger, usecase)
    growing.batches()
    growing.labels()
    growing.trainings()
    growing.decisions()
    growing.releases()
    growing.predictions()
    for edge in growing.edges:
        for ref in (edge.source, edge.target):
            growing.nodes.setdefault(ref, Node(ref, "not in the ledger"))
    return Graph(growing.nodes, tuple(growing.edges))


def batch_ref(batch: BatchEntry) -> Ref:
    """A batch's name: window and revision."""
    return Ref("batch", batch.key)


def model_ref(served: Served) -> Ref:
    """A model's name: its version."""
    return Ref("model", str(served.model.version))


def arm_ref(release_no: int, *, candidate: bool = False) -> Ref:
    """What answers in a release: its live models, or its candidate."""
    return Ref("release", f"{release_no}/candidate" if candidate else str(release_no))


def overlapping(batches: Sequence[BatchEntry], first: str, last: str) -> Iterator[BatchEntry]:
    """The batches that can have events from `first` to `last`, both included."""
    for batch in batches:
        begins_later = batch.start is not None and instant(batch.start) > instant(last)
        if not begins_later and instant(batch.end) > instant(first):
            yield batch


@dataclass
class _Growing:
    ledger: Ledger
    usecase: str
    nodes: dict[Ref, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def batches(self) -> None:
        entries = [row.payload for row in self.ledger.all(self.usecase, BatchEntry)]
        newest = {batch.window: batch.batch for batch in entries}
        erased = erased_rows(self.ledger, self.usecase, "accepted")
        for batch in entries:
            ref = batch_ref(batch)
            rows, window = batch.rows, (batch.window,) if newest[batch.window] == batch.batch else ()
            aside = f", {rows.quarantined:,} set aside" if rows.quarantined else ""
            held = "held" if batch.status == "held" else f"{rows.accepted:,} rows accepted"
            gone = f", {erased[batch.batch]:,} of them erased since" if batch.batch in erased else ""
            self._landing(batch.landing, ref)
            facts = batch.model_dump(mode="json", include=_BATCH) | {"rows": rows.model_dump()}
            self.nodes[ref] = Node(ref, held + gone + aside, facts, (batch.batch, *window), rows.accepted)

    def labels(self) -> None:
        for row in self.ledger.all(self.usecase, LabelBatchEntry):
            entry = row.payload
            ref = Ref("labels", entry.batch)
            self._landing(entry.landing, ref)
            held = "held" if entry.status == "held" else f"{entry.rows:,} labels"
            facts = entry.model_dump(mode="json", include=_LABELS)
            self.nodes[ref] = Node(ref, f"{held} of {entry.file}", facts, (entry.file,), entry.rows)

    def trainings(self) -> None:
        batches = {row.payload.batch: row.payload for row in self.ledger.all(self.usecase, BatchEntry)}
        for row in self.ledger.all(self.usecase, Snapshot):
            snapshot, ref = row.payload, Ref("snapshot", row.key)
            for batch in overlapping([batches[each] for each in snapshot.batches], snapshot.first, snapshot.last):
                self._edge(batch_ref(batch), ref, "rows of")
            for labels in snapshot.label_batches:
                self._edge(Ref("labels", labels), ref, "labels of")
            rows = snapshot.rows_in_words.replace(" labelled", "")  # so that a line is not longer than 80 characters
            text = f"{rows}, {day(snapshot.first)} to {day(snapshot.last)}"
            facts = snapshot.model_dump(mode="json", exclude={"batches", "label_batches"})
            self.nodes[ref] = Node(ref, text, facts, (), snapshot.rows)
        for each in self.ledger.all(self.usecase, ChallengerEntry):
            self._training(each.payload)

    def _training(self, challenger: ChallengerEntry) -> None:
        features, run = Ref("features", challenger.features_digest), Ref("run", challenger.model.run_id)
        model = Ref("model", str(challenger.model.version))
        self.nodes.setdefault(features, Node(features, "code and parameters of the features"))
        rival = f", {challenger.rival} of a race" if challenger.rival else ""
        facts = challenger.model_dump(mode="json", include={"as_of", "trigger", "seconds", "code_version", "rival"})
        self.nodes[run] = Node(run, f"MLflow, as of {day(challenger.as_of)}{rival}", facts)
        facts = {
            "challenger": challenger.challenger,
            "digest": challenger.model.digest,
            "declaration_digest": challenger.declaration_digest,
        }
        self.nodes[model] = Node(model, f"challenger {challenger.challenger}", facts, (challenger.challenger,))
        self._edge(Ref("snapshot", challenger.snapshot), run, "trained")
        self._edge(features, run, "computed the features of")
        self._edge(run, model, "made")

    def decisions(self) -> None:
        for row in self.ledger.all(self.usecase, Decision):
            decision, ref = row.payload, Ref("decision", row.key)
            text = f"{decision.outcome} on {decision.batch}"
            facts = {
                "batch": decision.batch,
                "as_of": decision.as_of,
                "outcome": decision.outcome,
                "policy": decision.policy.name,
                "rows": decision.evaluation.rows,
                "evaluation_digest": decision.evaluation.digest,
            }
            self.nodes[ref] = Node(ref, text, facts, (), decision.evaluation.rows)
            self._edge(Ref("model", str(decision.challenger.version)), ref, "evaluated in")
            released = {each.model.version for each in (*decision.releases, *(_members(decision)))}
            for version in sorted(released - {decision.challenger.version}):
                self._edge(Ref("model", str(version)), ref, "member of the mixture in")
            champions = [each.model.version for each in decision.live or ()]
            if decision.champion is not None and decision.live is None:
                champions = [decision.champion.version]
            for version in sorted(set(champions) - released - {decision.challenger.version}):
                self._edge(Ref("model", str(version)), ref, "champion in", passes=False)
            for batch in self._evaluated(decision):
                self._edge(batch_ref(batch), ref, "rows evaluated in")

    def _evaluated(self, decision: Decision) -> list[BatchEntry]:
        known = known_at(self.ledger, self.usecase, instant(decision.as_of)).batches
        return list(overlapping(known, decision.evaluation.first, decision.evaluation.last))

    def releases(self) -> None:
        releases = [row.payload for row in self.ledger.all(self.usecase, Release)]
        for release in sorted(releases, key=lambda each: each.release_no):
            ref = arm_ref(release.release_no)
            weights = [{"version": each.model.version, "weight": each.weight} for each in release.serves]
            facts = release.model_dump(mode="json", include=_RELEASE) | {"models": weights}
            self.nodes[ref] = Node(ref, f"{_versions(release.serves)}, {release.kind}, {day(release.as_of)}", facts)
            for served in release.serves:
                self._edge(model_ref(served), ref, "live in")
            if release.restores is not None:
                self._edge(arm_ref(release.restores), ref, "restored by")
            if release.leaves_models:
                before = made_live(each for each in releases if each.release_no < release.release_no)
                if before is not None:
                    self._edge(arm_ref(before.release_no), ref, "still live in")
            elif release.decision is not None:
                self._edge(Ref("decision", release.decision), ref, "made live by")
            self._candidate(release)

    def _candidate(self, release: Release) -> None:
        candidate = release.candidate
        if candidate is None:
            return
        ref, stage = arm_ref(release.release_no, candidate=True), candidate.stage
        text = f"{candidate.versions}, {stage.kind}"
        self.nodes[ref] = Node(ref, text, {"stage": stage.kind, "share": stage.share, "decision": candidate.decision})
        self._edge(Ref("decision", candidate.decision), ref, "begun by")
        for served in candidate.serves:
            self._edge(model_ref(served), ref, "candidate in")

    def predictions(self) -> None:
        batches = {row.payload.batch: row.payload for row in self.ledger.all(self.usecase, BatchEntry)}
        for row in self.ledger.all(self.usecase, BatchScored):
            scored, ref = row.payload, Ref("predictions", row.key)
            text = f"{scored.rows:,} rows of {scored.window}"
            facts = scored.model_dump(mode="json", include={"window", "rows", "scored_at", "digest", "failed"})
            text = text if scored.failed is None else f"none: {scored.failed}"
            self.nodes[ref] = Node(ref, text, facts, (), scored.rows)
            self._edge(batch_ref(batches[scored.batch]), ref, "scored in")
            self._edge(arm_ref(scored.release_no, candidate=scored.of is not None), ref, "predicted")
        for collected in self.ledger.all(self.usecase, SegmentCollected):
            segment, ref = collected.payload, Ref("predictions", collected.key)
            text = f"{segment.rows:,} answers, {day(segment.first_at)} to {day(segment.last_at)}"
            facts = segment.model_dump(mode="json", include={"rows", "first_at", "last_at", "digest"})
            self.nodes[ref] = Node(ref, text, facts, (), segment.rows)
            for number in segment.releases:
                self._edge(arm_ref(number), ref, "answered")
                if arm_ref(number, candidate=True) in self.nodes:
                    self._edge(arm_ref(number, candidate=True), ref, "answered")

    def _landing(self, landing: str, becomes: Ref) -> None:
        ref = Ref("landing", landing)
        erased = self.erased.get(landing)
        facts = {"sha256": landing.partition(".")[0], "left_after_erasures": erased}
        left = "" if erased is None else ", rows erased since" if erased else ", erased since"
        self.nodes.setdefault(ref, Node(ref, f"bytes as they arrived{left}", facts))
        self._edge(ref, becomes, "became")

    @cached_property
    def erased(self) -> dict[str, str]:
        """Landing → the name of what erasures left of it, empty where that is nothing."""
        replaced = {e.was: e.left for row in self.ledger.all(self.usecase, Erased) for e in row.payload.landings}
        for landing, left in replaced.items():
            while left in replaced:
                left = replaced[left]
            replaced[landing] = left
        return replaced

    def _edge(self, source: Ref, target: Ref, how: str, *, passes: bool = True) -> None:
        self.edges.append(Edge(source, target, how, passes))


_BATCH = {
    *("batch", "window", "revision", "landing", "digest", "start", "end", "arrived_at", "status", "because"),
    *("table_version", "declaration_digest"),
}
_LABELS = {"file", "landing", "rows", "refused", "status", "arrived_at"}
_RELEASE = {"kind", "stage", "as_of", "reason", "decision", "restores"}


def _versions(serves: Sequence[Served]) -> str:
    """Without the weights, which the facts have."""
    numbers = [str(each.model.version) for each in serves]
    return f"version {numbers[0]}" if len(numbers) == 1 else f"versions {enumerated(numbers)}"


def _members(decision: Decision) -> tuple[Served, ...]:
    return decision.mixture.members if decision.mixture is not None else ()
