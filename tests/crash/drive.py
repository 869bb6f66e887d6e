"""One case from start to judgement: set up, arm, act until the process dies, start again, look, go on, look again."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
from tests.crash.acts import act, crash_held, prepare
from tests.crash.aftermath import go_on, look
from tests.crash.cases import Case, Kind, Transport
from tests.crash.scene import Scene, Side, Verdict
from tests.crash.shop import AGENT, Shop, servers_gone
from tests.servers.gateway_process import GatewayProcess

from ringfence.testing.crashing import ARMED, CRASHED

SIGKILLED = -9
DIES_WITHIN_S = 20.0


class Driver:
    """Drives one case. `run` gives the verdict; `verdict` has what was found so far, should it be surprised."""

    def __init__(self, case: Case, number: int, shop: Shop, directory: Path) -> None:
        self._scene = Scene(case, number, shop, directory)
        self._credentials: dict[str, str] = {}

    @property
    def verdict(self) -> Verdict:
        return self._scene.verdict

    async def run(self) -> Verdict:
        scene = self._scene
        directory, case = scene.directory, scene.case
        directory.mkdir()
        config, state = directory / "ringfence.yaml", directory / "state"
        config.write_text(scene.shop.configuration(case, directory))
        at = f"{case.point}:{case.count}"
        build = (sys.executable, "-m", "ringfence.testing.crashing", "--at", at, "--watch", str(directory), "--")
        async with AsyncExitStack() as stack:
            side = await self._open(stack, GatewayProcess(config, state, build))
            await prepare(scene, side)
            await self._crash(side)
        if case.transport is Transport.STDIO and not await servers_gone(directory):
            scene.verdict.findings.other.append("a server's process outlived its gateway")
        async with AsyncExitStack() as stack:
            side = await self._open(stack, GatewayProcess(config, state))
            await look(scene, side)
            try:
                await go_on(scene, side)
            finally:
                await look(scene, side)
        return scene.verdict

    async def _open(self, stack: AsyncExitStack, gateway: GatewayProcess) -> Side:
        await stack.enter_async_context(gateway.running())
        ada = await stack.enter_async_context(gateway.people())
        if not self._credentials:
            await ada.add_operator("ada", "admin")
            self._credentials = {name: await ada.add_operator(name, "approver") for name in ("bob", "cy")}
            self._scene.run, self._scene.credential = await ada.open_run(AGENT)
        bob = await stack.enter_async_context(gateway.people(self._credentials["bob"]))
        cy = await stack.enter_async_context(gateway.people(self._credentials["cy"]))
        return Side(gateway, ada, bob, cy, await stack.enter_async_context(gateway.clients()))

    async def _crash(self, side: Side) -> None:
        """Arm, act, and wait for the end. What was answered is told, what was not is not."""
        scene = self._scene
        if scene.case.kind is Kind.HELD:
            await crash_held(scene, side)
        else:
            (scene.directory / ARMED).touch()
            with suppress(aiohttp.ClientError, ConnectionError):
                await act(scene, side)
        try:
            async with asyncio.timeout(DIES_WITHIN_S):
                code = await side.gateway.ended()
        except TimeoutError:
            return
        crashed = scene.directory / CRASHED
        scene.verdict.reached = code == SIGKILLED and crashed.exists() and crashed.read_text().strip() == scene.case.point
        if not scene.verdict.reached:
            scene.verdict.findings.other.append(f"the process ended with {code}: {side.gateway.errors()}")
