"""How far the candidate's predictions are distributed otherwise than the champion's: shown, never decided on.

A better model may well predict otherwise. So a difference is neither harm nor a reason to wait.
"""

from __future__ import annotations

import numpy as np

from perennial.evaluation.figures import counted, percent
from perennial.evaluation.staged.evidence import Scores
from perennial.evaluation.staged.results import Finding


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
            f"bins to be distributed like the champion's {champion:,}."
        ),
        n=champion + candidate,
        estimate=moved,
        counts=tuple(scores.candidate.tolist()),
    )
