"""Keys of the scoring service, and clients that send slowly."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from perennial.access.access import Access
from perennial.processes.service import Serving, from_text, to_text
from perennial.serving.application import Service
from perennial.serving.following import Follower
from perennial.serving.log.writing import ServedLog
from perennial.serving.slots import Slot
from perennial.settings import settings
from perennial.store.workspace import reading_workspace
from tests.serving.running_service import Place, Running, serving

RECORD = {"price": 99.5, "weight": 2.25, "carrier": "post"}
KEY = "the key of a colleague"


@pytest.fixture(scope="module")
def locked(released_shop: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that other machines can reach."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    entries = {"another key": "# a client", KEY: "colleague act", "of a dashboard": "dashboard read"}
    keys.write_text("".join(f"{hashlib.sha256(key.encode()).hexdigest()} {rest}\n" for key, rest in entries.items()))
    proxy = {
        "PERENNIAL_PROXY_USER_HEADER": "X-Forwarded-User",
        "PERENNIAL_PROXY_GROUPS_HEADER": "X-Forwarded-Groups",
        "PERENNIAL_PROXY_ACT_GROUPS": "scorers",
        "PERENNIAL_PROXY_ADDRESSES": "127.0.0.7",
    }
    with serving(released_shop, "--host", "0.0.0.0", "--keys", str(keys), **proxy) as running:
        yield running


def test_without_keys_no_other_machine_may_reach_it(released_shop: Place) -> None:
    refused = released_shop.command("serve", "shop", "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 2
    words = " ".join(refused.err.split())
    assert "0.0.0.0 can be reached by other machines, and no API key is set" in words
    assert "PERENNIAL_SERVE_KEYS" in words and "Traceback" not in words


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", "Basic OmtleQ==", KEY, f"Bearer {KEY}x", "Bearer \u00e9"],
)
def test_a_wrong_key_is_refused_everywhere_but_by_the_probes(locked: Running, authorization: str | None) -> None:
    given = {} if authorization is None else {"authorization": authorization}
    headers = httpx.Headers(given, encoding="latin-1")
    response = locked.predict(RECORD, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "key-wrong")
    assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/metrics", "/docs", "/openapi.json", "/v2/models/shop", "/nowhere"):
        assert locked.client.get(path, headers=headers).status_code == 401
    for path in ("/health", "/ready", "/ping"):
        assert locked.client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"bearer {KEY}", "Bearer another key"])
def test_each_right_key_is_let_in(locked: Running, authorization: str) -> None:
    response = locked.predict(RECORD, headers={"authorization": authorization})
    assert response.status_code == 200 and response.json()["predictions"]


def test_a_key_that_reads_sees_everything_and_posts_nothing(locked: Running) -> None:
    headers = {"X-API-Key": "of a dashboard"}
    for path in ("/metrics", "/docs", "/openapi.json", "/v2/models/shop"):
        assert locked.client.get(path, headers=headers).status_code == 200
    response = locked.predict(RECORD, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "role-too-low")
    assert "dashboard may only look here" in response.json()["error"]["message"]
    assert locked.predict(RECORD, headers={"X-API-Key": KEY}).status_code == 200
    both = {"X-API-Key": KEY, "Authorization": "Bearer wrong"}
    assert locked.predict(RECORD, headers=both).status_code == 401, "it is not clear which one counts"


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.7", [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "all, scorers")], 200),
        ("127.0.0.7", [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "all")], 403),
        ("127.0.0.7", [("X-Forwarded-User", "ada")], 403),
        ("127.0.0.7", [], 401),
        ("127.0.0.7", [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "eve")], 401),
        ("127.0.0.1", [("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "scorers")], 401),
        (
            "127.0.0.1",
            [("X-Forwarded-For", "127.0.0.7"), ("X-Forwarded-User", "ada"), ("X-Forwarded-Groups", "scorers")],
            401,
        ),
    ],
)
def test_the_header_of_a_proxy_counts_from_its_address_only(
    locked: Running, address: str, headers: list[tuple[str, str]], status: int
) -> None:
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(base_url=f"http://127.0.0.1:{locked.port}", transport=transport, timeout=60) as proxy:
        assert proxy.post("/usecases/shop/predict", json=RECORD, headers=headers).status_code == status


def test_a_body_that_comes_too_slowly_is_refused(released_shop: Place, tmp_path: Path) -> None:
    where = settings(released_shop.environment())
    follower = Follower(reading_workspace(where), lambda: ("shop",), where.serving)
    follower.look()
    log = ServedLog(tmp_path / "served", lambda: "segment")
    service = Service(follower, log, Access(), lambda: datetime.now(UTC), Slot(tmp_path), body_seconds=0.05)
    parts = [{"type": "http.request", "body": b'{"price": ', "more_body": True}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if parts:
            return parts.pop()
        await asyncio.Event().wait()  # the rest never comes
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/usecases/shop/predict", "headers": []}
    asyncio.run(service(scope, receive, send))
    log.close()
    assert sent[0]["status"] == 408
    error = msgspec.json.decode(sent[1]["body"])["error"]
    assert (error["code"], error["message"]) == ("body-too-slow", "the body did not come within 0.05 seconds")
    assert list((tmp_path / "served").glob("*")) == []


def test_workers_are_asked_for_the_same_as_their_parent() -> None:
    asked = Serving(("shop",), "0.0.0.0", 80, 2, keys=Path("/run/keys"), sync_each=True, measured=Path("/srv/measured"))
    assert from_text(to_text(asked)) == asked
    assert from_text(to_text(Serving((), "::1", 80, 2))) == Serving((), "::1", 80, 2)
