"""The channels by name. The table is `perennial.registered.CHANNELS`, since a declaration lists them.

Other people's packages add theirs under the entry-point group `perennial.channels`: the name there is what a
declaration lists under `watch.channels`, the object a `perennial.watching.channels.channel.Channel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perennial.errors import InputError
from perennial.registered import CHANNELS

if TYPE_CHECKING:
    from perennial.watching.channels.channel import Channel


class UnknownChannel(InputError):
    """No channel of that name is here or in an installed package."""

    code = "channel-unknown"


def load_channel(name: str) -> Channel:
    """The channel of that name, ours or an installed package's. Raises UnknownChannel with what may be meant."""
    if not CHANNELS.has(name):
        raise UnknownChannel(f"watch.channels: unknown channel '{name}'\n  {CHANNELS.hint(name)}")
    channel: Channel = CHANNELS.load(name)
    return channel


def may_retrain(name: str) -> bool:
    """Whether an alarm of that channel asks for a retraining; no channel that is no longer installed does."""
    return CHANNELS.has(name) and load_channel(name).may_retrain
