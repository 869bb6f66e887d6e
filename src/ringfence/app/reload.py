"""Replacing the configuration of a running gateway, whole or not at all (I16)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from ringfence.app.config.load import load_config
from ringfence.app.config.settings import Loaded, ServerConnection
from ringfence.app.gateway import Gateway
from ringfence.core.model.identifiers import ServerId
from ringfence.errors import ConfigError, UnavailableError
from ringfence.ports.upstream import Upstream

logger = logging.getLogger(__name__)


class Reloader:
    """Keeps what is loaded now. Servers whose connection stays the same keep their sessions and processes."""

    def __init__(
        self,
        gateway: Gateway,
        loaded: Loaded,
        build: Callable[[ServerConnection], Upstream],
        look_anew: Callable[[Loaded], Awaitable[None]],
    ) -> None:
        self._gateway = gateway
        self._loaded = loaded
        self._build = build
        self._look_anew = look_anew
        self._one_at_a_time = asyncio.Lock()

    @property
    def loaded(self) -> Loaded:
        return self._loaded

    async def reload(self, path: Path | None = None) -> str | None:
        """Read the file again; None when it is in force, else why the last good one stays."""
        async with self._one_at_a_time:
            try:
                fresh = await asyncio.to_thread(load_config, path or self._loaded.path)
            except ConfigError as error:
                logger.error("the changed configuration was refused, the last good one stays:\n%s", error)
                self._gateway.alerts.config_rejected(str(error))
                return str(error)
            if faults := await asyncio.to_thread(self._gateway.catalogue.policy_faults, fresh.rules):
                why = "\n".join(faults)
                logger.error("the changed policies were refused, the last good ones stay:\n%s", why)
                self._gateway.alerts.config_rejected(why)
                return why
            try:
                await self._gateway.note("configuration replaced", _digests(fresh) | {"before": self._loaded.digest})
            except UnavailableError as error:
                return f"the change could not be recorded, so it is not in force: {error}"
            before = self._gateway.catalogue.upstreams
            upstreams = {s: self._kept(before, s, c) or self._build(c) for s, c in fresh.servers.items()}
            self._gateway.catalogue.replace(fresh.rules, upstreams)
            await self._look_anew(fresh)
            await self._gateway.connections.replaced()
            before_log, before_listen, self._loaded = self._loaded.log, self._loaded.listen, fresh
            try:
                if (agent := await self._gateway.anonymous.prepare()) is not None:
                    logger.warning("whoever connects from this machine without a credential is %s (`unsafe_anonymous`)", agent)
            except UnavailableError as error:
                logger.error("the anonymous agent has no run: %s", error)
            gone = [upstream for server, upstream in before.items() if upstreams.get(server) is not upstream]
            if fresh.listen != before_listen:
                logger.warning("what changed under `listen` counts from the next start on")
            if fresh.log != before_log:
                logger.warning("what changed under `log` counts from the next start on")
            for warning in fresh.warnings:
                logger.warning("%s", warning)
        await self._gateway.catalogue.ensure_listed()
        await asyncio.gather(*(upstream.close() for upstream in gone), return_exceptions=True)
        logger.info("configuration %s is in force", fresh.digest[:12])
        self._gateway.alerts.config_accepted()
        return None

    def _kept(self, before: Mapping[ServerId, Upstream], server: ServerId, connection: ServerConnection) -> Upstream | None:
        return before.get(server) if self._loaded.servers.get(server) == connection else None


def _digests(loaded: Loaded) -> dict[str, object]:
    digests: dict[str, object] = {"digest": loaded.digest}
    if loaded.rules.policies is not None:
        digests["policy"] = loaded.rules.policies.digest
    if loaded.own_commands is not None:
        digests["commands"] = loaded.own_commands.digest
    return digests
