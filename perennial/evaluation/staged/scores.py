"""How far the candidate's predictions are distributed otherwise than the champion's: shown, never decided on.

A better model may well predict otherwise. So a difference is neither harm nor a reason to wait.
"""

from __future__ import annotations

import numpy as np

from perennial.evaluation.arrays import FloatArray
from perennial.evaluation.figures import counted, percent
from perennial.evaluation.staged.evidence import Scores
from perennial.evaluation.staged.results import Finding

TENTHS = np.arange(1, 10) / 10


def binned(champion: FloatArray, candidate: FloatArray) -> Scores | None:
    """Predictions of the same rows, in tenths of the champion's; of shape (n, K), by the most probable class.

    champion, candidate: shape (n,) or (n, K). Rows with a missing or infinite one are left out; None without any row.

    >>> binned(np.arange(100.0), np.arange(100.0) + 10).candidate.tolist()
    [0, 10, 10, 10, 10, 10, 10, 10, 10, 20]
    """
    finite = (np.isfinite(champion) & np.isfinite(candidate)).reshape(len(champion), -1).all(axis=1)
    arms = (champion, candidate) if finite.all() else (champion[finite], candidate[finite])
    if not len(arms[0]):
        return None
    if champion.ndim > 1:
        many, bins = champion.shape[1], "the most probable classes"
        places = (each.argmax(axis=1) for each in arms)
    else:
        bounds = np.unique(np.quantile(arms[0], TENTHS))
        many, bins = bounds.size + 1, "tenths of the champion's scores"
        places = (np.searchsorted(bounds, each, side="right") for each in arms)
    of_champion, of_candidate = (np.bincount(each, minlength=many).astype(np.int64) for each in places)
    return Scores(of_champion, of_candidate, bins)


def scores_moved(scores: Scores) -> Finding:
    """The total variation distance of both distributions: the share of predictions that would have to change bins."""
    champion, candidate = int(scores.champion.sum()), int(scores.candidate.sum())
    if not champion or not candidate:
        return Finding(
            check="scores", verdict="information", sentence="The scores of both models cannot be compared yet.", n=0
        )
    moved = float(np.abs(scores.candidate / candidate - scores.champion / champion).sum()) / 2
    return Finding(
        check="scores",
        verdict="information",
        sentence=(
            f"{percent(moved)} of the candidate's {counted(candidate, 'score', 'scores')} would have to be in other "
            f"bins to be distributed like the champion's {champion:,}. Bins: {scores.bins}."
        ),
        n=champion + candidate,
        estimate=moved,
        counts=(*scores.candidate.tolist(), *scores.champion.tolist()),
    )
