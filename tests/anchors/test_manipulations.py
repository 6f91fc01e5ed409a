"""Every way to change the record shows, by name and with the row from which on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from perennial.errors import InputError, LedgerBroken
from perennial.governance.anchor import read_anchors
from perennial.governance.anchor_check import AnchorsBroken, Covered
from perennial.governance.anchor_key import make_key, trusted_keys
from perennial.governance.signed_note import Note, PublicKey
from perennial.identity import digest
from perennial.ledger.chain import GENESIS
from perennial.ledger.ledger import Ledger
from tests.anchors.conftest import Kept
from tests.ledger.payloads import declaration
from tests.ledger.test_ledger import behind_its_back


def rewrite(ledger: Ledger, from_row: int) -> None:
    """Change a row, and give it and every later one a hash that fits, as somebody would who knows how."""
    behind_its_back(ledger, f"UPDATE entries SET recorded_at = '2020-01-01T00:00:00Z' WHERE position = {from_row}")
    with closing(sqlite3.connect(ledger.url.removeprefix("sqlite:///"))) as database, database:
        database.row_factory = sqlite3.Row
        previous = GENESIS
        for row in database.execute("SELECT * FROM entries WHERE usecase = 'shop' ORDER BY position").fetchall():
            values = {**dict(row), "previous_hash": previous}
            values = {name: value for name, value in values.items() if name not in ("id", "hash")}
            previous, place = digest(values), row["id"]
            database.execute(
                "UPDATE entries SET previous_hash = ?, hash = ? WHERE id = ?",
                (values["previous_hash"], previous, place),
            )


def cut(ledger: Ledger, after: int) -> None:
    behind_its_back(ledger, f"DELETE FROM entries WHERE usecase = 'shop' AND position > {after}")


def forge(ledger: Ledger) -> None:
    """Append a row as the last one with the wrong link."""
    behind_its_back(
        ledger,
        "INSERT INTO entries (usecase, position, kind, key, recorded_at, payload, previous_hash, hash) "
        "SELECT usecase, position + 1, kind, 'forged', recorded_at, payload, hash, hash || '' FROM entries "
        "WHERE position = 9",
    )


def test_an_intact_chain_is_covered_up_to_its_newest_anchor(kept: Kept) -> None:
    (chain,) = kept.verify()
    assert chain.rows == 9
    assert list(chain.covered.values()) == [Covered(anchors=3, position=9, incomplete=())]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            lambda ledger: behind_its_back(ledger, "UPDATE entries SET payload = '{}' WHERE position = 4"),
            "ledger-broken",
            "row 4 of the ledger .* was changed after it was written",
        ),
        (
            lambda ledger: behind_its_back(ledger, "DELETE FROM entries WHERE position = 4"),
            "ledger-broken",
            r"row 4 of the ledger is missing or out of order \(found position 5\)",
        ),
        (forge, "ledger-broken", "row 10 of the ledger .* was changed"),
        (
            lambda ledger: rewrite(ledger, 5),
            "ledger-rewritten",
            "rewritten from a row between 4 and 6 on: row 6 has the hash .* rows 1 to 3 are as they were anchored",
        ),
        (lambda ledger: rewrite(ledger, 1), "ledger-rewritten", "rewritten from a row between 1 and 3 on"),
        (
            lambda ledger: cut(ledger, 7),
            "ledger-truncated",
            "truncated after row 7: .* has an anchor of row 9, so at least 2 rows were cut off; rows 1 to 6 are as",
        ),
        (lambda ledger: cut(ledger, 0), "ledger-truncated", "truncated after row 0: .* at least 9 rows were cut off"),
    ],
    ids=["changed", "removed", "appended", "rewritten", "rewritten whole", "tail cut", "chain removed"],
)
def test_a_change_to_the_ledger_is_named_with_its_row(
    kept: Kept, change: Callable[[Ledger], None], code: str, words: str
) -> None:
    change(kept.ledger)
    with pytest.raises(LedgerBroken, match=words) as raised:
        kept.verify()
    assert raised.value.code == code
    with pytest.raises(LedgerBroken, match=words):
        kept.verify("shop")


def test_a_tail_that_was_cut_and_grown_again_shows(kept: Kept) -> None:
    cut(kept.ledger, 7)
    kept.ledger.append("shop", declaration(99))
    kept.grow(4)
    assert kept.ledger.verify("shop") == 12, "the chain alone does not show it"
    with pytest.raises(LedgerBroken, match="rewritten from a row between 7 and 9 on"):
        kept.verify()
    state = kept.anchor()
    assert state.position == 9 and "no longer contains row 9 as it was anchored" in state.failed
    with pytest.raises(LedgerBroken, match="rewritten from a row between 7 and 9 on"):
        kept.verify()


def test_rows_that_came_after_the_newest_anchor_are_not_covered(kept: Kept) -> None:
    kept.grow(2)
    (chain,) = kept.verify()
    assert chain.rows == 11
    assert [each.position for each in chain.covered.values()] == [9]


@pytest.mark.parametrize(
    ("before", "after"),
    [("\n6\n", "\n5\n"), ("shop", "shoq"), ("perennial.ledger/v1\nshop", "perennial.ledger/v2\nshop"), ("6", "66")],
)
def test_a_changed_anchor_is_named(in_file: Kept, before: str, after: str) -> None:
    grown(in_file)
    file = in_file.folder / "anchors.txt"
    notes = file.read_text().split("\n\nperennial")
    notes[1] = notes[1].replace(before.removeprefix("perennial"), after.removeprefix("perennial"), 1)
    file.write_text("\n\nperennial".join(notes))
    with pytest.raises(
        AnchorsBroken, match=r"anchors.txt: anchor 2 \(line 8\).* was changed after it was signed"
    ) as raised:
        in_file.verify()
    assert raised.value.code == "anchor-changed"


def test_every_single_character_of_an_anchor_counts(in_file: Kept) -> None:
    grown(in_file)
    keys = trusted_keys([], in_file.folder / "key")
    text = (in_file.folder / "anchors.txt").read_text()
    assert [each.trust for each in read_anchors(text, keys)] == ["trusted"] * 3
    for place, letter in enumerate(text):
        if letter != "\n":
            read = read_anchors(text[:place] + ("x" if letter != "x" else "y") + text[place + 1 :], keys)
            assert [each.trust for each in read].count("trusted") == 2, (place, letter)


def test_a_swapped_key_is_named(in_file: Kept) -> None:
    grown(in_file)
    former = trusted_keys([], in_file.folder / "key")
    for name in ("key", "key.pub"):
        (in_file.folder / name).rename(in_file.folder / f"former-{name}")
    new = make_key(in_file.folder / "key", "risk.example/ledger", in_file.folder / "home")
    in_file.grow(1)
    assert in_file.anchor().failed == ""
    with pytest.raises(
        AnchorsBroken, match=r"anchor 4 .* is signed with the key risk.example/ledger\+.*swapped"
    ) as raised:
        in_file.verify(None, str(former[0]))
    assert (raised.value.code, new.label in str(raised.value)) == ("anchor-key-unknown", True)
    with pytest.raises(AnchorsBroken, match="anchor 1 "):
        in_file.verify()
    (chain,) = in_file.verify(None, str(former[0]), str(in_file.folder / "key.pub"))
    assert [each.anchors for each in chain.covered.values()] == [4]


def test_anchors_that_were_removed_show(in_file: Kept) -> None:
    grown(in_file)
    file = in_file.folder / "anchors.txt"
    file.write_text("")
    with pytest.raises(AnchorsBroken, match="has no anchor of this use case") as raised:
        in_file.verify()
    assert raised.value.code == "anchor-none"
    file.write_text("a letter\n\nof two paragraphs\n")
    with pytest.raises(InputError, match=r"anchor: .*anchors.txt holds no anchor, but other text"):
        in_file.verify()
    file.unlink()
    with pytest.raises(InputError, match=r"anchor: .*anchors.txt does not exist"):
        in_file.verify()


def test_an_anchor_that_a_power_failure_cut_short_is_covered_by_the_next(in_file: Kept) -> None:
    grown(in_file)
    file, keys = in_file.folder / "anchors.txt", trusted_keys([], in_file.folder / "key")
    whole = file.read_bytes()
    last = whole.rindex(b"perennial.ledger")
    for end in range(last + 1, len(whole) - 1):
        read = read_anchors(whole[:end].decode(errors="replace"), keys)
        assert [each.trust for each in read] == ["trusted", "trusted", "incomplete"], whole[last:end]
    file.write_bytes(whole[: last + 60])
    with pytest.raises(AnchorsBroken, match=r"anchor 3 \(line 15\) is incomplete, and none follows") as raised:
        in_file.verify()
    assert raised.value.code == "anchor-incomplete"
    assert in_file.anchor().failed == ""
    (chain,) = in_file.verify()
    assert list(chain.covered.values()) == [Covered(anchors=3, position=9, incomplete=(3,))]


def test_anchoring_verifies_one_signature_however_many_anchors_there_are(
    in_file: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perennial.governance import anchor

    grown(in_file)
    in_file.grow(1, "other")
    in_file.anchor("other")
    verified: list[str] = []
    former = anchor.signed_by

    def noted(note: Note, keys: Sequence[PublicKey]) -> PublicKey | None:
        verified.append(note.text)
        return former(note, keys)

    monkeypatch.setattr(anchor, "signed_by", noted)
    in_file.grow(1)
    assert in_file.anchor().position == 10
    assert [text.splitlines()[1:3] for text in verified] == [["shop", "9"]]


def grown(kept: Kept) -> None:
    """Nine rows, anchored at rows 3, 6 and 9."""
    for _ in range(3):
        kept.grow(3)
        assert kept.anchor().failed == ""
