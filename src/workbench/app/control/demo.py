"""A demonstration is labelled in everything that leaves this machine: its people are made up, its passwords printed."""

from collections.abc import Sequence
from dataclasses import replace

from workbench.response.alerts.channels import Channel
from workbench.response.alerts.messages import Letter
from workbench.response.alerts.outbox import Receipt

LABEL = "DEMO, NOT A REAL BOOK: "


class DemoChannel:
    """A channel that says so in every letter.

    Parameters
    ----------
    channel : Channel
        Who carries it.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.name, self.personal = channel.name, channel.personal

    def hand_over(self, letter: Letter, timeout_seconds: float) -> Receipt:
        """Give a letter away with its label; see `Channel`."""
        labelled = replace(letter, title=LABEL + letter.title, text=LABEL + letter.text)
        return self._channel.hand_over(labelled, timeout_seconds)


def labelled(channels: Sequence[Channel], *, demo: bool) -> Sequence[Channel]:
    """Channels as they are, or with the label of a demonstration.

    Parameters
    ----------
    channels : sequence of Channel
        From `read_channels`.
    demo : bool
        Whether the people are made up.

    Returns
    -------
    sequence of Channel
    """
    return [DemoChannel(one) for one in channels] if demo else channels
