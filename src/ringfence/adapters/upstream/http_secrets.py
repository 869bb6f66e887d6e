"""The credential headers of one server, as they are when a request is sent."""

from collections.abc import Mapping
from typing import Final

from ringfence.adapters.upstream.http_url import is_sendable
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import LateValues

_NONE: Final[Mapping[str, str]] = {}


class SecretHeaders:
    """Written out once for as long as they stay the same."""

    def __init__(self, values: LateValues | None) -> None:
        self._values = values
        self._seen: Mapping[str, str] = _NONE
        self._lines = ""
        self.error = ""
        """Why they cannot be had, now; empty: they can."""

    def fresh(self) -> str | None:
        """The lines of a head. None: they have to be looked up."""
        if self._values is None:
            return ""
        found = self._values.fresh()
        return self._lines if found is not None and found is self._seen else None

    async def lines(self) -> str:
        """The lines of a head. Raises UnavailableError."""
        await self.values()
        return self._lines

    async def values(self) -> Mapping[str, str]:
        """By name. Raises UnavailableError."""
        if self._values is None:
            return _NONE
        try:
            found = await self._values.read()
            if found is not self._seen:
                for name, value in found.items():
                    if not is_sendable(value):
                        raise UnavailableError(f"the secret of the header {name!r} cannot be sent in a header")
                self._seen, self._lines = found, "".join([f"{name}: {value}\r\n" for name, value in found.items()])
        except UnavailableError as error:
            self.error = str(error)
            raise
        self.error = ""
        return found

    def refused(self) -> None:
        """The server did not accept them: they may have been replaced."""
        if self._values is not None:
            self._values.doubt()
