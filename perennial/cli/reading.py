"""Commands that only read: `check`, `status`, `batches`, `decisions`, `decision`, `page`."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.json_views import batch_view, decision_view, status_view, trained_on
from perennial.cli.output import as_json, markdown, say, table
from perennial.errors import InputError
from perennial.evaluation.figures import between, change, counted, figure, percent, ranges
from perennial.ledger.allowed_edits import refuse_edits
from perennial.ledger.entries import Approval, BatchEntry, Decision
from perennial.ledger.ledger import Ledger, Row
from perennial.ledger.present import label_files
from perennial.release.words import approval_in_words, decision_in_words, labels_in_words
from perennial.settings import readable_home, settings
from perennial.usecase.declaration import UseCase
from perennial.usecase.mistakes import DeclarationError
from perennial.usecase.reading import document_of, list_use_cases, load_use_case


def open_ledger() -> Ledger:
    """The ledger alone, without the libraries that tables and registry need."""
    where = settings()
    readable_home(where)
    return Ledger(where.database_url)


def check(usecase: str, json: bool, *, run: bool = True) -> None:
    """Raises DeclarationError with every mistake, InputError for an edit that its history forbids.

    run: whether the source is looked at, and the team's code run.
    """
    case, ledger = load_use_case(usecase, settings().usecases), open_ledger()
    said, edited = case.declaration, refuse_edits(ledger, case.declaration)
    tried = _try(case, ledger) if run else Tried(0, "", "--no-run")
    if json:
        found = {"usecase": case.name, "file": str(case.path), "digest": said.digest, "mistakes": []}
        as_json({**found, "edits": [asdict(edit) for edit in edited], "tried": asdict(tried)})
        return
    features = said.features
    say(
        f"{case.path}: good. {len(features.numeric)} numeric, {len(features.categorical)} categorical and "
        f"{len(features.derived)} derived features, {counted(len(said.checks), 'check', 'checks')} of its own, "
        f"{said.primary} decides under policy {said.release.policy}."
    )
    if run:
        on = f"{counted(tried.rows, 'row', 'rows')} of batch {tried.batch}"
        say(f"Features and model run on {on}." if tried.rows else f"Nothing was run on rows: {tried.why_not}.")
    if edited:
        say("Since the newest batch these fields were edited; the next run records it:")
        table(("field", "was", "is", "restarts"), [(e.field, _short(e.old), _short(e.new), e.restarts) for e in edited])


@dataclass(frozen=True)
class Tried:
    """On how many rows of which batch the declaration was tried; `why_not`, where on none."""

    rows: int
    batch: str
    why_not: str


def _try(case: UseCase, ledger: Ledger) -> Tried:
    """Raises DeclarationError with every mistake that shows in a look at the source and a trial on some of its rows."""
    from perennial.intake.looking import look, source_mistakes
    from perennial.sources import open_source
    from perennial.training.trial import rows_tried, try_out

    schema = case.declaration.schema_
    source = open_source(case.declaration.source, folder=case.folder, schema_time=schema.time, timezone=schema.timezone)
    looked = look(case, source, {row.payload.window for row in ledger.all(case.name, BatchEntry)})
    document = document_of(case)
    mistakes = [*source_mistakes(case, document, looked), *try_out(case, document, looked.batch)]
    if mistakes:
        raise DeclarationError(mistakes)
    rows = rows_tried(looked.batch)
    why_not = looked.unknown or ("the newest batch lacks columns" if looked.missing else "the source has no batch yet")
    return Tried(rows, looked.window if rows else "", "" if rows else why_not)


def _short(value: object) -> str:
    """A value for a table: a digest by its beginning."""
    text = str(value)
    return text[:12] if re.fullmatch(r"[0-9a-f]{64}", text) else text


def status(usecase: str | None, json: bool) -> None:
    """One use case, or all that are declared."""
    folder = settings().usecases
    ledger = open_ledger()
    names = [usecase] if usecase else list_use_cases(folder)
    views = [status_view(ledger, load_use_case(name, folder).declaration, machine_clock.now()) for name in names]
    if json:
        as_json(views[0] if usecase else views)
        return
    for view in views:
        _tell_status(view)


def _tell_status(view: dict[str, Any]) -> None:
    champion, batch, decided = view["champion"], view["last_batch"], view["last_decision"]
    rows = [("use case", view["usecase"])]
    if champion:
        age = "" if champion["age_days"] is None else f", {champion['age_days']:.0f} days"
        rows.append(
            (
                "champion",
                f"version {champion['version']}{_refit(champion['serves'])} since {champion['since']}{age} "
                f"(release {champion['release_no']})",
            )
        )
        rows.append(("because", champion["reason"]))
    else:
        rows.append(("champion", "none yet"))
    rows.append(("challenger", _challenger(view["challenger"])))
    rows.append(
        (
            "last batch",
            f"{batch['window']}, {batch['status']}, {batch['rows']['arrived']:,} rows" if batch else "none yet",
        )
    )
    rows += [("", f"warning: {warning}") for warning in (batch["warnings"] if batch else ())]
    rows += [("held", f"batch {held['window']}: {'; '.join(held['because'])}") for held in view["held"]]
    rows += _label_rows(view["labels"]) if view["labels"] else []
    rows.append(
        (
            "last decision",
            f"{decided['outcome']} on batch {decided['batch']} ({decided['id']})" if decided else "none yet",
        )
    )
    if view["open_question"]:
        rows.append(("waits for a person", f"perennial approve {view['open_question']} --by NAME --reason TEXT"))
    rows.append(("open episodes", "; ".join(e["detail"] for e in view["open_episodes"]) or "none"))
    rows.append(("next scheduled run", view["next_run"] or "none: nothing is deployed on a schedule"))
    rows.append(("state", view["reconcile"]))
    rows.append(("ledger head", _short_head(view["head"])))
    table(("", ""), rows)


def _short_head(head: str | None) -> str:
    """The head with sixteen digits of its hash: enough to keep elsewhere, and to compare with later."""
    position, _, hash = (head or "").partition(":")
    return f"{position}:{hash[:16]}…" if head else "none yet"


def _challenger(view: dict[str, Any]) -> str:
    if view["version"] is not None:
        return f"version {view['version']} waits: {view['because']}"
    return f"no challenger yet: {view['because']}" if view["because"] else "none"


def _label_rows(view: dict[str, Any]) -> list[tuple[str, str]]:
    files = counted(view["files"], "file", "files")
    rows = [("label files", f"{files}, {view['rows']:,} labels, {view['refused']:,} set aside")]
    if view["without_row"]:
        rows.append(("", labels_in_words(view["without_row"], view["first_without_row"])))
    return rows + [("held", f"label file {held['file']}: {'; '.join(held['because'])}") for held in view["held"]]


def _refit(serves: list[dict[str, Any]]) -> str:
    return "".join(f" beside version {each['version']} ({percent(each['weight'])})" for each in serves[1:])


def batches(usecase: str, json: bool) -> None:
    """Every batch, in the order of arrival."""
    load_use_case(usecase, settings().usecases)
    ledger = open_ledger()
    found = [r.payload for r in ledger.all(usecase, BatchEntry)]
    versions = trained_on(ledger, usecase)
    if json:
        as_json([{**batch_view(usecase, batch), "trained": versions.get(batch.batch, [])} for batch in found])
        return
    newest = {batch.window: batch.revision for batch in found if batch.status == "accepted"}
    rows = [
        (
            batch.window,
            str(batch.revision),
            batch.because,
            "replaced" if batch.revision < newest.get(batch.window, 0) else batch.status,
            f"{batch.rows.arrived:,}",
            f"{batch.rows.accepted:,}",
            f"{batch.rows.quarantined:,}",
            f"{batch.rows.unlabelled:,}",
            ranges(versions.get(batch.batch, [])),
            "; ".join(
                [
                    *(f"{r.reason} ({r.rows:,})" for r in batch.quarantine),
                    *batch.held_because,
                    *(f"warning: {warning}" for warning in batch.warnings),
                ]
            ),
        )
        for batch in found
    ]
    numbers = ("revision", "arrived", "accepted", "set aside", "unlabelled")
    heading = ("batch", "revision", "because", "status", *numbers[1:], "models trained on it", "failed checks (rows)")
    table(heading, rows, right=numbers)
    files = label_files(ledger, usecase)
    if files:
        say()
        of_labels = [
            (
                file.file,
                file.status,
                f"{file.rows:,}",
                f"{file.refused:,}",
                "; ".join([*(f"{r.reason} ({r.rows:,})" for r in file.quarantine), *file.held_because]),
            )
            for file in files
        ]
        columns = ("label file", "status", "labels", "set aside", "failed checks (rows)")
        table(columns, of_labels, right=("labels", "set aside"))


def page(usecase: str, out: Path | None, json: bool) -> None:
    """The page as a file. Raises InputError where it cannot be written."""
    from data_checks.docs import pages_of
    from perennial.page.publish import publish

    where = settings()
    case = load_use_case(usecase, where.usecases)
    path = (out or where.pages / f"{usecase}.html").expanduser().resolve()
    try:
        publish(path, open_ledger(), case.declaration, pages_of(where.docs, usecase))
    except OSError as error:
        told = f"--out: {path} cannot be written: {error.strerror}"
        raise InputError(f"{told}\n  Name a file in a folder that you may write.") from error
    if json:
        as_json({"usecase": usecase, "path": str(path)})
        return
    say(f"{usecase}: the page is {path}")


def decisions(usecase: str, json: bool) -> None:
    """Every decision, in the order in which they were taken."""
    load_use_case(usecase, settings().usecases)
    ledger = open_ledger()
    found = ledger.all(usecase, Decision)
    if json:
        as_json([decision_view(ledger, row) for row in found])
        return
    rows = []
    for row in found:
        said, primary = row.payload, row.payload.metrics[0]
        rows.append(
            (
                said.id,
                said.batch,
                f"{said.champion.version}" if said.champion else "naive",
                str(said.challenger.version),
                f"{primary.name} {figure(primary.champion)} → {figure(primary.challenger)}",
                change(primary.gain),
                between(primary.ci_low, primary.ci_high),
                f"{said.evaluation.rows:,}",
                str(said.evaluation.clusters),
                said.outcome,
            )
        )
    columns = ("id", "batch", "champion", "challenger", "loss", "gain", "95 % interval", "rows", "clusters", "outcome")
    table(columns, rows, right=("champion", "challenger", "rows", "clusters"))


def decision(id: str, json: bool) -> None:
    """Raises InputError for an id that names no decision, or more than one."""
    ledger = open_ledger()
    found = find_decision(ledger, id)
    said = found.payload
    examples = _newly_wrong(said) if said.flips and said.flips.negative and said.flips.negative.share else []
    if json:
        as_json({**decision_view(ledger, found), "newly_wrong": examples})
        return
    markdown(decision_in_words(said))
    approval = ledger.get(said.usecase, Approval, said.id)
    if approval is not None:
        say(approval_in_words(approval.payload))
    say(f"Row {found.position} of the ledger: {found.position}:{found.hash}")
    if examples:
        say(f"Newly wrong, those that moved furthest first ({len(examples)} of them):")
        table(list(examples[0]), [tuple(str(value) for value in each.values()) for each in examples])


def _newly_wrong(said: Decision) -> list[dict[str, str]]:
    from perennial.store.newly_wrong import newly_wrong_of
    from perennial.store.workspace import reading_workspace

    return newly_wrong_of(reading_workspace(settings()).tables, said.usecase, said.id)


def find_decision(ledger: Ledger, id: str) -> Row[Decision]:
    """The decision of any use case whose id begins so. Raises InputError for none, or more than one."""
    if not re.fullmatch(r"[0-9a-f]{4,}", id):
        raise InputError(
            f"ID: {id!r} is not an id: give at least its first four digits, of 0 to 9 and a to f; "
            "`perennial decisions USECASE` lists them"
        )
    found = ledger.starting(Decision, id)
    if len(found) != 1:
        what = "no decision" if not found else f"{len(found)} decisions"
        raise InputError(f"ID: {what} with an id that begins with {id!r}; `perennial decisions USECASE` lists them")
    return found[0]
