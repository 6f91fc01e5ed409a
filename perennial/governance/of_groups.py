"""Points 2 and 3: which persons are among the data, and how the model treats them."""

from __future__ import annotations

from perennial.evaluation.bias import words
from perennial.evaluation.bias.results import Bias
from perennial.governance.items import Item, Table, computed, stated, unknown
from perennial.governance.records import Records

TREATMENT, REPRESENTED = "Treatment of groups of persons", "Groups of persons in the data"
LEARNED = "Groups of persons in the training data"
HOLDING = "Other measures that hold a release"
_NOT_DECLARED = "no groups of persons are declared (governance.protected)"


def treatment(records: Records) -> tuple[Item, ...]:
    """Selection rates, error rates, calibration and loss for each group, and the two public ratios."""
    stands = records.declaration.governance
    if not stands.protected and stands.bias.no_groups:
        return (stated(TREATMENT, "bias.no_groups", stands.bias.no_groups),)
    bias = _of(records)
    if bias is None:
        return (unknown(TREATMENT, _why(records), required=stands.risk == "high" and bool(stands.protected)),)
    return (
        computed(TREATMENT, words.summary(bias), table=Table(words.RATES, words.rates(bias))),
        *([computed(HOLDING, table=Table(words.GATED, words.gated(bias)))] if bias.gated else []),
        computed("Accuracy for groups of persons", table=Table(words.MEASURES, words.measures(bias))),
        computed(
            "Predictions for groups of persons",
            "How many rows of each group are in each tenth of all predictions, the lowest first.",
            table=Table(words.SCORES, words.scores(bias)),
        ),
        computed("Ratios of two public rules", words.about_impact(bias), table=Table(words.IMPACT, words.impact(bias))),
    )


def representation(records: Records) -> tuple[Item, ...]:
    """The groups' shares of the evaluation rows and of the training rows beside those of the declared population."""
    stands = records.declaration.governance
    if not stands.protected:
        return ()
    bias = _of(records)
    if bias is None:
        return (unknown(REPRESENTED, _why(records), required=False),)
    rows, learned = words.represented(bias), words.trained_on(bias)
    if not rows and not learned:
        return (unknown(REPRESENTED, "no population is declared (governance.population)", required=False),)
    items = [_shares(REPRESENTED, "evaluation", rows)] if rows else []
    if not learned:
        why = "the model was trained before a population was declared"
        return (*items, unknown(LEARNED, why, required=False))
    return (*items, _shares(LEARNED, "training", learned))


def _shares(name: str, which: str, rows: words.Cells) -> Item:
    return computed(name, words.about_shares(which), table=Table(words.MEASURES, rows))


def _of(records: Records) -> Bias | None:
    return records.subject.decision.payload.bias if records.subject is not None else None


def _why(records: Records) -> str:
    if not records.declaration.governance.protected:
        return _NOT_DECLARED
    if records.subject is None:
        return "no model was released yet"
    return "the groups were declared after this decision"
