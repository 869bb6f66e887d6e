"""The named steps of a call's life, where a test build may crash the process.

identify -> facts -> decide -> record -> durable -> send -> answer -> settle -> journal -> reply
"""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """Reached when the step named is about to begin."""

    IDENTIFY = "identify"
    FACTS = "facts"
    DECIDE = "decide"
    RECORD = "record"
    DURABLE = "durable"
    SEND = "send"
    SENT = "sent"
    """The guard said yes; the first byte follows."""
    ANSWER = "answer"
    SETTLE = "settle"
    JOURNAL = "journal"
    REPLY = "reply"
    VOTE = "vote"
    VOTED = "voted"
    STOP = "stop"
    STOPPED = "stopped"


AtStep = Callable[[Step], None]


def nothing(_: Step) -> None:
    """What every product build does at each step."""
