"""What every upstream must hold, judged by the server's own log."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ringfence.core.model.identifiers import CallId
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.ports.upstream import Answered, Failed, NotSent, Sending, Unknown, Upstream

DEADLINE_S = 20.0


class UpstreamWorld(Protocol):
    """An upstream whose server has the tools `echo` (answers its arguments as JSON text), `boom` (a JSON-RPC error) and
    `slow` (reports `steps` times, then waits until `release`)."""

    @property
    def upstream(self) -> Upstream: ...

    @property
    def slow_arguments(self) -> Mapping[str, Any]:
        """What makes `slow` wait for `release`."""
        ...

    def release(self) -> None: ...

    def executed(self) -> list[tuple[str, Any]]:
        """Tool and arguments of each call that the server began, by its own account."""
        ...

    def cancelled(self) -> list[str]:
        """Tools whose call the server knows to be cancelled."""
        ...

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when something that is read from the server's account holds; fail when it never does."""
        ...


def sending(
    tool: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    principal: str = "r_1",
    may_send: Callable[[], bool] = lambda: True,
    deadline_s: float = DEADLINE_S,
    on_progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> Sending:
    return Sending(
        call=CallId("c_1"),
        principal=principal,
        tool=tool,
        arguments=canonical_bytes(dict(arguments or {})),
        may_send=may_send,
        deadline_s=deadline_s,
        on_progress=on_progress,
    )


class UpstreamContract:
    """Subclass it in a test module that has a fixture `world`."""

    async def test_lists_all_tools_of_all_pages(self, world: UpstreamWorld) -> None:
        names = {tool["name"] for tool in (await world.upstream.describe()).tools}
        assert {"echo", "slow", "boom"} <= names

    async def test_a_call_answers_with_the_era_neutral_result(self, world: UpstreamWorld) -> None:
        reply = await world.upstream.call(sending("echo", {"a": 1}))
        assert isinstance(reply, Answered)
        assert reply.result["content"][0]["text"].replace(" ", "") == '{"a":1}'
        assert not {"resultType", "ttlMs", "cacheScope"} & set(reply.result)

    async def test_the_server_gets_exactly_the_arguments(self, world: UpstreamWorld) -> None:
        arguments = {"text": 'grüße\u2028 " \\ \n', "n": 1.5, "deep": {"z": [None, True, {"a": ""}]}}
        await world.upstream.call(sending("echo", arguments))
        assert world.executed() == [("echo", arguments)]

    async def test_nothing_is_executed_when_the_last_look_says_no(self, world: UpstreamWorld) -> None:
        reply = await world.upstream.call(sending("echo", {"n": 1}, may_send=lambda: False))
        assert isinstance(reply, NotSent)
        assert isinstance(await world.upstream.call(sending("echo", {"n": 2})), Answered)
        assert world.executed() == [("echo", {"n": 2})]

    async def test_the_last_look_is_taken_once_for_each_send(self, world: UpstreamWorld) -> None:
        looks: list[bool] = []

        def look() -> bool:
            looks.append(True)
            return True

        await world.upstream.call(sending("echo", may_send=look))
        assert looks == [True]

    async def test_a_json_rpc_error_is_a_failure(self, world: UpstreamWorld) -> None:
        reply = await world.upstream.call(sending("boom"))
        assert isinstance(reply, Failed)
        assert reply.code == -32603

    async def test_an_unknown_tool_is_no_success(self, world: UpstreamWorld) -> None:
        assert isinstance(await world.upstream.call(sending("no_such_tool")), Failed)

    async def test_progress_of_the_call_rises_and_reaches_the_caller(self, world: UpstreamWorld) -> None:
        reports: list[Mapping[str, Any]] = []
        world.release()
        arguments = {**world.slow_arguments, "steps": 3}
        reply = await world.upstream.call(sending("slow", arguments, on_progress=reports.append))
        assert isinstance(reply, Answered)
        assert [report["progress"] for report in reports] == [1, 2, 3]
        assert all(set(report) <= {"progress", "total", "message"} for report in reports)

    async def test_a_call_that_outlives_its_deadline_has_an_unknown_outcome(self, world: UpstreamWorld) -> None:
        # The process or session exists already, so that the deadline meets the call itself.
        await world.upstream.call(sending("echo"))
        reply = await world.upstream.call(sending("slow", world.slow_arguments, deadline_s=1.0))
        assert isinstance(reply, Unknown)
        await world.until(lambda: "slow" in world.cancelled())

    async def test_a_cancelled_call_is_cancelled_at_the_server(self, world: UpstreamWorld) -> None:
        call = asyncio.create_task(world.upstream.call(sending("slow", world.slow_arguments)))
        await world.until(lambda: len(world.executed()) == 1)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        await world.until(lambda: "slow" in world.cancelled())

    async def test_a_call_cancelled_before_its_first_byte_is_never_executed(self, world: UpstreamWorld) -> None:
        asked: list[bool] = []

        def look() -> bool:
            asked.append(True)
            return True

        call = asyncio.create_task(world.upstream.call(sending("echo", {"n": 1}, may_send=look)))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
        await world.upstream.call(sending("echo", {"n": 2}))
        first = [("echo", {"n": 1})] if asked else []
        assert world.executed() == [*first, ("echo", {"n": 2})]

    async def test_calls_of_one_principal_run_side_by_side(self, world: UpstreamWorld) -> None:
        slow = asyncio.create_task(world.upstream.call(sending("slow", world.slow_arguments)))
        await world.until(lambda: len(world.executed()) == 1)
        replies = await asyncio.gather(*(world.upstream.call(sending("echo", {"n": n})) for n in range(8)))
        for n, reply in enumerate(replies):
            assert isinstance(reply, Answered)
            assert reply.result["content"][0]["text"].replace(" ", "") == f'{{"n":{n}}}'
        world.release()
        assert isinstance(await slow, Answered)

    async def test_a_forgotten_principal_can_call_again(self, world: UpstreamWorld) -> None:
        await world.upstream.call(sending("echo"))
        await world.upstream.forget("r_1")
        await world.upstream.forget("never_seen")
        assert isinstance(await world.upstream.call(sending("echo")), Answered)

    async def test_a_closed_upstream_sends_nothing(self, world: UpstreamWorld) -> None:
        await world.upstream.close()
        assert isinstance(await world.upstream.call(sending("echo")), NotSent)
        assert world.executed() == []
