"""Types that a team's own pipeline may not hold, since they would not be loaded again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.training.estimator_fit import TrainingFailed

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

from perennial.model.artifact import trusted_types


def refuse_foreign_types(pipeline: Pipeline) -> None:
    """Raises TrainingFailed where a team's own pipeline holds types that would not be loaded again."""
    import skops.io

    try:
        foreign = set(skops.io.get_untrusted_types(data=skops.io.dumps(pipeline))) - set(trusted_types())
    except Exception as error:
        raise TrainingFailed(f"model.estimator: what it made cannot be saved with skops: {error!r}") from error
    if foreign:
        raise TrainingFailed(
            f"model.estimator: the pipeline holds types outside the allow-list, so it could not be loaded: "
            f"{', '.join(sorted(foreign))}. Build it of scikit-learn's, LightGBM's and XGBoost's parts; columns of "
            f"your own making go under features.derived"
        )
