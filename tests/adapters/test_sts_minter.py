"""Asking STS for a role: what is asked, when it is asked again, and what becomes of every fault.

Tested against moto, not AWS; faults against a server that answers what the test wants.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from tests.servers.moto_server import REGION, Moto, moto_server

from ringfence.adapters.minters.aws_sts import StsMinter, StsOptions, session_name
from ringfence.adapters.system.clock import SystemClock
from ringfence.core.model.identifiers import AgentId, CallId, RunId
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.minter import Need
from ringfence.ports.secrets import Secret
from ringfence.testing.fakes.clock import FakeClock

RUN, OTHER = RunId("r_aaaaaaaaaaaaaaaa"), RunId("r_bbbbbbbbbbbbbbbb")
CALL, LATER = CallId("c_1"), CallId("c_2")
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::reports/*"}]}'
ARN = "arn:aws:iam::123456789012:role/reader"
NEED = Need(role=ARN, policy=POLICY, lifetime_s=900, margin_s=300, agent=AgentId("billing"))
OWN_SECRET = "gateways-own-secret-0001"


@dataclass
class Sts:
    """What a server was asked, and what it answers."""

    clock: FakeClock
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    heads: list[str] = field(default_factory=list[str])
    raw: bytes | None = None
    """Instead of a good answer: this, and nothing more."""
    life_s: float = 900
    silent: bool = False
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(next(line for line in head.lower().split("\r\n") if line.startswith("content-length")).split(":")[1])
        form = parse_qs((await reader.readexactly(length)).decode(), strict_parsing=True)
        self.heads.append(head)
        self.asked.append({name: values[0] for name, values in form.items()})
        self.was_asked.set()
        if self.silent:
            await reader.read()
        writer.write(self.raw if self.raw is not None else self.good())
        writer.close()

    def good(self) -> bytes:
        number = len(self.asked)
        until = datetime.fromtimestamp(self.clock.now() / 1000 + self.life_s, UTC).isoformat()
        body = (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            f"<AccessKeyId>ASIA{number:016}</AccessKeyId><SecretAccessKey>secretof{number:012}</SecretAccessKey>"
            f"<SessionToken>token{number:012}</SessionToken><Expiration>{until}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


@asynccontextmanager
async def sts() -> AsyncGenerator[Sts]:
    answering = Sts(FakeClock())
    server = await asyncio.start_server(answering.answer, "127.0.0.1", 0)
    answering.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield answering


@asynccontextmanager
async def minting(
    url: str, clock: Clock, key_id: str = "AKIAAAAAAAAAAAAAAAAA", secret: str = OWN_SECRET, *, told: bool = False
) -> AsyncGenerator[StsMinter]:
    async def credential() -> tuple[Secret, Secret, None]:
        return Secret(key_id), Secret(secret), None

    options = StsOptions(region=REGION, endpoint=url, credential=credential, tags=told, source_identity=told)
    minter = StsMinter(options, clock)
    try:
        yield minter
    finally:
        await minter.close()


@pytest.fixture(scope="module")
def moto() -> Generator[Moto]:
    with moto_server() as server:
        yield server


USE = """
import boto3, botocore.exceptions
with_it = boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name=region)
s3 = with_it.client("s3", endpoint_url=url)
answer = [with_it.client("sts", endpoint_url=url).get_caller_identity()["Arn"],
          s3.get_object(Bucket="reports", Key="may.txt")["Body"].read().decode()]
try:
    s3.delete_object(Bucket="reports", Key="may.txt")
except botocore.exceptions.ClientError as error:
    answer.append(error.response["Error"]["Code"])
