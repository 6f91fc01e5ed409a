"""The serving artefact: what scores a model without its pipeline, and the proof that it gives the pipeline's bits.

It is made from a verified model and stored apart from it, as arrays (npz without objects) and JSON under a digest of
its own, named by the model's digest. So the format of models stays as it is, and any model that loads can be served.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from perennial.features.recipe import Recipe
from perennial.features.row_wise import RowWise
from perennial.identity import digest, digest_bytes
from perennial.model.environment import libraries
from perennial.serving.comparing import first_difference
from perennial.serving.probes import LEVELS, Takes, probe_rows
from perennial.serving.scorers import SCORERS
from perennial.serving.scorers.scorer import Asked, Kind, Model, NotThisKind, Parts, Scorer
from perennial.serving.scorers.whole_pipeline import as_frame, predictions, way_of_asking
from perennial.signing.signature import NOT_CHECKED, SIGNATURE_FILE, SignatureRefused, Signatures
from perennial.whole_file import replacing

PIPELINE = "pipeline"
_FORMAT = 1
_INTERNALS_CHANGED = (AttributeError, TypeError, ValueError, LookupError, ImportError)
"""What a scorer raises that meets another version of a library than the one whose internals it knows."""
_ARRAYS, _FACTS = "arrays.npz", "artifact.json"


@dataclass(frozen=True, eq=False)
class Artifact:
    """Everything needed to score with one model.

    kind: of the scorer, or `pipeline`. parts: of the scorer. names: of the model's input. text: those of texts.
    seen: text column → values trained on.
    takes: what the pipeline predicts for. asked: how the pipeline is asked for the bits that the scorer gives.
    probes: rows with the pipeline's predictions `expected`, shape (n,) or (n, k).
    warnings: why the pipeline serves where a scorer was expected to.
    """

    model: str
    kind: str
    parts: Parts
    task: str
    names: tuple[str, ...]
    text: tuple[str, ...]
    seen: Mapping[str, tuple[str, ...]]
    classes: tuple[str | int, ...]
    recipe: Recipe
    row_wise: RowWise | None
    takes: Takes
    asked: Asked
    probes: Mapping[str, list[Any]]
    expected: np.ndarray
    warnings: tuple[str, ...]


class ArtifactUnusable(Exception):
    """A stored artefact is missing, damaged or of other libraries, or gives other bits here."""


def build(folder: Path, registered: str) -> Artifact:
    """The artefact of the model in a folder. Needs scikit-learn and pandas, and a second or two.

    registered: the model's digest, checked first. Raises ModelUnloadable like `perennial.model.artifact.load`.
    """
    from perennial.model.artifact import golden_rows, load

    fitted, golden = load(folder, registered), golden_rows(folder)
    model = Model(fitted.pipeline, fitted.task, tuple(golden["columns"]), tuple(golden["text"]), fitted.seen)
    kind, parts, warnings = _chosen(model, registered)
    takes, probes, asked, expected = _reference(model, golden, SCORERS.load(kind).asked if kind != PIPELINE else None)
    if kind != PIPELINE and (wrong := _wrong(kind, parts, probes, expected)) is not None:
        kind, parts, warnings = PIPELINE, Parts(), (*warnings, f"{_slower(registered)}: the scorer {kind!r} {wrong}")
    return Artifact(
        registered,
        kind,
        parts,
        fitted.task,
        model.names,
        model.text,
        fitted.seen,
        fitted.classes,
        fitted.recipe,
        fitted.row_wise,
        takes,
        asked,
        probes,
        expected,
        warnings,
    )


def _chosen(model: Model, registered: str) -> tuple[str, Parts, tuple[str, ...]]:
    """The first kind of scorer that takes the pipeline, or the pipeline; why another one could not read it."""
    warnings: list[str] = []
    for name in SCORERS.names():
        kind: Kind = SCORERS.load(name)
        try:
            return name, kind.parts(model), tuple(warnings)
        except NotThisKind:
            continue
        except _INTERNALS_CHANGED as error:
            warnings.append(f"{_slower(registered)}: the scorer {name!r} cannot read it: {error!r}")
    return PIPELINE, Parts(), tuple(warnings)


def _reference(
    model: Model, golden: Mapping[str, Any], asked: Asked | None
) -> tuple[Takes, dict[str, list[Any]], Asked, np.ndarray]:
    """The most unusual rows that the pipeline takes, how it is asked, and its predictions for them.

    asked: as the scorer needs it; None for whatever keeps rows apart.
    """
    for takes in LEVELS:
        probes = probe_rows(model, golden, takes)
        inputs = as_frame(probes, model)
        try:
            way = asked or way_of_asking(model, inputs)
            return takes, probes, way, predictions(model, inputs, way)
        except ValueError:
            if takes == LEVELS[-1]:
                raise
    raise AssertionError("there is a last level")


def _wrong(kind: str, parts: Parts, probes: Mapping[str, list[Any]], expected: np.ndarray) -> str | None:
    """How a scorer differs from the pipeline; None if it does not."""
    try:
        difference = first_difference(SCORERS.load(kind).scorer(parts), probes, expected)
    except _INTERNALS_CHANGED as error:
        return f"cannot score: {error!r}"
    return None if difference is None else f"differs, {difference}"


def _slower(registered: str) -> str:
    return f"model {registered[:16]} is served by its pipeline, which is slower"


def scorer_of(artifact: Artifact) -> Scorer:
    """The artefact's scorer, compared with the pipeline's stored predictions.

    Raises ArtifactUnusable if a bit differs here, or if there is no scorer but the pipeline.
    """
    if artifact.kind == PIPELINE:
        raise ArtifactUnusable("the pipeline itself serves this model")
    wrong = _wrong(artifact.kind, artifact.parts, artifact.probes, artifact.expected)
    if wrong is not None:
        raise ArtifactUnusable(f"the scorer {artifact.kind!r} {wrong}")
    scorer: Scorer = SCORERS.load(artifact.kind).scorer(artifact.parts)
    return scorer


def depends_on() -> dict[str, str]:
    """Library → version. An artefact made with other versions is made again."""
    return {**libraries(), "treelite": version("treelite")}


def write(artifact: Artifact, folder: Path, signatures: Signatures = NOT_CHECKED) -> None:
    """Write the artefact's two files, the one that names the other's digest last, and their signature."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SIGNATURE_FILE).unlink(missing_ok=True)  # of what is now replaced
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        __expected=artifact.expected,
        **{f"part_{name}": array for name, array in artifact.parts.arrays.items()},
    )
    facts = {
        "format": _FORMAT,
        "model": artifact.model,
        "kind": artifact.kind,
        "facts": dict(artifact.parts.facts),
        "task": artifact.task,
        "names": artifact.names,
        "text": artifact.text,
        "seen": dict(artifact.seen),
        "classes": artifact.classes,
        "recipe": artifact.recipe.model_dump(mode="json"),
        "row_wise": None if artifact.row_wise is None else artifact.row_wise.model_dump(mode="json"),
        "takes": artifact.takes,
        "asked": artifact.asked,
        "probes": dict(artifact.probes),
        "warnings": artifact.warnings,
        "libraries": depends_on(),
        "arrays": digest_bytes(buffer.getvalue()),
    }
    with replacing(folder / _ARRAYS) as half:
        half.write_bytes(buffer.getvalue())
    with replacing(folder / _FACTS) as half:
        half.write_text(json.dumps({"digest": digest(facts), "artifact": facts}), encoding="utf-8")
    signatures.sign(folder)


