"""The part of `perennial up` that deploys: at its start, and again whenever a declaration is added, edited or removed.

Run as `python -m perennial.processes.deployer`.
"""

from __future__ import annotations

import json
import sys
import time
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from perennial.errors import PerennialError
from perennial.identity import digest
from perennial.processes.deployments import SCHEDULED, deploy
from perennial.processes.stopping import end_on_sigterm
from perennial.settings import Settings, settings
from perennial.usecase.reading import declaring_files, list_use_cases

LOOK_SECONDS = 2.0
AGAIN_SECONDS = 30.0
"""After a failure, deploying is tried again so much later, or as soon as a declaration changes."""
REPAIR_SECONDS = 20.0
"""How often the schedules are looked at."""


def main() -> None:
    """Deploy, then look for changes until the process is stopped."""
    where = settings()
    deployed_place(where).unlink(missing_ok=True)
    done, tried = "", ""
    tried_at = looked_at = 0.0
    while True:
        now, declared = time.monotonic(), digest_of(where.usecases)
        if done and now - looked_at > REPAIR_SECONDS:
            looked_at = now
            if lost := _without_parameters(where):
                _say(f"schedules without parameters, which a pause in Prefect's UI erases: {', '.join(lost)}")
                done = tried = ""
        if declared != done and (declared != tried or now - tried_at > AGAIN_SECONDS):
            tried, tried_at = declared, now
            done = declared if _deployed(where, declared) else ""
        time.sleep(LOOK_SECONDS)


def deployed_place(where: Settings) -> Path:
    """The file that names what is deployed, written after each success."""
    return where.home / "deployed.json"


def digest_of(usecases: Path) -> str:
    """Of the names and texts of all files that declare use cases in a folder."""
    return digest({path.name: _text(path) for path in declaring_files(usecases)})


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # removed a moment ago


def _without_parameters(where: Settings) -> list[str]:
    """The use cases whose schedule would start a run without a use case. Empty while the server does not answer."""
    schedules = []
    for deployment in (SCHEDULED, *(pool.size for pool in where.pools)):
        address = f"{where.prefect_api_url}/deployments/name/{SCHEDULED}/{deployment}"
        try:
            with build_opener(ProxyHandler({})).open(address, timeout=10) as answer:
                schedules += json.load(answer)["schedules"]
        except (OSError, HTTPException, ValueError):
            continue  # of that size there is none, or the part that watches the server reports it
    names = set(list_use_cases(where.usecases))
    return [each["slug"] for each in schedules if each["slug"] in names and not each["parameters"]]


def _deployed(where: Settings, declared: str) -> bool:
    try:
        plan = deploy(where, {})
    except PerennialError as error:
        _say(str(error))
        return False
    for name, mistake in plan.mistaken.items():
        _say(f"{name} cannot be read, so its schedule stays as it was: {mistake}")
    schedules = {**plan.schedules, **plan.fleets}
    scheduled = ", ".join(f"{name} ({each['cron']})" for name, each in schedules.items())
    _say(f"deployed; scheduled: {scheduled or 'none'}; without a schedule: {', '.join(plan.without) or 'none'}")
    deployed_place(where).write_text(json.dumps({"declarations": declared}))
    return True


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    end_on_sigterm()
    main()
