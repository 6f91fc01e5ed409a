"""Whether a change matters: the change of loss, split by a feature's bins into a mix and a concept term.

Loss now − loss then = Σ(q − p)·L_then + Σq·(L_now − L_then), with p and q the shares of the bins then and now and L the
mean loss in each. The first sum, the mix, is what the change of the feature's distribution costs if the model is as
good as before on rows of each kind; the second, the concept, is how much worse it is on the same kind of rows. It is
the decomposition of Kitagawa (1955), Components of a Difference Between Two Rates, with the loss of then as weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.evaluation.arrays import FloatArray, IntArray

MIN_ROWS = 30
"""Bins with fewer evaluated rows are put together, because their mean loss is mostly chance."""


@dataclass(frozen=True, eq=False)
class BinLoss:
    """rows: shape (C,), evaluated rows in each bin. loss: shape (C,), the sum of their loss."""

    rows: IntArray
    loss: FloatArray


@dataclass(frozen=True, eq=False)
class Terms:
    """mix, concept: shape (C,), each bin's part, in the metric's unit, positive is worse; their sums are the terms.

    concept: None without a known label.
    """

    mix: FloatArray
    concept: FloatArray | None


def no_loss(bins: int) -> BinLoss:
    """Of no row yet."""
    return BinLoss(np.zeros(bins, dtype=np.int64), np.zeros(bins))


def add_loss(to: BinLoss, bins: IntArray, loss: FloatArray) -> None:
    """Add rows one after another: the sums are the same to the last bit, however the rows are parted.

    bins, loss: shape (n,), of each row.
    """
    to.rows[:] += np.bincount(bins, minlength=to.rows.size)
    np.add.at(to.loss, bins, loss)


def terms(then: BinLoss, rows_now: IntArray, now: BinLoss | None) -> Terms | None:
    """The two terms; None if nothing was evaluated then, or there are no rows now.

    rows_now: shape (C,), all rows now, labelled or not. now: of the labelled rows among them.
    If all rows now have a label, the sum of both terms is the change of the mean loss.
    """
    if not then.rows.sum() or not rows_now.sum():
        return None
    before = _means(then)
    shares_then, shares_now = then.rows / then.rows.sum(), rows_now / rows_now.sum()
    mix = (shares_now - shares_then) * before
    if now is None or not now.rows.sum():
        return Terms(mix, None)
    labelled = now.rows / now.rows.sum()
    after = np.divide(now.loss, now.rows, out=before.copy(), where=now.rows > 0)
    return Terms(mix, labelled * (after - before))


def _means(then: BinLoss) -> FloatArray:
    """The mean loss of then in each bin; that of all rare bins together for a rare one."""
    overall = then.loss.sum() / then.rows.sum()
    rare = then.rows < MIN_ROWS
    of_rare = then.loss[rare].sum() / then.rows[rare].sum() if then.rows[rare].sum() >= MIN_ROWS else None
    means = np.divide(then.loss, then.rows, out=np.full(then.rows.size, overall), where=then.rows > 0)
    if of_rare is None:
        # Rare bins that together are still few keep their own means if they were evaluated: the terms then add up.
        return means
    means[rare] = of_rare
    return means