"""


@pytest.mark.requirement("I8")
async def test_moto_accepts_our_signature_and_gives_a_role_that_does_what_it_may(moto: Moto) -> None:
    async with minting(moto.url, SystemClock(), moto.key_id, moto.secret, told=True) as minter:
        minted = await minter.mint(NEED, RUN, CALL)
        values = {name: minted.values[value].reveal() for name, value in NAMES.items()}
        assert await moto.as_client(USE, **values) == [
            "arn:aws:sts::123456789012:assumed-role/reader/r_aaaaaaaaaaaaaaaa",
            "twelve",
            "AccessDenied",
        ]
    assert minted.id.startswith(f"{ARN} as r_aaaaaaaaaaaaaaaa, policy ")
    assert not [value for value in minted.values.values() if value.reveal() in minted.id]


NAMES = {"key": "access_key_id", "secret": "secret_access_key", "token": "session_token"}


@pytest.mark.parametrize("wrong", ["key", "secret"])
async def test_moto_refuses_another_credential_and_the_reason_has_no_value(moto: Moto, wrong: str) -> None:
    key_id = "AKIA9999999999999999" if wrong == "key" else moto.key_id
    secret = "x" * 40 if wrong == "secret" else moto.secret
    async with minting(moto.url, SystemClock(), key_id, secret) as minter:
        with pytest.raises(UnavailableError, match=r"reader cannot be assumed: STS refuses: [A-Za-z]+$"):
            await minter.mint(NEED, RUN, CALL)


async def test_the_request_names_the_run_the_policy_and_nothing_that_was_not_asked_for() -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        minted = await minter.mint(NEED, RUN, CALL)
    assert server.asked == [
        {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": ARN,
            "RoleSessionName": RUN,
            "DurationSeconds": "900",
            "Policy": POLICY,
        }
    ]
    assert set(minted.values) == {"access_key_id", "secret_access_key", "session_token", "json"}
    assert OWN_SECRET not in server.heads[0]


async def test_agent_run_and_call_are_told_where_that_is_configured_and_then_each_call_asks() -> None:
    async with sts() as server, minting(server.url, server.clock, told=True) as minter:
        await minter.mint(NEED, RUN, CALL)
        await minter.mint(NEED, RUN, LATER)
    assert [asked["Tags.member.3.Value"] for asked in server.asked] == ["c_1", "c_2"]
    assert server.asked[0]["SourceIdentity"] == "billing"
    assert (server.asked[0]["Tags.member.1.Key"], server.asked[0]["Tags.member.1.Value"]) == ("ringfence-agent", "billing")


@pytest.mark.requirement("I8")
async def test_the_same_is_handed_out_again_only_where_run_role_and_policy_are_the_same() -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        first = await minter.mint(NEED, RUN, CALL)
        assert await minter.mint(NEED, RUN, LATER) == first
        others = [
            await minter.mint(NEED, OTHER, CALL),
            await minter.mint(replace(NEED, policy=POLICY.replace("reports", "other")), RUN, CALL),
            await minter.mint(replace(NEED, role=f"{ARN}2"), RUN, CALL),
            await minter.mint(replace(NEED, agent=AgentId("other")), RUN, CALL),
        ]
        assert len({minted.values["session_token"] for minted in (first, *others)}) == 5
        assert len(server.asked) == 5


async def test_two_calls_at_once_ask_once() -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        one, two = await asyncio.gather(minter.mint(NEED, RUN, CALL), minter.mint(NEED, RUN, LATER))
        assert one == two
        assert len(server.asked) == 1


async def test_one_that_would_end_within_the_margin_is_not_handed_out() -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        first = await minter.mint(NEED, RUN, CALL)
        server.clock.advance(600_000)
        assert await minter.mint(NEED, RUN, CALL) == first
        server.clock.advance(1)
        assert await minter.mint(NEED, RUN, CALL) != first
        assert len(server.asked) == 2


async def test_what_has_expired_is_forgotten_by_the_sweep() -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        await minter.mint(NEED, RUN, CALL)
        await minter.sweep()
        assert minter.held == 1
        server.clock.advance(901_000)
        assert await minter.sweep() == ()
        assert minter.held == 0


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n", "STS answered with HTTP status 500"),
        (b"HTTP/1.1 302 x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "HTTP status 302"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html", "no XML"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "no XML"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nshort", "STS does not answer: ClientPayloadError"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 70_000, "more than 65536 bytes"),
        (b"", "STS does not answer: ServerDisconnectedError"),
    ],
)
async def test_an_answer_that_is_none_gives_nothing_and_says_why(raw: bytes, words: str) -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        server.raw = raw
        with pytest.raises(UnavailableError, match=words):
            await minter.mint(NEED, RUN, CALL)
        server.raw = None
        assert (await minter.mint(NEED, RUN, CALL)).values


@pytest.mark.requirement("I3")
async def test_an_sts_that_is_down_gives_nothing_and_says_so() -> None:
    async with sts() as server:
        url = server.url
    async with minting(url, FakeClock()) as minter:
        with pytest.raises(UnavailableError, match="STS does not answer: ClientConnectorError"):
            await minter.mint(NEED, RUN, CALL)


async def test_a_call_that_goes_away_while_sts_thinks_leaves_nothing_behind() -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        server.silent = True
        waiting = asyncio.create_task(minter.mint(NEED, RUN, CALL))
        await server.was_asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        server.silent = False
        assert (await minter.mint(NEED, RUN, CALL)).values


@pytest.mark.parametrize("life_s", [-1, 200, 4000])
async def test_a_credential_with_another_life_than_was_asked_for_is_not_used(life_s: float) -> None:
    async with sts() as server, minting(server.url, server.clock) as minter:
        server.life_s = life_s
        with pytest.raises(UnavailableError, match="another life"):
            await minter.mint(NEED, RUN, CALL)


@pytest.mark.parametrize("need", [Need(lifetime_s=900), Need(lifetime_s=900, role=ARN)])
async def test_no_role_is_assumed_without_a_policy(need: Need) -> None:
    async with minting("http://127.0.0.1:1", FakeClock()) as minter:
        with pytest.raises(UnavailableError, match="none is named"):
            await minter.mint(need, RUN, CALL)


async def test_a_credential_of_the_gateways_own_that_fits_no_header_is_not_sent() -> None:
    async with sts() as server, minting(server.url, server.clock, key_id="AKIA\r\nx: y") as minter:
        with pytest.raises(UnavailableError, match="none of AWS"):
            await minter.mint(NEED, RUN, CALL)
    assert server.asked == []


@pytest.mark.parametrize(("text", "name"), [("r_abc", "r_abc"), ("a b/ü", "a-b--"), ("x", "x-"), ("a" * 80, "a" * 64)])
def test_names_in_aws_have_only_the_signs_that_it_takes(text: str, name: str) -> None:
    assert session_name(text) == name
