"""Which lives are compared: the declared one, and others that a team may want to choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, get_args

from perennial.backtest.alarms import channels_of_the_loss, require_channels
from perennial.backtest.lives import NEVER, UNTESTED, Way
from perennial.backtest.windows import declared_window, other_window, window_named
from perennial.errors import InputError
from perennial.evaluation.policies import REGISTERED, load_policy
from perennial.usecase.declaration import Declaration, ReleaseRules
from perennial.usecase.declared_judge import Newest

SCHEDULES: dict[str, float] = {"each_batch": 0.0, "weekly": 6.5, "monthly": 27.5, "quarterly": 88.0}
"""Days between trainings, a little less than the shortest of the name, so that an arrival an hour early counts too."""
DAYS_TO_RECALL = 730
"""Of history, from which on a life that recalls old models is usual: before that no season has returned."""
DRIFT = "on_drift"
NEWEST = "newest"
"""As a policy, every new model untested; in `evaluate`, evaluation on the newest days."""
SERVED: tuple[str, ...] = get_args(ReleaseRules.model_fields["serve"].annotation)
EVALUATE = ("next_batch", NEWEST)
DEFAULT_DAYS = 15
"""Of the newest days that evaluate a challenger at once, where the declaration names no other number."""


@dataclass(frozen=True)
class Asked:
    """What is compared, by the names of a declaration, in every combination; empty: as declared.

    policies: `never` and `newest` beside the release policies. schedules: `never` keeps the first model.
    """

    policies: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    serve: tuple[str, ...] = ()
    evaluate: tuple[str, ...] = ()


def declared_way(declaration: Declaration) -> Way:
    """The life that the declaration describes, with a training after each batch unless only alarms start one."""
    rules, patience = declaration.rules, declaration.rules.patience
    return Way(
        policy=rules.policy,
        window=declared_window(declaration),
        serve=rules.serve,
        at_once=isinstance(rules.judge, Newest),
        members=rules.members,
        on_drift=_trains_on_drift(declaration),
        refresh_after=rules.refresh_after.total_seconds() / 86400,
        min_gain=rules.min_gain,
        patience=None if patience is None else patience.total_seconds() / 86400,
        decisions_a_year=rules.decisions_a_year or Way().decisions_a_year,
        event_decisions_a_year=rules.event_decisions_a_year,
    )


def _trains_on_drift(declaration: Declaration) -> bool:
    triggers = declaration.triggers
    if triggers.on_new_batch or triggers.schedule is not None or not triggers.on_drift:
        return False
    return bool(channels_of_the_loss(declaration))


def newest_days_of(declaration: Declaration) -> int:
    """How many of the newest days evaluate a challenger at once, in the declared life and in those beside it."""
    declared = declaration.release.judge
    return declared.days if isinstance(declared, Newest) else DEFAULT_DAYS


def usual_ways(declaration: Declaration, days: int) -> tuple[Way, ...]:
    """The declared life first, then a dozen others: policies, mixtures, evaluation at once, a window, schedules.

    days: of history.
    """
    declared, window = declared_way(declaration), other_window(declaration)
    plain = replace(declared, policy="balanced", serve="single", at_once=False, patience=None)
    others = [
        plain,
        replace(plain, serve="mixture"),
        replace(plain, at_once=True),
        replace(plain, serve="mixture", at_once=True),
        *([replace(plain, serve="recall", at_once=True)] if days >= DAYS_TO_RECALL else []),
        *(replace(plain, policy=policy) for policy in ("blend", "newest_unless_worse", "five_percent_a_year")),
        replace(plain, policy="blend", serve="mixture"),
        *([] if window is None else [replace(declared, window=window)]),
        replace(declared, every=SCHEDULES["quarterly"], on_drift=False),
        replace(plain, policy=UNTESTED, on_drift=False),
        replace(plain, policy=NEVER, on_drift=False),
    ]
    return tuple(dict.fromkeys([declared, *others]))


def asked_ways(declaration: Declaration, asked: Asked) -> tuple[Way, ...]:
    """The declared life, and every combination of what is asked for, otherwise as declared. Raises InputError."""
    declared = declared_way(declaration)
    _check("policies", asked.policies, (*REGISTERED.names(), NEWEST, NEVER))
    _check("schedule", asked.schedules, (*SCHEDULES, DRIFT, NEVER))
    _check("serve", asked.serve, SERVED)
    _check("evaluate", asked.evaluate, EVALUATE)
    if DRIFT in asked.schedules:
        require_channels(declaration)
        if NEWEST in asked.policies:
            raise InputError(
                "schedule: on_drift cannot be combined with the policy newest: a model that was not evaluated has no "
                "loss to compare later ones with",
                code="backtest-unknown-life",
                field="schedule",
                value=DRIFT,
                fix="Ask for the two in different runs.",
            )
    ways = [declared]
    for policy, window, schedule, serve, evaluate in product(
        asked.policies or (declared.policy,),
        [window_named(declaration, words) for words in asked.windows] or (declared.window,),
        asked.schedules or (None,),
        asked.serve or (declared.serve,),
        asked.evaluate or (EVALUATE[declared.at_once],),
    ):
        changes: dict[str, Any] = {"window": window, "serve": serve, "at_once": evaluate == NEWEST}
        way = replace(declared, **changes)
        if schedule is not None:
            way = replace(way, every=SCHEDULES.get(schedule, 0.0), on_drift=schedule == DRIFT)
        if NEVER in (schedule, policy) or policy == NEWEST:
            ways.append(_without_evaluation(way, NEVER if NEVER in (schedule, policy) else UNTESTED))
        else:
            ways.append(
                replace(way, policy=policy, patience=way.patience if load_policy(policy).allows_patience else None)
            )
    return tuple(dict.fromkeys(ways))


def _without_evaluation(way: Way, policy: str) -> Way:
    """A life in which only the first model is evaluated."""
    every = 0.0 if policy == NEVER else way.every
    return replace(way, policy=policy, serve="single", at_once=False, patience=None, every=every, on_drift=False)


def _check(field: str, given: Sequence[str], known: Sequence[str]) -> None:
    what = {"policies": "policy", "serve": "way to serve", "evaluate": "way to evaluate"}.get(field, field)
    for name in given:
        if name not in known:
            raise InputError(
                f"{field}: unknown {what} '{name}'\n  known ones: {', '.join(known)}",
                code="backtest-unknown-life",
                field=field,
                value=name,
            )


def name_of(way: Way, declared: Way) -> str:
    """A life in a few words, in which what is as in most lives is left out."""
    words = [way.policy]
    if way.window != declared.window:
        words.append(way.window)
    words += [way.serve] if way.serve != "single" else []
    words += ["at once"] if way.at_once else []
    words += [name for name, days in SCHEDULES.items() if days and days == way.every]
    if way.on_drift:
        words.append("on drift")
    elif declared.on_drift and not way.every and way.policy != NEVER:
        words.append("each batch")
    words += ["patience"] if way.patience is not None else []
    return ", ".join(words)
