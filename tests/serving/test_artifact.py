"""What is kept of a model for serving is checked when it is opened, and made again if it is not right."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from perennial.features.row_wise import RowWise
from perennial.model.artifact import Fitted, load
from perennial.model.released import Serving
from perennial.serving import artifact as artifacts
from perennial.serving.scorers.hist_gradient_boosting import HistGradientBoosting
from perennial.serving.served import BatchOnly, ServedModel, ServedRelease, kept_model, open_model
from perennial.signing.model_key import make_model_key
from perennial.signing.signature import Signatures
from tests.serving.conftest import CLASSES, TYPES, Keep, fitted, records, trips, unusual
from tests.serving.test_scorers import CHECKER, FEW, HGB, score

SLIM = """
import json, sys
from pathlib import Path
from perennial.serving.checker import Checker
from perennial.serving.fields import Field, Fields
from perennial.serving.served import open_model
types, body = json.loads(sys.argv[4]), sys.argv[5].encode()
checker = Checker(Fields(tuple(Field(n, k, True) for n, k in types.items()), frozenset(), "UTC"), {})
served = open_model(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), types)
heavy = ("pandas", "sklearn", "prefect", "mlflow", "great_expectations", "pyarrow", "deltalake", "duckdb")
print(json.dumps([served.score(checker.decode(body)).tolist(), [name for name in heavy if name in sys.modules]]))
"""


@pytest.fixture
def kept(keep: Keep, tmp_path: Path) -> tuple[Path, str, Path]:
    """A model's folder, its digest and the folder of what is kept of it."""
    folder, digest = keep(*fitted(f"{HGB}Classifier", "binary", FEW))
    open_model(folder, digest, tmp_path / "cache", TYPES)
    return folder, digest, tmp_path / "cache"


def test_a_kept_artefact_needs_neither_pandas_nor_scikit_learn(kept: tuple[Path, str, Path]) -> None:
    folder, digest, cache = kept
    sent = records(unusual(12))
    arguments = [str(folder), digest, str(cache), json.dumps(TYPES), json.dumps(sent)]
    shown = subprocess.run([sys.executable, "-c", SLIM, *arguments], capture_output=True, text=True, check=True)
    predictions, heavy = json.loads(shown.stdout)
    assert predictions == score(open_model(folder, digest, cache, TYPES), sent).tolist()
    assert heavy == []


