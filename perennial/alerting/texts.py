"""The words of a message: since when, what, what was started, what a person can do."""

from __future__ import annotations

from collections.abc import Sequence

from perennial.alerting.notices import Notice
from perennial.evaluation.figures import counted
from perennial.ledger.entries import Severity, Stage


def title(usecase: str, notice: Notice) -> str:
    """One line with the severity, the use case and what happened.

    >>> title("shop", Notice("level@x", "opened", "page", "level", "2024-02-01T00:00:00Z", "It lost."))
    '[page] shop: level episode opened'
    """
    headline = {
        "opened": f"{notice.channel} episode opened",
        "rose": f"{notice.channel} episode rose to {notice.severity}",
        "closed": f"{notice.channel} episode is over",
        "waits": "a decision waits for a person",
        "held": "a batch is held",
        "failed": "a cycle failed",
    }[notice.stage]
    return f"[{'closed' if notice.stage == 'closed' else notice.severity}] {usecase}: {headline}"


def body(usecase: str, notice: Notice, link: str = "") -> str:
    """The message, one thing per line. link: of the use case's page, empty if nobody serves it."""
    when = notice.since.replace("T", " ").removesuffix("Z").removesuffix(":00")
    lines = [f"{'Over since' if notice.stage == 'closed' else 'Since'} {when} UTC. {notice.detail}"]
    return "\n".join([*lines, *notice.about, *notice.started, *_what_to_do(usecase, notice), *([link] if link else [])])


SHOWN = 20
"""How many use cases a message about several of them lists."""
_SEVERAL: dict[Stage, str] = {
    "opened": "{channel} episodes opened",
    "rose": "{channel} episodes rose to {severity}",
    "closed": "{channel} episodes are over",
    "waits": "decisions wait for a person",
    "held": "batches are held",
    "failed": "cycles failed",
}


def folded_in_words(
    channel: str, stage: Stage, severity: Severity, about: Sequence[tuple[str, str]]
) -> tuple[str, str]:
    """(title, text) of one message for several use cases, each with the first line of its text.

    >>> folded_in_words("level", "opened", "page", [("a", "It lost."), ("b", "It lost.")])[0]
    '[page] 2 use cases: level episodes opened'
    """
    names = counted(len({usecase for usecase, _ in about}), "use case", "use cases")
    label = "closed" if stage == "closed" else severity
    lines = [f"{usecase}: {text.splitlines()[0]}" for usecase, text in about[:SHOWN]]
    more = [f"… and {len(about) - SHOWN} more"] if len(about) > SHOWN else []
    title = f"[{label}] {names}: {_SEVERAL[stage].format(channel=channel, severity=severity)}"
    return title, "\n".join([*lines, *more, "To see all: perennial fleet"])


def _what_to_do(usecase: str, notice: Notice) -> list[str]:
    """What a person can do, each with its command if there is one."""
    if notice.stage == "waits":
        return [
            f"To read it: perennial decision {notice.subject}",
            f"To release it: perennial approve {notice.subject} --by NAME --reason TEXT",
        ]
    if notice.stage == "held":
        return [f"To see the rows and what can be done: perennial quarantine {usecase}"]
    if notice.stage == "failed":
        return [f"Once it is fixed, run it again: perennial run {usecase}"]
    resume = [f"To release again: perennial resume {usecase} --by NAME --reason TEXT"] if notice.frozen else []
    if notice.stage == "closed":
        return resume or ["Nothing needs to be done."]
    commands = {
        "retrain": f": perennial train {usecase} --reason TEXT",
        "approve": f": perennial status {usecase} shows the decision",
        "roll_back": f": perennial rollback {usecase} --reason TEXT",
    }
    actions = [f"You can {words}{commands.get(action, '')}" for action, words in notice.can_do]
    return [*resume, *actions, f"To see what is live: perennial status {usecase}"]
