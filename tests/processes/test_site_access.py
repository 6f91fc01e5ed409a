"""Who may see the site: keys, a browser's sign-in, a proxy's header; and what is refused before it starts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perennial.access.access import open_to_others, site_access
from perennial.access.grant import Grant
from perennial.access.keys import keys_of
from perennial.errors import InputError
from perennial.processes.ports import free_port
from tests.browser import CHROMIUM, evaluate
from tests.serving.running_service import wait_for

KEY = "a-long-random-key"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
PROXY = {"PERENNIAL_PROXY_USER_HEADER": "X-Forwarded-User", "PERENNIAL_PROXY_ADDRESSES": "127.0.0.7"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site with one page that a key and a proxy open."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "home" / "pages").mkdir(parents=True)
    (folder / "home" / "pages" / "index.html").write_text("<title>Our models</title>")
    (folder / "keys").write_text(f"{DIGEST} board read\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL", "MLFLOW"))}
    environment |= {"PERENNIAL_HOME": str(folder / "home"), "PERENNIAL_SITE_KEYS_FILE": str(folder / "keys"), **PROXY}
    port, log = free_port(0, "a site"), folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "perennial.processes.site", str(port)], env=environment, stderr=written
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(address))
        yield address
    finally:
        process.terminate()
        process.wait()
    assert KEY not in log.read_text()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", trust_env=False).status_code == 503  # nothing else runs here
    except httpx.TransportError:
        return False


def test_only_health_answers_without_a_key(site: str) -> None:
    for path in ("/", "/pages/", "/pages/index.html", "/docs/", "/metrics", "/nowhere"):
        refused = httpx.get(site + path, trust_env=False)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "key-wrong")
        assert httpx.head(site + path, trust_env=False).status_code == 401
    page = httpx.get(f"{site}/pages/", headers={"Accept": "text/html,*/*"}, trust_env=False)
    assert page.status_code == 401 and "your key as the password" in page.text
    assert page.headers["www-authenticate"].startswith("Basic ")


def test_a_key_is_taken_as_bearer_header_and_password(site: str) -> None:
    given = [
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"headers": {"X-API-Key": KEY}},
        {"auth": ("anybody", KEY)},
    ]
    for how in given:
        shown = httpx.get(f"{site}/pages/", trust_env=False, **how)  # type: ignore[arg-type]
        assert shown.status_code == 200 and "Our models" in shown.text
    assert httpx.get(f"{site}/pages/", auth=(KEY, "wrong"), trust_env=False).status_code == 401
    assert httpx.get(f"{site}/pages/?key={KEY}", trust_env=False).status_code == 401


def test_a_person_whom_the_proxy_names_is_let_in_from_its_address_only(site: str) -> None:
    for address, status in (("127.0.0.7", 200), ("127.0.0.1", 401)):
        with httpx.Client(transport=httpx.HTTPTransport(local_address=address)) as client:
            assert client.get(f"{site}/pages/", headers={"X-Forwarded-User": "ada"}).status_code == status


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
def test_a_browser_signs_in_with_the_key_as_password(site: str, tmp_path: Path) -> None:
    signed_in = site.replace("http://", f"http://anybody:{KEY}@")
    assert evaluate(f"{signed_in}/pages/", "document.title", tmp_path / "a") == "Our models"
    unknown = site.replace("http://", "http://anybody:wrong@")
    assert evaluate(f"{unknown}/pages/", "document.title", tmp_path / "b") != "Our models"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PERENNIAL_SITE_KEYS": KEY}, "PERENNIAL_SITE_KEYS: entry 1 is no SHA-256 digest"),
        ({"PERENNIAL_SITE_KEYS": f"{DIGEST} the board"}, "more than a digest, a name and a role: 'the board'"),
        ({"PERENNIAL_SITE_KEYS_FILE": "/no/such/file"}, "/no/such/file cannot be read"),
        ({"PERENNIAL_PROXY_USER_HEADER": "X-User"}, "PERENNIAL_PROXY_ADDRESSES: is not set"),
        ({**PROXY, "PERENNIAL_PROXY_ADDRESSES": "10.0.0.1/8"}, "'10.0.0.1/8' is not an address or a network"),
        ({**PROXY, "PERENNIAL_PROXY_USER_HEADER": "X User"}, "'X User' is not the name of a header"),
        ({**PROXY, "PERENNIAL_PROXY_ACT_GROUPS": "owners"}, "no header is set that has a person's groups"),
    ],
)
def test_what_would_not_protect_is_refused(variables: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        site_access(variables)


def test_a_site_that_lets_other_machines_in_warns_with_the_fix() -> None:
    warning = open_to_others("0.0.0.0", site_access({}))
    assert "lets everybody in" in warning and "PERENNIAL_SITE_KEYS_FILE" in warning
    assert open_to_others("127.0.0.1", site_access({})) == ""
    assert open_to_others("0.0.0.0", site_access({"PERENNIAL_SITE_KEYS": DIGEST})) == ""
    assert open_to_others("0.0.0.0", site_access(PROXY)) == ""


def test_keys_have_names_and_roles() -> None:
    other = hashlib.sha256(b"other").hexdigest()
    keys = keys_of(f"{DIGEST} board read  # in the hall\n\n{other.upper()}", "a file")
    board, unnamed = keys.of(KEY), keys.of("other")
    assert board == Grant("board", "read", "key")
    assert unnamed == Grant(other[:8], "act", None), "it lets somebody in, and names nobody"
    assert keys.of(DIGEST) is None and site_access({}).is_open
