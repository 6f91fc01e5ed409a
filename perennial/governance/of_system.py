"""Points 1, 3 and 4: what the system is for, how it is controlled, and why its metrics are appropriate."""

from __future__ import annotations

from perennial.clock import write_duration
from perennial.evaluation.figures import counted, percent
from perennial.governance.items import Item, Table, computed, stated, unknown
from perennial.governance.of_groups import treatment
from perennial.governance.records import Records
from perennial.ledger.entries import Release
from perennial.ledger.present import made_live
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_evaluation import Guard

_NOT_RELEASED = "no model was released yet"


def general(records: Records) -> tuple[Item, ...]:
    """Point 1."""
    stands, live = records.declaration.governance, made_live(records.releases)
    version = computed("Live now", _live(live)) if live else unknown("Live now", _NOT_RELEASED)
    return (
        stated("Intended purpose", "purpose", stands.purpose),
        stated("Question that the model answers", "description", records.declaration.description),
        stated("Risk tier", "risk", stands.risk or "", required=False),
        stated("Provider", "provider", stands.provider),
        stated("Owner", "owner", stands.owner),
        stated("Persons affected", "persons_affected", stands.persons_affected),
        version,
        *((_subject(records),) if records.subject else ()),
        stated("Instructions for use", "instructions", stands.instructions),
    )


def _live(release: Release) -> str:
    return f"{release.versions}, since {release.since}, release {release.release_no}"


def _subject(records: Records) -> Item:
    subject = records.subject
    assert subject is not None
    row = subject.decision
    about = f"release {subject.release.release_no}: {subject.versions}" if subject.release else subject.versions
    return computed(
        "This dossier is about",
        f"{about}, evaluated by decision {row.key} of {row.payload.as_of} (ledger row {row.position}, hash {row.hash})",
    )


def control(records: Records) -> tuple[Item, ...]:
    """Point 3."""
    stands, declaration = records.declaration.governance, records.declaration
    return (
        *_unseen(records),
        *treatment(records),
        stated("Known limits", "limits", stands.limits),
        stated("Human oversight", "oversight", stands.oversight),
        computed("How a person intervenes", *_interventions(declaration)),
    )


def _unseen(records: Records) -> tuple[Item, ...]:
    """What the evaluation could not show, so that nobody takes it for shown."""
    subject = records.subject
    if subject is None:
        return (unknown("Performance for groups", _NOT_RELEASED),)
    if not subject.slices:
        return (unknown("Performance for groups", "no slices are declared", required=False),)
    unchecked = [each for each in subject.slices if each.verdict == "not_decidable"]
    worse = [each for each in subject.slices if each.verdict == "worse"]
    checked = len(subject.slices) - len(unchecked)
    proven = f"{len(worse)} {'is' if len(worse) == 1 else 'are'} proven worse" if worse else "none is proven worse"
    words = f"{checked} of {counted(len(subject.slices), 'slice', 'slices')} could be checked, {proven}"
    rows = tuple((each.column, each.value, f"{each.rows:,}", each.note or "too few rows or days") for each in unchecked)
    return (
        computed("Performance for groups", words),
        computed("Groups that could not be checked", table=Table(("column", "value", "rows", "why"), rows))
        if rows
        else computed("Groups that could not be checked", "none"),
    )


def _interventions(declaration: Declaration) -> list[str]:
    respond = declaration.watch.respond
    automatic = [
        f"on a {severity}: {' and '.join(each.replace('_', ' ') for each in respond.to(severity))}"
        for severity in ("warning", "page")
        if respond.to(severity)
    ]
    held = "a person approves each release" if declaration.release.policy == "hold" else "releases need no approval"
    return [
        "A person can bring the former model back at any time.",
        f"Under policy {declaration.release.policy}, {held}.",
        f"Automatically {'; '.join(automatic)}." if automatic else "Nothing is rolled back or frozen automatically.",
    ]


def metrics(records: Records) -> tuple[Item, ...]:
    """Point 4."""
    declaration = records.declaration
    evaluation, rules = declaration.evaluation, declaration.release
    guards = [f"{name}: {_bound(guard)}" for name, guard in evaluation.guards.items()]
    harm = (
        f"no value of {', '.join(evaluation.slices)} may be proven worse; harm to detect: "
        f"{percent(evaluation.slice_harm)} of its loss"
    )
    return (
        stated("Why these metrics are appropriate", "metrics", declaration.governance.metrics),
        computed("Metric that decides", f"{declaration.primary}, with rows clustered by {evaluation.cluster_name}"),
        computed("Guards", *(guards or ["none are declared"])),
        computed("Slices", harm if evaluation.slices else "none are declared"),
        computed(
            "Policy",
            f"{rules.policy}; a release by age after {write_duration(rules.refresh_after)}"
            if rules.policy == "balanced"
            else rules.policy,
        ),
    )


def _bound(guard: Guard) -> str:
    if guard.margin is not None:
        return f"at most {guard.margin} worse"
    return f"at least {guard.at_least}" if guard.at_least is not None else f"at most {guard.at_most}"
