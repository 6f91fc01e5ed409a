"""Moving served predictions from the service's log into the tables."""

from __future__ import annotations

import logging
from pathlib import Path

from perennial.errors import PerennialError
from perennial.fault_points import write
from perennial.ledger.entries import SegmentCollected
from perennial.serving.collecting import Served, by_usecase, collected_entry, collected_table
from perennial.serving.log.segment import SUFFIX, finished_segments, read_segment
from perennial.settings import settings
from perennial.store.workspace import Workspace, open_workspace
from perennial.usecase.columns import column_types
from tasks.step import step

log = logging.getLogger("perennial.tasks")


def collect_if_any() -> None:
    """Collect what services have left, beside a cycle, which goes on if that fails."""
    if any(settings().served.glob(f"*{SUFFIX}")):
        collect_segments(return_state=True)


@step(timeout_minutes=60)
def collect_segments() -> int:
    """Move every segment that no service writes to any more; return how many predictions were moved.

    Data first, then the ledger, then the segment is removed: killed anywhere, the next call goes on.
    Raises TerminalError for a damaged segment and InputError for one with a use case that is not declared, after the
    others are done.
    """
    workspace = open_workspace(settings())
    moved, problems = 0, []
    with workspace.only_one("served", "collect"):
        for path in finished_segments(workspace.settings.served):
            try:
                moved += _collect(workspace, path)
            except PerennialError as problem:
                problems.append(problem)
                log.warning("segment %s stays: %s", path.stem, problem)
    if problems:
        raise problems[0]
    return moved


def _collect(workspace: Workspace, path: Path) -> int:
    segment = path.stem
    parts = by_usecase(list(read_segment(path)))
    moved = sum(_collect_usecase(workspace, usecase, segment, served) for usecase, served in parts.items())
    with write("segment_removed"):
        path.unlink()
    return moved


def _collect_usecase(workspace: Workspace, usecase: str, segment: str, served: list[Served]) -> int:
    """How many rows this call committed."""
    if workspace.ledger.get(usecase, SegmentCollected, segment) is not None:
        return 0
    declaration = workspace.use_case(usecase).declaration
    table = collected_table(served, segment, declaration.schema_, column_types(declaration))
    with write("predictions_table"):
        version = workspace.tables.append(usecase, "predictions", table, segment)
    workspace.ledger.append(usecase, collected_entry(served, segment, version))
    log.info("segment %s: %d predictions of %s collected", segment, len(served), usecase)
    return len(served)
