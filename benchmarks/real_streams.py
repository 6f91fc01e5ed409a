"""Watch two real streams with every channel: flights of 2013 month by month, bike hires of 2010 to 2019 by month.

    python benchmarks/real_streams.py flights
    python benchmarks/real_streams.py bikes DATA.parquet   # with the columns ts, count, tmin, tmax, precipitation

Each batch goes through the steps of a real cycle, without Prefect's server: it is ingested, watched, used for the
decision, and trained on. Printed are each batch's readings and, at the end, the episodes with their dates and causes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
CHANNELS = [
    "contract",
    "unseen",
    "gap",
    "level",
    "features",
    "predictions",
    "estimated_loss",
    "calibration",
    "business",
    "age",
    "multivariate",
]
VALUE = '''"""What a prediction is worth, made up for the example."""


def warned(y, p):
    """A passenger who is warned of a late flight saves 10; a needless warning costs 2."""
    return (p > 0.3) * (12.0 * y - 2.0)


def bikes(y, p):
    """A bike that is missing costs 1, one too many 0.2."""
    return -1.0 * (y - p).clip(0) - 0.2 * (p - y).clip(0)
'''
BIKES = {
    "name": "bikes",
    "source": {"kind": "files", "path": "bikes.parquet", "batch": "month"},
    "schema": {"key": ["ts"], "time": "ts", "target": "count", "task": "regression", "label_known_after": "1d"},
    "features": {
        "numeric": ["tmin", "tmax", "precipitation"],
        "derived": ["hour_of:ts", "weekday_of:ts", "month_of:ts"],
    },
    "clock": "replay",
    "model": {
        "estimator": "sklearn.ensemble.HistGradientBoostingRegressor",
        "params": {"max_iter": 100, "random_state": 0},
    },
    "evaluation": {"primary": "mae", "metrics": {"worth": {"function": "value.py:bikes"}}},
    "watch": {"channels": CHANNELS},
}


def declare(folder: Path, stream: str, data: str | None) -> None:
    """Write the use case, with all channels."""
    folder.mkdir()
    (folder / "value.py").write_text(VALUE)
    if stream == "bikes":
        shutil.copy(str(data), folder / "bikes.parquet")
        declaration = BIKES
    else:
        shutil.copy(ROOT / "usecases" / "flights.py", folder)
        declaration = yaml.safe_load((ROOT / "usecases" / "flights.yaml").read_text())
        declaration["release"] = {"policy": "balanced", "refresh_after": "90d"}
        declaration["watch"] = {"channels": CHANNELS}
        declaration["evaluation"]["metrics"] = {"warned": {"function": "value.py:warned"}}
    (folder / f"{stream}.yaml").write_text(yaml.safe_dump(declaration, sort_keys=False))


def cycle(usecase: str) -> bool:
    """One cycle of the next batch, printed; False if there is none."""
    from perennial.clock import instant
    from perennial.ledger.entries import Decision, Trigger
    from tasks.artifacts import finish_cycle
    from tasks.batches import accept, land, pick_window, validate
    from tasks.deciding import blend, compare, note_in_registry, release
    from tasks.health import watch_champion
    from tasks.training import train_challenger, why_train

    window = pick_window.fn(usecase, None)
    if window is None:
        return False
    batch = accept.fn(usecase, validate.fn(usecase, window, land.fn(usecase, window)))
    if batch.status == "held":
        print(f"{window}: held: {'; '.join(batch.held_because)}")
        return True
    as_of, asked = instant(batch.arrived_at), Trigger(kind="new_batch")
    health = watch_champion.fn(usecase, batch)
    decision = compare.fn(usecase, window, as_of, asked)
    if isinstance(decision, Decision):
        release.fn(usecase, decision.id)
        note_in_registry.fn(usecase, decision.id)
    reason = why_train.fn(usecase, None, True, as_of)
    challenger = train_challenger.fn(usecase, as_of, reason) if reason else None
    blend.fn(usecase, as_of)
    finish_cycle.fn(usecase, batch, health, decision, challenger)
    print(f"\n## {window}: {decision.outcome if isinstance(decision, Decision) else decision.why}")
    for each in health.readings:
        print(f"- {each.channel}: {each.words}")
    sys.stdout.flush()
    return True


def episodes(usecase: str) -> None:
    """The episodes as a table."""
    from perennial.ledger.entries import Episode, EpisodeClosed, EpisodeRose
    from perennial.settings import settings
    from perennial.store.workspace import open_workspace

    ledger = open_workspace(settings()).ledger
    closed = {row.key: row.payload for row in ledger.all(usecase, EpisodeClosed)}
    rose = {row.payload.episode: row.payload.severity for row in ledger.all(usecase, EpisodeRose)}
    print("\n| channel | opened | closed | severity | cause |\n|---|---|---|---|---|")
    for row in ledger.all(usecase, Episode):
        each, end = row.payload, closed.get(row.key)
        severity = rose.get(row.key) or each.severity or "the channel's"
        until = end.closed_at[:10] if end else "open"
        print(f"| {each.channel} | {each.opened_at[:10]} | {until} | {severity} | {each.detail} |")


def main() -> None:
    """The whole stream in a temporary home."""
    stream, data = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PERENNIAL_HOME": f"{folder}/home", "PERENNIAL_USECASES": f"{folder}/usecases"}
        os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "GX_ANALYTICS_ENABLED": "false"}
        declare(Path(folder) / "usecases", stream, data)
        while cycle(stream):
            pass
        episodes(stream)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
