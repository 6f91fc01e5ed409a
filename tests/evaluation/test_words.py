"""A decision in words, as the artifact and the command line show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perennial.evaluation.results import Evaluation, Interval, MetricResult, SliceResult
from perennial.evaluation.words import Columns, escape, headline, in_words, slice_table

EVALUATION = Evaluation(
    rows=27_004,
    clusters=28,
    cluster_by="day",
    cluster_names=("2013-02-01",),
    cluster_rows=(27_004,),
    labelled_share=0.987,
    autocorrelation=0.312,
    largest_cluster_share=0.2,
    skewness=-1.25,
    first="2013-02-01T05:00:00Z",
    last="2013-02-28T23:00:00Z",
    digest="d",
)


MIXTURE_STAYS = "Version 1 is turned down, version 3 (50 %) and version 2 (50 %) stay, on batch 2013-02"


@pytest.mark.parametrize(
    ("outcome", "champion", "expected"),
    [
        ("first", "", "Version 1 is released as the first model, on batch 2013-02"),
        ("release", "version 3", "Version 1 is released in place of version 3, on batch 2013-02"),
        ("keep", "version 3", "Version 1 is turned down, version 3 stays, on batch 2013-02"),
        ("undecided", "", "Version 1 is undecided, nothing serves yet, on batch 2013-02"),
        ("blocked", "version 3", "Version 1 is blocked by a guard, version 3 stays, on batch 2013-02"),
        ("keep", "version 3 (50 %) and version 2 (50 %)", MIXTURE_STAYS),
        ("held", "version 3", "Version 1 waits for a person, version 3 stays, on batch 2013-02"),
    ],
)
def test_headline(outcome: Any, champion: str, expected: str) -> None:
    assert headline(outcome, champion, 1, "2013-02") == expected


def page(metrics: list[MetricResult], *, batch: str = "2013-02", champion: int | None = 3) -> str:
    live = f"version {champion}" if champion else ""
    columns = Columns(f"champion {champion}" if champion else "naive baseline")
    return in_words(headline("keep", live, 4, batch), ["It is worse."], metrics, EVALUATION, columns=columns)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]


def test_the_table_sets_our_interval_beside_what_others_would_claim(
    metric_result: Callable[..., MetricResult],
) -> None:
    naive = Interval(se=0.0001, df=27_003, ci_low=0.0003, ci_high=0.0007, p_value=1e-9)
    of_days = Interval(se=0.0003, df=27, ci_low=-0.0001, ci_high=0.0011, p_value=0.05)
    told = page([metric_result(0.0005, 0.0005, row_t=naive, day_t=of_days)])
    assert told.startswith("### Version 4 is turned down, version 3 stays, on batch 2013-02\n\nIt is worse.\n")
    head, _, row, others, _, claims = cells(told)
    assert dict(zip([*head, *others[1:]], [*row, *claims[1:]], strict=True)) == {
        "metric": "log\\_loss (primary)",
        "champion 3": "0.40000",
        "challenger": "0.39950",
        "gain": "+0.000500",
        "at least (one-sided)": "-0.000566 at 5 %",
        "95 % interval": "-0.000888 to +0.00189",
        "interval by days alone": "-0.000100 to +0.00110",
        "interval by rows alone": "+0.000300 to +0.000700",
        "p": "0.187",
        "smallest detectable gain": "0.00152 (0.00064 to 0.0023)",
        "verdict": "no difference shown",
    }
    assert "27,004 rows of 28 days" in told
    assert "98.7 % of the labels are known" in told
    assert "Autocorrelation of neighbouring clusters: 0.31." in told
    assert "Skewness: -1.25." in told


def test_unknown_numbers_are_dashes_and_the_reason_follows(metric_result: Callable[..., MetricResult]) -> None:
    told = page([metric_result(None, name="roc_auc", role="info", champion=None, note="all rows are of one class")])
    assert cells(told)[2] == ["roc\\_auc", *["–"] * 6, "not decidable"]
    assert cells(told)[5] == ["roc\\_auc", *["–"] * 3]
    assert "- roc\\_auc: all rows are of one class" in told
    assert "nan" not in told.lower()
    assert "None" not in told


def test_a_first_model_is_compared_with_the_naive_baseline(metric_result: Callable[..., MetricResult]) -> None:
    assert cells(page([metric_result(0.1, 0.01)], champion=None))[0][1] == "naive baseline"


def test_names_that_people_gave_cannot_change_the_page(metric_result: Callable[..., MetricResult]) -> None:
    evil = "<img src=x onerror=alert(1)>\n# Released | [here](http://evil)"
    told = page([metric_result(0.1, 0.01, name=evil)], batch=evil)
    assert "<img" not in told
    assert "\n# Released" not in told
    assert "[here](" not in told.replace("\\[here\\](", "")
    assert len(cells(told)[2]) == len(cells(told)[0])


@pytest.mark.parametrize("text", ["a_b", "*x*", "`x`", "[x](y)", "a|b", "#", "<b>", "&amp;", "a\\b", "~~x~~", "![x]"])
def test_every_sign_of_markup_is_escaped(text: str) -> None:
    shown = escape(text)
    assert shown != text
    for sign in "_*`[]|#~!":
        assert shown.count(sign) == shown.count("\\" + sign)
    assert "<" not in shown


def test_a_slice_that_cannot_be_checked_has_the_reason_beside_it() -> None:
    note = "a loss under 0.02 would most likely stay unseen; 0.01 is looked for"
    hidden = SliceResult(
        column="carrier", value="9E", rows=465, clusters=28, metric="log_loss", verdict="not_decidable", note=note
    )
    assert f"cannot be checked: {note} |" in slice_table([hidden])
