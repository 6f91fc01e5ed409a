"""`perennial replay-traffic`: the rows of a batch sent to a service, as its clients would send them."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from perennial.cli.output import as_json, flowing, flowing_note, working
from perennial.errors import InputError, TransientError
from perennial.evaluation.figures import counted, figure
from perennial.ledger.present import accepted_batch
from perennial.settings import settings
from perennial.store.workspace import reading_workspace

KEY = "PERENNIAL_SERVE_KEY"
_SECONDS = 30.0
_REACHED = 0.95


@dataclass
class Traffic:
    """What came back. seconds: of each answered request. rate: asked for, per second. took: from the first request to
    the last one, in seconds.
    """

    rate: float
    statuses: Counter[int] = field(default_factory=Counter)
    releases: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    first_refusal: str = ""
    took: float = 0.0

    @property
    def per_second(self) -> float | None:
        """How many requests were sent in a second; None for fewer than two."""
        return round((len(self.seconds) - 1) / self.took, 3) if self.took else None


def replay_traffic(usecase: str, window: str | None, url: str, rate: float, most: int | None, json: bool) -> None:
    """Send the rows one by one, `rate` in a second. Raises TransientError if nothing answers at the address.

    Exit code 1 if no record was scored.
    """
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise InputError(f"--url: {url!r} is not an address\n  write it as http://127.0.0.1:8000", value=url)
    records = islice(_records(usecase, window), most)
    traffic = Traffic(rate)
    with working(f"sending to {url}"):
        _send(url, usecase, records, traffic)
    if json:
        as_json(_view(usecase, traffic))
    else:
        _show(usecase, traffic)
    if traffic.seconds and not traffic.statuses[200]:
        flowing_note(f"{usecase}: no record was scored: {traffic.first_refusal}")
        sys.exit(TransientError.exit_code)


def _records(usecase: str, window: str | None) -> Iterator[bytes]:
    from perennial.serving.fields import fields_of
    from perennial.serving.traffic import records_of

    workspace = reading_workspace(settings())
    declaration = workspace.use_case(usecase).declaration
    batch = accepted_batch(workspace.ledger, usecase, window)
    if batch is None:
        raise InputError(
            f"{usecase}: no accepted batch {window!r}" if window else f"{usecase}: no batch was accepted yet",
            code="batch-unknown",
            value=window,
        )
    rows = workspace.tables.read(usecase, "accepted", [batch.batch])
    return records_of(rows, fields_of(declaration)) if rows is not None else iter(())


def _send(url: str, usecase: str, records: Iterator[bytes], traffic: Traffic) -> None:
    address = urlsplit(url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_SECONDS)
    headers = {"content-type": "application/json"}
    if key := os.environ.get(KEY):
        headers["authorization"] = f"Bearer {key}"
    path, begun = f"{address.path.rstrip('/')}/usecases/{usecase}/predict", time.monotonic()
    for number, record in enumerate(records):
        time.sleep(max(0.0, begun + number / traffic.rate - time.monotonic()))
        traffic.took = time.monotonic() - begun if number else 0.0
        sent = time.perf_counter()
        try:
            connection.request("POST", path, record, headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as problem:
            raise TransientError(
                f"{url} does not answer: {problem or type(problem).__name__}; "
                f"{counted(sum(traffic.statuses.values()), 'request was', 'requests were')} answered before",
                fix=f"`perennial serve {usecase}` starts a service; --url names the address of another one.",
            ) from None
        traffic.statuses[response.status] += 1
        traffic.seconds.append(time.perf_counter() - sent)
        if response.status == 200:
            traffic.releases[_parsed(body).get("release", 0)] += 1
        elif not traffic.first_refusal:
            traffic.first_refusal = str(_parsed(body).get("error", {}).get("message", ""))


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _view(usecase: str, traffic: Traffic) -> dict[str, Any]:
    ordered = sorted(traffic.seconds)
    return {
        "usecase": usecase,
        "sent": len(ordered),
        "statuses": {str(status): n for status, n in sorted(traffic.statuses.items())},
        "releases": {str(release): n for release, n in sorted(traffic.releases.items())},
        "per_second": traffic.per_second,
        "p50_ms": _milliseconds(ordered, 0.5),
        "p99_ms": _milliseconds(ordered, 0.99),
        "first_refusal": traffic.first_refusal,
    }


def _milliseconds(ordered: list[float], share: float) -> float | None:
    """The smallest time within which that share was answered."""
    return round(1000 * ordered[math.ceil(share * len(ordered)) - 1], 3) if ordered else None


def _show(usecase: str, traffic: Traffic) -> None:
    view = _view(usecase, traffic)
    if not view["sent"]:
        flowing(f"{usecase}: the batch has no row.")
        return
    answered = traffic.statuses[200]
    flowing(
        f"{usecase}: {answered:,} of {view['sent']:,} records were scored; half of all answers came within "
        f"{view['p50_ms']} ms, 99 % within {view['p99_ms']} ms."
    )
    if traffic.per_second is not None and traffic.per_second < _REACHED * traffic.rate:
        flowing(
            f"  {figure(traffic.per_second, 3)} requests per second were sent instead of {traffic.rate:,.10g}: each "
            "waits for the answer to the one before."
        )
    for release, n in sorted(traffic.releases.items()):
        flowing(f"  release {release}: {n:,}")
    for status, n in sorted(traffic.statuses.items()):
        if status != 200:
            flowing(f"  refused with status {status}: {n:,}, the first because: {traffic.first_refusal}")
