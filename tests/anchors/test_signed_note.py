"""Notes are those of Go's reference implementation, byte for byte, and every change to one is seen."""

from __future__ import annotations

from string import ascii_letters, digits

import pytest

from perennial.governance.signed_note import (
    BadSignature,
    parse_note,
    parse_private,
    parse_public,
    sign,
    signed_by,
)

# From golang.org/x/mod/sumdb/note: doc.go and note_test.go.
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {SIGNATURE}\n"


def test_a_note_is_the_one_that_the_reference_implementation_writes() -> None:
    key = parse_private(PRIVATE)
    assert sign(TEXT, key) == NOTE
    assert (str(key.public), key.written()) == (PUBLIC, PRIVATE)
    assert "AYEKFALV" not in repr(key)


def test_a_note_is_verified_with_the_key_that_signed_it() -> None:
    note = parse_note(NOTE)
    assert note is not None and note.text == TEXT
    assert signed_by(note, [parse_public(PUBLIC)]) == parse_public(PUBLIC)
    assert signed_by(note, []) is None


def test_signatures_of_unknown_keys_are_ignored() -> None:
    other = "— other AAAAAAAA\n"
    for lines in (other + NOTE.partition("\n\n")[2], NOTE.partition("\n\n")[2] + other):
        note = parse_note(f"{TEXT}\n{lines}")
        assert note is not None and signed_by(note, [parse_public(PUBLIC)]) is not None


@pytest.mark.parametrize(
    ("before", "after"), [("answer", "Answer"), ("x08go/ZJ", "x08go/ZK"), ("problem is.", "problem")]
)
def test_a_changed_text_or_signature_does_not_match(before: str, after: str) -> None:
    note = parse_note(NOTE.replace(before, after))
    assert note is not None
    with pytest.raises(BadSignature, match=r"PeterNeumann\+c74f20a3"):
        signed_by(note, [parse_public(PUBLIC)])


@pytest.mark.parametrize("letter", sorted(set(ascii_letters + digits + "+/=") - {SIGNATURE[-2]}))
def test_every_other_last_letter_is_a_change(letter: str) -> None:
    note = parse_note(NOTE.replace(SIGNATURE, f"{SIGNATURE[:-2]}{letter}="))
    try:
        assert note is None or signed_by(note, [parse_public(PUBLIC)]) is None
    except BadSignature as changed:
        assert str(changed) == "PeterNeumann+c74f20a3"


@pytest.mark.parametrize(
    "damage", [TEXT, NOTE[:-1], NOTE.replace("\n\n", "\n"), NOTE.replace("—", "-"), NOTE + "\n", NOTE + "more\n"]
)
def test_what_is_not_a_whole_note_is_none(damage: str) -> None:
    assert parse_note(damage) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (PUBLIC.replace("c74f20a3", "c74f20a4"), "its id does not match"),
        (PUBLIC.replace("PeterNeumann", "Peter"), "its id does not match"),
        (PUBLIC.replace("ARpc", "ARpd"), "its id does not match"),
        (PUBLIC.replace("ARpc", "Arpc"), "it is not an Ed25519 key"),
        (PUBLIC[:-4], "it is not an Ed25519 key"),
        ("PeterNeumann", "NAME"),
        ("", "NAME"),
    ],
)
def test_a_mistyped_public_key_is_refused(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_public(line)
    with pytest.raises(ValueError, match="PRIVATE"):
        parse_private(line)
