"""What one tool's calls carry of their own: a header of their requests, a variable of their process."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.test_upstream_http import ERAS, answering_well
from tests.adapters.test_upstream_stdio import text_of, upstream_of
from tests.servers.raw_http import raw_server

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire.mcp import Era
from ringfence.ports.secrets import Secret
from ringfence.ports.upstream import Answered, NotSent, Sending
from ringfence.testing.contracts.upstream import sending

TELLS = """
def on_call(message):
    say(fine(message, json.dumps([os.environ.get("TOKEN"), os.environ.get("OWN"), os.getpid()])))
serve(on_call)
"""


def with_token(lane: str, value: str, run: str = "run:r_1") -> Sending:
    return replace(sending("tell", principal=f"{run}{lane}"), env={"TOKEN": Secret(value)})


@ERAS
@pytest.mark.requirement("I8")
async def test_a_header_goes_with_its_call_and_with_no_other_request(era: Era) -> None:
    async with raw_server(answering_well(era)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url, headers={"authorization": "Bearer ours"}))
        await upstream.call(replace(sending("narrow"), headers={"x-api-key": Secret("key-0001")}))
        await upstream.call(sending("other"))
        await upstream.close()
        seen = [
            (x.message.get("params", {}).get("name"), x.header("x-api-key"), x.header("authorization")) for x in server.seen
        ]
    assert [key for name, key, _ in seen if name == "narrow"] == ["key-0001"]
    assert {key for name, key, _ in seen if name != "narrow"} == {None}
    assert all(own == "Bearer ours" for _, _, own in seen)


@ERAS
@pytest.mark.requirement("I9")
async def test_a_header_that_cannot_be_written_is_not_sent_and_not_quoted(era: Era) -> None:
    async with raw_server(answering_well(era)) as server:
        upstream = HttpUpstream(HttpOptions(url=server.url))
        reply = await upstream.call(replace(sending("narrow"), headers={"x-api-key": Secret("canary\r\nx-admin: 1")}))
        await upstream.close()
        received = bytes(server.received)
    assert isinstance(reply, NotSent)
    assert "canary" not in reply.why
    assert b"x-admin" not in received


@pytest.mark.requirement("I8")
async def test_a_variable_is_seen_by_its_own_process_only(tmp_path: Path) -> None:
    async with upstream_of(tmp_path, TELLS, env={"OWN": "everybody"}) as upstream:
        replies = [
            await upstream.call(one)
            for one in (
                with_token("|a.tell|0", "one"),
                with_token("|b.tell|0", "two"),
                sending("tell", principal="run:r_1"),
                with_token("|a.tell|0", "one"),
            )
        ]
    said = [json.loads(text_of(reply)) for reply in replies if isinstance(reply, Answered)]
    assert [one[:2] for one in said] == [["one", "everybody"], ["two", "everybody"], [None, "everybody"], ["one", "everybody"]]
    assert said[0][2] == said[3][2]
    assert len({one[2] for one in said}) == 3


@pytest.mark.requirement("I8")
async def test_the_end_of_a_run_ends_all_its_processes_and_those_of_no_other_run(tmp_path: Path) -> None:
    async with upstream_of(tmp_path, TELLS) as upstream:
        for principal in (with_token("|a.tell|0", "one"), with_token("|b.tell|0", "two"), sending("tell", principal="run:r_1")):
            await upstream.call(principal)
        await upstream.call(with_token("|a.tell|0", "one", run="run:r_11"))
        assert upstream.health().running == 4
        await upstream.forget("run:r_1")
        assert upstream.health().running == 1


async def test_the_end_of_one_lane_ends_nothing_else(tmp_path: Path) -> None:
    async with upstream_of(tmp_path, TELLS) as upstream:
        await upstream.call(with_token("|a.tell|c_1", "one"))
        await upstream.call(with_token("|a.tell|c_2", "two"))
        await upstream.forget("run:r_1|a.tell|c_1")
        assert upstream.health().running == 1
