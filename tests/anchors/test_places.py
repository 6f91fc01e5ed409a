"""Each place takes an anchor once, whole, and what it cannot take is reported and covered by the next."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from perennial.errors import InputError
from perennial.governance.anchor import read_anchors
from perennial.governance.anchor_check import AnchorsBroken
from perennial.governance.anchor_key import trusted_keys
from perennial.governance.anchored import anchored_at
from perennial.governance.verifying import anchors_of, verify_ledger
from tests.anchors.authority import Authority
from tests.anchors.conftest import Kept


def git(repository: Path, *command: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repository), *command], check=True, capture_output=True, text=True
    ).stdout.strip()


@dataclass
class Receiver:
    """A web server: what was posted to it, and what it answers with; 204 and nothing by default."""

    url: str = ""
    received: list[bytes] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answer: Callable[[bytes], bytes] = lambda _: b""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """One on this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = made.statuses.pop(0) if made.statuses else 200
            content = made.answer(body) if status == 200 else b""
            if status == 200:
                made.received.append(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/anchors/secret-token"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_same_head_is_anchored_once(kept: Kept) -> None:
    before = kept.verify()
    assert kept.anchor() == kept.anchor()
    assert kept.verify() == before


def test_several_use_cases_share_a_place(kept: Kept) -> None:
    kept.grow(2, "other")
    kept.anchor("other")
    shop, other = sorted(kept.verify(), key=lambda chain: chain.rows, reverse=True)
    assert [each.position for chain in (shop, other) for each in chain.covered.values()] == [9, 2]


def test_processes_that_anchor_at_once_lose_nothing(kept: Kept) -> None:
    for usecase in ("a", "b", "c", "d"):
        kept.grow(1, usecase)
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(kept.anchor, ("a", "b", "c", "d")))
    assert [each.failed for each in states] == [""] * 4
    assert [chain.usecase for chain in kept.verify()] == ["a", "b", "c", "d", "shop"]


def test_a_repository_gets_commits_and_tags_on_a_branch_of_anchors_and_nothing_else(in_file: Kept) -> None:
    repository, remote = in_file.folder / "work", in_file.folder / "remote"
    git(in_file.folder, "init", "--quiet", "--bare", str(remote))
    git(in_file.folder, "init", "--quiet", "--initial-branch=main", str(repository))
    (repository / "notes.md").write_text("a team's notes\n")
    git(repository, "add", "notes.md")
    kept = replace(in_file, address=f"git:{repository}")
    kept.grow(3)
    assert kept.anchor().failed == ""
    git(repository, "remote", "add", "origin", str(remote))
    kept.grow(1)
    assert kept.anchor().failed == ""
    for each in (repository, remote):
        assert git(each, "tag", "--list").split() == ["perennial/shop/3", "perennial/shop/4"]
        assert git(each, "log", "--format=%s", "perennial-anchors").splitlines() == [
            "shop: row 4 of the ledger",
            "shop: row 3 of the ledger",
        ]
    assert git(repository, "status", "--porcelain") == "A  notes.md"
    (chain,) = replace(kept, address=f"git:{remote}").verify()
    assert [each.position for each in chain.covered.values()] == [4]
    remote.rename(in_file.folder / "gone")
    kept.grow(1)
    failed = kept.anchor()
    assert (failed.position, failed.failed.startswith(f"git push in {repository}: ")) == (4, True)
    (in_file.folder / "gone").rename(remote)
    assert kept.anchor().position == kept.anchor().position == 5
    assert git(remote, "tag", "--list").split() == ["perennial/shop/3", "perennial/shop/4", "perennial/shop/5"]


def test_a_folder_that_is_no_repository_is_reported(in_file: Kept) -> None:
    kept = replace(in_file, address=f"git:{in_file.folder / 'nothing'}")
    kept.grow(1)
    assert kept.anchor().failed.startswith("git for-each-ref in ")


def test_a_webhook_receives_each_head_once_and_again_after_a_failure(in_file: Kept, receiver: Receiver) -> None:
    kept = replace(in_file, address=receiver.url)
    kept.grow(2)
    receiver.statuses += [503, 302]
    for status in (503, 302):
        state = kept.anchor()
        assert (state.head, state.failed) == (None, f"it returned status {status}")
    assert "secret-token" not in state.place
    (shown,) = anchored_at(kept.workspace.settings, "shop").values()
    assert shown == state
    assert kept.anchor().failed == kept.anchor().failed == ""
    kept.grow(1)
    kept.anchor()
    received = b"".join(receiver.received).decode()
    read = read_anchors(received, trusted_keys([], kept.folder / "key"))
    assert [each.anchor.head.position for each in read if each.anchor] == [2, 3]
    (in_file.folder / "received.txt").write_text(received)
    (chain,) = replace(kept, address=f"file:{in_file.folder / 'received.txt'}").verify()
    assert [each.position for each in chain.covered.values()] == [3]


def test_a_mount_that_is_absent_is_not_replaced_by_a_folder(in_file: Kept) -> None:
    kept = replace(in_file, address=f"file:{in_file.folder / 'mount' / 'anchors.txt'}")
    kept.grow(1)
    assert kept.anchor().failed.endswith("cannot be written: No such file or directory")
    assert not (in_file.folder / "mount").exists()


def test_a_key_that_others_can_read_signs_nothing(in_file: Kept) -> None:
    in_file.grow(1)
    (in_file.folder / "key").chmod(0o640)
    assert "is open to other users (mode 640)" in in_file.anchor().failed
    assert not (in_file.folder / "anchors.txt").exists()
    (in_file.folder / "key").chmod(0o600)
    assert in_file.anchor().failed == ""


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the authority of this test needs openssl")
def test_a_time_stamp_proves_since_when_a_row_is_as_it_is(in_file: Kept, receiver: Receiver) -> None:
    ours, other = (Authority(in_file.folder / name).make(name) for name in ("ours", "other"))
    kept, keys = replace(in_file, address=f"tsa:{receiver.url}"), trusted_keys([], in_file.folder / "key")
    stamps = str(kept.workspace.settings.anchored / "stamps")
    kept.grow(9)
    receiver.answer = lambda query: b"not a time stamp"
    assert kept.anchor().failed.startswith("its reply is not a time stamp")
    first = ours.reply(receiver.received[-1])
    receiver.answer = lambda query: first
    assert kept.anchor().failed.startswith("its reply does not stamp what was sent")
    receiver.answer = ours.reply
    assert kept.anchor().failed == ""
    kept.grow(1)
    assert kept.anchor().position == 10

    (chain,) = verify_ledger(kept.ledger, None, anchors_of([stamps], keys, ours.root))
    (proven,) = chain.covered.values()
    assert (proven.anchors, proven.position) == (2, 10)
    assert proven.stamped_at.startswith("20")
    with pytest.raises(InputError, match="authority: a time stamp is worth as much as the authority"):
        anchors_of([stamps], keys)
    with pytest.raises(InputError, match="holds no certificate"):
        anchors_of([stamps], keys, in_file.folder / "key")
    with pytest.raises(AnchorsBroken, match=r"the time stamp of shop-9\.note does not verify") as raised:
        anchors_of([stamps], keys, other.root)
    assert raised.value.code == "anchor-stamp-invalid"
    shutil.copy(f"{stamps}/shop-9.tsr", f"{stamps}/shop-10.tsr")
    with pytest.raises(AnchorsBroken, match=r"the time stamp of shop-10\.note does not verify: Mismatch"):
        anchors_of([stamps], keys, ours.root)
