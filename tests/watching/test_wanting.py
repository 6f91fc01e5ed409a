"""Which open episode still wants a retraining."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.ledger.entries import ChallengerEntry, Episode, EpisodeClosed, EpisodeRose, ModelRef, Trigger
from perennial.ledger.ledger import Ledger
from perennial.usecase.declaration import Triggers
from perennial.watching.health import wants_retraining

MARCH, APRIL, MAY = (f"2023-{month:02d}-01T00:00:00Z" for month in (3, 4, 5))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def opened(at: str) -> Episode:
    return Episode(episode=f"level@{at}", channel="level", opened_at=at, batch="b", release_no=1, detail="much worse")


def trained(as_of: str, kind: str = "person") -> ChallengerEntry:
    return ChallengerEntry(
        challenger=f"c{as_of}",
        model=ModelRef(version=1, run_id="r", digest="d"),
        snapshot="s",
        model_digest="m",
        declaration_digest="d",
        features_digest="f",
        code_version="v",
        as_of=as_of,
        trigger=Trigger.model_validate({"kind": kind}),
        seconds=1,
    )


def test_an_episode_wants_one_until_something_knows_what_it_was_opened_by(ledger: Ledger) -> None:
    assert wants_retraining(ledger, "shop", Triggers()) is None
    ledger.append("shop", trained(MARCH))
    ledger.append("shop", opened(APRIL))
    assert wants_retraining(ledger, "shop", Triggers()) == f"level@{APRIL}"
    ledger.append("shop", trained(APRIL))
    assert wants_retraining(ledger, "shop", Triggers()) is None


def test_the_next_episode_wants_its_own(ledger: Ledger) -> None:
    for payload in (opened(MARCH), trained(APRIL), opened(MAY)):
        ledger.append("shop", payload)
    assert wants_retraining(ledger, "shop", Triggers()) == f"level@{MAY}"


def test_an_episode_that_is_over_wants_nothing(ledger: Ledger) -> None:
    ledger.append("shop", opened(APRIL))
    ledger.append("shop", EpisodeClosed(episode=f"level@{APRIL}", closed_at=MAY, batch="b", detail="as it was"))
    assert wants_retraining(ledger, "shop", Triggers()) is None


def test_the_declaration_chooses_whose_episodes_start_one(ledger: Ledger) -> None:
    ledger.append("shop", opened(APRIL))
    wanted = {
        chosen: wants_retraining(ledger, "shop", Triggers(on_drift=chosen))
        for chosen in (True, False, (), ("gap",), ("level",))
    }
    assert wanted == {True: f"level@{APRIL}", False: None, (): None, ("gap",): None, ("level",): f"level@{APRIL}"}


def test_an_episode_that_only_informs_of_a_batch_starts_none_however_it_is_declared(ledger: Ledger) -> None:
    """A failed warning replaced a challenger that had collected ten of its fifteen days."""
    informs = {"episode": f"contract@{APRIL}", "channel": "contract", "severity": "info"}
    ledger.append("shop", opened(APRIL).model_copy(update=informs))
    assert wants_retraining(ledger, "shop", Triggers()) is None
    assert wants_retraining(ledger, "shop", Triggers(on_drift=("contract",))) is None
    rose = EpisodeRose(episode=f"contract@{APRIL}", risen_at=MAY, batch="b", severity="page", detail="held")
    ledger.append("shop", rose)
    assert wants_retraining(ledger, "shop", Triggers()) == f"contract@{APRIL}", "it does more than inform now"


def test_a_channel_that_always_informs_starts_one_where_it_is_declared(ledger: Ledger) -> None:
    ledger.append("shop", opened(APRIL).model_copy(update={"episode": f"features@{APRIL}", "channel": "features"}))
    assert wants_retraining(ledger, "shop", Triggers()) is None
    assert wants_retraining(ledger, "shop", Triggers(on_drift=("features",))) == f"features@{APRIL}"
