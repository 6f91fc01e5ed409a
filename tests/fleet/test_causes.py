"""What several use cases have in common, in the table and on the page."""

from __future__ import annotations

from pathlib import Path

from perennial.fleet.causes import common_causes
from perennial.fleet.standing import Alarm, HeldBatch, Standing, standings
from perennial.ledger.entries import ColumnEvidence, Episode, Evidence, NewValue
from perennial.ledger.ledger import Ledger
from perennial.page.fleet import SCRIPT, render_fleet
from perennial.usecase.reading import Labels


def unseen(value: str) -> Episode:
    columns = (ColumnEvidence(column="carrier", share=0.3, values=(NewValue(value=value, rows=9),)),)
    return Episode(
        episode="unseen@2024-03-01T00:00:00Z",
        channel="unseen",
        opened_at="2024-03-01T00:00:00Z",
        batch="2024-03",
        release_no=1,
        detail=f"{value} is new",
        severity="warning",
        evidence=Evidence(rows=30, days=3, columns=columns),
    )


def test_use_cases_with_the_same_new_value_are_one_line(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    for number, value in enumerate(["ZZ", "ZZ", "ZZ", "QQ"]):
        ledger.append(f"sales_{number}", unseen(value))
    (cause,) = common_causes(standings(ledger, [f"sales_{number}" for number in range(4)]))
    assert str(cause) == "3 use cases: new value 'ZZ' of carrier in 2024-03"
    assert cause.usecases == ("sales_0", "sales_1", "sales_2")


def test_held_batches_with_the_same_reason_are_one_line_whatever_their_numbers() -> None:
    listed = [
        Standing(name, "held", "2024-04", held=(HeldBatch("2024-03", (f"{rows} of 100 rows have no price",)),))
        for name, rows in (("a", 12), ("b", 40))
    ]
    assert [str(each) for each in common_causes(listed)] == ["2 use cases: held: … of … rows have no price in 2024-03"]


def test_failures_with_the_same_reason_are_one_line_whatever_their_numbers() -> None:
    listed = [
        Standing("a", "failed", "2024-03", why="batch 2024-04, take in: line 3 is cut off"),
        Standing("b", "failed", "2024-03", why="batch 2024-04, take in: line 17 is cut off"),
        Standing("c", "failed", None, why="look for batches: the folder is gone"),
        Standing("d", "failed", None, why="look for batches: the folder is gone"),
    ]
    assert [str(each) for each in common_causes(listed)] == [
        "2 use cases: failed: the folder is gone",
        "2 use cases: failed: line … is cut off in 2024-03",
    ]


def test_the_page_escapes_what_people_named_and_runs_only_its_own_script() -> None:
    alarm = Alarm("level", "page", "2024-03-01T00:00:00Z", "2024-03", "<b>worse</b>")
    listed = [Standing("a", "alarm", "2024-03", "rmse", 0.0, -0.1, 0.1, 0.2, 0, 3, (alarm,), "level: <b>worse</b>")]
    page = render_fleet([*listed, Standing("b", "new")], {"a": Labels({"region": "<i>"}, "Ada"), "b": Labels()})
    assert "&lt;b&gt;worse" in page and "<b>worse" not in page and "region=&lt;i&gt;" in page
    assert page.count("<script>") == 1 and SCRIPT in page and "http:" not in page and "https:" not in page
    assert '<td class="n" data-value="0.0">0' in page  # a loss of zero is not unknown
    assert page.count("unknown") == 1
    assert '<td data-value="rmse">rmse</td>' in page, "the loss is named"
