"""A dry run shows what a command would change, and changes nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Perennial, ledger_rows, write
from tests.world import World


def fingerprint(home: Path) -> dict[str, str]:
    """Every file of a home that holds what happened, by its content."""
    kept = ("ledger.db", "tables", "mlflow", "landing", "pages", "validations")
    files = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] in kept]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("run", "shop"), "would run the cycle of 2024-03"),
        (("run", "shop", "--batch", "2024-02"), "would run the cycle of 2024-02"),
        (("backfill", "shop"), "would run the cycle of 2024-03, 2024-04"),
        (("backfill", "shop", "--last", "2024-03"), "would run the cycle of 2024-03."),
        (("requeue", "shop"), "nothing to validate again"),
        (("requeue", "shop", "--batch", "2024-01"), "would validate again: 2024-01"),
        (("doctor", "shop"), "agree"),
    ],
)
def test_a_dry_run_shows_what_would_happen(
    settled: World, perennial: Perennial, words: tuple[str, ...], shown: str
) -> None:
    for month in ("2024-03", "2024-04"):
        write(settled, month, settled.month(month))
    home = settled.usecases.parent / "home"
    before, rows = fingerprint(home), ledger_rows()
    answer = perennial(*words, "--dry-run")
    assert answer.code == 0 and shown in answer.out
    assert json.loads(perennial(*words, "--dry-run", "--json").out) is not None
    assert (fingerprint(home), ledger_rows()) == (before, rows)


def test_a_dry_run_of_a_persons_command_is_refused_like_the_command_itself(
    settled: World, perennial: Perennial
) -> None:
    home = settled.usecases.parent / "home"
    before = fingerprint(home)
    refused = perennial("rollback", "shop", "--reason", "a try", "--dry-run")
    assert refused.code == 2 and "there is no previous champion to roll back to" in refused.err
    (decision,) = json.loads(perennial("decisions", "shop", "--json").out)
    refused = perennial("approve", decision["id"], "--by", "Ada", "--reason", "a try", "--dry-run")
    assert refused.code == 2 and "only a held decision can be approved" in refused.err
    refused = perennial("refuse", decision["id"], "--by", "Ada", "--reason", "a try", "--dry-run")
    assert refused.code == 2 and "only a held decision can be approved or refused" in refused.err
    asked = ("--batch", "2024-01", "--by", "Ada", "--reason", "a try", "--check", "price")
    assert perennial("waive", "shop", *asked, "--dry-run").code != 0, "no check of it failed"
    assert fingerprint(home) == before
