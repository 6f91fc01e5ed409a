"""A person approves or refuses on the site: who may, by which proof, once, and only from a page of the site."""

from __future__ import annotations

import hashlib
import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from perennial.ledger.entries import Approval, Decision, Endorsement, Refusal, Release
from perennial.processes.ports import free_port
from perennial.settings import settings
from perennial.store.lock import only_one
from tests.browser import CHROMIUM, evaluate
from tests.cli.conftest import command, ledger_rows, payloads
from tests.places import lead_to
from tests.serving.running_service import wait_for
from tests.world import World, copied

ROLES = {"owner": ["anna", "ada"], "risk": ["ben"]}
PEOPLE = ("anna", "ben", "carla")
PROXY = {
    "PERENNIAL_PROXY_USER_HEADER": "X-User",
    "PERENNIAL_PROXY_ADDRESSES": "127.0.0.7",
    "PERENNIAL_PROXY_GROUPS_HEADER": "X-Groups",
    "PERENNIAL_PROXY_ACT_GROUPS": "deciders",
}


@pytest.fixture(scope="module")
def waiting(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with home and use cases in which a decision waits for two roles."""
    folder = tmp_path_factory.mktemp("waiting")
    copied(template, folder)
    with pytest.MonkeyPatch.context() as patch:
        lead_to(patch, folder)
        shop = World(folder / "usecases", rows_a_day=20)
        shop.declare(release={"policy": "hold", "refresh_after": "1d"}, governance={"approvers": ROLES})
        shop.month("2024-03")
        assert command("run", "shop") == 3
    return folder


@pytest.fixture
def held(waiting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of the decision that waits in a home for this test alone."""
    copied(waiting, tmp_path)
    lead_to(monkeypatch, tmp_path)
    newest = payloads(Decision)[-1]
    assert isinstance(newest, Decision) and newest.outcome == "held"
    return newest.id


@contextmanager
def site(folder: Path, **variables: str) -> Iterator[str]:
    """The address of a site; keys are `key-of-NAME` by default."""
    lines = [f"{hashlib.sha256(f'key-of-{name}'.encode()).hexdigest()} {name}" for name in PEOPLE]
    lines += [f"{hashlib.sha256(b'key-of-board').hexdigest()} anna read", hashlib.sha256(b"key-of-none").hexdigest()]
    (folder / "keys").write_text("\n".join(lines))
    environment = {"PERENNIAL_SITE_KEYS_FILE": str(folder / "keys"), **os.environ, **variables}
    port = free_port(0, "a site")
    process = subprocess.Popen([sys.executable, "-m", "perennial.processes.site", str(port)], env=environment)
    try:
        wait_for(lambda: _answers(f"http://127.0.0.1:{port}/health"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).status_code == 503  # nothing else runs here
    except httpx.TransportError:
        return False


class Visitor:
    """A browser of somebody, with the page of the use case."""

    def __init__(self, address: str, name: str, **headers: str) -> None:
        self.client = httpx.Client(base_url=address, trust_env=False, timeout=60, headers={"Accept": "text/html"})
        self.client.headers.update(headers or {"Authorization": f"Bearer key-of-{name}"})

    def page(self) -> str:
        """The section of the page about what waits, as text with its tags."""
        shown = self.client.get("/pages/shop.html")
        assert shown.status_code == 200
        (section,) = re.findall(r"<!-- question -->(.*)<!-- /question -->", shown.text, re.DOTALL)
        return html.unescape(section)

    def filled(self, answer: str, reason: str) -> dict[str, str]:
        """The form of the page, filled in."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.page()))
        return {**hidden, "answer": answer, "reason": reason}

    def post(self, form: dict[str, str], origin: str = "") -> httpx.Response:
        headers = {"Origin": origin or str(self.client.base_url).rstrip("/")}
        return self.client.post("/answers/shop", data=form, headers=headers)

    def answer(self, answer: str, reason: str) -> httpx.Response:
        return self.post(self.filled(answer, reason))


def test_two_roles_approve_and_a_repeated_answer_is_one(held: str, tmp_path: Path) -> None:
    with site(tmp_path) as address:
        anna, ben = Visitor(address, "anna"), Visitor(address, "ben")
        page = anna.page()
        assert "owner (anna or ada), risk (ben)" in page and "as anna" in page and "perennial approve" not in page
        form = anna.filled("approve", "the season is over")
        with ThreadPoolExecutor(2) as clicks:  # a double click
            first, second = clicks.map(anna.post, [form, form])
        assert first.status_code == second.status_code == 303
        assert first.headers["location"] == f"../pages/shop.html?answered={held}#question"
        (step,) = payloads(Endorsement)
        assert isinstance(step, Endorsement) and (step.by, step.proof, step.role) == ("anna", "key", "owner")
        page = anna.page()
        assert "Approved by anna (owner)" in page and 'value="approve"' not in page and 'value="refuse"' in page
        assert anna.post({**form, "reason": "once more"}).status_code == 409, "the role needs no second approval"
        assert ben.answer("approve", " ").status_code == 400
        assert ben.answer("approve", "slices are fine").status_code == 303
        (approval,) = payloads(Approval)
        assert isinstance(approval, Approval) and approval.by == "anna (owner) and ben (risk)"
        after = ben.client.get(f"/pages/shop.html?answered={held}").text
        assert "Approved by anna (owner) and ben (risk)" in after and "Approve</button>" not in after
        newest = payloads(Release)[-1]
        assert isinstance(newest, Release) and newest.decision == held
        rows = ledger_rows()
        late = ben.post({**ben.filled("refuse", "no"), **form, "answer": "refuse"})
        assert late.status_code == 403 and "made for somebody else" in late.text
        assert ledger_rows() == rows


def test_an_answer_waits_for_nothing_that_follows_it(held: str, tmp_path: Path) -> None:
    where = settings()
    with site(tmp_path) as address, only_one(where.locks, "all", "index"):  # so the pages cannot be written
        ben = Visitor(address, "ben")
        assert ben.answer("refuse", "the season is over").status_code == 303
        assert (
            len(payloads(Refusal)) == 1 and "Refused by ben" in ben.client.get(f"/pages/shop.html?answered={held}").text
        )


def test_what_the_proxy_names_counts_and_a_refusal_ends_it(held: str, tmp_path: Path) -> None:
    with site(tmp_path, **PROXY) as address:
        ben = Visitor(address, "", **{"X-User": "ben", "X-Groups": "staff, deciders"})
        assert ben.client.get("/pages/shop.html").status_code == 401, "another machine may not name a person"
        ben.client = httpx.Client(
            base_url=address,
            transport=httpx.HTTPTransport(local_address="127.0.0.7"),
            timeout=60,
            headers={"X-User": "ben", "X-Groups": "staff, deciders", "Accept": "text/html"},
        )
        anna = Visitor(address, "anna")
        stale = anna.filled("approve", "seen")
        assert ben.answer("refuse", "the new <b>carrier</b> is not in it").status_code == 303
        (refused,) = payloads(Refusal)
        assert isinstance(refused, Refusal) and (refused.by, refused.proof) == ("ben", "proxy")
        shown = anna.client.get(f"/pages/shop.html?answered={held}").text
        assert "Refused by ben on 2024-04-01: the new &lt;b&gt;carrier" in shown and "<form" not in shown
        late = anna.post(stale)
        assert late.status_code == 409 and "was refused by ben" in late.text and "Back to the page" in late.text
        assert payloads(Endorsement) == []


def test_whoever_may_not_sees_no_form_and_cannot_post_one(held: str, tmp_path: Path) -> None:
    rows = ledger_rows()
    with site(tmp_path, **PROXY) as address:
        form = Visitor(address, "anna").filled("approve", "seen")
        for name, why in (
            ("board", "may only read"),
            ("none", "key that has a name"),
            ("carla", "carla is not among the approvers"),
        ):
            visitor = Visitor(address, name)
            page = visitor.page()
            assert "<form" not in page and why in page and f"perennial approve {held} --reason TEXT" in page
            assert visitor.post(form).status_code == 403
        assert httpx.post(f"{address}/answers/shop", data=form, trust_env=False).status_code == 401
    with site(tmp_path, PERENNIAL_SITE_KEYS_FILE="") as address:
        anybody = Visitor(address, "")
        assert "<form" not in anybody.page()
        refused = anybody.post(form)
        assert refused.status_code == 403 and "<p>nothing proves who you are" in refused.text
    assert ledger_rows() == rows


def test_a_form_counts_only_from_the_site_and_for_whom_it_was_made(held: str, tmp_path: Path) -> None:
    rows = ledger_rows()
    with site(tmp_path) as address:
        anna, ben = Visitor(address, "anna"), Visitor(address, "ben")
        form = anna.filled("approve", "seen")
        assert anna.post(form, origin="http://evil.example").status_code == 403
        assert anna.post(form, origin="null").status_code == 403
        anna.client.headers["Sec-Fetch-Site"] = "cross-site"
        assert "sent from another site" in anna.post(form).text
        del anna.client.headers["Sec-Fetch-Site"]
        for changed in ({"form": ""}, {"form": "é"}, {"decision": "0" * 16}, {"form": ben.filled("", "")["form"]}):
            assert anna.post({**form, **changed}).status_code == 403
        assert anna.post({**form, "answer": "perhaps"}).status_code == 400
        huge = anna.post({**form, "reason": "x" * 200_000})
        assert huge.status_code == 413
        assert anna.client.get("/pages/shop.html").headers["content-security-policy"] == "frame-ancestors 'none'"
        assert anna.client.post("/answers/nowhere", data=form).status_code == 404
    assert ledger_rows() == rows
    with site(tmp_path) as address:
        assert Visitor(address, "anna").post(form).status_code == 403, "a form of a process that has ended"


FILL = """
  document.querySelector('#reason').value = 'seen in a browser';
  setTimeout(() => document.querySelector('button[value=approve]').click())
"""


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
def test_a_browser_posts_the_form(held: str, tmp_path: Path) -> None:
    with site(tmp_path) as address:
        signed_in = address.replace("http://", "http://x:key-of-anna@")
        shown = "document.documentElement.scrollWidth <= innerWidth && document.querySelector('#question').innerText"
        after = evaluate(f"{signed_in}/pages/shop.html", shown, tmp_path / "profile", leave=FILL)
    assert "Approved by anna (owner). Still to approve" in after
    (step,) = payloads(Endorsement)
    assert isinstance(step, Endorsement) and (step.by, step.reason) == ("anna", "seen in a browser")
