"""Which open episode still wants a retraining."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from perennial.intake.missing import column_warnings, missing_warnings
from perennial.ledger.entries import BatchEntry, ChallengerEntry, Decision, Episode, EpisodeClosed, ModelRef, Trigger
from perennial.ledger.ledger import Ledger
from perennial.release.promote import release_decided
from perennial.sources.parsing import Parsed
from perennial.usecase.declaration import Triggers
from perennial.watching.wanting import wants_retraining
from tests.ledger.payloads import batch
from tests.release.payloads import challenger, decision

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


ALARMS_ALONE = Triggers(on_new_batch=False)


def turned_down(at: str) -> Decision:
    """The decision that ends the case of the challenger that was trained then."""
    said = decision(f"d{at}", challenger(f"c{at}", 2), 1)
    return said.model_copy(update={"outcome": "keep", "policy": said.policy.model_copy(update={"waits": False})})


def released(ledger: Ledger, release_no: int) -> None:
    """The next release after that one, by a decision."""
    model = challenger(f"released{release_no}", release_no + 1).model_copy(update={"as_of": MARCH})
    said = decision(f"r{release_no}", model, release_no)
    ledger.append("shop", model)
    ledger.append("shop", said)
    release_decided(ledger, said)


@pytest.fixture
def open_episode(ledger: Ledger) -> Ledger:
    """Release 1 is live, an episode about it was opened, and a challenger was trained because of it."""
    released(ledger, 0)
    ledger.append("shop", opened(APRIL))
    ledger.append("shop", trained(APRIL))
    return ledger


def test_where_alarms_alone_train_an_episode_wants_another_once_its_challenger_was_turned_down(
    open_episode: Ledger,
) -> None:
    assert wants_retraining(open_episode, "shop", ALARMS_ALONE) is None, "a challenger waits"
    open_episode.append("shop", turned_down(APRIL))
    assert wants_retraining(open_episode, "shop", ALARMS_ALONE) == f"level@{APRIL}"
    for trains in (Triggers(), Triggers(on_new_batch=False, schedule="0 6 2 * *")):
        assert wants_retraining(open_episode, "shop", trains) is None, "a batch or a schedule trains the next one"
    open_episode.append("shop", trained(MAY))
    assert wants_retraining(open_episode, "shop", ALARMS_ALONE) is None, "the next one waits"
    open_episode.append("shop", turned_down(MAY))
    released(open_episode, 1)
    assert wants_retraining(open_episode, "shop", ALARMS_ALONE) is None, "the episode is about a former model"


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


def of_batches(severity: str) -> Episode:
    """An episode of the contract channel, opened in April."""
    informs = {"episode": f"contract@{APRIL}", "channel": "contract", "severity": severity}
    return opened(APRIL).model_copy(update=informs)


@pytest.mark.parametrize("severity", ["info", "warning", "page"])
@pytest.mark.parametrize("chosen", [True, ("contract",)])
@pytest.mark.parametrize(
    "came",
    [
        batch("2023-03", status="held", held_because=("price: the column is missing",)),
        batch("2023-03", warnings=("price: between 0 and 500: 3 of 10 rows",)),
        batch(
            "2023-03",
            warnings=("fee: a new column, which nothing uses until the declaration names it",),
            arrived_at=APRIL,
        ),
        batch("2023-03", warnings=("price: missing in 12 % of the rows, usually in 2 %",)),
        batch("2023-02", warnings=("price: missing in 97 % of the rows, usually in 2 %",)),
    ],
)
def test_a_batch_that_is_held_late_or_warned_about_starts_no_retraining(
    ledger: Ledger, severity: str, chosen: bool | tuple[str, ...], came: BatchEntry
) -> None:
    """There is nothing new to learn from, and a failed warning would replace a challenger that collects labels."""
    ledger.append("shop", came)
    ledger.append("shop", of_batches(severity))
    assert wants_retraining(ledger, "shop", Triggers(on_drift=chosen)) is None


@pytest.mark.parametrize(
    "warning",
    [
        *column_warnings(Parsed(frame=pd.DataFrame(), unreadable={}, missing=(), extra=(), absent=("price",)), None),
        *missing_warnings({"price": 0.97}, {"price": 0.02}),
    ],
)
def test_a_feature_that_accepted_rows_no_longer_have_starts_one_retraining(ledger: Ledger, warning: str) -> None:
    """Also where the episode began with a held batch, which a person then had accepted."""
    ledger.append("shop", trained(MARCH))
    ledger.append("shop", of_batches("info"))
    assert wants_retraining(ledger, "shop", Triggers()) is None
    ledger.append("shop", batch("2023-04", warnings=(warning,), arrived_at=MAY))
    assert wants_retraining(ledger, "shop", Triggers()) == f"contract@{APRIL}"
    assert wants_retraining(ledger, "shop", Triggers(on_drift=("level",))) is None
    ledger.append("shop", trained(MAY))
    assert wants_retraining(ledger, "shop", Triggers()) is None
    ledger.append("shop", batch("2023-05", warnings=(warning,), arrived_at="2023-06-01T00:00:00Z"))
    assert wants_retraining(ledger, "shop", Triggers()) is None, "one for each episode"


def test_a_channel_that_always_informs_starts_one_where_it_is_declared(ledger: Ledger) -> None:
    ledger.append("shop", opened(APRIL).model_copy(update={"episode": f"features@{APRIL}", "channel": "features"}))
    assert wants_retraining(ledger, "shop", Triggers()) is None
    assert wants_retraining(ledger, "shop", Triggers(on_drift=("features",))) == f"features@{APRIL}"
