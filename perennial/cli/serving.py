"""`perennial serve`: the scoring service, until Ctrl-C."""

from __future__ import annotations

import os
from pathlib import Path

from perennial.cli.output import flowing, say
from perennial.errors import InputError
from perennial.settings import settings
from perennial.usecase.reading import list_use_cases, load_use_case


def serve(
    usecases: tuple[str, ...],
    host: str,
    port: int,
    workers: int,
    release: int | None,
    keys: Path | None,
    sync: bool,
) -> None:
    """Refuse what cannot work before anything is loaded, then serve."""
    where = settings()
    for name in usecases:
        load_use_case(name, where.usecases)
    if release is not None and len(usecases) != 1:
        raise InputError("--release: belongs to one use case\n  name it: perennial serve USECASE --release N")
    # Requests are scored side by side, each on one thread. Libraries read this when they are imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from perennial.processes.ports import free_port, refuse_taken
    from perennial.processes.service import Serving
    from perennial.processes.service import serve as run

    names = usecases or tuple(list_use_cases(where.usecases))
    if not names:
        raise InputError(f"no use case is declared in {where.usecases}\n  start with: perennial init DATA")
    if release is not None:
        from perennial.serving.live import wanted_release
        from perennial.store.workspace import reading_workspace

        wanted_release(reading_workspace(where), names[0], release)
    if port:
        refuse_taken(host, port)
    asked = Serving(usecases, host, port or free_port(0, "the service"), workers, release, keys, sync)
    address = f"http://{host}:{asked.port}"
    flowing(f"Serving {', '.join(names)} at {address} until Ctrl-C")
    flowing(f"  try a request: {address}/docs    what is served: {address}/ready")
    say("  It answers once the models are loaded, which takes some seconds.")
    run(asked, where)
    say("The service is stopped.")
