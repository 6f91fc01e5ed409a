"""The kinds of scorers by name, in the order in which they are tried. The pipeline itself is used for everything else.

Other packages register theirs under the entry-point group `perennial.scorers`: the object is a
`perennial.serving.scorers.scorer.Kind`.
"""

from __future__ import annotations

from perennial.registered import Registered

SCORERS = Registered(
    "scorers",
    "perennial.scorers",
    {
        "hist_gradient_boosting": "perennial.serving.scorers.hist_gradient_boosting:KIND",
        "lightgbm": "perennial.serving.scorers.lightgbm_booster:KIND",
        "xgboost": "perennial.serving.scorers.xgboost_booster:KIND",
        "linear": "perennial.serving.scorers.linear:KIND",
    },
)