def test_a_damaged_artefact_is_made_again(kept: tuple[Path, str, Path]) -> None:
    folder, digest, cache = kept
    for file in ("arrays.npz", "artifact.json"):
        path = cache / digest / file
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] + b"x" + whole[len(whole) // 2 + 1 :])
        with pytest.raises(artifacts.ArtifactUnusable):
            artifacts.read(cache / digest, digest)
        assert open_model(folder, digest, cache, TYPES).kind == "hist_gradient_boosting"
        assert artifacts.read(cache / digest, digest).kind == "hist_gradient_boosting"


def test_an_artefact_without_its_signature_is_not_used_where_one_is_required(
    kept: tuple[Path, str, Path], tmp_path: Path
) -> None:
    folder, digest, cache = kept
    make_model_key(tmp_path / "key", tmp_path / "home")
    trusted = (tmp_path / "key.pub",)
    making, serving = Signatures(tmp_path / "key", trusted, True), Signatures(None, trusted, True)
    assert kept_model(digest, cache, TYPES, serving) is None
    open_model(folder, digest, cache, TYPES, making)
    assert kept_model(digest, cache, TYPES, serving) is not None
    facts = cache / digest / "artifact.json"
    facts.write_text(facts.read_text().replace("hist_gradient", "hist-gradient"))
    with pytest.raises(artifacts.ArtifactUnusable, match=r"changed since it was signed: artifact\.json"):
        artifacts.read(cache / digest, digest, serving)
    open_model(folder, digest, cache, TYPES, serving)
    assert not (cache / digest / "model.sig").exists(), "it was made again by a process that cannot sign"


def test_an_artefact_of_other_libraries_is_not_used(
    kept: tuple[Path, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, digest, cache = kept
    now = artifacts.depends_on()
    monkeypatch.setattr(artifacts, "depends_on", lambda: {**now, "treelite": "0.1"})
    with pytest.raises(artifacts.ArtifactUnusable, match="other versions of treelite"):
        artifacts.read(cache / digest, digest)


def test_a_scorer_that_is_off_by_one_bit_gives_way_to_the_pipeline_with_a_warning(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, digest = keep(*fitted(f"{HGB}Classifier", "binary", FEW))
    right = HistGradientBoosting.score

    def off(self: HistGradientBoosting, columns: Any) -> np.ndarray:
        made = right(self, columns).copy()
        made[0] = np.nextafter(made[0], 1)
        return made

    monkeypatch.setattr(HistGradientBoosting, "score", off)
    served = open_model(folder, digest, tmp_path / "cache", TYPES)
    assert served.kind == "pipeline"
    (warning,) = served.warnings
    assert warning.startswith(
        f"model {digest[:16]} is served by its pipeline, which is slower: "
        "the scorer 'hist_gradient_boosting' differs, in row 0 ({'carrier': "
    )
    first, second = served.artifact.expected[0], float(np.nextafter(served.artifact.expected[0], 1))
    assert warning.endswith(f"it gives {second!r}, the pipeline {first.item()!r}")
    rows = unusual(40)
    np.testing.assert_array_equal(
        score(served, records(rows)), load(folder, digest).predict(rows), "and the answers are right all the same"
    )


def test_a_model_that_needs_other_rows_is_refused_with_the_reason(keep: Keep, tmp_path: Path) -> None:
    model, inputs = fitted(f"{HGB}Classifier", "binary", FEW)
    reason = "derived feature 'rank' is not row-wise: a row gives another value alone than among others"
    folder, digest = keep(dataclasses.replace(model, row_wise=RowWise(reason=reason, reads=("wind",))), inputs)
    with pytest.raises(BatchOnly, match=r"features\.derived: derived feature 'rank' is not row-wise") as refused:
        open_model(folder, digest, tmp_path / "cache", TYPES)
    assert refused.value.code == "batch-only" and "score batches" in refused.value.fix
    np.testing.assert_array_equal(load(folder, digest).predict(inputs), model.predict(inputs), "batches go on")


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 3)])
def test_a_mixture_has_the_bits_of_a_release(task: str, classes: int, keep: Keep, tmp_path: Path) -> None:
    places = [keep(*fitted(f"{HGB}Classifier", task, {**FEW, "max_iter": n}, classes)) for n in (9, 14)]
    declared = CLASSES[: classes + 1] if task == "multiclass" else ()
    release = ServedRelease(
        tuple(open_model(folder, digest, tmp_path / "cache", TYPES) for folder, digest in places), (0.7, 0.3), declared
    )
    rows = unusual(50)
    expected = Serving(tuple(load(folder, digest) for folder, digest in places), (0.7, 0.3)).predict(rows, declared)
    got = np.concatenate([release.score(CHECKER.check([record])) for record in records(rows)])
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(release.score(CHECKER.check(records(rows))), expected)


def test_a_model_that_needs_every_number_refuses_a_record_without_one(tmp_path: Path, keep: Keep) -> None:
    from perennial.serving.request import BadRecords
    from tests.serving.test_scorers import linear

    served: ServedModel = open_model(*keep(*linear("binary")), tmp_path / "cache", TYPES)
    record = {**records(trips(1))[0], "distance": None}
    with pytest.raises(BadRecords) as refused:
        score(served, [record])
    assert [(each.field, each.code) for each in refused.value.mistakes] == [("distance", "not-predictable")]


def test_truth_values_that_are_categories_are_scored(keep: Keep, tmp_path: Path) -> None:
    """A column of truth values with gaps holds objects, which are categories."""
    inputs = trips()
    inputs["express"] = inputs["express"].astype("object").where(inputs.index % 9 > 0, None)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    text = ["carrier", "origin", "express"]
    columns = ColumnTransformer([("text", encoder, text), ("numbers", "passthrough", ["distance", "stops", "wind"])])
    trees = HistGradientBoostingClassifier(max_iter=9, categorical_features=[0, 1, 2])
    from perennial.model.predicting import ready
    from tests.serving.conftest import as_fitted, target

    pipeline = Pipeline([("columns", columns), ("estimator", trees)])
    pipeline.fit(ready(inputs), target(trips(), "binary", 2))
    model: Fitted = as_fitted(pipeline, "binary", inputs)
    folder, digest = keep(model, inputs)
    served = open_model(folder, digest, tmp_path / "cache", TYPES)
    assert served.kind == "hist_gradient_boosting"
    rows = inputs.head(50)
    np.testing.assert_array_equal(score(served, records(rows)), load(folder, digest).predict(rows))
