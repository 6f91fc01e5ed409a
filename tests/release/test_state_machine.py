"""Random lives: decisions, crashes between writes, switched policies, two promoters, rollbacks. What always holds."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from perennial.clock import instant, write_instant
from perennial.deciding import ruling
from perennial.deciding.alone import passed
from perennial.deciding.loading import mixture_of
from perennial.deciding.ruling import Comparison, DecisionContext
from perennial.errors import HeldBack, InputError, ReleaseLost
from perennial.evaluation.judgement import Asked, GainSums, judge
from perennial.evaluation.policies import POLICIES
from perennial.evaluation.results import Policy, SliceResult
from perennial.ledger.entries import Alone, Decision, Mixture, Release, ReleasesFrozen
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, freezes, says_release, undone_decision, waiting_challenger
from perennial.release.freeze import resume
from perennial.release.promote import approve, release_blend, release_decided
from perennial.release.rollback import roll_back
from perennial.usecase.declaration import ReleaseRules
from tests.extent import part_of
from tests.release.payloads import challenger, decision

COUNTS = np.full(30, 100)
HARMED = SliceResult(column="site", value="a", rows=900, clusters=30, metric="log_loss", gain=-0.1, verdict="worse")
SHARED = {"five_percent_a_year": 0.05, "strict": 0.01}


def weights_of(release: Release) -> dict[str, float]:
    """Challenger → its weight among the evaluated models."""
    return {each.challenger: each.weight for each in release.evaluated}


def _is_due(ledger: Ledger) -> bool:
    return waiting_challenger(ledger, "shop") is not None and undone_decision(ledger, "shop") is None


class Life(RuleBasedStateMachine):
    """One use case. A crash is a write that does not follow; the next rule finds what is left."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger(f"sqlite:///{Path(self.folder.name, 'ledger.db')}")
        self.now = datetime(2024, 1, 31, tzinfo=UTC)
        self.policy, self.versions, self.written = "balanced", 0, dict[str, str]()
        self.left_out = dict[str, datetime]()  # challenger → since when its training left days out
        self.evaluated = dict[str, datetime]()  # challenger → when it was evaluated last

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(days=st.integers(1, 90))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(policy=st.sampled_from(POLICIES))
    def the_policy_is_switched(self, policy: str) -> None:
        self.policy = policy

    @precondition(lambda self: waiting_challenger(self.ledger, "shop") is None)
    @rule(newest=st.booleans())
    def a_challenger_is_trained(self, newest: bool) -> None:
        """newest: without the newest 15 days, if they have evaluated no other."""
        self.versions += 1
        made = challenger(f"c{self.versions}", self.versions)
        used = max(self.evaluated.values(), default=self.now - timedelta(days=15))
        if newest and used <= self.now - timedelta(days=15):
            self.left_out[made.challenger] = self.now - timedelta(days=15)
        self.ledger.append("shop", made.model_copy(update={"as_of": write_instant(self.now)}))

    @precondition(lambda self: _is_due(self.ledger))
    @rule(
        gain=st.floats(-0.02, 0.02),
        event=st.booleans(),
        patient=st.booleans(),
        harm=st.booleans(),
        members=st.integers(1, 3),
        better_alone=st.booleans(),
    )
    def it_is_decided(
        self, gain: float, event: bool, patient: bool, harm: bool, members: int, better_alone: bool
    ) -> None:
        waiting, release = waiting_challenger(self.ledger, "shop"), current_release(self.ledger, "shop")
        assert waiting is not None
        since = self.left_out.get(waiting.challenger)
        if since is None or waiting.challenger in self.evaluated:
            self.now += timedelta(days=15)  # else it is evaluated at once
        self.evaluated[waiting.challenger] = self.now
        noise = np.random.default_rng(self.versions).normal(size=30)
        sums = (noise - noise.mean()) * 2
        result = judge(
            Asked("log_loss", "primary"),
            GainSums(
                direction="lower", champion=0.5, challenger=0.5 - gain, sums=sums, counts=COUNTS, sum_of_squares=9.0
            ),
        )
        history = [r.payload for r in self.ledger.all("shop", Decision)]
        serve = {"serve": "mixture", "members": members} if members > 1 else {}
        rules = ReleaseRules.model_validate({"policy": self.policy, "decisions_a_year": 12, **serve})
        plain = decision(f"d{len(history)}", waiting, release.release_no if release else 0)
        pool: Any = "event" if event else "planned"
        patience = timedelta(days=90) if patient and release and self.policy == "balanced" else None
        looks = ruling.looks_at(waiting, history, patience, write_instant(self.now), since) if patience else ()
        made = ruling.rule(
            rules,
            Comparison((result,), plain.evaluation, 0.1, (HARMED,) if harm else ()),
            DecisionContext(waiting.challenger, release, write_instant(self.now), pool, looks),
            history,
        )
        mixed = mixture_of(rules, release, waiting)
        alone = Alone(against_mixture=result, metrics=(result,), is_live=better_alone) if passed(made) else None
        policy = Policy(
            name=self.policy,
            parameters={},
            alpha=made.alpha,
            pool=pool,
            spent=made.spent,
            refit_weight=made.refit_weight,
            looks=looks,
            waits=made.outcome == "undecided" and bool(looks) and looks[-1] < 1,
        )
        said = plain.model_copy(
            update={
                "outcome": made.outcome,
                "reasons": made.reasons,
                "policy": policy,
                "metrics": (result,),
                "as_of": write_instant(self.now),
                "mixture": Mixture(members=mixed, challenger=result, alone=alone) if mixed else None,
            }
        )
        self.ledger.append("shop", said)
        self.written[said.id] = said.model_dump_json()

    @precondition(lambda self: self.ledger.all("shop", Decision))
    @rule(again=st.booleans())
    def a_promoter_carries_the_newest_out(self, again: bool) -> None:
        said = self.ledger.all("shop", Decision)[-1].payload
        if not says_release(self.ledger, said):
            return
        for _ in range(2 if again else 1):
            try:
                release_decided(self.ledger, said)
            except ReleaseLost:
                made = self.ledger.get("shop", Release, str(said.release_no + 1))
                assert made is not None
                assert made.payload.decision != said.id

    @rule()
    def a_blend_follows(self) -> None:
        if undone_decision(self.ledger, "shop") is None:
            release_blend(self.ledger, "shop", self.now)

    @precondition(lambda self: self.ledger.all("shop", Decision))
    @rule(which=st.integers(0, 30))
    def a_person_approves(self, which: int) -> None:
        decisions = self.ledger.all("shop", Decision)
        with suppress(HeldBack, InputError, ReleaseLost):
            approve(self.ledger, decisions[which % len(decisions)].payload, "Ada", "seen", self.now)

    @precondition(lambda self: current_release(self.ledger, "shop") is not None)
    @rule(named=st.booleans(), stale=st.booleans(), reason=st.sampled_from(["it hurts", "returns went up"]))
    def a_person_rolls_back_and_repeats_it(self, named: bool, stale: bool, reason: str) -> None:
        release = current_release(self.ledger, "shop")
        assert release is not None
        if undone_decision(self.ledger, "shop") is not None:
            return
        seen = max(1, release.release_no - stale) if named else None
        with suppress(HeldBack, InputError, ReleaseLost):
            done = roll_back(self.ledger, "shop", self.now, reason, seen)
            releases = len(self.ledger.all("shop", Release))
            again = roll_back(self.ledger, "shop", self.now + timedelta(days=3), reason, seen)
            assert (again.row, again.made) == (done.row, False)
            assert len(self.ledger.all("shop", Release)) == releases

    @rule(name=st.sampled_from(["level@1", "unseen@1", "level@2"]))
    def an_episode_freezes_releases(self, name: str) -> None:
        frozen = ReleasesFrozen(episode=name, as_of=write_instant(self.now), batch="b", detail="worse")
        self.ledger.append("shop", frozen)

    @precondition(lambda self: bool(freezes(self.ledger, "shop")))
    @rule()
    def a_person_resumes(self) -> None:
        resume(self.ledger, "shop", "Ada", "repaired", self.now)
        assert not freezes(self.ledger, "shop")

    @invariant()
    def while_frozen_nothing_is_released_but_by_a_rollback(self) -> None:
        for row in self.ledger.all("shop", Release):
            if row.payload.kind != "rollback":
                assert not freezes(self.ledger.before(row.position), "shop")

    @invariant()
    def releases_follow_each_other_in_time(self) -> None:
        since = [instant(row.payload.as_of) for row in self.ledger.all("shop", Release)]
        assert since == sorted(since)

    @invariant()
    def one_champion(self) -> None:
        releases = [r.payload for r in self.ledger.all("shop", Release)]
        assert [r.release_no for r in releases] == list(range(1, len(releases) + 1))
        for release in releases:
            assert abs(sum(each.weight for each in release.serves) - 1) < 1e-12
            assert len({each.model.version for each in release.serves}) == len(release.serves)

    @invariant()
    def what_was_evaluated_is_what_is_live(self) -> None:
        """Beside it is at most one refit; blends and rollbacks leave together what was evaluated together."""
        releases = {row.payload.release_no: row.payload for row in self.ledger.all("shop", Release)}
        for release in releases.values():
            assert len(release.serves) - len(release.evaluated) == (release.refit is not None)
            if release.kind in ("first", "release"):
                assert release.decision is not None
                made = self.ledger.get("shop", Decision, release.decision)
                assert made is not None and release.serves == made.payload.releases
            else:
                before = releases[release.restores or release.release_no - 1]
                assert weights_of(release) == pytest.approx(weights_of(before), abs=1e-12)

    @invariant()
    def the_budget_is_kept(self) -> None:
        spent: dict[int, list[Decision]] = {}
        for row in self.ledger.all("shop", Decision):
            assert row.payload.policy.alpha is not None
            assert row.payload.policy.alpha >= 0
            if row.payload.release_no:
                spent.setdefault(instant(row.payload.as_of).year, []).append(row.payload)
        for year in spent.values():
            for name, most in SHARED.items():
                if all(said.policy.name == name for said in year):
                    assert sum(said.policy.alpha or 0.0 for said in year) <= most + 1e-12

    @invariant()
    def no_decision_ever_changes(self) -> None:
        found = {row.payload.id: row.payload.model_dump_json() for row in Ledger(self.ledger.url).all("shop", Decision)}
        assert found == self.written
        self.ledger.verify("shop")


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=part_of(20), stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
