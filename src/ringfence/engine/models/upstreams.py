"""The upstreams of one gateway's models. One that the configuration has no more is closed when its last answer has ended."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.ports.model_upstream import ModelUpstream


class ModelUpstreams:
    """By name, with those that are only waiting for their last answer."""

    def __init__(self, upstreams: Mapping[str, ModelUpstream]) -> None:
        self._known = dict(upstreams)
        self._retired: list[ModelUpstream] = []
        self._used: list[ModelUpstream] = []

    def take(self, name: str) -> ModelUpstream | None:
        """One to ask, which is then kept open until it is given back. None: there is none of this name."""
        found = self._known.get(name)
        if found is not None:
            self._used.append(found)
        return found

    async def give_back(self, upstream: ModelUpstream) -> None:
        """Its answer has ended."""
        at = next(number for number, one in enumerate(self._used) if one is upstream)
        del self._used[at]
        await self._close_retired()

    async def replace(self, upstreams: Mapping[str, ModelUpstream]) -> None:
        """Other ones from now on."""
        kept = [*upstreams.values()]
        self._retired += [one for one in self._known.values() if not any(one is each for each in kept)]
        self._known = dict(upstreams)
        await self._close_retired()

    async def close(self) -> None:
        """Let go of all of them."""
        for upstream in (*self._known.values(), *self._retired):
            await upstream.close()

    async def _close_retired(self) -> None:
        gone = [one for one in self._retired if not any(one is each for each in self._used)]
        self._retired = [one for one in self._retired if not any(one is each for each in gone)]
        for one in gone:
            await one.close()
