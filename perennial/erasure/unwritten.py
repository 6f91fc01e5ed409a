"""What a Prefect server has taken and not written yet: events, which it stores every few seconds, many at once."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from perennial.clock import write_instant
from perennial.errors import TransientError
from perennial.secrets import masked

SECONDS = 60.0
_PAUSE = 0.2


def wait_until_written(api: str, now: datetime) -> None:
    """Until the server has stored all events that it had taken: it stores them in turn, so one more is awaited.

    api: the address of its API, ending in `/api`. now: by the machine's clock.
    Raises TransientError if the server does not answer, or has not stored it after a minute.
    """
    event = {
        "id": str(uuid4()),
        "event": "perennial.erasure.asked",
        "occurred": write_instant(now),
        "resource": {"prefect.resource.id": "perennial.erasure"},
    }
    asked = {"filter": {"id": {"id": [event["id"]]}}}
    end = time.monotonic() + SECONDS
    try:
        _post(f"{api}/events", [event])
        while not _post(f"{api}/events/filter", asked)["events"]:
            if time.monotonic() > end:
                raise TransientError(
                    f"{masked(api)}: the Prefect server has not stored an event after {SECONDS:.0f} s",
                    fix="Nothing was erased. Look at the server's log, then run the same command again.",
                )
            time.sleep(_PAUSE)
    except OSError as error:
        raise TransientError(
            f"{masked(api)}: the Prefect server does not answer: {masked(str(error))}",
            fix="Nothing was erased. Start or stop the server, then run the same command again.",
        ) from error


def _post(address: str, body: Any) -> Any:
    request = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    near = "//127.0.0.1:" in address or "//localhost:" in address
    with build_opener(*([ProxyHandler({})] if near else [])).open(request, timeout=30) as answer:
        return json.loads(answer.read() or "null")
