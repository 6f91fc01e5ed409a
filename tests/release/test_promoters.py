"""Two promoters at once, again and again: one wins, the other learns which one won."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from perennial.errors import ReleaseLost
from perennial.ledger.entries import Release
from perennial.ledger.ledger import Ledger
from perennial.release.promote import release_decided
from perennial.release.rollback import roll_back
from tests.extent import ALL
from tests.release.payloads import challenger, decision

ROUNDS = 100 if ALL else 60
"""A third of them has a rollback, of which one at least has to win."""
LONG = 100.0
NOW = datetime(2024, 3, 1, tzinfo=UTC)


def test_of_two_promoters_one_wins_and_the_other_learns_by_whom(tmp_path: Path) -> None:
    race(f"sqlite:///{tmp_path / 'ledger.db'}")


def race(url: str) -> None:
    """Releases, each of which two processes want."""
    context = multiprocessing.get_context("forkserver")
    barrier, told = context.Barrier(2), context.Queue()
    promoters = [context.Process(target=promote, args=(url, who, barrier, told), daemon=True) for who in (0, 1)]
    for promoter in promoters:
        promoter.start()
    heard: dict[int, dict[int, str]] = {number: {} for number in range(1, ROUNDS + 1)}
    for _ in range(2 * ROUNDS):
        number, who, message = told.get(timeout=LONG)
        heard[number][who] = message
    for promoter in promoters:
        promoter.join(LONG)
    assert [promoter.exitcode for promoter in promoters] == [0, 0]

    ledger = Ledger(url)
    ledger.verify("shop")
    releases = [row.payload for row in ledger.all("shop", Release)]
    assert [release.release_no for release in releases] == list(range(1, ROUNDS + 1))
    for release in releases:
        messages = heard[release.release_no]
        winners = [who for who, message in messages.items() if message == "won"]
        assert len(winners) == 1, f"release {release.release_no}: {messages}"
        (winner,) = winners
        by = release.decision or "rollback"
        assert by in (f"d{release.release_no}-{winner}", "rollback")
        lost = messages[1 - winner]
        assert f"shop: release {release.release_no} was made first" in lost
        assert f"by {f'decision {by}' if release.decision else f'a {by}'} " in lost
        assert f"(version {release.serves[0].model.version} is live)" in lost
    assert {release.kind for release in releases} == {"first", "release", "rollback"}, "each kind won at times"


def promote(url: str, who: int, barrier: Barrier, told: Queue[tuple[int, int, str]]) -> None:
    """Release one's own challenger each round; in every third round the second promoter rolls back instead."""
    ledger = Ledger(url)
    for number in range(1, ROUNDS + 1):
        model = challenger(f"c{number}-{who}", version=2 * number + who)
        mine = decision(f"d{number}-{who}", model, release_no=number - 1)
        ledger.append("shop", model)
        ledger.append("shop", mine)
        barrier.wait(LONG)
        try:
            if who == 1 and number % 3 == 0:
                roll_back(ledger, "shop", NOW, "it went bad", seen=number - 1)
            else:
                release_decided(ledger, mine)
            told.put((number, who, "won"))
        except ReleaseLost as lost:
            told.put((number, who, str(lost)))
        barrier.wait(LONG)
