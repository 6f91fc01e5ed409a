"""The channels by name. The table is `perennial.registered.CHANNELS`, since a declaration lists them.

Other packages register theirs under the entry-point group `perennial.channels`: the name is the one that declarations
list under `watch.channels`, the object a `perennial.watching.channels.channel.Channel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.registered import CHANNELS

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Channel


class UnknownChannel(InputError):
    """There is no channel with that name, neither built in nor in an installed package."""

    code = "channel-unknown"


def load_channel(name: str) -> Channel:
    """The channel with that name, built in or from an installed package. Raises UnknownChannel with a suggestion."""
    if not CHANNELS.has(name):
        raise UnknownChannel(f"watch.channels: unknown channel '{name}'\n  {CHANNELS.hint(name)}")
    channel: Channel = CHANNELS.load(name)
    return channel


def may_retrain(name: str) -> bool:
    """Whether an alarm of that channel requests a retraining. A channel that is no longer installed does not."""
    return CHANNELS.has(name) and load_channel(name).may_retrain
