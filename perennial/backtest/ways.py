"""Which lives are compared: the declared one, and others that a team may want to choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perennial.backtest.lives import NEVER, UNTESTED, Way
from perennial.backtest.stream import RACE
from perennial.errors import InputError
from perennial.evaluation.policies import REGISTERED, load_policy
from perennial.usecase.declaration import Declaration
from perennial.usecase.declared_judge import Newest

SCHEDULES: dict[str, float] = {"each_batch": 0.0, "weekly": 6.5, "monthly": 27.5, "quarterly": 88.0}
"""Days between trainings, a little less than the shortest of the name, so that an arrival an hour early counts too."""
DEFAULT_DAYS = 15
"""Of the newest days that evaluate a challenger at once, where the declaration names no other number."""


def declared_way(declaration: Declaration) -> Way:
    """The life that the declaration describes, with a training after each batch."""
    rules, racing = declaration.rules, declaration.model.racing
    patience = rules.patience
    return Way(
        policy=rules.policy,
        window=RACE if len(racing) > 1 else next(iter(racing)),
        serve=rules.serve,
        at_once=isinstance(rules.judge, Newest),
        members=rules.members,
        refresh_after=rules.refresh_after.total_seconds() / 86400,
        min_gain=rules.min_gain,
        patience=None if patience is None else patience.total_seconds() / 86400,
        decisions_a_year=rules.decisions_a_year or Way().decisions_a_year,
        event_decisions_a_year=rules.event_decisions_a_year,
    )


def newest_days_of(declaration: Declaration) -> int:
    """How many of the newest days evaluate a challenger at once, in the declared life and in those beside it."""
    declared = declaration.release.judge
    return declared.days if isinstance(declared, Newest) else DEFAULT_DAYS


def usual_ways(declared: Way) -> tuple[Way, ...]:
    """The declared life first, then a dozen others: each policy, mixtures, evaluation at once, other schedules."""
    plain = replace(declared, policy="balanced", serve="single", at_once=False, patience=None)
    others = [
        plain,
        replace(plain, serve="mixture"),
        replace(plain, at_once=True),
        replace(plain, serve="mixture", at_once=True),
        *(replace(plain, policy=policy) for policy in ("blend", "newest_unless_worse", "five_percent_a_year")),
        replace(plain, policy="blend", serve="mixture"),
        replace(declared, every=SCHEDULES["quarterly"]),
        replace(plain, policy=UNTESTED),
        replace(plain, policy=NEVER),
    ]
    return tuple(dict.fromkeys([declared, *others]))


def asked_ways(declared: Way, policies: Sequence[str], schedules: Sequence[str]) -> tuple[Way, ...]:
    """The declared life, and every policy with every schedule, otherwise as declared. Raises InputError.

    policies: `never` and `newest` beside the release policies. schedules: `never` keeps the first model.
    """
    ways = [declared]
    for policy in policies or [declared.policy]:
        if policy not in ("newest", NEVER) and not REGISTERED.has(policy):
            known = ", ".join([*REGISTERED.names(), "newest", NEVER])
            raise InputError(
                f"policies: unknown policy '{policy}'\n  known ones: {known}", code="backtest-unknown-life"
            )
        name = UNTESTED if policy == "newest" else policy
        waits = declared.patience if name not in (NEVER, UNTESTED) and load_policy(name).allows_patience else None
        for schedule in schedules or ["each_batch"]:
            if schedule != NEVER and schedule not in SCHEDULES:
                known = ", ".join([*SCHEDULES, NEVER])
                raise InputError(
                    f"schedule: unknown schedule '{schedule}'\n  known ones: {known}", code="backtest-unknown-life"
                )
            if NEVER in (schedule, policy):
                ways.append(replace(declared, policy=NEVER, patience=None))
            else:
                ways.append(replace(declared, policy=name, patience=waits, every=SCHEDULES[schedule]))
    return tuple(dict.fromkeys(ways))


def name_of(way: Way, declared: Way) -> str:
    """A life in a few words, in which what is as in most lives is left out."""
    words = [way.policy]
    if way.window != declared.window:
        words.append(way.window)
    words += ["mixture"] if way.serve == "mixture" else []
    words += ["at once"] if way.at_once else []
    words += [name for name, days in SCHEDULES.items() if days and days == way.every]
    words += ["patience"] if way.patience is not None else []
    return ", ".join(words)
