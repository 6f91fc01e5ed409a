"""The metric by which a release is watched: the one of its reference, whatever was edited since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perennial.evaluation.metrics.metric import Metric
from perennial.ledger.declaration_history import recorded
from perennial.ledger.entries import Reference
from perennial.ledger.ledger import Ledger
from perennial.team_code.metrics import declared_metric
from perennial.usecase.declaration import UseCase

if TYPE_CHECKING:
    import pandas as pd


def metric_of_reference(
    ledger: Ledger, case: UseCase, reference: Reference, rows: pd.DataFrame, codes: np.ndarray
) -> Metric:
    """The reference's metric for these rows; a custom metric with the code that the ledger recorded.

    codes: shape (n,), the rows' clusters. Raises TeamCodeFailed, UnknownMetric; LookupError if the ledger lacks what
    the reference names.
    """
    if not reference.declared:
        return declared_metric(case.declaration, {}, reference.metric, rows=rows, codes=codes)
    declaration, sources = recorded(ledger, case.name, reference.declared)
    return declared_metric(declaration, sources, reference.metric, rows=rows, codes=codes)
