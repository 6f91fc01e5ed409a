"""Where messages go, and what happens automatically when an episode opens or rises."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.usecase.spelling import Frozen

SEVERITIES = ("info", "warning", "page")
ABOUT = ("batches", "decisions", "runs")
"""What a route may name besides channels: held batches, decisions that wait for a person, failed runs."""


class Route(Frozen):
    """Where messages go, and which ones."""

    to: str = Field(
        description="environment variable with the target's address, as Apprise writes it (slack://…, mailto://…)"
    )
    severity: Literal["info", "warning", "page"] = Field(
        "warning", description="the least severity that is sent: info, warning or page"
    )
    form: Literal["message", "event"] = Field(
        "message",
        description="message: a text for people; event: a CloudEvent about an episode, posted to a webhook (https://…)",
    )
    channels: tuple[str, ...] = Field(
        (),
        description="channels whose episodes are sent; also batches (held), decisions (waiting for a person) and runs "
        "(failed). Empty: everything",
    )

    def takes(self, severity: str, channel: str) -> bool:
        """Whether a message of that severity about that channel goes here.

        >>> Route(to="ON_CALL", severity="page").takes("warning", "level")
        False
        """
        severe = SEVERITIES.index(severity) >= SEVERITIES.index(self.severity)
        return severe and (not self.channels or channel in self.channels)


class Responses(Frozen):
    """What happens automatically when an episode opens with a severity, or rises to it.

    `freeze`: nothing is released until a person resumes. `roll_back`: the former champion is live again. What is
    declared for warnings happens on pages too. A retraining is not among them: `triggers.on_drift` starts it.
    """

    warning: tuple[Literal["freeze", "roll_back"], ...] = Field((), description="on warnings and pages")
    page: tuple[Literal["freeze", "roll_back"], ...] = Field((), description="on pages only")

    def to(self, severity: str) -> tuple[str, ...]:
        """What happens on a severity, a freeze first. Nothing on `info`.

        >>> Responses(warning=("roll_back",), page=("freeze",)).to("page")
        ('freeze', 'roll_back')
        """
        declared = {"info": (), "warning": self.warning, "page": (*self.warning, *self.page)}[severity]
        return tuple(sorted(set(declared)))
