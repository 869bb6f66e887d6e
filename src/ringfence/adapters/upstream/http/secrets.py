"""The credential headers of one server, as they are when a request is sent."""

from collections.abc import Mapping
from typing import Final

from ringfence.adapters.upstream.http.url import is_sendable
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import LateValues

_NONE: Final[Mapping[str, str]] = {}
AUTHORIZATION: Final = "authorization"
"""As whoever sets it for one principal writes it."""


class SecretHeaders:
    """Written out once for as long as they stay the same."""

    def __init__(self, values: LateValues | None) -> None:
        self._values = values
        self._seen: Mapping[str, str] = _NONE
        self._lines = ""
        self._other_lines = ""
        self.error = ""
        """Why they cannot be had, now; empty: they can."""

    def fresh(self, given: Mapping[str, str] = _NONE) -> str | None:
        """The lines of a head that has `given` headers already. None: they have to be looked up."""
        if self._values is None:
            return ""
        found = self._values.fresh()
        return self._beside(given) if found is not None and found is self._seen else None

    async def lines(self, given: Mapping[str, str] = _NONE) -> str:
        """The lines of a head that has `given` headers already. Raises UnavailableError."""
        await self.values()
        return self._beside(given)

    async def joined(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Both by name; a given `authorization` stands in the place of ours. Raises UnavailableError."""
        found = await self.values()
        if AUTHORIZATION in given:
            found = {name: value for name, value in found.items() if name.lower() != AUTHORIZATION}
        return {**given, **found}

    def _beside(self, given: Mapping[str, str]) -> str:
        return self._other_lines if AUTHORIZATION in given else self._lines

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
                lines = {name: f"{name}: {value}\r\n" for name, value in found.items()}
                self._seen, self._lines = found, "".join(lines.values())
                self._other_lines = "".join([line for name, line in lines.items() if name.lower() != AUTHORIZATION])
        except UnavailableError as error:
            self.error = str(error)
            raise
        self.error = ""
        return found

    def refused(self) -> None:
        """The server did not accept them: they may have been replaced."""
        if self._values is not None:
            self._values.doubt()
