"""What a training on another machine hands back is what it would have returned or raised here."""

from __future__ import annotations

import pytest

from perennial.errors import DiskFull, HeldBack, InputError, ModelUnloadable, PerennialError, RegistryDown
from perennial.ledger.entries import ChallengerEntry
from perennial.training.handed_back import CHALLENGER, NOT_YET, error_in, labels_of
from perennial.training.readiness import NotTrainableYet, NotYet
from perennial.usecase.mistakes import DeclarationError, Mistake
from tests.ledger.payloads import one_of_each


@pytest.mark.parametrize("kind", [DiskFull, HeldBack, InputError, ModelUnloadable, NotTrainableYet, RegistryDown])
def test_an_error_comes_back_as_it_was(kind: type[PerennialError]) -> None:
    raised = kind("cannot be read", code="some-code", field="model.rows", value=7, fix="write 8")
    back = error_in(labels_of(raised))
    assert type(back) is kind and str(back) == str(raised)
    assert (back.code, back.field, back.value, back.fix) == ("some-code", "model.rows", 7, "write 8")
    assert (back.kind, back.exit_code) == (raised.kind, raised.exit_code)


def test_an_error_of_several_mistakes_comes_back_as_one_of_its_kind() -> None:
    mistake = Mistake("shop.yaml", 3, "model.rows", 7, "is too low", "write 8", code="some-code")
    back = error_in(labels_of(DeclarationError([mistake])))
    assert type(back) is InputError and back.code == "declaration-invalid"
    assert str(back) == "shop.yaml:3: model.rows: is too low\n  write 8"


def test_a_result_is_an_id_or_a_reason() -> None:
    made = one_of_each()["challenger"]
    assert isinstance(made, ChallengerEntry)
    assert labels_of(made) == {CHALLENGER: made.challenger} and error_in(labels_of(made)) is None
    assert labels_of(NotYet("3 rows have a label")) == {NOT_YET: "3 rows have a label"}
