"""Commands that only read: `status`, `batches`, `page`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perennial.cli import machine_clock
from perennial.cli.declared import known_declaration, named_or_all, require_known
from perennial.cli.json_views import batch_view, status_view, trained_on
from perennial.cli.left_undone import to_go_on
from perennial.cli.output import as_json, flowing, say
from perennial.cli.tables import Column, pairs, table
from perennial.clock import day
from perennial.errors import InputError
from perennial.evaluation.figures import counted, enumerated, percent, ranges
from perennial.evaluation.reason import meanings
from perennial.governance.anchored import Anchored, anchored_in_words
from perennial.ledger.entries import BatchEntry, LabelBatchEntry, RunFailed
from perennial.ledger.learned_erased import LearnedErased
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import label_files
from perennial.release.words import labels_in_words, release_reason
from perennial.settings import readable_home, settings
from perennial.usecase.reading import list_use_cases, load_use_case

OF_BATCHES = (
    Column("batch"),
    Column("revision", right=True, gives_way=3),
    Column("because", gives_way=4),
    Column("status"),
    Column("arrived", right=True),
    Column("accepted", right=True, gives_way=1),
    Column("set aside", right=True),
    Column("unlabelled", right=True, gives_way=2),
    Column("models trained on it", gives_way=4),
    Column("failed checks (rows)", text=True),
)
OF_LABEL_FILES = (
    Column("label file"),
    Column("status"),
    Column("labels", right=True),
    Column("set aside", right=True),
    Column("failed checks (rows)", text=True),
)


def open_ledger() -> Ledger:
    """The ledger alone, without the libraries that tables and registry need."""
    where = settings()
    readable_home(where)
    return Ledger(where.database_url)


def status(usecase: str | None, json: bool) -> None:
    """One use case, or all that are declared."""
    folder = settings().usecases
    ledger = open_ledger()
    if usecase is None:
        declarations = [case.declaration for case in named_or_all(None, folder)]
    else:
        declarations = [known_declaration(usecase, folder, ledger)]
    views = [status_view(ledger, declaration, machine_clock.now()) for declaration in declarations]
    if json:
        as_json(views[0] if usecase else views)
        return
    if not views and not list_use_cases(folder):
        flowing(f"No use case is declared in {folder}. Start with: perennial init DATA")
    for number, view in enumerate(views):
        if number:
            say()
        _show_status(view)


def _show_status(view: dict[str, Any]) -> None:
    champion, batch, decided = view["champion"], view["last_batch"], view["last_decision"]
    rows = [("use case", view["usecase"])]
    if champion:
        age = "" if champion["age_days"] is None else f", {champion['age_days']:.0f} days"
        rows.append(
            (
                "champion",
                f"{_live(champion)} since {champion['since']}{age} (release {champion['release_no']})",
            )
        )
        because = release_reason(champion["kind"], champion["reason"], champion["by"])
        rows.append(("because", because))
        rows += [("", meaning) for meaning in (meanings(because),) if meaning]
        rows += [("waiting", view["waited"]["in_words"])] if view["waited"] else []
    else:
        because = " ".join(decided["reasons"]) if decided else ""
        rows.append(("champion", "none yet"))
        rows += [("because", because)] if because else []
        rows += [("", meaning) for meaning in (meanings(because),) if meaning]
    if candidate := view["candidate"]:
        rows.append(("candidate", f"{candidate['in_words']} (release {view['release_no']})"))
        rows.append(
            (
                "",
                f"{candidate['reason'] or 'It was not looked at in this stage yet.'} "
                f"To look: perennial stage {view['usecase']}",
            )
        )
    rows.append(("challenger", _challenger(view["challenger"])))
    rows.append(
        (
            "last batch",
            f"{batch['window']}, {batch['status']}, {batch['rows']['arrived']:,} rows" if batch else "none yet",
        )
    )
    rows += [("", f"warning: {warning}") for warning in (batch["warnings"] if batch else ())]
    rows += [("held", f"batch {held['window']}: {'; '.join(held['because'])}") for held in view["held"]]
    rows += [("", to_go_on(view["usecase"]))] if view["held"] else []
    rows += _label_rows(view["labels"]) if view["labels"] else []
    rows.append(
        (
            "last decision",
            f"{_outcome(view)} on batch {decided['batch']} ({decided['id']})" if decided else "none yet",
        )
    )
    if view["open_question"]:
        by = "" if view["endorsements"] or view["missing_roles"] else "--by NAME "
        rows.append(("waits for a person", f"perennial approve {view['open_question']} {by}--reason TEXT"))
        rows += [("", f"required before: {each}") for each in view["tier_lacks"]]
        rows += [("", f"approved by {each['by']} ({each['role']})") for each in view["endorsements"]]
        rows += [("", f"still to approve: {', '.join(view['missing_roles'])}")] if view["missing_roles"] else []
    if not (champion or batch or decided):
        name = view["usecase"]
        rows.append(("next", f"perennial backfill {name} (all batches), or perennial run {name} (one)"))
    if view["failed"]:
        rows.append(("last run failed", RunFailed(number=1, **view["failed"]).in_words))
    rows += _frozen_rows(view)
    rows += _episode_rows(view["open_episodes"])
    rows += [("not delivered", line) for line in _undelivered(view["undelivered"])]
    rows.append(("next scheduled run", view["next_run"] or "none: nothing is deployed on a schedule"))
    rows.append(("state", view["reconcile"]))
    if view["erasures"]:
        rows.append(("erasures", _erasures(view["erasures"])))
        rows += [("", LearnedErased(**each).in_words) for each in view["learned_erased"]]
    rows.append(("ledger head", _short_head(view["head"])))
    rows += [("anchored" if number == 0 else "", line) for number, line in enumerate(_anchored(view["anchors"]))]
    pairs(rows)


def _erasures(made: list[dict[str, Any]]) -> str:
    """How many there were, and the newest one."""
    newest = made[-1]
    return f"{len(made)}; the newest (erasure {newest['number']}) by {newest['by']}: {newest['reason']}"


def _outcome(view: dict[str, Any]) -> str:
    """Of the last decision: without a champion there is none to keep."""
    outcome = str(view["last_decision"]["outcome"])
    return "not released" if outcome == "keep" and view["champion"] is None else outcome


def _episode_rows(episodes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """One row per open episode: alarms, information, and those about a champion that is not live any more."""
    former = [each for each in episodes if each["of_former_champion"]]
    present = [each for each in episodes if not each["of_former_champion"]]
    alarms = [_episode(each) for each in present if each["severity"] != "info"] or ["none"]
    rows = [("" if number else "open alarms", words) for number, words in enumerate(alarms)]
    rows += [("for information", _episode(each)) for each in present if each["severity"] == "info"]
    return rows + [("former champion", f"{_episode(each)} The next cycle closes this.") for each in former]


def _episode(view: dict[str, Any]) -> str:
    severity = "" if view["severity"] == "info" else f" ({view['severity']})"
    of = f", release {view['release_no']}" if view["of_former_champion"] else ""
    repaired = "".join(f" {sentence}" for sentence in view["repaired"])
    return f"{view['channel']}{severity}{of} since {day(view['opened_at'])}: {view['detail']}{repaired}"


def _frozen_rows(view: dict[str, Any]) -> list[tuple[str, str]]:
    """Since when nothing is released, what that keeps back, and how it ends."""
    if not view["frozen"]:
        return []
    first = view["frozen"][0]
    rows = [("releases", f"frozen since {first['as_of']} because of episode {first['episode']}")]
    rows += [("", f"decision {view['held_by_freeze']} would release a model")] if view["held_by_freeze"] else []
    return [*rows, ("", f"perennial resume {view['usecase']} --by NAME --reason TEXT")]


def _undelivered(messages: list[dict[str, Any]]) -> list[str]:
    """One line per target that has not accepted its messages."""
    lines = []
    for target in dict.fromkeys(message["target"] for message in messages):
        mine = [message for message in messages if message["target"] == target]
        because = next((each["because"] for each in mine if each["because"]), "not sent yet")
        lines.append(f"{counted(len(mine), 'message', 'messages')} to {target}: {because}")
    return lines


def _anchored(states: list[dict[str, Any]]) -> list[str]:
    """One line per place: the row that its newest anchor covers, and why no newer one."""
    return [anchored_in_words(Anchored(**state)) for state in states]


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


def _live(champion: dict[str, Any]) -> str:
    serves = champion["serves"]
    if len(serves) == 1:
        return f"version {champion['version']}"
    return enumerated([f"version {each['version']} ({percent(each['weight'])})" for each in serves])


def batches(usecase: str, json: bool, wide: bool) -> None:
    """Every batch, in the order of arrival."""
    ledger = open_ledger()
    require_known(usecase, settings().usecases, ledger)
    entries = [r.payload for r in ledger.all(usecase, BatchEntry)]
    versions = trained_on(ledger, usecase)
    if json:
        as_json([{**batch_view(usecase, batch), "trained": versions.get(batch.batch, [])} for batch in entries])
        return
    if not entries:
        flowing(f"{usecase}: no batch yet.")
        return
    newest = {batch.window: batch.revision for batch in entries if batch.status == "accepted"}
    rows = [_batch_cells(batch, newest.get(batch.window, 0), versions.get(batch.batch, [])) for batch in entries]
    table(OF_BATCHES, rows, wide=wide)
    if files := label_files(ledger, usecase):
        say()
        table(OF_LABEL_FILES, [_label_cells(file) for file in files], wide=wide)


def _batch_cells(batch: BatchEntry, newest: int, versions: list[int]) -> tuple[str, ...]:
    """newest: the newest accepted revision of the batch's window. versions: the models trained on it."""
    return (
        batch.window,
        str(batch.revision),
        batch.because,
        "replaced" if batch.revision < newest else batch.status,
        f"{batch.rows.arrived:,}",
        f"{batch.rows.accepted:,}",
        f"{batch.rows.quarantined:,}",
        f"{batch.rows.unlabelled:,}",
        ranges(versions),
        "; ".join([*_failed(batch), *(f"warning: {warning}" for warning in batch.warnings), *batch.notes]),
    )


