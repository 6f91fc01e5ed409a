"""Models that were trained on erased rows, and what their files have of them."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perennial.clock import instant
from perennial.erasure.own_texts import OwnTexts
from perennial.errors import InputError, ModelDeleted, ModelUnloadable
from perennial.fault_points import write
from perennial.ledger.entries import BatchEntry, ChallengerEntry, ModelRef, Snapshot
from perennial.ledger.erased import erasures
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import PIPELINE_FILE
from perennial.release.in_use import versions_in_use
from perennial.signing.signature import SIGNATURE_FILE, Signatures
from perennial.store.workspace import Workspace
from perennial.whole_file import replacing

KEEPS_ROWS = re.compile(
    r'"(?:KNeighbors\w+|RadiusNeighbors\w+|NearestNeighbors|KNNImputer|SVC|SVR|NuSVC|NuSVR|OneClassSVM|KernelRidge'
    r'|GaussianProcess\w+|LocalOutlierFactor|LabelPropagation|LabelSpreading|KernelDensity)"'
)
"""Classes of scikit-learn whose fitted form has rows that they were trained on, as a skops file names them."""


@dataclass(frozen=True)
class Touched:
    """A model that learned from erased rows, or whose files have their texts.

    folder: with its files; None if they are gone. learned: whether it may have learned from erased rows. has_texts:
    whether its files have one of the texts. keeps_rows: whether they have rows that it learned. in_use: whether it is
    live, waits, is in a stage, or is what a rollback would bring back.
    """

    entry: ChallengerEntry
    folder: Path | None
    learned: bool
    has_texts: bool
    keeps_rows: bool
    in_use: bool

    @property
    def is_signed(self) -> bool:
        """Whether its files have a signature."""
        return self.folder is not None and (self.folder / SIGNATURE_FILE).exists()

    @property
    def goes(self) -> bool:
        """Whether its files are removed: they have rows, and nothing needs them."""
        return self.keeps_rows and not self.in_use


def touched_models(workspace: Workspace, usecase: str, batches: Collection[str], own: OwnTexts) -> list[Touched]:
    """The models of a use case that the erasure concerns, the oldest first. batches: that lose accepted rows."""
    used, before = versions_in_use(workspace.ledger, usecase), _left_with_rows(workspace.ledger, usecase)
    touched = []
    for row in workspace.ledger.all(usecase, ChallengerEntry):
        folder = files_of(workspace, usecase, row.payload.model)
        own_in_files = folder is not None and any(has_texts(path, own) for path in _files(folder))
        learned = _learned_from(workspace.ledger, usecase, row.payload, batches)
        if own_in_files or learned or row.payload.challenger in before:
            keeps = (learned or row.payload.challenger in before) and folder is not None and _keeps_rows(folder)
            touched.append(
                Touched(row.payload, folder, learned, own_in_files, keeps, row.payload.model.version in used)
            )
    return touched


def refuse_unsignable(models: Collection[Touched], signatures: Signatures) -> None:
    """Raise InputError if the files of a signed model have to change, and there is no key to sign them again."""
    for each in models:
        if each.is_signed and each.has_texts and not each.goes and signatures.key is None:
            raise InputError(
                f"the files of version {each.entry.model.version} are signed and have a text of the rows, and there is "
                "no key here to sign them again once it is replaced",
                code="erase-signed-model",
                value=str(each.entry.model.version),
                fix="Set PERENNIAL_MODEL_KEY to the file of the key that signs models.",
            )


def rewrite_model(touched: Touched, own: OwnTexts, number: int, signatures: Signatures) -> bool:
    """Remove the files of a model that keeps rows, or put other words for the texts, which change no prediction.

    A category is replaced wherever it stands, so that the model still knows as many; no row has the new word.
    number: of the erasure, so that words of two erasures differ. signatures: sign the files again if they were signed.
    Returns whether the folder has other files than before.
    """
    if touched.folder is None:
        return False
    with write("erased_model"):
        if touched.goes:
            shutil.rmtree(touched.folder)
            return True
        for path in _files(touched.folder):
            if has_texts(path, own):
                with replacing(path) as half:
                    half.write_bytes(rewritten(path.read_bytes(), own, number))
        signs = touched.is_signed and (touched.has_texts or signatures.of(touched.folder).state == "changed")
        if signs:
            signatures.sign(touched.folder)
        return touched.has_texts or signs


def _left_with_rows(ledger: Ledger, usecase: str) -> set[str]:
    """Challengers whose files an earlier erasure had to leave with their rows."""
    return {model.challenger for erased in erasures(ledger, usecase) for model in erased.models if model.keeps_rows}


def _learned_from(ledger: Ledger, usecase: str, entry: ChallengerEntry, batches: Collection[str]) -> bool:
    """Whether a batch that loses rows overlaps with the rows of the model's snapshot; possibly of no row itself."""
    row = ledger.get(usecase, Snapshot, entry.snapshot)
    if row is None:
        return False
    first, last = instant(row.payload.first), instant(row.payload.last)
    mine = set(row.payload.batches) & set(batches)
    return any(
        instant(batch.end) >= first and (batch.start is None or instant(batch.start) <= last)
        for batch in (each.payload for each in ledger.all(usecase, BatchEntry))
        if batch.batch in mine
    )


def files_of(workspace: Workspace, usecase: str, model: ModelRef) -> Path | None:
    """The folder with a version's files; None if they, or the version, are gone."""
    try:
        return workspace.registry.unverified_folder(usecase, model)
    except (ModelUnloadable, ModelDeleted):
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _keeps_rows(folder: Path) -> bool:
    with zipfile.ZipFile(folder / PIPELINE_FILE) as archive:
        return KEEPS_ROWS.search(archive.read("schema.json").decode()) is not None


def has_texts(path: Path, own: OwnTexts) -> bool:
    """Whether a model's file has one of the texts as a value."""
    data = path.read_bytes()
    return bool(own.words) and rewritten(data, own, 0) != data


def rewritten(data: bytes, own: OwnTexts, number: int) -> bytes:
    """The bytes of a model's file, or of a part of it, with other words for the texts."""
    if data.startswith(b"PK\x03\x04"):
        return _archive(data, own, number)
    if data.startswith(b"\x93NUMPY"):
        return _array(data, own, number)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    return own.renamed(text, number).encode()


def _archive(data: bytes, own: OwnTexts, number: int) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(sink, "w") as target:
        parts = [(info, source.read(info)) for info in source.infolist()]
        renamed = [(info, part, rewritten(part, own, number)) for info, part in parts]
        if all(part == other for _, part, other in renamed):
            return data
        for info, _, part in renamed:
            target.writestr(info, part, info.compress_type)
    return sink.getvalue()


def _array(data: bytes, own: OwnTexts, number: int) -> bytes:
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except ValueError:
        return data
    if values.dtype.kind != "U" or not np.isin(values, own.words).any():
        return data
    sink = io.BytesIO()
    np.save(sink, np.array([own.name_of(each, number) for each in values.ravel()]).reshape(values.shape))
    return sink.getvalue()
