"""Point 2: the data, the model and the evaluation, with the identities that let anybody check them."""

from __future__ import annotations

from collections import Counter

from perennial.evaluation.figures import between, chance, change, counted, figure, percent, sample
from perennial.evaluation.words import flips_in_words
from perennial.governance.items import Item, Table, computed, stated, unknown
from perennial.governance.of_groups import representation
from perennial.governance.records import Records
from perennial.governance.subject import Member, Subject
from perennial.ledger.entries import BatchEntry

_NOT_RELEASED = "no model was released yet"
BATCHES = ("batch", "revision", "status", "arrived", "accepted", "set aside", "unlabelled", "content digest")
METRICS = ("metric", "role", "before", "this model", "gain", "95 % interval", "p, one-sided", "verdict")
SLICES = ("column", "value", "rows", "before", "this model", "gain", "95 % interval", "verdict")


def development(records: Records) -> tuple[Item, ...]:
    """Every item of the point."""
    subject = records.subject
    stands = records.declaration.governance
    data = (
        stated("Origin of the data", "data", stands.data),
        computed("Source", _source(records)),
        _batches(records),
        _quality(records),
        *representation(records),
    )
    if subject is None:
        missing = [unknown(name, _NOT_RELEASED) for name in ("Training data", "Model", "Evaluation")]
        return (*data, *missing, stated("Human oversight", "oversight", stands.oversight))
    members = [item for each in subject.members for item in (*_training(each), *_model(each))]
    return (*data, *members, _environment(subject), *_evaluation(subject))


def _source(records: Records) -> str:
    source = records.declaration.source
    return f"kind {source.kind}, one batch per {getattr(source, 'batch', 'file')}"


def _batches(records: Records) -> Item:
    if not records.batches:
        return unknown("Batches", "no batch was ingested yet")
    return computed("Batches", table=Table(BATCHES, tuple(_batch(each) for each in records.batches)))


def _batch(batch: BatchEntry) -> tuple[str, ...]:
    rows = (batch.rows.arrived, batch.rows.accepted, batch.rows.quarantined, batch.rows.unlabelled)
    return (
        batch.window,
        str(batch.revision),
        batch.status,
        *(f"{each:,}" for each in rows),
        batch.digest,
    )


def _quality(records: Records) -> Item:
    """The rows that were set aside for each reason, over all batches and label files."""
    reasons: Counter[str] = Counter()
    set_aside = [each for batch in records.batches for each in batch.quarantine]
    set_aside += [each for file in records.labels for each in file.quarantine]
    for each in set_aside:
        reasons[each.reason] += each.rows
    if not records.batches:
        return unknown("What was set aside", "no batch was ingested yet")
    if not reasons:
        return computed("What was set aside", f"no row of {counted(len(records.batches), 'batch', 'batches')}")
    rows = tuple((reason, f"{count:,}") for reason, count in reasons.most_common())
    return computed(
        "What was set aside",
        "A row may have several reasons.",
        table=Table(("failed check", "rows"), rows),
    )


def _training(member: Member) -> tuple[Item, ...]:
    snapshot = member.snapshot
    windows = ", ".join(batch.window for batch in member.batches)
    left_out = f", without events from {snapshot.until} on, which evaluated it" if snapshot.until else ""
    sampled = f", {snapshot.sampled.in_words}" if snapshot.sampled else ""
    return (
        computed(
            f"Training data of version {member.served.model.version}",
            f"{snapshot.rows_in_words} of events from {snapshot.first} to {snapshot.last}{sampled}{left_out}, "
            f"as known at {snapshot.as_of}",
            f"snapshot {snapshot.snapshot} of table version {snapshot.version}, digest {snapshot.digest}",
            f"batches {windows}",
        ),
    )


def _model(member: Member) -> tuple[Item, ...]:
    challenger, declaration, version = member.challenger, member.trained_under, member.served.model.version
    model = declaration.model.racing.get(challenger.rival, declaration.model)
    features = declaration.features
    parameters = ", ".join(f"{name} {value}" for name, value in model.params.items()) or "defaults"
    raced = f"; chosen by a race as {challenger.rival}" if challenger.rival else ""
    searched = "; its parameters are searched on time-ordered folds" if model.search else ""
    in_parts = f"; {model.parts.in_words}" if model.parts else ""
    kinds = (
        ("numeric", features.numeric),
        ("categorical", features.categorical),
        ("derived", features.derived),
        ("known only after the event, so never used", features.never),
    )
    return (
        computed(
            f"Model version {version}",
            f"{model.estimator}, parameters: {parameters}{raced}{searched}{in_parts}",
            f"weight in the predictions {percent(member.served.weight)}",
            f"digest of its bytes {challenger.model.digest}, MLflow run {challenger.model.run_id}",
            f"signature of its files: {member.signature}",
            f"trained at {challenger.as_of} because of {challenger.trigger.kind.replace('_', ' ')}, with Perennial "
            f"{challenger.code_version}",
        ),
        computed(
            f"Features of version {version}",
            *(f"{kind}: {', '.join(names)}" for kind, names in kinds if names),
            *(f"code of {file}: {digest}" for file, digest in declaration.code.items()),
        ),
    )


def _environment(subject: Subject) -> Item:
    libraries = ", ".join(f"{name} {version}" for name, version in subject.decision.payload.libraries.items())
    return computed("Environment of the evaluation", libraries)


def _evaluation(subject: Subject) -> tuple[Item, ...]:
    decided = subject.decision.payload
    evaluation = decided.evaluation
    slices = tuple(
        (
            each.column,
            each.value,
            f"{each.rows:,}",
            figure(each.champion),
            figure(each.challenger),
            change(each.gain),
            between(each.ci_low, each.ci_high),
            each.verdict.replace("_", " "),
        )
        for each in subject.slices
    )
    metrics = tuple(
        (
            each.name,
            each.role,
            figure(each.champion),
            figure(each.challenger),
            change(each.gain),
            between(each.ci_low, each.ci_high),
            chance(each.p_value),
            each.verdict.replace("_", " "),
        )
        for each in subject.metrics
    )
    return (
        computed(
            "Evaluation",
            f"{sample(evaluation.rows, evaluation.clusters, evaluation.cluster_by)} from {evaluation.first} to "
            f"{evaluation.last}, which the model had not learned from; compared with "
            f"{decided.champions or 'the naive baseline'}",
            f"outcome: {decided.outcome}. {' '.join(decided.reasons)}",
            table=Table(METRICS, metrics),
        ),
        computed("Evaluation by slice", table=Table(SLICES, slices))
        if slices
        else unknown("Evaluation by slice", "no slices are declared", required=False),
        computed("Changed predictions", flips_in_words(subject.flips)),
    )
