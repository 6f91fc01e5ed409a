"""What the log keeps of scored records."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perennial.scoring.made_by import versions_in_short
from perennial.serving.arms import Arms
from perennial.serving.live import Live
from perennial.serving.log.segment import Answered, InStage


def logged(live: Live, scores: np.ndarray, received: Sequence[bytes], arms: Arms | None, at: int) -> list[Answered]:
    """One entry for each record. scores: those that are answered. at: in microseconds since 1970, UTC."""
    release, versions, features = live.release.release_no, live.versions, live.release.features_digest
    each = zip(_tuples(scores), received, strict=True)
    candidate = live.release.candidate
    if arms is None or candidate is None:
        return [Answered(live.usecase, at, release, versions, features, score, record) for score, record in each]
    by_candidate, version = arms.by_candidate, versions_in_short(candidate.serves)
    others = _tuples(np.where(_beside(by_candidate, scores), arms.champion, arms.candidate))
    return [
        Answered(
            live.usecase,
            at,
            release,
            version if by_candidate[row] else live.versions,
            candidate.features_digest if by_candidate[row] else features,
            score,
            record,
            InStage(
                arms.arms[row],
                version,
                others[row] if arms.failed[row] is None else None,
                arms.failed[row],
                arms.champion_us,
                arms.candidate_us,
            ),
        )
        for row, (score, record) in enumerate(each)
    ]


def _tuples(scores: np.ndarray) -> list[tuple[float, ...]]:
    return [tuple(values) for values in scores.reshape(len(scores), -1).tolist()]


def _beside(chosen: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """A choice for each record, shape (n,), to choose among scores of shape (n,) or (n, K)."""
    return chosen if scores.ndim == 1 else chosen[:, None]