def read(folder: Path, model: str, signatures: Signatures = NOT_CHECKED) -> Artifact:
    """The artefact of a model that `write` left in a folder, verified before a byte of it is interpreted.

    Raises ArtifactUnusable with the reason.
    """
    try:
        signatures.check(folder, "the artefact")
    except SignatureRefused as refused:
        raise ArtifactUnusable(str(refused)) from refused
    try:
        written = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        arrays = (folder / _ARRAYS).read_bytes()
    except FileNotFoundError as error:
        raise ArtifactUnusable("there is none yet") from error
    except ValueError as error:
        raise ArtifactUnusable(f"{_FACTS} is not JSON") from error
    facts = written.get("artifact") if isinstance(written, dict) else None
    if not isinstance(facts, dict) or digest(facts) != written.get("digest"):
        raise ArtifactUnusable(f"{_FACTS} is damaged")
    if facts["format"] != _FORMAT or facts["model"] != model:
        raise ArtifactUnusable("it is of another format or model")
    if digest_bytes(arrays) != facts["arrays"]:
        raise ArtifactUnusable(f"{_ARRAYS} is damaged")
    if changed := {n for n, v in depends_on().items() if facts["libraries"].get(n) != v}:
        raise ArtifactUnusable(f"it was made with other versions of {', '.join(sorted(changed))}")
    with np.load(io.BytesIO(arrays), allow_pickle=False) as stored:
        loaded = {name: stored[name] for name in stored.files}
    return Artifact(
        facts["model"],
        facts["kind"],
        Parts(
            {name.removeprefix("part_"): array for name, array in loaded.items() if name.startswith("part_")},
            facts["facts"],
        ),
        facts["task"],
        tuple(facts["names"]),
        tuple(facts["text"]),
        {name: tuple(values) for name, values in facts["seen"].items()},
        tuple(facts["classes"]),
        Recipe.model_validate(facts["recipe"]),
        None if facts["row_wise"] is None else RowWise.model_validate(facts["row_wise"]),
        facts["takes"],
        facts["asked"],
        facts["probes"],
        loaded["__expected"],
        tuple(facts["warnings"]),
    )
