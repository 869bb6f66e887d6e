"""A run for the length of a block: opened, kept open, closed, and never begun where the gateway is not there."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from ringfence.errors import UnavailableError
from ringfence.sdk import runs
from ringfence.sdk.runs import Run, open_run

CREDENTIAL = "rfr_of_the_run"


@dataclass
class Gateway:
    """Both its sides; what was asked of it."""

    state: Path
    url: str = ""
    refuses: bool = False
    """Opening."""
    renews: int = 200
    """What a renewal is answered with."""
    asked: list[str] = field(default_factory=list[str])
    renewed: asyncio.Queue[str] = field(default_factory=asyncio.Queue[str])

    async def people(self, request: web.Request) -> web.Response:
        self.asked.append(request.path.removeprefix("/api/v1"))
        if self.refuses:
            said = {"error": {"code": "refused", "message": "there is no agent `coder`", "remedy": "add it under `agents`"}}
            return web.json_response(said, status=409)
        return web.json_response({"run": "r_1", "credential": CREDENTIAL})

    async def agents(self, request: web.Request) -> web.Response:
        self.renewed.put_nowait(request.headers.get("Authorization", ""))
        return web.json_response({}, status=self.renews)


@asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[Gateway]:
    gateway = Gateway(folder)
    people, agents = web.Application(), web.Application()
    people.router.add_post("/api/v1/{path:.*}", gateway.people)
    agents.router.add_post("/runs/renew", gateway.agents)
    runners = [web.AppRunner(each) for each in (people, agents)]
    try:
        for runner in runners:
            await runner.setup()
        await web.UnixSite(runners[0], str(folder / "control.sock")).start()
        await web.TCPSite(runners[1], "127.0.0.1", 0).start()
        gateway.url = f"http://127.0.0.1:{runners[1].addresses[0][1]}"
        yield gateway
    finally:
        for runner in runners:
            await runner.cleanup()


async def test_a_run_is_opened_and_closed_with_the_block_whatever_happens_in_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        opened: list[Run] = []

        async def work() -> None:
            async with open_run("coder", "mend it", state=tmp_path, gateway=gateway.url) as run:
                opened.append(run)
                raise KeyError

        with pytest.raises(KeyError):
            await work()
    assert opened == [Run("r_1", CREDENTIAL, gateway.url)]
    assert CREDENTIAL not in repr(opened)
    assert gateway.asked == ["/runs", "/runs/r_1/close"]
    assert gateway.renewed.get_nowait() == f"Bearer {CREDENTIAL}"


async def test_a_run_is_renewed_while_its_block_lasts_and_a_gateway_that_is_away_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_RENEWED_EVERY_S", 0.01)
    async with serving(tmp_path) as gateway, open_run("coder", "mend it", state=tmp_path, gateway=gateway.url):
        for _ in range(4):
            assert await gateway.renewed.get() == f"Bearer {CREDENTIAL}"


@pytest.mark.requirement("I4")
async def test_without_a_gateway_nothing_begins_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no gateway answers on") as caught:
        async with open_run("coder", "mend it", state=tmp_path):
            raise AssertionError("it began")
    assert "`ringfence up` starts a gateway" in caught.value.remedy
    # A program that does not know our errors shows a traceback: what to do stands there too.
    assert "`ringfence up` starts a gateway" in "".join(traceback.format_exception(caught.value))


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("renews", [401, 409, None], ids=["another gateway's", "ended", "nobody there"])
async def test_where_nobody_takes_the_run_nothing_begins_and_it_is_closed(tmp_path: Path, renews: int | None) -> None:
    async with serving(tmp_path) as gateway:
        gateway.renews = renews or 200
        url = gateway.url if renews else "http://127.0.0.1:9"
        with pytest.raises(UnavailableError, match=f"at {url}") as caught:
            async with open_run("coder", "mend it", state=tmp_path, gateway=url):
                raise AssertionError("it began")
    assert "ready agents" in caught.value.remedy
    assert gateway.asked == ["/runs", "/runs/r_1/close"]


async def test_what_the_gateway_says_against_a_run_is_said(tmp_path: Path) -> None:
    async with serving(tmp_path) as gateway:
        gateway.refuses = True
        with pytest.raises(UnavailableError, match="there is no agent `coder`") as caught:
            async with open_run("coder", "mend it", state=tmp_path, gateway=gateway.url):
                raise AssertionError("it began")
    assert caught.value.remedy == "add it under `agents`"
