"""The next scheduled run of a use case, from the server that would start it rather than from the declaration."""

from __future__ import annotations

import json
import os
from http.client import HTTPException
from urllib.request import ProxyHandler, Request, build_opener

from perennial.processes.prefect_server import running_server
from perennial.settings import Settings

_SECONDS = 3.0
_ASKED = {
    "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    "sort": "EXPECTED_START_TIME_ASC",
    "limit": 200,
}


def next_scheduled_run(where: Settings, usecase: str) -> str | None:
    """The start of the next scheduled run of a use case, as ISO 8601 in UTC.

    None if nothing is deployed, no server is running, or it does not answer: a schedule is then unknown.
    """
    ours = None if where.prefect_api_url else running_server(where)
    url = where.prefect_api_url or (ours.url if ours else None)
    if url is None:
        return None
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    opener = build_opener(ProxyHandler({})) if ours else build_opener()
    try:
        request = Request(f"{url}/flow_runs/filter", json.dumps(_ASKED).encode(), headers)
        with opener.open(request, timeout=_SECONDS) as answer:
            runs = json.load(answer)
    except (OSError, HTTPException, ValueError):
        return None  # a status does not need the server
    mine = [run for run in runs if (run.get("parameters") or {}).get("usecase") == usecase]
    return str(mine[0]["expected_start_time"]).replace("+00:00", "Z") if mine else None
