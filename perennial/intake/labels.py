"""The plan of a label file: which labels count, which are set aside and why, whether the whole file is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perennial.evaluation.figures import counted, percent
from perennial.intake.plausible import time_faults
from perennial.ledger.entries import Reason
from perennial.our_columns import LABEL_KNOWN_AT
from perennial.store.rows import NEVER
from perennial.usecase.columns import no_such_value, target_values
from perennial.usecase.declaration import Declaration

if TYPE_CHECKING:
    import pandas as pd

    from perennial.sources.parsing import Parsed

COPY = "a copy of a row before it"
CONTRADICTS = "another row of the file has another label for the same key and moment"
MOST_SET_ASIDE = 0.05
"""The share of a file's labels that may be set aside; with more of them the rest may be a biased choice."""


@dataclass(frozen=True)
class SortedLabels:
    """What a label file comes to.

    good: key, target and `LABEL_KNOWN_AT` of the labels that count. set_aside: row → every reason, for `split`.
    held_because: why nothing of the file counts; empty where it does.
    """

    good: pd.DataFrame
    set_aside: dict[int, tuple[str, ...]]
    reasons: tuple[Reason, ...]
    held_because: tuple[str, ...]


def sort_labels(parsed: Parsed, declaration: Declaration, known_at: str, arrived_at: datetime) -> SortedLabels:
    """Sort the rows of a label file.

    Set aside are rows without a readable key, label or moment, with a label that the target cannot have, with an
    implausible moment, copies of a row (one is kept), and rows that contradict each other. A row without a label and
    a copy cost nothing; where more than `MOST_SET_ASIDE` of the others are set aside, the file is held.
    """
    import pandas as pd

    schema, frame = declaration.schema_, parsed.frame
    if parsed.missing:
        lacks = ", ".join(repr(name) for name in parsed.missing)
        needed = f"a label needs {', '.join(map(repr, schema.key))}, {schema.target!r} and {known_at!r}"
        return SortedLabels(frame.head(0), {}, (), (f"the file has no column {lacks}; {needed}",))
    faults: dict[str, pd.Series] = {}
    harmless = pd.Series(False, index=frame.index)
    for name in dict.fromkeys([*schema.key, schema.target, known_at]):
        unreadable = parsed.unreadable.get(name, pd.Series(None, index=frame.index, dtype="object")).notna()
        faults[f"{name}: empty"] = frame[name].isna() & ~unreadable
        faults[f"{name}: not readable"] = unreadable
    harmless |= faults[f"{schema.target}: empty"]
    allowed = target_values(schema)
    if allowed:
        target = frame[schema.target]
        faults[f"{schema.target}: {no_such_value(schema)}"] = target.notna() & ~target.isin(allowed)
    replayed = declaration.clock == "replay"
    far = implausible(frame[known_at], arrived_at, schema.plausible_gap, future=replayed)
    faults[f"{known_at}: implausible moment"] = far
    sound = ~pd.concat(faults, axis=1).any(axis=1)
    place = [*schema.key, known_at]
    copies = frame[sound].duplicated([*place, schema.target])
    faults[COPY] = copies.reindex(frame.index, fill_value=False)
    harmless |= faults[COPY]
    left = frame[sound & ~faults[COPY]]
    faults[CONTRADICTS] = left.duplicated(place, keep=False).reindex(frame.index, fill_value=False)
    bad = pd.concat(faults, axis=1).any(axis=1)
    reasons = [Reason(reason=why, rows=int(rows.sum())) for why, rows in faults.items() if rows.any()]
    set_aside: dict[int, list[str]] = {}
    for why, rows in faults.items():
        for row in frame.index[rows]:
            set_aside.setdefault(int(row), []).append(why)
    return SortedLabels(
        frame[~bad].rename(columns={known_at: LABEL_KNOWN_AT}),
        {row: tuple(why) for row, why in sorted(set_aside.items())},
        tuple(sorted(reasons, key=lambda each: (-each.rows, each.reason))),
        _held_because(int((bad & ~harmless).sum()), int((~harmless).sum()), reasons),
    )


def no_labels() -> pd.DataFrame:
    """Of a file that is no table at all."""
    import pandas as pd

    return pd.DataFrame()


def implausible(known: pd.Series, arrived_at: datetime, gap: timedelta, *, future: bool) -> pd.Series:
    """Moments that cannot be meant, as `time_faults` finds them. Never (9999-12-31) is one that can.

    future: whether labels may be known after their arrival, as on a replay clock.
    """
    import pandas as pd

    written = known[known.notna() & (known < pd.Timestamp(NEVER))]
    return time_faults(written, now=arrived_at, gap=gap, future=future).notna().reindex(known.index, fill_value=False)


def _held_because(bad: int, rows: int, reasons: list[Reason]) -> tuple[str, ...]:
    if bad <= MOST_SET_ASIDE * rows:
        return ()
    worst = max((each for each in reasons if each.reason != COPY), key=lambda each: each.rows)
    share = "all" if bad == rows else f"{percent(bad / rows)} of"
    return (
        f"{share} {counted(rows, 'label', 'labels')} would be set aside, more than {percent(MOST_SET_ASIDE)}, most "
        f"often {worst.reason} ({worst.rows:,})",
    )
