"""Charts and traces: being told what was recorded."""

from typing import Protocol

from ringfence.core.telemetry.events import Event


class Telemetry(Protocol):
    """It stands on the path of every call, and no call depends on it."""

    def tell(self, event: Event) -> None:
        """Take what was recorded and return at once; never raises, never blocks. What cannot be kept is dropped and counted."""
        ...

    async def close(self) -> None:
        """Give what waits one last try, within seconds."""
        ...
