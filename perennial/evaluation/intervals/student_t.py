"""From an estimate, its standard error and degrees of freedom to an interval and a p-value."""

from __future__ import annotations

from perennial.evaluation.results import Interval

LEVEL = 0.95


def student_t(estimate: float, se: float, df: float, *, level: float = LEVEL) -> Interval:
    """Two-sided interval at `level`, and the one-sided p-value against "the estimate is at most 0".

    estimate, se: in the same unit. Without any spread (se = 0) the sign decides: p is 0, 1, or .5 at exactly 0.

    >>> student_t(2.131847, 1.0, 4).p_value.__round__(6)
    0.05
    """
    from scipy import special

    half = float(special.stdtrit(df, (1 + level) / 2)) * se
    return Interval(
        se=se,
        df=df,
        ci_low=estimate - half,
        ci_high=estimate + half,
        p_value=p_at_most(estimate, se, df, 0.0),
    )


def p_at_most(estimate: float, se: float, df: float, bound: float) -> float:
    """One-sided p-value against "the true value is at most `bound`": small if the estimate is well above.

    >>> p_at_most(0.3, 0.0, 4, 0.0), p_at_most(0.3, 0.1, 4, 0.3)
    (0.0, 0.5)
    """
    above = estimate - bound
    if se == 0:
        return 0.5 if above == 0 else float(above < 0)
    from scipy import special

    return float(special.stdtr(df, -above / se))


def lower_bound(estimate: float, se: float, df: float, alpha: float) -> float:
    """The one-sided lower bound at `alpha`: above 0 exactly if `p_at_most` 0 is under `alpha`.

    >>> round(lower_bound(2.131847, 1.0, 4, 0.05), 6)
    0.0
    """
    from scipy import special

    return estimate - float(special.stdtrit(df, 1 - alpha)) * se
