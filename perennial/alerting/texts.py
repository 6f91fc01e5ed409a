"""The words of a message: since when, what, what was started, what a person can do."""

from __future__ import annotations

from perennial.alerting.notices import Notice


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
