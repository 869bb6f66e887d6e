"""From what happened to an alert in the notifier's hands: a lasting id, a text without secrets, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.core.ledger.raising import raise_command
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.ids import Ids
from ringfence.ports.clock import Clock
from ringfence.ports.notifier import Act, Alert, AlertKind, Deed, Notifier, Receiver, Tried

MOST_TEXT: Final = 1000
TEST_TEXT: Final = "a test: alerts of this gateway reach you here"


class Telling:
    """The one place that makes alerts."""

    def __init__(self, notifier: Notifier, ids: Ids, clock: Clock, redactor: Redactor | None = None) -> None:
        self._notifier = notifier
        self._ids = ids
        self._clock = clock
        self._redactor = redactor if redactor is not None else Redactor()

    def tell(
        self,
        kind: AlertKind,
        text: str,
        path: str,
        *,
        key: str = "",
        every_ms: int = 0,
        about: str = "",
        agent: str = "",
        run: str = "",
        tool: str = "",
        acts: Sequence[Act] = (),
        grave: bool = False,
    ) -> None:
        """Hand one alert over.

        `key`: the same one is the same alert, for `every_ms` where that is given; without it each is another. `about`: the
        condition, where it is more than the alert itself.
        """
        now = self._clock.now()
        alert_id = f"{kind.value}:{key}" if key else self._ids.alert()
        if key and every_ms:
            about, alert_id = about or key, f"{alert_id}:{now // every_ms}"
        # Masked before it is cut: half of a secret would not be known again.
        text = self._redactor.text(text)[:MOST_TEXT]
        self._notifier.notify(
            Alert(
                id=alert_id,
                kind=kind,
                at=now,
                text=text,
                path=path,
                agent=agent,
                run=run,
                tool=tool,
                about=f"{kind.value}:{about}" if about else "",
                acts=tuple(acts),
                is_grave=grave,
            )
        )

    def over(self, kind: AlertKind, about: str, text: str, path: str) -> None:
        """A condition has ended. `about`: the condition that it was told with, or else the key."""
        now = self._clock.now()
        condition = f"{kind.value}:{about}"
        text = self._redactor.text(text)[:MOST_TEXT]
        self._notifier.notify(
            Alert(id=f"{condition}:over:{now}", kind=kind, at=now, text=text, path=path, about=condition, is_over=True)
        )

    def receivers(self) -> Sequence[Receiver]:
        """Who is told, and how that went."""
        return self._notifier.receivers()

    async def trial(self, by: str) -> Sequence[Tried]:
        """What every receiver answers to a test."""
        now = self._clock.now()
        alert_id = f"{AlertKind.TEST.value}:{now}"
        text = self._redactor.text(f"{TEST_TEXT} (asked for by {by})")
        return await self._notifier.trial(Alert(id=alert_id, kind=AlertKind.TEST, at=now, text=text, path="/status"))


def acts_on(run: str, meter: str = "") -> tuple[Act, ...]:
    """What can be done about a run, and about a meter that is its own or that of a run above it."""
    raising = raise_command(meter) if meter else ""
    raised = (Act(Deed.RAISE, f"/runs/{meter.split(':', 2)[1].removeprefix('run/')}", raising),) if raising else ()
    return (*raised, Act(Deed.KILL, f"/runs/{run}", f"ringfence kill run {run}"))
