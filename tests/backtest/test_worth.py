"""`perennial worth` on eight months of a shop whose customers change their mind every other month."""

from __future__ import annotations

import json

import pytest

from perennial.backtest.staleness import FEWEST_MOMENTS
from perennial.backtest.worth import MONTH
from perennial.settings import settings
from tests.backtest.conftest import IN_MONEY
from tests.cli.conftest import command
from tests.cli.test_page import text_of
from tests.training.stores import cycle
from tests.world import World

Captured = pytest.CaptureFixture[str]


def asked(capsys: Captured, *options: str) -> dict[str, object]:
    capsys.readouterr()
    assert command("worth", "shop", "--json", *options) == 0, capsys.readouterr().err
    view: dict[str, object] = json.loads(capsys.readouterr().out)
    return view


def test_older_models_cost_more_and_never_retraining_most(shop: World, capsys: Captured) -> None:
    shop.declare(evaluation={"primary": "log_loss"})
    view = asked(capsys)
    schedules = {each["every"]: each["total"]["value"] for each in view["measured"]["schedules"]}  # type: ignore[index]
    assert schedules[1] == 0 < schedules[2] < schedules[None], "the models before May are wrong ever after"
    assert (view["unit"], view["in_value"]) == ("log_loss", False)
    assert asked(capsys)["seconds"] is None, "the fits were kept"
    assert command("worth", "shop") == 0
    out = capsys.readouterr().out
    assert "Retraining after each batch (31 days) costs least" in out and "the newest model" in out
    assert "in log_loss a row" in out


def test_too_few_batches_are_refused_before_a_model_is_fitted_and_wrong_words_before_that(
    world: World, capsys: Captured
) -> None:
    for number in range(1, 3):
        world.month(f"2024-{number:02d}")
        cycle()
    assert command("worth", "shop") == 2
    assert "2 batches are too few to compare two schedules; it takes at least 8" in capsys.readouterr().err
    assert not list(settings().backtests.rglob("*.npz")), "no model was fitted"
    for option, value in (("--policies", "foo"), ("--windows", "last x")):
        assert command("backtest", "shop", option, value) == 2
        assert capsys.readouterr().err.startswith(f"{option}: ")
    assert command("backtest", "shop") == 2
    assert "2 accepted batches are too few" in capsys.readouterr().err


def test_with_the_fewest_batches_two_schedules_are_compared(shop: World, capsys: Captured) -> None:
    assert len(asked(capsys)["measured"]["schedules"]) == 3, FEWEST_MOMENTS  # type: ignore[index]


def test_a_price_is_weighed_against_the_declared_value(shop: World, capsys: Captured) -> None:
    for asks in ("worth", "backtest"):
        assert command(asks, "shop", "--price", "5") == 2
        assert "declares no value that a price could be compared with" in capsys.readouterr().err
    shop.declare(evaluation=IN_MONEY)
    free, dear = asked(capsys), asked(capsys, "--price", "100000")
    (first, *_, never), best = free["measured"]["schedules"], dear["measured"]["best"]  # type: ignore[index]
    assert best["every"] is None, "at that price nobody retrains"
    assert (free["unit"], free["in_value"]) == ("worth", True)
    assert command("worth", "shop", "--price", "5") == 0
    out = capsys.readouterr().out
    turns = never["stale"]["value"] - first["stale"]["value"]
    assert f"costs less than {turns / MONTH * float(str(free['days'])):,.4g} worth" in out, out


@pytest.mark.parametrize("price", ["-1", "nan"])
def test_what_is_no_price_is_refused(shop: World, capsys: Captured, price: str) -> None:
    assert command("worth", "shop", f"--price={price}") == 2
    assert "is no price of a retraining: it should be 0 or more" in capsys.readouterr().err


def test_the_page_shows_the_newest_answer(shop: World, capsys: Captured) -> None:
    shop.declare(evaluation={"primary": "log_loss"})
    pages = shop.usecases.parent / "home" / "pages"
    assert command("worth", "shop") == 0
    answer = capsys.readouterr().out
    assert command("page", "shop") == 0
    shown = text_of((pages / "shop.html").read_text(encoding="utf-8"))
    assert "Is retraining worth it? Retraining after each batch (31 days) costs least" in shown
    kept = shop.usecases.parent / "home" / "backtests" / "shop" / "worth.json"
    growth = json.loads(kept.read_text())["growth"]
    assert (growth["unit"], growth["a_row"]) == ("log_loss", True) and growth["low"] < growth["a_day"] < growth["high"]
    view = asked(capsys)
    assert growth["a_day"] == view["measured"]["growth"]["value"] / view["days"] > 0  # type: ignore[index]
    sentences = [line for line in answer.splitlines() if line.startswith(("Retraining", "Every", "Never"))]
    assert len(sentences) > 2 and all(sentence in shown for sentence in sentences)
    kept.write_text('{"of": "another version"}')
    assert command("page", "shop") == 0
    assert "worth it" not in text_of((pages / "shop.html").read_text(encoding="utf-8"))
