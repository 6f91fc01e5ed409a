"""Writing a dossier: one HTML file for people, and the same for machines beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.governance.annex_iv import SOURCE
from perennial.governance.bill_of_materials import bill_of_materials
from perennial.governance.card import model_card
from perennial.governance.croissant import croissant
from perennial.governance.dossier import Dossier
from perennial.governance.items import Table
from perennial.governance.records import Records
from perennial.page.render import template
from perennial.whole_file import write_whole

if TYPE_CHECKING:
    from markupsafe import Markup

_NUMBER = re.compile(r"[+\-−]?[\d,]+(\.\d+)?(e[+-]?\d+)?( ?%)?")
_DIGEST = re.compile(r"[0-9a-f]{32,}")
_SHORT = re.compile(r"\S{1,12}")
_NOTHING = ("", "–", "unknown")

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
    return template("dossier.html.j2").render(made=made, source=SOURCE, kinds_of=kinds_of)


def kinds_of(table: Table) -> tuple[Markup, ...]:
    """The class of each column's cells: numbers are aligned to the right, digests wrap, and short words do not.

    >>> kinds_of(Table(("batch", "rows"), (("2024-01", "1,620"), ("2024-02", "–"))))
    (Markup(' class="w"'), Markup(' class="n"'))
    """
    from markupsafe import Markup

    columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.columns)
    return tuple(Markup(f' class="{kind}"' if (kind := _kind(cells)) else "") for cells in columns)


def _kind(cells: Sequence[str]) -> str:
    written = [cell for cell in cells if cell not in _NOTHING]
    kinds = {"n": _NUMBER, "d": _DIGEST, "w": _SHORT}
    return next((kind for kind, form in kinds.items() if written and all(map(form.fullmatch, written))), "")


def data_of(made: Dossier) -> dict[str, Any]:
    """The dossier as data for JSON, with its gaps."""
    return {
        **asdict(made),
        "gaps": [asdict(gap) for gap in made.gaps],
        "gone": [{**asdict(each), "in_words": str(each)} for each in made.gone],
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
