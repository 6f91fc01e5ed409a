"""A batch is its source, window, revision and content: the same comes once, other content is a revision."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from perennial.intake.naming import content_digest, name_batch
from perennial.usecase.declaration import Declaration
from perennial.usecase.reading import load_use_case
from tests.ledger.payloads import batch
from tests.world import World


@pytest.fixture
def declaration(world: World, tmp_path: Path) -> Declaration:
    return load_use_case("shop", world.usecases).declaration


def test_a_first_batch_is_revision_1_and_its_name_says_what_it_holds(declaration: Declaration) -> None:
    named = name_batch(declaration, "2024-01", "content", None)
    assert named.revision == 1
    assert name_batch(declaration, "2024-01", "content", None) == named, "a retry names it alike"
    for window, digest in (("2024-02", "content"), ("2024-01", "other")):
        other = name_batch(declaration, window, digest, None)
        assert other.batch != named.batch


def test_other_content_is_the_next_revision(declaration: Declaration) -> None:
    second = batch("2024-01", digest="b", revision=2)
    assert name_batch(declaration, "2024-01", "c", second).revision == 3


def test_a_waived_check_makes_another_batch(declaration: Declaration) -> None:
    first = batch("2024-01", digest="a")
    plain, waived = (name_batch(declaration, "2024-01", "a", first, checks) for checks in ((), ("price",)))
    assert plain.batch != waived.batch, "rows written before a crash are not taken for those of another wish"


def test_a_text_that_no_type_could_read_is_part_of_the_content() -> None:
    frame = pd.DataFrame({"order": ["a", "b"], "price": [1.0, None]})
    digests = {
        content_digest(frame, {"price": pd.Series([None, text], dtype="object")}, ("order",))
        for text in ("cheap", "dear", None)
    }
    assert len(digests) == 3


def test_the_order_of_rows_and_columns_is_not(declaration: Declaration) -> None:
    frame = pd.DataFrame({"order": ["a", "b"], "price": [1.0, 2.0]})
    turned = frame.iloc[::-1][["price", "order"]]
    assert content_digest(frame, {}, ("order",)) == content_digest(turned, {}, ("order",))
