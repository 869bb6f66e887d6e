"""The upstream contract on the fake and on real servers of both eras over both transports."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.contract.fake_upstream_world import FakeWorld

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions, StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.ports.upstream import Upstream
from ringfence.testing.contracts.upstream import UpstreamContract
from ringfence.testing.contracts.upstream_features import FeatureWorld, UpstreamFeatures

SERVER = Path(__file__).parents[1] / "servers" / "logging_server.py"
TRIES = 2000


async def eventually(holds: Callable[[], bool]) -> None:
    """What another process writes can only be looked at again and again."""
    for _ in range(TRIES):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


class ServerWorld:
    """A real server and its log, which is read from where it stood when the test began."""

    def __init__(self, upstream: Upstream, log: Path, directory: Path) -> None:
        self.upstream = upstream
        self._log = log
        self._start = log.stat().st_size if log.exists() else 0
        self._flag = directory / "release"
        self._heard = 0

    @property
    def slow_arguments(self) -> Mapping[str, Any]:
        return {"release": str(self._flag)}

    def release(self) -> None:
        self._flag.touch()

    def entries(self, event: str) -> list[dict[str, Any]]:
        if not self._log.exists():
            return []
        lines = self._log.read_bytes()[self._start :].splitlines()
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]

    def executed(self) -> list[tuple[str, Any]]:
        return [(entry["tool"], entry["arguments"]) for entry in self.entries("start")]

    def cancelled(self) -> list[str]:
        return [entry["tool"] for entry in self.entries("cancelled")]

    async def until(self, holds: Callable[[], bool]) -> None:
        await eventually(holds)

    def announce(self, *what: str) -> None:
        with self._log.with_suffix(".announce").open("a") as announcements:
            announcements.writelines(f"{item}\n" for item in what)

    async def until_heard(self) -> None:
        await eventually(lambda: len(self.entries("listening")) > self._heard)
        self._heard = len(self.entries("listening"))


class HttpServer:
    def __init__(self, log: Path, *flags: str) -> None:
        self.log = log
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(log), "http", *flags], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/mcp"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def both_eras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    server = HttpServer(tmp_path_factory.mktemp("both") / "log")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def only_legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    server = HttpServer(tmp_path_factory.mktemp("legacy") / "log", "--legacy-only")
    yield server
    server.stop()


class TestFake(UpstreamContract, UpstreamFeatures):
    @pytest.fixture
    def world(self) -> FeatureWorld:
        return FakeWorld()


class TestHttpModern(UpstreamContract, UpstreamFeatures):
    @pytest.fixture
    async def world(self, both_eras: HttpServer, tmp_path: Path) -> AsyncIterator[FeatureWorld]:
        upstream = HttpUpstream(HttpOptions(url=both_eras.url))
        yield ServerWorld(upstream, both_eras.log, tmp_path)
        await upstream.close()


class TestHttpLegacy(UpstreamContract, UpstreamFeatures):
    """The server's era is found out, not configured."""

    @pytest.fixture
    async def world(self, only_legacy: HttpServer, tmp_path: Path) -> AsyncIterator[FeatureWorld]:
        upstream = HttpUpstream(HttpOptions(url=only_legacy.url))
        yield ServerWorld(upstream, only_legacy.log, tmp_path)
        await upstream.close()


# Processes take most of the time, so the tests share one of each kind. Its era is found out, not configured.


async def shared(folder: Path, *flags: str) -> AsyncIterator[tuple[Upstream, Path]]:
    log = folder / "log"
    upstream = StdioUpstream(StdioOptions(command=sys.executable, args=(str(SERVER), str(log), "stdio", *flags)))
    yield upstream, log
    await upstream.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stdio_modern(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Upstream, Path]]:
    async for one in shared(tmp_path_factory.mktemp("stdio")):
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stdio_legacy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Upstream, Path]]:
    async for one in shared(tmp_path_factory.mktemp("stdio"), "--legacy-only"):
        yield one


@pytest.mark.asyncio(loop_scope="module")
class TestStdioModern(UpstreamContract, UpstreamFeatures):
    @pytest.fixture
    def world(self, stdio_modern: tuple[Upstream, Path], tmp_path: Path) -> FeatureWorld:
        return ServerWorld(*stdio_modern, tmp_path)


@pytest.mark.asyncio(loop_scope="module")
class TestStdioLegacy(UpstreamContract, UpstreamFeatures):
    @pytest.fixture
    def world(self, stdio_legacy: tuple[Upstream, Path], tmp_path: Path) -> FeatureWorld:
        return ServerWorld(*stdio_legacy, tmp_path)
