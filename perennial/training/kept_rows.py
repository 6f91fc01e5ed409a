"""What a fit in parts keeps of its rows: every category, and the inputs at some places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from perennial.model.artifact import categories_seen

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class KeptPart:
    """seen: as `categories_seen` of a part. inputs: at the places that are kept."""

    seen: dict[str, tuple[str, ...]]
    inputs: pd.DataFrame


def kept_part(inputs: pd.DataFrame, places: np.ndarray) -> KeptPart:
    """places: shape (m,), positions in this part."""
    return KeptPart(categories_seen(inputs), inputs.iloc[places])


@dataclass
class Kept:
    """Of all parts so far. places: shape (m,), positions in all rows, in order."""

    places: np.ndarray
    _seen: dict[str, set[str]] = field(default_factory=dict)
    _inputs: list[pd.DataFrame] = field(default_factory=list)

    def places_in(self, start: int, end: int) -> np.ndarray:
        """The places from `start` to `end`, counted from `start`."""
        return self.places[(self.places >= start) & (self.places < end)] - start

    def add(self, part: KeptPart) -> None:
        """The next part."""
        for name, values in part.seen.items():
            self._seen.setdefault(name, set()).update(values)
        self._inputs.append(part.inputs)

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """As `categories_seen` of all rows."""
        return {name: tuple(sorted(values)) for name, values in self._seen.items()}

    @property
    def inputs(self) -> pd.DataFrame:
        """Those at `places`."""
        import pandas as pd

        return pd.concat(self._inputs, ignore_index=True)
