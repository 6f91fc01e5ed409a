"""The rows of a stage are the same in memory and on disk, and of several predictions of a key the first one counts."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from perennial.clock import instant
from perennial.ledger.entries import BatchScored, Release
from perennial.our_columns import ARM, BATCH
from perennial.release.judged_rows import StageRows
from perennial.release.served_evidence import BY_CANDIDATE, BY_CHAMPION, CANDIDATE, CHAMPION
from perennial.scoring.stored import score_column, stacked
from perennial.settings import settings
from perennial.store.known import known_at
from perennial.store.stored_rows import in_memory
from perennial.store.workspace import open_workspace
from tests.training.stores import cycle, on_disk
from tests.world import World


@pytest.fixture
def stage(world: World) -> StageRows:
    """A candidate in its shadow, of whose batch the first 40 keys were scored once more, later and otherwise."""
    world.declare(release={"policy": "newest_unless_worse", "stages": [{"shadow": "60d"}, "full"]})
    for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
        world.month(month)
        cycle()
    workspace = open_workspace(settings())
    ledger, tables = workspace.ledger, workspace.tables
    began = next(row.payload for row in ledger.all("shop", Release) if row.payload.candidate)
    scored = [row.payload for row in ledger.all("shop", BatchScored) if row.payload.release_no == began.release_no]
    column = score_column(workspace.use_case("shop").declaration.schema_)
    for each in tuple(scored):
        again = each.model_copy(update={"batch": f"{each.batch}-again", "rows": 40})
        rows = tables.read("shop", "predictions", [each.key])
        assert rows is not None and rows.num_rows > 1000
        few = rows.sort_by("order").slice(0, 40)
        few = few.set_column(few.column_names.index(BATCH), BATCH, pa.array([again.key] * 40))
        few = few.set_column(few.column_names.index(column), column, pa.array([0.123] * 40))
        tables.append("shop", "predictions", few, again.key)
        scored.append(again)
    assert began.candidate is not None
    known = known_at(ledger, "shop", instant(ledger.all("shop", BatchScored)[-1].payload.scored_at))
    declaration = workspace.use_case("shop").declaration
    return StageRows(tables, declaration, tuple(scored), known, instant(began.candidate.since))


def _both(stage: StageRows) -> tuple[StageRows, StageRows]:
    return stage, StageRows(on_disk(stage.tables), stage.declaration, stage.batches, stage.known, stage.since)


def _frame(rows: object) -> pd.DataFrame:
    assert rows is not None
    frame = in_memory(rows).sort_values("order").reset_index(drop=True)
    return frame[sorted(frame.columns)]


def test_the_first_prediction_of_a_key_counts(stage: StageRows) -> None:
    here, there = (_frame(each.scored) for each in _both(stage))
    pd.testing.assert_frame_equal(here, there, check_dtype=False)
    assert len(here) > 1000 and not (here[[BY_CHAMPION, BY_CANDIDATE]] == 0.123).any(axis=None)


def test_an_answer_that_was_served_counts_before_the_batch_of_its_key(stage: StageRows) -> None:
    keys = _frame(stage.scored)["order"]
    answers = pd.DataFrame({"order": keys[:60], ARM: [CHAMPION, CANDIDATE] * 30, BY_CHAMPION: 0.25, BY_CANDIDATE: 0.75})
    for served in (None, answers, answers.head(0)):
        here, there = (_frame(each.judged(served)) for each in _both(stage))
        pd.testing.assert_frame_equal(here, there, check_dtype=False)
        given = here[here["order"].isin(answers["order"])]
        assert 0 < len(given) == (stacked(given[BY_CANDIDATE]) == 0.75).sum() or served is None or served.empty
    answered = [_frame(each.answered(answers[["order", ARM]])) for each in _both(stage)]
    pd.testing.assert_frame_equal(*answered, check_dtype=False)
    assert len(answered[0]) == len(answers)
