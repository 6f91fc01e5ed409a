"""A model, and a release of one or several, ready to score checked records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perennial.errors import HeldBack
from perennial.model.predicting import in_places, weighted
from perennial.serving.artifact import PIPELINE, Artifact, ArtifactUnusable, build, read, scorer_of, write
from perennial.serving.inputs import Inputs, inputs_of
from perennial.serving.request import MOST_MISTAKES, BadField, BadRecords, Checked
from perennial.serving.scorers.scorer import Columns, Model, Scorer
from perennial.serving.scorers.whole_pipeline import WholePipeline
from perennial.signing.signature import NOT_CHECKED, Signatures
from perennial.sources.column_type import ColumnType


class BatchOnly(HeldBack):
    """A model that single records must not be sent to, because its features depend on several rows."""

    code = "batch-only"


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One model that is ready to score. kind: of its scorer, or `pipeline`.

    warnings: why it is slower than expected, for people.
    """

    artifact: Artifact
    kind: str
    scorer: Scorer
    inputs: Inputs
    warnings: tuple[str, ...]

    def score(self, checked: Checked) -> np.ndarray:
        """One prediction per record, shape (n,), n ≥ 1; `multiclass`: (n, k), over the classes it was trained on.

        Raises TeamCodeFailed if a derived feature fails, BadRecords if the model has no prediction for a record.
        """
        columns = self.inputs(checked.columns)
        if self.artifact.takes in ("no missing numbers", "only usual rows"):
            self._refuse_missing(columns)
        try:
            return self.scorer.score(columns)
        except ValueError as error:
            if self.kind != PIPELINE:
                raise
            what = f"the model has no prediction: {error}"
            raise BadRecords((BadField(0, None, "not-predictable", None, what, "correct the values"),)) from error

    def scored_by(self, scorer: Scorer) -> ServedModel:
        """The same model with another scorer."""
        return replace(self, scorer=scorer)

    def _refuse_missing(self, columns: Columns) -> None:
        """A scorer would return NaN where the pipeline raises an error."""
        mistakes = []
        for name in self.artifact.names:
            if name in self.artifact.text:
                continue
            for row, value in enumerate(columns[name]):
                if value is None or value != value:
                    message = f"{name}: is not known, and the model needs it"
                    mistakes.append(BadField(row, name, "not-predictable", None, message, "send a number"))
        if mistakes:
            raise BadRecords(tuple(sorted(mistakes, key=lambda mistake: mistake.row)[:MOST_MISTAKES]))

    def over(self, predictions: np.ndarray, classes: tuple[str | int, ...]) -> np.ndarray:
        """Predictions of this model over the declared classes, shape (n, K): 0 for a class that it never saw."""
        if self.artifact.task != "multiclass":
            return predictions
        own = self.artifact.classes
        placed: np.ndarray = in_places(
            predictions, [classes.index(each) if each in classes else -1 for each in own], len(classes)
        )
        return placed


@dataclass(frozen=True, eq=False)
class ServedRelease:
    """What a release serves: models with weights that sum to 1, most often one model. classes: the declared ones."""

    models: tuple[ServedModel, ...]
    weights: tuple[float, ...]
    classes: tuple[str | int, ...] = ()

    def score(self, checked: Checked) -> np.ndarray:
        """The bits of `perennial.model.released.Serving.predict`: shape (n,), or (n, K) over the declared classes."""
        mean: np.ndarray = weighted(
            [model.over(model.score(checked), self.classes) for model in self.models], self.weights
        )
        return mean

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(warning for model in self.models for warning in model.warnings)

    @property
    def seen(self) -> Mapping[str, frozenset[str]]:
        """Text column → the values that any of the models was trained on."""
        names = {name for model in self.models for name in model.artifact.seen}
        return {name: frozenset().union(*(m.artifact.seen.get(name, ()) for m in self.models)) for name in names}

    @property
    def reads(self) -> tuple[str, ...] | None:
        """The columns that custom derived features read; None if a model does not know."""
        known = [model.artifact.row_wise for model in self.models if model.artifact.recipe.derived]
        if any(each is None for each in known):
            return None
        return tuple(sorted({name for each in known if each is not None for name in each.reads}))


def is_kept(registered: str, cache: Path, signatures: Signatures) -> bool:
    """Whether the cache has a usable artefact of the model with this digest, so that none has to be made."""
    return _kept(registered, cache, signatures) is not None


def kept_model(
    registered: str, cache: Path, types: Mapping[str, ColumnType], signatures: Signatures
) -> ServedModel | None:
    """The model from its artefact alone, without registry, scikit-learn and pandas.

    None if the artefact has to be made, or if the pipeline is needed. Raises BatchOnly.
    """
    kept = _kept(registered, cache, signatures)
    return _served(kept.artifact, kept.scorer, types) if kept is not None and kept.scorer is not None else None


def open_model(
    folder: Path,
    registered: str,
    cache: Path,
    types: Mapping[str, ColumnType],
    signatures: Signatures = NOT_CHECKED,
) -> ServedModel:
    """The model in a folder, ready to score records with fields of these types.

    Its artefact is read from `cache/DIGEST`; if it is missing, damaged or of other libraries, it is made from the model
    and kept there. registered: the model's digest. signatures: sign and verify the artefact; the folder is verified.
    Raises BatchOnly for a model whose features are not row-wise; ModelUnloadable.
    """
    kept = _kept(registered, cache, signatures)
    if kept is None:
        artifact = build(folder, registered)
        write(artifact, cache / registered, signatures)
        kept = _checked(artifact)
    _refuse_batch_only(kept.artifact)
    return _served(kept.artifact, kept.scorer or pipeline_of(folder, kept.artifact), types)


@dataclass(frozen=True, eq=False)
class _Kept:
    """An artefact with its scorer, which was compared here; None if the pipeline itself serves the model."""

    artifact: Artifact
    scorer: Scorer | None


def _kept(registered: str, cache: Path, signatures: Signatures) -> _Kept | None:
    """What the cache has of the model with this digest; None if that is not usable."""
    try:
        return _checked(read(cache / registered, registered, signatures))
    except ArtifactUnusable:
        return None


def _checked(artifact: Artifact) -> _Kept:
    """Raises ArtifactUnusable if a bit differs here."""
    return _Kept(artifact, None if artifact.kind == PIPELINE else scorer_of(artifact))


def _served(artifact: Artifact, scorer: Scorer, types: Mapping[str, ColumnType]) -> ServedModel:
    _refuse_batch_only(artifact)
    return ServedModel(
        artifact, artifact.kind, scorer, inputs_of(artifact.recipe, artifact.text, types), artifact.warnings
    )


def _refuse_batch_only(artifact: Artifact) -> None:
    if artifact.row_wise is not None and artifact.row_wise.reason is not None:
        raise BatchOnly(
            f"features.derived: {artifact.row_wise.reason}",
            fix="score batches, or compute the feature from one row alone and train again",
        )


def pipeline_of(folder: Path, artifact: Artifact) -> Scorer:
    """The pipeline in a model's folder as a scorer. Raises ModelUnloadable."""
    from perennial.model.artifact import load

    fitted = load(folder, artifact.model)
    return WholePipeline(
        Model(fitted.pipeline, artifact.task, artifact.names, artifact.text, artifact.seen), artifact.asked
    )
