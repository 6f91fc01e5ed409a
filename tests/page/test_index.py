"""The first page: a card for each use case, those that need a person first."""

from __future__ import annotations

from pathlib import Path

from perennial.page.first_screen import answers
from perennial.page.index import summaries, summary_of
from perennial.page.publish import publish_index
from perennial.page.render import render_index
from perennial.usecase.declaration import Declaration
from tests.ledger.payloads import batch
from tests.page.test_view import cycle, decided, history, released
from tests.page.test_watching import opened
from tests.world import DECLARATION


def declared(name: str = "shop", **triggers: str) -> Declaration:
    return Declaration.model_validate({**DECLARATION, "name": name, "triggers": triggers})


def test_an_empty_use_case_is_shown_as_unknown_and_never_as_fine() -> None:
    card = summary_of(history(), declared())
    assert (card.state, card.live, card.batch, card.decision) == (
        "wait",
        "No model is live yet",
        "none yet",
        "none yet",
    )
    assert (card.loss, card.chart, card.schedule) == ("log_loss: unknown on the newest batch", "", "none declared")


def test_a_card_shows_the_loss_with_its_interval_and_rows_the_alarms_and_the_schedule() -> None:
    live = {"decisions": [decided(0.0025)], "releases": [released(decided(0.0025))]}
    seen = history(**live, batches=[batch()], cycles=[cycle(0.4), cycle(0.4)], episodes=[opened("level")])
    card = summary_of(seen, declared(schedule="0 6 2 * *", timezone="America/New_York"))
    assert card.state == "bad" and card.episodes == ("level since 2024-02-01",)
    assert card.loss == "log_loss 0.40000 (0.10000 to 0.90000, 40 rows); 0.50000 where it was evaluated"
    assert card.schedule == "0 6 2 * * (America/New_York)" and "<svg" in card.chart
    assert "old at the newest batch" in card.live


def test_the_index_lists_declared_use_cases_with_what_needs_a_person_first(tmp_path: Path) -> None:
    held = batch("2024-02", status="held", held_because=("too few <rows>",))
    publish_index(tmp_path, tmp_path / "locks", summary_of(history(usecase="calm"), declared("calm")), ["calm"])
    publish_index(tmp_path, tmp_path / "locks", summary_of(history(usecase="gone"), declared("gone")), ["gone"])
    needing = history(usecase="shop", batches=[held], held=[held])
    publish_index(tmp_path, tmp_path / "locks", summary_of(needing, declared()), ["calm", "shop", "new"])
    assert [each.usecase for each in summaries(tmp_path, ["calm", "shop", "new"])] == ["shop", "calm"]
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 0 < page.index('href="shop.html"') < page.index('href="calm.html"') and "gone" not in page
    assert "too few &lt;rows&gt;" in page and "<rows>" not in page


def test_an_index_without_use_cases_is_not_blank() -> None:
    assert "No use case has run yet." in render_index([])


def test_what_only_informs_is_on_the_card_and_is_no_alarm() -> None:
    live = {"decisions": [decided(0.0025)], "releases": [released(decided(0.0025))]}
    told = opened("contract").model_copy(update={"severity": "info"})
    seen = history(**live, batches=[batch()], cycles=[cycle(0.4)], episodes=[told])
    card = summary_of(seen, declared())
    assert (card.state, card.episodes, card.informs) == ("good", (), ("contract since 2024-02-01",))
    page = render_index([card])
    assert "none open" in page and "for information" in page and "contract since 2024-02-01" in page
    assert answers(seen)[0].lines[-1] == "contract informs since 2024-02-01, which is no alarm"
