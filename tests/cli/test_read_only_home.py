"""A home that may only be read, as an auditor gets it: every command that only reads works there as anywhere else."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from perennial.cli.app import app
from perennial.ledger.entries import Decision
from perennial.ledger.ledger import Ledger
from perennial.settings import settings
from tests.cli.conftest import Perennial
from tests.world import World

pytestmark = pytest.mark.timeout(240)

NOBODY = 65534


@contextmanager
def only_readable(home: Path) -> Iterator[None]:
    """The home without anybody's right to write, and us without a superuser's."""
    modes = {path: path.stat().st_mode for path in (home, *home.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(stat.S_IMODE(mode) & ~0o222 | (0o555 if path.is_dir() else 0o444))
    before = os.geteuid()
    if before == 0:
        for path in home.parents:
            if path != Path(tempfile.gettempdir()) and path.is_relative_to(tempfile.gettempdir()):
                path.chmod(0o755)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if before == 0:
            os.seteuid(before)
        for path, mode in modes.items():
            path.chmod(stat.S_IMODE(mode))


def whole(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


READING: dict[str, tuple[tuple[str, ...], ...]] = {
    "status": ((), ("shop",), ("shop", "--json")),
    "batches": (("shop",),),
    "decisions": (("shop",),),
    "decision": (("{decision}",), ("{decision}", "--full")),
    "plan": (("shop",),),
    "page": (("shop", "--out", "{out}/page.html"),),
    "replay": (("shop",), ("shop", "--deep")),
    "prediction": (("20240101T000000-0123456789ab.0",),),
    "lineage": (("shop", "2024-01"), ("shop", "2024-01-00001"), ("shop", "1", "--down")),
    "ledger verify": ((),),
    "dossier": (("shop", "--out", "{out}/dossier"),),
    "verify-model": (("shop",),),
    "quarantine": (("shop",),),
    "doctor": (("shop", "--dry-run"),),
    "check": (("shop",),),
    "schema": ((),),
    "alerts": ((),),
    "openlineage": ((),),
    "fleet": ((), ("--json",)),
}
"""What only reads, with the arguments of one or several examples."""
OTHERS = {
    *("demo", "init", "run", "backfill", "ingest", "watch", "score", "stage", "train"),
    *("calibrate", "backtest", "worth"),  # they keep what they measured
    *("approve", "refuse", "rollback", "resume", "erase", "retain", "anchor", "keys", "sign-model", "requeue", "waive"),
    *("maintain", "fleet run"),
    *("up", "serve", "replay-traffic", "down", "deploy", "alerts test", "alerts send", "openlineage send"),
}
"""What changes a home, or does not look at one."""


def test_every_command_is_one_that_reads_or_one_of_the_others() -> None:
    names = set(_names(typer.main.get_command(app)))
    assert not READING.keys() & OTHERS and READING.keys() | OTHERS == names


def _names(group: object, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if not hasattr(command, "commands"):
            yield before + name
            continue
        if command.invoke_without_command:
            yield before + name
        yield from _names(command, f"{before}{name} ")


def test_a_home_that_may_only_be_read_serves_every_command_that_reads(
    settled: World, perennial: Perennial, tmp_path: Path
) -> None:
    home, out = settings().home, tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    id = Ledger(settings().database_url).all("shop", Decision)[0].payload.id
    commands = [
        [*name.split(), *(each.format(decision=id, out=out) for each in example)]
        for name, examples in READING.items()
        for example in examples
    ]
    usual = [perennial(*command) for command in commands]
    for path in (out, *out.rglob("*")):
        path.chmod(0o777)
    before = whole(home)
    with only_readable(home):
        for command, expected in zip(commands, usual, strict=True):
            shown = perennial(*command)
            assert (shown.code, shown.err, shown.out) == (expected.code, expected.err, expected.out), (command, shown)
        for name in ("page", "dossier", "ingest"):
            refused = perennial(name, "shop")
            assert refused.code == 2 and "cannot be written" in refused.err, name
    assert whole(home) == before
