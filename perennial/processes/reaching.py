"""Reaching a Prefect server: whether it answers, and which proxy is on the way."""

from __future__ import annotations

import os
from http.client import HTTPException
from importlib.util import find_spec
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener, proxy_bypass

from perennial.errors import InputError, TransientError
from perennial.processes.ports import HOST
from perennial.secrets import masked


def answers_at(url: str) -> bool:
    """Whether a server of this machine answers now."""
    try:
        return _health(url, through_proxy=False) == 200
    except OSError:
        return False


def ask_once(url: str) -> None:
    """Raise unless the external server answers. One that requires a password does answer."""
    fix = "Start that server, or unset PREFECT_API_URL to use the embedded one."
    if proxy := _proxy_on_the_way(url):
        name, address = proxy
        fix += f" Requests go through the proxy of {name} ({address}); if it needs none, add its host to NO_PROXY."
        if address.startswith("socks") and not _knows_socks():
            raise InputError(
                f"{name}: {address} is a SOCKS proxy, which needs a package that is not installed",
                code="proxy-unusable",
                fix=f"pip install socksio, or unset {name}",
            )
    try:
        status = _health(url, through_proxy=True)
    except OSError as error:
        reason = error.reason if isinstance(error, URLError) else error
        message = f"PREFECT_API_URL: no Prefect server answers at {url}: {reason}"
        raise TransientError(message, code="prefect-unreachable", fix=fix) from error
    if status == 404:
        raise InputError(
            f"PREFECT_API_URL: {url} is not a Prefect API (404 for {url}/health)\n"
            "  A server's address ends in /api, for example http://127.0.0.1:4200/api"
        )
    if status >= 500:
        message = f"PREFECT_API_URL: the Prefect server at {url} returned status {status}"
        raise TransientError(message, code="prefect-unreachable", fix=fix)


def _health(url: str, through_proxy: bool) -> int:
    """The HTTP status of the server's health page. Raises OSError if nothing answers."""
    opener = build_opener() if through_proxy else build_opener(ProxyHandler({}))
    try:
        with opener.open(Request(f"{url}/health"), timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except HTTPException as error:
        raise OSError(f"not a valid HTTP response: {error!r}") from error


def past_the_proxy() -> dict[str, str]:
    """Variables that exclude the embedded server from a configured proxy.

    A SOCKS proxy without the package that it needs is removed altogether, because Prefect's client would not start.
    """
    proxies = _proxies()
    if not proxies:
        return {}
    spared = [each for each in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",") if each]
    value = ",".join([*spared, *(host for host in (HOST, "localhost") if host not in spared)])
    useless = {} if _knows_socks() else {name: "" for name, url in proxies.items() if url.startswith("socks")}
    return {"no_proxy": value, "NO_PROXY": value, **useless}


def _proxies() -> dict[str, str]:
    """The variables that name a proxy for HTTP, with their values."""
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _knows_socks() -> bool:
    return find_spec("socksio") is not None


def _proxy_on_the_way(url: str) -> tuple[str, str] | None:
    """The variable of the proxy for the external server, and the proxy's address without credentials."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    for name, value in _proxies().items():
        if name.lower() in (f"{parts.scheme}_proxy", "all_proxy"):
            return name, masked(value)
    return None
