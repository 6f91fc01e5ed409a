"""`fleet`, `fleet run`: many use cases on one screen, and in one run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from perennial.cli.left_undone import LABELS_GO_ON, to_go_on
from perennial.cli.machine_clock import now
from perennial.cli.output import as_json, flowing
from perennial.cli.reading import open_ledger
from perennial.cli.running import flows_ready
from perennial.cli.tables import Column, table
from perennial.errors import HeldBack, InputError, TerminalError
from perennial.evaluation.figures import counted, figure
from perennial.fleet.broken import with_broken
from perennial.fleet.causes import common_causes
from perennial.fleet.due import due_of
from perennial.fleet.members import Chosen, chosen
from perennial.fleet.plan import FleetPlan, failed_in_words
from perennial.fleet.standing import STATES, Standing, standings
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from perennial.usecase.mistakes import DeclarationError, Mistake, hint
from perennial.usecase.reading import load_use_case

COLUMNS = (
    Column("use case"),
    Column("state"),
    Column("last batch", gives_way=1),
    Column("metric", gives_way=3),
    Column("loss", right=True),
    Column("n", right=True),
    Column("age", right=True, gives_way=2),
    Column("why", text=True),
)
SORTS: dict[str, Callable[[Standing], tuple[object, ...]]] = {
    "name": lambda each: (each.usecase,),
    "batch": lambda each: (each.batch or "", each.usecase),
    "loss": lambda each: (-each.excess, each.usecase),
    "age": lambda each: (-(each.age_days if each.age_days is not None else -1), each.usecase),
}
"""Orders besides the worst first. loss: by how much worse it is than where the model was evaluated."""


def show(tags: tuple[str, ...], owner: str | None, state: str | None, sort: str, wide: bool, json: bool) -> None:
    """The table of all use cases."""
    _refuse_unknown("state", state, STATES)
    _refuse_unknown("sort", sort, ("worst", *SORTS))
    names = chosen(settings().usecases, Chosen(None, tags, owner))
    rows = [
        each
        for each in with_broken(standings(open_ledger(), names), settings().usecases)
        if state in (None, each.state)
    ]
    causes = common_causes(rows)
    if sort != "worst":
        rows.sort(key=SORTS[sort])
    if json:
        as_json({"usecases": [asdict(each) for each in rows], "causes": [asdict(each) for each in causes]})
        return
    if not rows:
        flowing("No use case matches." if names else f"No use case is declared in {settings().usecases}.")
        return
    table(COLUMNS, [_cells(each) for each in rows], wide=wide)
    for cause in causes:
        flowing(str(cause))
    counts = {each: sum(row.state == each for row in rows) for each in STATES}
    in_states = ", ".join(f"{n} {each}" for each, n in counts.items() if n)
    flowing(f"{counted(len(rows), 'use case', 'use cases')}: {in_states}")
    if broken := next((each.usecase for each in rows if each.state == "broken"), None):
        flowing(f"  {broken}: `perennial check {broken}` shows every mistake and how to fix it.")
    if held := next((each.usecase for each in rows if each.held), None):
        flowing(f"  {held}: {to_go_on(held)}.")
    if held := next((each.usecase for each in rows if each.held_labels), None):
        flowing(f"  {held}: `perennial quarantine {held}` shows the label file; {LABELS_GO_ON}.")


def run(template: str | None, tags: tuple[str, ...], dry_run: bool, json: bool) -> None:
    """Every cycle that is due. Exit code 1 where a use case failed, in a dry run too; 3 where a batch was held."""
    names = chosen(settings().usecases, Chosen(template, tags))
    _refuse_if_none_can_be_read(names)
    if dry_run:
        plan = due_of(open_workspace(settings()), names, now())
        _show_plan(plan, json)
        if plan.failed:
            sys.exit(TerminalError.exit_code)
        return
    with flows_ready(whole_cycle=True):
        from flows.fleet import fleet

        done = fleet(template, tags)
    if json:
        as_json(asdict(done))
    else:
        cycles = sum(map(len, done.cycles.values()))
        flowing(f"{counted(len(names), 'use case', 'use cases')}: {counted(cycles, 'cycle was', 'cycles were')} run.")
        for name in done.held:
            flowing(f"  {name} has a held batch: {to_go_on(name)}.")
        for name in done.held_labels:
            flowing(f"  {name} has a held label file: `perennial quarantine {name}` shows it; {LABELS_GO_ON}.")
    if done.held:
        sys.exit(HeldBack.exit_code)


def _show_plan(plan: FleetPlan, json: bool) -> None:
    if json:
        would_run = [{"batch": window, "usecases": names} for window, names in plan.rounds]
        as_json({"would_run": would_run, "failed": [asdict(each) for each in plan.failed]})
        return
    for window, names in plan.rounds:
        flowing(f"{window}: would run the cycle of {counted(len(names), 'use case', 'use cases')}")
    for line in failed_in_words(plan.failed):
        flowing(line)
    flowing("Nothing was changed." if plan.rounds or plan.failed else "No batch is due.")


def _refuse_if_none_can_be_read(names: Sequence[str]) -> None:
    """Raises DeclarationError with the mistakes of all, before anything is recorded, if no use case could be run."""
    mistakes: dict[str, Mistake] = {}
    for name in names:
        try:
            load_use_case(name, settings().usecases)
        except DeclarationError as error:
            mistakes |= {str(each): each for each in error.mistakes}
        else:
            return
    if mistakes:
        raise DeclarationError(mistakes.values())


def _refuse_unknown(option: str, given: str | None, known: tuple[str, ...]) -> None:
    if given is not None and given not in known:
        raise InputError(
            f"--{option}: {given!r} is not one of them",
            field=f"--{option}",
            value=given,
            fix=hint(given, known, f"values of --{option}"),
        )


def _cells(each: Standing) -> tuple[str, ...]:
    return (
        each.usecase,
        each.state,
        each.batch or "none",
        each.metric or "",
        "unknown" if each.loss is None else figure(each.loss),
        "" if each.rows is None else f"{each.rows:,}",
        "" if each.age_days is None else f"{each.age_days} d",
        each.why,
    )
