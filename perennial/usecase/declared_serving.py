"""What the scoring service promises about a use case."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.usecase.spelling import Frozen

LogPromise = Literal["written", "synced", "best_effort"]


class ServingRules(Frozen):
    """How single requests are answered."""

    log: LogPromise = Field(
        "written",
        description="written: a prediction is in the log before it is answered, and synced to disk within 0.1 s; "
        "synced: it is synced before it is answered; best_effort: it is answered even if it cannot be logged, with a "
        "warning. Without best_effort, a full disk refuses requests",
    )
