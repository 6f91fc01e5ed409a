"""On machines of which size the steps of a use case run."""

from __future__ import annotations

from pydantic import Field

from perennial.usecase.spelling import Frozen
from perennial.work_pools import SIZE


class Compute(Frozen):
    """Sizes of machines, each a work pool of Prefect at a site that has several."""

    train: str | None = Field(
        None,
        pattern=rf"^{SIZE}$",
        description="size of the machine that trains, such as `big`: a name that PERENNIAL_POOLS maps to a work pool "
        "of Prefect. Without that setting, by default, and with the same size as `default`, a model is trained where "
        "its cycle runs",
    )
    default: str | None = Field(
        None,
        pattern=rf"^{SIZE}$",
        description="size of the machine that scheduled cycles run on, such as `small`; by default, and without "
        "PERENNIAL_POOLS, that of all other runs",
    )

    @property
    def train_elsewhere(self) -> str | None:
        """The size that a training needs, if it is not that of its cycle.

        >>> Compute(train="big", default="small").train_elsewhere, Compute(train="big", default="big").train_elsewhere
        ('big', None)
        """
        return self.train if self.train != self.default else None
