"""What a status means for an alert that was posted."""

from __future__ import annotations

from typing import Final

from ringfence.adapters.notifiers.delivery import Result, Sent

ANSWER_S: Final = 10.0
_AGAIN: Final = frozenset({408, 425, 429})


def sent_of(status: int, said: str = "") -> Sent:
    """2xx is there; what passes by itself is tried again; anything else is final. `said`: the receiver's own words."""
    answer = f"{status}{f' {said}' if said else ''}"
    if 200 <= status < 300:
        return Sent(Result.DELIVERED, answer)
    return Sent(Result.AGAIN if status in _AGAIN or status >= 500 else Result.FINAL, answer)
