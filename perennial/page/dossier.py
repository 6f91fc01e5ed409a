"""Writing a dossier: one HTML file for people, and the same for machines beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perennial.governance.annex_iv import SOURCE
from perennial.governance.bill_of_materials import bill_of_materials
from perennial.governance.card import model_card
from perennial.governance.croissant import croissant
from perennial.governance.dossier import Dossier
from perennial.governance.records import Records
from perennial.page.render import template
from perennial.whole_file import write_whole

HTML, DATA, CARD, BOM, DATASET, DECISION = (
    "dossier.html",
    "dossier.json",
    "README.md",
    "bom.cdx.json",
    "croissant.json",
    "decision.json",
)


def publish_dossier(folder: Path, made: Dossier, records: Records) -> list[Path]:
    """Write every file, and return them. Before the first decision there are only the first two.

    Raises OSError where the place cannot be written.
    """
    files = {HTML: render_dossier(made), DATA: _json(data_of(made))}
    subject = records.subject
    if subject is not None:
        row = subject.decision
        place = {"position": row.position, "recorded_at": row.recorded_at, "hash": row.hash}
        files |= {
            CARD: model_card(records, subject),
            BOM: _json(bill_of_materials(records, subject)),
            DATASET: _json(croissant(records, subject)),
            DECISION: _json({**place, "decision": row.payload.model_dump(mode="json")}),
        }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_whole(folder / name, text)
    return [folder / name for name in files]


def render_dossier(made: Dossier) -> str:
    """The HTML. Everything that data or people named is escaped."""
    return template("dossier.html.j2").render(made=made, source=SOURCE)


def data_of(made: Dossier) -> dict[str, Any]:
    """The dossier as data for JSON, with its gaps."""
    return {
        **asdict(made),
        "gaps": [asdict(gap) for gap in made.gaps],
        "gone": [{**asdict(each), "in_words": str(each)} for each in made.gone],
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