def _label_cells(file: LabelBatchEntry) -> tuple[str, ...]:
    return (file.file, file.status, f"{file.rows:,}", f"{file.refused:,}", "; ".join(_failed(file)))


def _failed(entry: BatchEntry | LabelBatchEntry) -> list[str]:
    """The checks that rows failed, with the number of rows, and what holds the whole."""
    return [*(f"{each.reason} ({each.rows:,})" for each in entry.quarantine), *entry.held_because]


def page(usecase: str, out: Path | None, json: bool) -> None:
    """The page as a file. Raises InputError where it cannot be written."""
    from data_checks.docs import pages_of
    from perennial.backtest.kept_worth import kept_worth
    from perennial.page.publish import publish
    from perennial.serving.slots import tally_of_home

    where = settings()
    case = load_use_case(usecase, where.usecases)
    path = (out or where.pages / f"{usecase}.html").expanduser().resolve()
    ledger = open_ledger()
    batches = [row.payload for row in ledger.all(usecase, BatchEntry)]
    try:
        docs = pages_of(where.docs, usecase, batches)
        worth = kept_worth(where.backtests / usecase)
        publish(path, ledger, case.declaration, docs, tally_of_home(where.measured), worth)
    except OSError as error:
        raise InputError(
            f"--out: {path} cannot be written: {error.strerror}", fix="Choose a file in a folder you can write to."
        ) from error
    if json:
        as_json({"usecase": usecase, "path": str(path)})
        return
    flowing(f"{usecase}: the page is {path}")
