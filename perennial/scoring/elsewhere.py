"""What workers of a site make of many rows, such as predictions: to the last bit what this process would make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from perennial.model.artifact import Fitted
from perennial.settings import allow_threads, allowed_threads
from perennial.store.rows import frame_of
from perennial.store.site import Site, put_rows, shared_rows
from perennial.store.whole_types import WholeTypes

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


@dataclass(frozen=True)
class Elsewhere:
    """The workers that get the rows of a use case that are on disk."""

    site: Site
    usecase: str

    def predictions(
        self, models: Sequence[Fitted], parts: Iterable[pa.Table], types: WholeTypes
    ) -> list[tuple[np.ndarray, ...]]:
        """Of each model for each part of the rows, shape (n,) or (n, k). parts: at least one.

        types: of all rows. Raises as `Engine.map_files`, and what a model raises.
        """
        asked = _Asked(self.site.place, tuple(models), types, allowed_threads())
        return list(zip(*self.mapped("predict", partial(predicted_part, asked), parts), strict=True))

    def mapped(self, step: str, function: Callable[[str], T], parts: Iterable[pa.Table]) -> list[T]:
        """What a function makes of each part, in their order. function: gets the name of the part's file.

        Raises as `Engine.map_files`, and what the function raises.
        """
        with self.site.folder("predicting", self.usecase) as folder:
            names = []
            for number, part in enumerate(parts):
                names.append(f"{folder}/{number:06}.parquet")
                put_rows(self.site.files, names[-1], part)
            return self.site.engine.map_files(step, function, names)


@dataclass(frozen=True)
class _Asked:
    """What every part is predicted with. threads: as in the process that asks."""

    place: str
    models: tuple[Fitted, ...]
    types: WholeTypes
    threads: int


def predicted_part(asked: _Asked, name: str) -> list[np.ndarray]:
    """Of each model."""
    allow_threads(asked.threads)
    part = asked.types.typed(frame_of(shared_rows(asked.place, name)))
    return [np.asarray(model.predict(part)) for model in asked.models]
