"""Like `blend`, but how readily the tested champion is replaced is learned from earlier decisions."""

from __future__ import annotations

from perennial.evaluation.intervals.mde import ALPHA
from perennial.evaluation.policies.blending import decide_by_blending
from perennial.evaluation.policies.case import Case, Ruling
from perennial.evaluation.policies.policy import ReleasePolicy
from perennial.evaluation.race import fading

FEWEST = 3
LEANING = 0.5


def decide(case: Case) -> Ruling:
    """Rule by blending. If challengers have been better so far, it is enough that this one is more likely better.

    So far: the gains of at least three decisions, the newest counting most (half-life 12 decisions), add up to more
    than 0. If newer models were worse, as after a season that comes back, the challenger must be proven better.
    """
    gains = case.gains
    so_far = sum(weight * gain for weight, gain in zip(fading(len(gains)), gains, strict=True))
    if len(gains) >= FEWEST and so_far > 0:
        because = f", which is enough since challengers gained in {len(gains)} earlier decisions"
        return decide_by_blending(case, LEANING, because=because)
    return decide_by_blending(case, 1 - ALPHA)


POLICY = ReleasePolicy(
    "blend_learned",
    decide,
    "as blend; how soon the tested model is replaced is learned from earlier decisions",
    mixes=True,
    allows_patience=False,
)
