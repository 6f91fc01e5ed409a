"""What is older than its retention goes, except what is still needed, which is shown with the reason."""

from __future__ import annotations

import json

import pytest

from perennial.errors import TerminalError
from perennial.ledger.entries import BatchEntry, Erased
from perennial.settings import settings
from tests.cli.conftest import payloads
from tests.erasure.conftest import ASKED, KEY, OF_THE_PERSON, Ask
from tests.erasure.search import files_with
from tests.training.stores import take_in
from tests.world import World

DECLARED = {"landing": "20d", "predictions": "10d", "quarantine": "20d"}


def test_what_is_over_goes_and_what_is_needed_stays(shop: World, ask: Ask) -> None:
    assert "No use case declares a retention" in ask("retain").out
    shop.declare(retention={"landing": "20d", "predictions": "10d"})
    planned = json.loads(ask("retain", "shop", "--dry-run", "--json").out)[0]
    assert planned["would_erase"] == {"landing": 622}, "January and the labels, but no batch with rows set aside"
    assert {(each["place"], each["why"]) for each in planned["kept"]} == {
        ("landing", "rows of it are set aside, and may be checked again"),
        ("predictions", "its model is live"),
    }
    assert not payloads(Erased), "a dry run changes nothing"
    done = ask("retain", "shop")
    assert done.code == 0, done.err
    assert "removed 622 rows of landed bytes, older than landing 20d, predictions 10d" in done.out
    shop.declare(retention=DECLARED)
    assert json.loads(ask("retain", "--json").out)[0]["made"]["rows"][0]["table"] == "quarantine"
    (first, second) = payloads(Erased)
    assert isinstance(first, Erased) and isinstance(second, Erased)
    assert (first.because, first.by, [each.left for each in first.landings]) == ("retention", "retention", ["", ""])
    assert second.counts == {"landing": 580, "quarantine": 1}, "nothing of February is set aside any more"
    assert json.loads(ask("retain", "shop", "--json").out)[0]["made"] is None
    for command in (("replay", "shop", "--deep"), ("doctor", "shop")):
        assert ask(*command).code == 0


def test_removed_bytes_are_not_taken_in_again_and_cannot_be_checked_again(shop: World, ask: Ask) -> None:
    from tasks.requeue import validate_again

    shop.declare(retention=DECLARED)
    assert ask("retain", "shop").code == 0
    batches = len(payloads(BatchEntry))
    take_in("2024-01")
    assert len(payloads(BatchEntry)) == batches
    with pytest.raises(TerminalError, match="were removed"):
        validate_again.fn("shop", "2024-01")


def test_a_person_is_erased_also_when_the_landed_bytes_are_gone(shop: World, ask: Ask) -> None:
    shop.declare(retention=DECLARED)
    assert ask("retain", "shop").code == 0
    assert files_with(settings().home / "mlflow", OF_THE_PERSON) != []
    assert ask(*ASKED).code == 0
    left = files_with(settings().home, (KEY, "lovelace-express"))
    assert left == [], "her key and her category were in tables, models, a log and Prefect's database"


def test_the_schedule_applies_it_to_every_use_case_that_declares_one(shop: World) -> None:
    from tasks.retaining import retain_rows, retained_usecases

    assert retained_usecases.fn() == []
    shop.declare(retention=DECLARED)
    assert retained_usecases.fn() == ["shop"]
    assert retain_rows.fn("shop") is True and retain_rows.fn("shop") is False


def test_an_erasure_waits_for_an_unfinished_retention_and_the_reverse(shop: World, ask: Ask) -> None:
    shop.declare(retention=DECLARED)
    erasing = settings().home / "erasing"
    erasing.mkdir()
    for cause, command in (("asked", ("retain", "shop")), ("retention", ASKED)):
        (erasing / f"shop.{cause}.json").write_text('{"number": 1}')
        refused = ask(*command)
        assert refused.code == 3 and "an erasure is unfinished" in refused.err
        examined = ask("doctor", "shop")
        assert examined.code == 1 and "erasure 1 was interrupted" in examined.out
        (erasing / f"shop.{cause}.json").unlink()
    assert ask(*ASKED).code == 0
