"""XGBoost fitted by several workers together: each learns from some of the rows, and they add up what they count.

The rows are cut in key order by the declared number of workers, so the model is the same wherever these run: on a
cluster, some of them in one process, or all of them in this one. XGBoost's own module for Dask gives another model if
the workers of a cluster have other names, and holds all rows in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from perennial.engine import LOCAL
from perennial.engine.together import Rank
from perennial.fault_points import full_disk
from perennial.features.derived import refuse_infinite
from perennial.features.recipe import Recipe, recipe_of
from perennial.our_columns import PREFIX
from perennial.store.rows import frame_of
from perennial.store.scratch import scratch_folder
from perennial.store.site import Site, put_rows, shared_files, shared_rows
from perennial.store.stored_rows import StoredRows
from perennial.training.encoded_rows import KIND
from perennial.training.encoding import Encoding
from perennial.training.kept_rows import Kept, KeptPart, kept_part
from perennial.training.learners import Columns, boost
from perennial.usecase.declaration import UseCase
from perennial.usecase.declared_model import Parts

_BESIDE = (f"{PREFIX}fit_label", f"{PREFIX}fit_weight")


@dataclass(frozen=True)
class Part:
    """The name of a file with rows, and of the one with what the estimator gets. kept: places in it."""

    rows: str
    encoded: str
    kept: np.ndarray


@dataclass(frozen=True)
class Encoder:
    """What a part is encoded with. beside: columns that the rows have for the estimator, besides the inputs."""

    place: str
    recipe: Recipe
    encoding: Encoding
    beside: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many columns the estimator gets."""
        return self.encoding.width + len(self.beside)


@dataclass(frozen=True)
class Share:
    """What one worker learns from. scratch: a folder for its bins; None for the one of its process."""

    place: str
    names: tuple[str, ...]
    width: int
    columns: Columns
    estimator: Any
    scratch: Path | None


def fit_together(
    case: UseCase,
    rows: StoredRows,
    encoding: Encoding,
    estimator: Any,
    beside: Sequence[np.ndarray],
    columns: Columns,
    kept: Kept,
    site: Site | None,
) -> None:
    """Fit the estimator. beside: label and weight, each of shape (n,). site: None for this process.

    Raises as `Engine.train`, and as `encoded_part`.
    """
    declared = case.declaration.model.parts
    assert declared is not None, "no parts are declared"
    with _at(site, case.name, rows) as (at, folder):
        encoder = Encoder(at.place, recipe_of(case), encoding, _BESIDE[: len(beside)])
        size = _rows_of_a_part(len(rows), declared)
        parts = list(_written(rows, encoder, beside, folder, size, kept))
        for part in at.engine.map_files("encode", partial(encoded_part, encoder), parts):
            kept.add(part)
        scratch = None if at.engine.spreads else rows.bounds.spill
        shares = [
            Share(at.place, tuple(part.encoded for part in some), encoder.width, columns, estimator, scratch)
            for some in np.array_split(np.array(parts, dtype=object), min(declared.workers, len(parts)))
        ]
        trees = at.engine.train("fit", boosted, shares)[0]
    assert trees is not None, "the first worker returns no trees"
    estimator.load_model(bytearray(trees))


@contextmanager
def _at(site: Site | None, usecase: str, rows: StoredRows) -> Iterator[tuple[Site, str]]:
    """Where the workers run, and a folder there of which nothing is left."""
    if site is not None:
        with site.folder("fitting", usecase) as folder:
            yield site, folder
        return
    with scratch_folder(rows.bounds.spill) as scratch:
        yield Site(LOCAL, str(scratch)), "."


def _rows_of_a_part(rows: int, declared: Parts) -> int:
    """At most as many as declared, with the same number of parts for every worker."""
    parts_of_each = -(-rows // (declared.workers * declared.rows))
    return max(1, rows // (declared.workers * parts_of_each))


def _written(
    rows: StoredRows, encoder: Encoder, beside: Sequence[np.ndarray], folder: str, size: int, kept: Kept
) -> Iterator[Part]:
    """The rows in files, with what the estimator gets besides the inputs."""
    import pyarrow as pa

    files, start = shared_files(encoder.place), 0
    for number, part in enumerate(rows.parts(size)):
        end = start + len(part)
        for name, values in zip(encoder.beside, beside, strict=True):
            part = part.append_column(name, pa.array(values[start:end]))
        made = Part(f"{folder}/{number:06}.parquet", f"{folder}/{number:06}.numbers", kept.places_in(start, end))
        put_rows(files, made.rows, part)
        yield made
        start = end


def encoded_part(encoder: Encoder, part: Part) -> KeptPart:
    """Write what the estimator gets of a part. Raises TeamCodeFailed, DiskFull."""
    from threadpoolctl import threadpool_limits

    rows = frame_of(shared_rows(encoder.place, part.rows))
    inputs = encoder.recipe.inputs(rows)
    refuse_infinite(inputs, encoder.recipe.derived)
    with threadpool_limits(1):  # of which the last bits may depend
        typed = encoder.encoding.typed(inputs)
        encoded = np.column_stack([encoder.encoding.of(typed), rows[list(encoder.beside)]])
    with full_disk("the rows that an estimator learns from"):
        shared_files(encoder.place).put(part.encoded, encoded.astype(KIND).tobytes())
    return kept_part(typed, part.kept)


def boosted(share: Share, rank: Rank) -> bytes | None:
    """The trees that all workers have grown, from the first one."""
    from sklearn.base import clone

    estimator = clone(share.estimator).set_params(n_jobs=share.estimator.n_jobs or 1)
    scratch = share.scratch or Path(tempfile.gettempdir())
    with rank.joined():
        trees = boost(estimator, partial(_encoded, share), share.columns, scratch)
    return bytes(trees) if rank.number == 0 else None


def _encoded(share: Share) -> Iterator[np.ndarray]:
    files = shared_files(share.place)
    for name in share.names:
        with files.local(name) as path:
            assert path is not None, f"{name} is gone"
            part = np.fromfile(path, KIND).reshape(-1, share.width)
        yield part
