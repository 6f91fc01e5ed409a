"""A decision on one screen: what a person needs, each number once, and nothing that is not on record."""

from __future__ import annotations

from typing import Any

import pytest

from perennial.cli import tables
from perennial.cli.prose import prose
from perennial.deciding.ruling import Comparison, DecisionContext, rule
from perennial.evaluation.reason import meanings, without_numbers
from perennial.evaluation.results import Estimate, Evaluation, Flips, MetricResult, SliceResult
from perennial.ledger.entries import Decision, Release
from perennial.release.brief import decision_in_brief, why
from perennial.release.words import decision_in_words
from perennial.usecase.declaration import ReleaseRules
from tests.evaluation.conftest import primary_of
from tests.release.payloads import AS_OF, challenger, decision

SHARE = Estimate(share=0.0123, ci_low=0.011, ci_high=0.0141)
FLIPS = Flips(rows=27_503, negative=SHARE, positive=SHARE, moved=SHARE, moved_95=0.3, worst=())
EVALUATION = Evaluation(
    rows=27_503,
    clusters=30,
    cluster_by="day",
    cluster_names=(),
    cluster_rows=(917,) * 30,
    labelled_share=0.941,
    autocorrelation=0.1,
    largest_cluster_share=0.1,
    skewness=0.2,
    first="2013-03-31T05:00:00Z",
    last="2013-04-30T23:00:00Z",
    digest="e",
)


def guard(number: int, **fields: Any) -> MetricResult:
    return primary_of(0.002, name=f"guard_number_{number}", role="guard", margin=0.01, **fields)


def slice_of(number: int, **fields: Any) -> SliceResult:
    value = {"column": "carrier", "value": f"A{number}", "rows": 900, "clusters": 30, "metric": "log_loss", **fields}
    return SliceResult.model_validate(value)


def decided(*metrics: MetricResult, first: bool = False, **fields: Any) -> Decision:
    """A decision with the reasons that the default policy gives for it."""
    made = decision("d1", challenger("c", 3), 0 if first else 1)
    rules = ReleaseRules.model_validate(fields.pop("rules", {}))
    comparison = Comparison(metrics, EVALUATION, 0.05, tuple(fields.get("slices", ())), FLIPS)
    live: dict[str, Any] = {"as_of": AS_OF}
    release = None if first else Release.model_construct(**live)
    ruling = rule(rules, comparison, DecisionContext("c", release, AS_OF, "planned"), [])
    changes = {"metrics": metrics, "evaluation": EVALUATION, "flips": FLIPS, "reasons": ruling.reasons, **fields}
    changes["champion"] = None if first else challenger("b", 2).model
    return made.model_copy(update={"outcome": ruling.outcome, **changes})


def test_a_decision_with_many_guards_and_slices_fits_a_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tables, "is_terminal", lambda: True)
    monkeypatch.setattr("perennial.cli.output.sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    slices = [slice_of(n, gain=-0.01 * n, ci_low=-0.02, ci_high=-0.001, verdict="worse") for n in range(1, 40)]
    many = decided(primary_of(0.0125, p_value=0.003), *map(guard, range(6)), slices=slices)
    prose(decision_in_brief(many))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 30, "with what came next and where more is, a screen of 35 lines"
    assert all(len(line) <= 80 for line in lines)
    text = " ".join(lines)
    assert "39 of 39 proven worse" in text and "Guards passed: guard_number_0, guard_number_1" in text
    assert text.count("log_loss") == 1 and "0.38750" in text


def test_the_number_of_rows_and_each_value_of_the_deciding_metric_are_there_once() -> None:
    text = decision_in_brief(decided(primary_of(0.0125, p_value=0.003), first=True))
    for once in ("27,503 rows of 30 days", "0.38750", "+0.0125", "2013-03-31 to 2013-04-30", "94.1 %"):
        assert text.count(once) == 1, once


@pytest.mark.parametrize(
    "reason",
    [
        "Not decidable on 9 rows of 9 days: too few days (the challenger's log_loss 0.38750, the champion 0.4).",
        "A person decides.",
        "Our own rule: log_loss 0.38750, and that is enough",
    ],
)
def test_a_reason_in_other_words_stays_whole(reason: str) -> None:
    assert without_numbers(reason, primary_of(0.0125)) == reason


def test_what_would_have_been_found_stays_where_nothing_was() -> None:
    (first, *_) = why(decided(primary_of(0.0005), first=True))
    assert "gain" not in first.partition("A true gain")[0]
    assert first.endswith("would have been found in 4 of 5 such samples.")


def test_a_slice_that_is_worse_is_named_even_if_the_policy_did_not_ask() -> None:
    worse = slice_of(1, gain=-0.02, ci_low=-0.03, ci_high=-0.01, verdict="worse")
    said = decided(primary_of(0.0005), first=True, slices=[worse, slice_of(2)])
    assert "Proven worse on 1 of 2 slices: carrier A1: gain -0.0200" in decision_in_brief(said).replace("\\", "")


@pytest.mark.parametrize("term", ["the naive baseline", "the champion's skill over the base rate", "a constant"])
def test_terms_of_recorded_reasons_are_explained(term: str) -> None:
    said = decided(primary_of(0.0005)).model_copy(update={"reasons": (f"It is no better than {term}.",)})
    assert "the same prediction for every row" in decision_in_brief(said)
    assert ("Skill is" in meanings(term)) == ("skill" in term)


def test_the_dates_of_the_rows_are_the_days_that_are_counted() -> None:
    """The last day in New York ends when the next one has begun in UTC."""
    local = {"cluster_names": ("2013-03-31", "2013-04-29", "2013-04-30"), "last": "2013-05-01T03:30:00Z"}
    evaluation = EVALUATION.model_copy(update=local)
    for words in (decision_in_brief, decision_in_words):
        said = words(decided(primary_of(0.0005), evaluation=evaluation))
        assert "from 2013-03-31 to 2013-04-30;" in said.replace("\\", "")
        by_week = evaluation.model_copy(update={"cluster_by": "week"})
        said = words(decided(primary_of(0.0005), evaluation=by_week))
        assert "from 2013-03-31 to 2013-05-01 (UTC);" in said.replace("\\", "")
