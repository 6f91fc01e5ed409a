"""The plan for a label file: which labels are accepted, which are set aside and why, whether the file is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perennial.evaluation.figures import counted
from perennial.intake.limits import FOR_LABELS, examples_of, exceeded
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


@dataclass(frozen=True)
class SortedLabels:
    """The plan for a label file.

    good: key, target and `LABEL_KNOWN_AT` of the accepted labels. set_aside: row → all its reasons, for `split`.
    held_because: why the whole file is held; empty if it is accepted.
    """

    good: pd.DataFrame
    set_aside: dict[int, tuple[str, ...]]
    reasons: tuple[Reason, ...]
    held_because: tuple[str, ...]


def sort_labels(parsed: Parsed, declaration: Declaration, known_at: str, arrived_at: datetime) -> SortedLabels:
    """Sort the rows of a label file.

    These rows are set aside: those without a readable key, label or time, with a label that the target cannot have,
    with an implausible time, copies of a row (one is kept), and rows that contradict each other. Rows without a label
    and copies are harmless. If more of the others are set aside than the declaration allows for a batch, or all of
    them, the file is held, because the rest may be biased.
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
        _held_because(declaration, parsed, {row: why for row, why in set_aside.items() if not harmless[row]}, harmless),
    )


def no_labels() -> pd.DataFrame:
    """For a file that is not a table."""
    import pandas as pd

    return pd.DataFrame()


def implausible(known: pd.Series, arrived_at: datetime, gap: timedelta, *, future: bool) -> pd.Series:
    """Implausible times, as found by `time_faults`. Never (9999-12-31) is allowed.

    future: whether labels may become known after their arrival, as on a replay clock.
    """
    import pandas as pd

    written = known[known.notna() & (known < pd.Timestamp(NEVER))]
    return time_faults(written, now=arrived_at, gap=gap, future=future).notna().reindex(known.index, fill_value=False)


def _held_because(
    declaration: Declaration, parsed: Parsed, set_aside: Mapping[int, Sequence[str]], harmless: pd.Series
) -> tuple[str, ...]:
    """set_aside: without the `harmless` rows."""
    rows = int((~harmless).sum())
    if rows and len(set_aside) == rows:
        (worst, most), *_ = Counter(why for reasons in set_aside.values() for why in reasons).most_common(1)
        return (f"all {counted(rows, 'label', 'labels')} would be set aside, most often {worst} ({most:,})",)
    reasons = {row: tuple(why) for row, why in set_aside.items()}
    over = exceeded(
        declaration.set_aside, rows, reasons, lambda reason, of: examples_of(parsed, reason, of), FOR_LABELS
    )
    return tuple(f"{each.limit}: {each.finding}" for each in over)
