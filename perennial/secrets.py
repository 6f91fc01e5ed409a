"""Secrets that must never be shown: passwords in addresses, tokens, keys. One function removes them from any text.

Errors, output and log lines all pass through `masked`, so that no caller has to remember it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

SHOWN = "***"
EXAMPLE = "user:password"
"""Used in messages to show where a name and a password belong."""
SHORTEST = 4
"""Shorter values are masked only in the position of a password: a password `a` is a letter of most words."""
SHORTEST_OF_ADDRESS = 8
"""Shorter parts of an address are words or ports."""

_NAMED = r"(?:[\w-]*(?:password|passwd|pwd|token|secret|signature|credential|access_?key(?:_id)?|api_?key))|sig|sas"
_ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)([^\s\"'<>]*)")
_ASSIGNED = re.compile(rf"(?i)(?<![\w-])({_NAMED})(=|%3D)([^\s&;,'\"<>)\]}}]+)")
_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_SECRET_NAME = re.compile(rf"(?i)(?:{_NAMED}|.*_key)")

_PATHS = ("PWD", "OLDPWD", "PERENNIAL_ANCHOR_KEY", "PERENNIAL_MODEL_KEY", "PERENNIAL_TOKEN_KEY")
"""Variables that look as if they held a secret, and hold a path."""

_known: set[str] = set()


def remember(environ: Mapping[str, str]) -> None:
    """Remember the secrets in an environment, to mask them wherever they appear."""
    for name, value in environ.items():
        if name in _PATHS or not value:
            continue
        if _SECRET_NAME.fullmatch(name):
            _keep(value)
        for scheme, rest in _ADDRESS.findall(value) if "://" in value else ():
            userinfo = _userinfo(rest)
            if userinfo:
                # Without a password, the part before the host is a user name, or on the web a token.
                password = userinfo.partition(":")[2] or (userinfo if scheme.lower().startswith("http") else "")
                # A driver that splits the address differently shows a part of it.
                for part in (password, *re.split(r"[@:/?#]", password)):
                    _keep(part)
            for _, _, secret in _ASSIGNED.findall(scheme + rest):
                _keep(secret)
        whole = value.partition("://")[2]
        if " " in whole and "@" in whole:  # a password with a space, which no pattern finds in a text
            _keep(whole.rpartition("@")[0].partition(":")[2])


def remember_address(address: str) -> None:
    """Remember an address whose path or query is the secret, as in most webhooks, whole and in its long parts.

    The host of a web address is no secret; other addresses, such as `slack://`, may begin with a token.
    """
    scheme, _, rest = address.partition("://")
    is_web = scheme.lower().rstrip("s") in ("http", "json", "xml", "form")
    secret = rest.partition("/")[2] if is_web else rest
    for part in (address, *re.split(r"[/?#&=@:]", secret)):
        if len(part) >= SHORTEST_OF_ADDRESS:
            _keep(part)


def masked(text: str) -> str:
    """The text with all secrets masked.

    >>> masked("postgresql+psycopg://me:p@ss/w#rd@db/ledger does not answer")
    'postgresql+psycopg://***@db/ledger does not answer'
    >>> masked("https://bucket/model?sig=abc123&version=2, AWS_SECRET_ACCESS_KEY=abc/def")
    'https://bucket/model?sig=***&version=2, AWS_SECRET_ACCESS_KEY=***'
    >>> masked("sqlite:////srv/me@work/ledger.db and http://127.0.0.1:4200/api")
    'sqlite:////srv/me@work/ledger.db and http://127.0.0.1:4200/api'
    """
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, SHOWN)
    if "://" in text:
        text = _ADDRESS.sub(_without_userinfo, text)
    text = _ASSIGNED.sub(rf"\1\2{SHOWN}", text)
    return _AWS_KEY.sub(SHOWN, text)


def holds_secret(address: str) -> bool:
    """Whether an address contains a password or a token."""
    match = _ADDRESS.match(address)
    userinfo = _userinfo(match[2]) if match else ""
    return ":" in userinfo or _ASSIGNED.search(address) is not None


def mask_deep(value: Any) -> Any:
    """A JSON value with every text masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {name: mask_deep(inner) for name, inner in value.items()}
    return [mask_deep(inner) for inner in value] if isinstance(value, list | tuple) else value


def mask_logs() -> None:
    """Mask every log record of this process when it is created, its traceback included."""
    former = logging.getLogRecordFactory()
    if getattr(former, "masks", False):
        return

    def make(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = former(*arguments, **named)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            return record  # its arguments do not match the format: the handler reports that
        if (hidden := masked(text)) != text:
            record.msg, record.args = hidden, ()
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            if (hidden := masked(trace)) != trace:
                record.exc_text, record.exc_info = hidden, None
        return record

    make.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make)


def _keep(secret: str) -> None:
    for spelled in (secret, unquote(secret), quote(secret, safe="")):
        if len(spelled) >= SHORTEST:
            _known.add(spelled)


def _userinfo(rest: str) -> str:
    """The part before the host of an address without its scheme; empty if there is none.

    A password may contain `@`, and unescaped even `/`, `?` and `#`: everything up to the last `@` is then used, unless
    a port follows the host's colon.
    """
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    before, at, _ = rest.rpartition("@")
    if not at or not authority:
        return ""
    _, colon, port = authority.partition(":")
    if "@" in authority or (colon and not port.isdigit()):
        return before
    return ""


def _without_userinfo(match: re.Match[str]) -> str:
    userinfo = _userinfo(match[2])
    return match[1] + SHOWN + match[2][len(userinfo) :] if userinfo not in ("", EXAMPLE) else match[0]
