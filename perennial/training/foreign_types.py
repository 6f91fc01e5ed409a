"""Types that a custom pipeline must not contain, because they could not be loaded again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.training.estimator_fit import TrainingFailed

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

from perennial.model.artifact import trusted_types


def refuse_foreign_types(pipeline: Pipeline) -> None:
    """Raises TrainingFailed if a custom pipeline contains types that could not be loaded again."""
    import skops.io

    try:
        foreign = set(skops.io.get_untrusted_types(data=skops.io.dumps(pipeline))) - set(trusted_types())
    except Exception as error:
        raise TrainingFailed(f"model.estimator: the pipeline cannot be saved with skops: {error!r}") from error
    if foreign:
        raise TrainingFailed(
            f"model.estimator: the pipeline contains types outside the allow-list, so it could not be loaded: "
            f"{', '.join(sorted(foreign))}. Build it from parts of scikit-learn, LightGBM and XGBoost, and define "
            f"custom columns under features.derived"
        )
