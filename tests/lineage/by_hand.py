"""The lineage of a prediction once more, from the bytes of the ledger and the tables: nothing of ours is imported.

For use cases whose labels come with their rows, with an expanding window and without stages.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from deltalake import DeltaTable

OURS = "__perennial_"


@dataclass(frozen=True)
class Raw:
    """kind → payloads in order; the tables of accepted rows and predictions."""

    ledger: dict[str, list[dict[str, Any]]]
    accepted: pd.DataFrame
    predictions: pd.DataFrame
    key: str
    time: str
    target: str
    delay: pd.Timedelta
    spans: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Accepted rows, to be found by their key."""
        return self.accepted.set_index(self.key, drop=False)

    @cached_property
    def predicted(self) -> pd.DataFrame:
        """Predictions, to be found by their key."""
        return self.predictions.set_index(self.key, drop=False)

    def one(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The only row of a kind with these values."""
        (only,) = [r for r in self.ledger[kind] if all(r[name] == value for name, value in wanted.items())]
        return only

    def spanned(self, first: str, last: str, batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The batches with events in a span, by the rows themselves."""
        if (first, last) not in self.spans:
            inside = self.accepted[self.time].between(pd.Timestamp(first), pd.Timestamp(last))
            self.spans[first, last] = set(self.accepted.loc[inside, f"{OURS}batch"])
        return [batch for batch in batches if batch["batch"] in self.spans[first, last]]

    def row(self, key: str) -> dict[str, Any]:
        """The accepted row of a key."""
        (row,) = self.rows.loc[[key]].to_dict("records")
        return {str(name): value for name, value in row.items()}

    def up(self, prediction: dict[str, Any]) -> set[str]:
        """Everything that a scored row's prediction came from."""
        scored = self.one(
            "batch_scored", release_no=prediction[f"{OURS}release_no"], window=prediction[f"{OURS}window"]
        )
        row = self.row(prediction[self.key])
        own = self.one("batch", batch=row[f"{OURS}batch"])
        met = {f"key:{prediction[self.key]}", *self._batch(own)}
        met |= self._release(self.one("release", release_no=scored["release_no"]))
        return met

    def _batch(self, batch: dict[str, Any]) -> set[str]:
        return {f"batch:{batch['window']}/{batch['revision']}", f"landing:{batch['landing']}"}

    def _release(self, release: dict[str, Any]) -> set[str]:
        met = {f"release:{release['release_no']}"}
        for served in release["serves"]:
            met |= self._model(served["model"]["version"])
        return met | self._decision(self.one("decision", id=release["decision"]))

    def _decision(self, decision: dict[str, Any]) -> set[str]:
        met = {f"decision:{decision['id']}"}
        for version in self._evaluated_in(decision):
            met |= self._model(version)
        champion = [each["model"]["version"] for each in decision.get("live") or ()]
        if not champion and decision["champion"]:
            champion = [decision["champion"]["version"]]
        met |= {f"model:{version}" for version in champion}
        known = [batch for batch in self.ledger["batch"] if batch["arrived_at"] <= decision["as_of"]]
        for batch in self.spanned(decision["evaluation"]["first"], decision["evaluation"]["last"], known):
            met |= self._batch(batch)
        return met

    def _evaluated_in(self, decision: dict[str, Any]) -> set[int]:
        mixture = decision.get("mixture") or {"members": []}
        return {decision["challenger"]["version"], *(each["model"]["version"] for each in mixture["members"])}

    def _model(self, version: int) -> set[str]:
        (trained,) = [each for each in self.ledger["challenger"] if each["model"]["version"] == version]
        snapshot = self.one("snapshot", snapshot=trained["snapshot"])
        met = {f"model:{version}", f"run:{trained['model']['run_id']}", f"features:{trained['features_digest']}"}
        met.add(f"snapshot:{snapshot['snapshot']}")
        batches = [each for each in self.ledger["batch"] if each["batch"] in snapshot["batches"]]
        for batch in self.spanned(snapshot["first"], snapshot["last"], batches):
            met |= self._batch(batch)
        return met

    def down(self, key: str) -> set[str]:
        """Everything that came from a row."""
        row = self.row(key)
        arrived = pd.Timestamp(self.one("batch", batch=row[f"{OURS}batch"])["arrived_at"])
        counts = max(row[self.time] + self.delay, arrived) if pd.notna(row[self.target]) else None
        trained = {
            each["snapshot"]
            for each in self.ledger["snapshot"]
            if counts is not None and counts <= pd.Timestamp(each["as_of"]) and not _is_after(row[self.time], each)
        }
        evaluated = [
            each for each in self.ledger["decision"] if counts is not None and self._evaluates(each, row, counts)
        ]
        own = self.predicted[self.predicted.index == key].to_dict("records")
        met = {f"snapshot:{each}" for each in trained}
        met |= {f"prediction:{each[f'{OURS}batch']}#{key}" for each in own}
        models = set()
        for each in self.ledger["challenger"]:
            if each["snapshot"] in trained:
                models.add(each["model"]["version"])
                met |= {f"run:{each['model']['run_id']}", f"model:{each['model']['version']}"}
        decided = {each["id"] for each in evaluated}
        for each in self.ledger["decision"]:
            champions = {served["model"]["version"] for served in each.get("live") or ()}
            champions |= {each["champion"]["version"]} if each["champion"] else set()
            if models & self._evaluated_in(each):
                decided.add(each["id"])
            elif models & champions:
                met.add(f"decision:{each['id']}")
        met |= {f"decision:{each}" for each in decided}
        for release in self.ledger["release"]:
            serves = {served["model"]["version"] for served in release["serves"]}
            if release["decision"] in decided or serves & models:
                met.add(f"release:{release['release_no']}")
                names = [s for s in self.ledger["batch_scored"] if s["release_no"] == release["release_no"]]
                met |= {f"predictions:{s['batch']}@{s['release_no']}" for s in names}
                met |= {
                    f"prediction:{each[f'{OURS}batch']}#{key}"
                    for each in own
                    if each[f"{OURS}release_no"] == release["release_no"]
                }
        return met

    def _evaluates(self, decision: dict[str, Any], row: dict[str, Any], counts: pd.Timestamp) -> bool:
        trained = self.one("challenger", challenger=decision["challenger_id"])
        snapshot = self.one("snapshot", snapshot=trained["snapshot"])
        earlier = [
            each["as_of"]
            for each in self.ledger["decision"]
            if each["as_of"] < decision["as_of"] and each["challenger_id"] != decision["challenger_id"]
        ]
        if not all(pd.Timestamp(each) < counts for each in earlier) or counts > pd.Timestamp(decision["as_of"]):
            return False
        is_new = counts > pd.Timestamp(snapshot["as_of"])
        if snapshot.get("until") is None:
            return bool(is_new)
        return _is_after(row[self.time], snapshot) and bool(is_new or row[f"{OURS}batch"] in snapshot["batches"])


def _is_after(at: pd.Timestamp, snapshot: dict[str, Any]) -> bool:
    """Whether a training left a row out because its event is among the newest days, which evaluate the model."""
    return snapshot.get("until") is not None and bool(at >= pd.Timestamp(snapshot["until"]))


def raw(home: Path, usecase: str, key: str, time: str, target: str, delay: str) -> Raw:
    """Read a home."""
    ledger: dict[str, list[dict[str, Any]]] = {}
    with sqlite3.connect(home / "ledger.db") as connection:
        rows = "SELECT kind, payload FROM entries WHERE usecase = ? ORDER BY position"
        for kind, payload in connection.execute(rows, [usecase]):
            ledger.setdefault(kind, []).append(json.loads(payload))
    accepted, predictions = (
        DeltaTable(str(home / "tables" / usecase / name)).to_pandas() for name in ("accepted", "predictions")
    )
    return Raw(ledger, accepted, predictions, key, time, target, pd.Timedelta(delay))
