"""Server processes that do not start, or do not stay: left alone for a while, and for whom."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.test_upstream_stdio import eventually, text_of, upstream_of

from ringfence.adapters.upstream.options import StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Answered, HealthState, NotSent, Unknown
from ringfence.testing.contracts.upstream import sending

COUNTED = """
with open(sys.argv[0] + ".starts", "a") as starts:
    starts.write("x")
here = os.path.dirname(os.path.abspath(sys.argv[0]))
"""
DIES_UNLESS_WELL = """
if not os.path.exists(os.path.join(here, "well")):
    sys.stderr.write("no \\x1b[31mdatabase for pass-word-1\\n")
    sys.exit(3)
serve(lambda message: say(fine(message)))
"""
DIES_OF_POISON = """
def on_call(message):
    if message["params"]["name"] == "poison":
        os._exit(1)
    say(fine(message, str(os.getpid())))
serve(on_call)
"""


@asynccontextmanager
async def counted(tmp_path: Path, body: str, **options: Any) -> AsyncGenerator[tuple[StdioUpstream, Callable[[], int]]]:
    """An upstream and how often its server was started."""
    starts = tmp_path / "server.py.starts"
    async with upstream_of(tmp_path, COUNTED + body, **options) as upstream:
        yield upstream, lambda: len(starts.read_text()) if starts.exists() else 0


async def test_a_server_that_dies_at_its_start_is_left_alone_and_calls_are_told_when_it_is_tried_again(tmp_path: Path) -> None:
    async with counted(tmp_path, DIES_UNLESS_WELL, retry_s=600.0, retry_most_s=600.0) as (upstream, starts):
        first = await upstream.call(sending("a"))
        assert isinstance(first, NotSent)
        begun = starts()
        replies = await asyncio.gather(*(upstream.call(sending("a", principal=f"r_{n}")) for n in range(20)))
        with pytest.raises(UnavailableError, match="the next try is in"):
            await upstream.describe()
        assert starts() == begun <= 2
        assert all(isinstance(reply, NotSent) and "the next try is in" in reply.why for reply in replies)


@pytest.mark.requirement("I9")
async def test_its_health_says_why_and_what_it_wrote_without_what_it_was_given(tmp_path: Path) -> None:
    options = {"retry_s": 600.0, "retry_most_s": 600.0, "hidden": frozenset({"pass-word-1"})}
    async with counted(tmp_path, DIES_UNLESS_WELL, **options) as (upstream, _):
        assert upstream.health().state is HealthState.IDLE
        await upstream.call(sending("a"))
        health = upstream.health()
        assert (health.state, health.transport, health.running) == (HealthState.BACKING_OFF, "stdio", 0)
        assert "the server process closed its output" in health.error
        assert "pass-word-1" not in health.error
        assert health.retry_s is not None
        assert 0 < health.retry_s <= 600
        assert health.failing_s is not None
        await eventually(lambda: upstream.health().stderr == ("no <U+001B>[31mdatabase for [hidden]",))


async def test_it_is_tried_again_and_a_start_that_succeeds_ends_the_matter(tmp_path: Path) -> None:
    async with counted(tmp_path, DIES_UNLESS_WELL, retry_s=0.02, retry_most_s=0.05) as (upstream, _):
        await upstream.call(sending("a"))
        (tmp_path / "well").touch()

        for _ in range(1000):
            await eventually(lambda: upstream.health().state is HealthState.UNREACHABLE)
            if isinstance(await upstream.call(sending("a")), Answered):
                break
        health = upstream.health()
        assert (health.state, health.running, health.retry_s, health.failing_s) == (HealthState.UP, 1, None, None)
        assert health.restarts >= 1
        assert health.error
        assert health.era == "legacy"


async def test_only_one_start_is_tried_at_a_time_after_a_failure(tmp_path: Path) -> None:
    slow = "time.sleep(0.3)\n" + DIES_UNLESS_WELL
    async with counted(tmp_path, slow, retry_s=0.01, retry_most_s=0.01, era=None) as (upstream, starts):
        await upstream.call(sending("a"))
        begun = starts()
        await eventually(lambda: upstream.health().state is HealthState.UNREACHABLE)
        replies = await asyncio.gather(*(upstream.call(sending("a", principal=f"r_{n}")) for n in range(5)))
        assert starts() <= begun + 2
        assert sum(isinstance(reply, NotSent) and "being started again" in reply.why for reply in replies) == 4


@pytest.mark.requirement("I17")
async def test_whoever_kills_its_own_process_again_and_again_waits_alone(tmp_path: Path) -> None:
    async with counted(tmp_path, DIES_OF_POISON, retry_s=600.0, retry_most_s=600.0) as (upstream, starts):
        assert isinstance(await upstream.call(sending("poison", principal="r_1")), Unknown)
        # Once may be an accident: the next call starts another process at once.
        assert isinstance(await upstream.call(sending("poison", principal="r_1")), Unknown)
        begun = starts()
        refused = await upstream.call(sending("a", principal="r_1"))
        assert isinstance(refused, NotSent)
        assert "the next try is in" in refused.why
        assert starts() == begun
        assert isinstance(await upstream.call(sending("a", principal="r_2")), Answered)
        assert upstream.health().state is HealthState.UP
        await upstream.forget("r_1")
        assert isinstance(await upstream.call(sending("a", principal="r_1")), Answered)


async def test_a_process_that_served_before_it_died_is_replaced_at_once(tmp_path: Path) -> None:
    async with counted(tmp_path, DIES_OF_POISON, retry_s=600.0, retry_most_s=600.0) as (upstream, _):
        pids = set[str]()
        for _ in range(3):
            pids.add(text_of(await upstream.call(sending("a"))))
            assert isinstance(await upstream.call(sending("poison")), Unknown)
        assert len(pids) == 3
        assert upstream.health().restarts == 2


async def test_processes_that_the_gateway_ends_are_no_failures(tmp_path: Path) -> None:
    async with counted(tmp_path, DIES_OF_POISON, retry_s=600.0, retry_most_s=600.0, idle_s=0.02) as (upstream, starts):
        for begun in range(3):
            assert isinstance(await upstream.call(sending("a")), Answered)
            assert starts() >= begun + 1
            await eventually(lambda: upstream.health().running == 0)
        assert upstream.health().error == ""
        assert upstream.health().state is HealthState.IDLE


async def test_a_command_that_is_not_there_is_not_looked_for_by_each_call() -> None:
    upstream = StdioUpstream(StdioOptions(command="/nowhere/server", retry_s=600.0, retry_most_s=600.0))
    first, second = await upstream.call(sending("a")), await upstream.call(sending("a"))
    assert isinstance(first, NotSent)
    assert isinstance(second, NotSent)
    assert "the next try is in" in second.why
    assert "/nowhere/server" in upstream.health().error
    await upstream.close()
