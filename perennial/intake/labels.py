"""Label rows that can be used, and those that are set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.our_columns import LABEL_KNOWN_AT, RAW, REASONS, ROW
from perennial.usecase.columns import no_such_value, target_values
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.parsing import Parsed


def sort_labels(parsed: Parsed, declaration: Declaration, known_at: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Label rows that can be used, and those that cannot with every reason: (labels, set aside).

    The first have key, target and `LABEL_KNOWN_AT`; the second `ROW`, `REASONS` and `RAW`, as in the quarantine.
    Raises InputError naming every column that the file lacks.
    """
    import json

    import pandas as pd

    schema = declaration.schema_
    needed = [*schema.key, schema.target, known_at]
    if parsed.missing:
        raise InputError(
            f"labels.path: the file lacks {', '.join(repr(c) for c in parsed.missing)}; a label needs key, "
            f"{schema.target!r} and {known_at!r}. Mend the file; nothing of it was taken in."
        )
    reasons: dict[int, list[str]] = {}
    for name in needed:
        unreadable = parsed.unreadable.get(name, pd.Series(index=parsed.frame.index, dtype="object"))
        for row in parsed.frame.index[parsed.frame[name].isna()]:
            text = unreadable[row]
            reasons.setdefault(int(row), []).append(f"{name}: empty" if pd.isna(text) else f"{name}: not readable")
    allowed = target_values(schema)
    if allowed:
        wrong = parsed.frame[schema.target].notna() & ~parsed.frame[schema.target].isin(allowed)
        for row in parsed.frame.index[wrong]:
            reasons.setdefault(int(row), []).append(f"{schema.target}: {no_such_value(schema)}")
    good = parsed.frame.drop(index=list(reasons)).rename(columns={known_at: LABEL_KNOWN_AT})
    raw = [
        json.dumps({n: str(parsed.unreadable.get(n, parsed.frame[n])[row]) for n in needed}, ensure_ascii=False)
        for row in reasons
    ]
    aside = pd.DataFrame(
        {
            ROW: list(reasons),
            REASONS: [json.dumps(r, ensure_ascii=False) for r in reasons.values()],
            RAW: raw,
        }
    )
    return good, aside
