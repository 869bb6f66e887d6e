"""RFC 8693 against a real authorization server: what is asked, what is accepted, and what is refused."""

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from tests.servers.token_endpoint import ACCESS, CLIENT, SECRET, TokenEndpoint, token_endpoint

from ringfence.adapters.identity.token_exchange import ANSWER_MOST, ClientAuth, ExchangeOptions, Rfc8693Exchange
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import LateSecret, Secret
from ringfence.testing.fakes.clock import FakeClock

USERS = Secret("eyJhbGciOiJFUzI1NiJ9.users-own.token")
AUDIENCE = "https://crm.example"


def late(value: str) -> LateSecret:
    async def read() -> Secret:
        return Secret(value)

    return read


def exchange(endpoint: TokenEndpoint, clock: FakeClock | None = None, **changes: Any) -> Rfc8693Exchange:
    settings: dict[str, Any] = {"audience": AUDIENCE, "client_secret": late(SECRET), **changes}
    options = ExchangeOptions(token_url=endpoint.url, client_id=CLIENT, **settings)
    return Rfc8693Exchange(options, clock or FakeClock())


async def why(asked: Rfc8693Exchange) -> str:
    with pytest.raises(UnavailableError) as failed:
        await asked.exchange(USERS)
    assert "users-own" not in str(failed.value)
    assert "exchanged-" not in str(failed.value)
    assert SECRET not in str(failed.value)
    return str(failed.value)


async def test_the_users_token_is_exchanged_for_one_of_the_server() -> None:
    clock = FakeClock()
    async with token_endpoint() as endpoint:
        made = await exchange(endpoint, clock).exchange(USERS)
    assert made.token.reveal() == endpoint.issued[0]
    assert made.expires_at == clock.now() + 300_000
    assert endpoint.asked == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": USERS.reveal(),
            "subject_token_type": ACCESS,
            "requested_token_type": ACCESS,
            "audience": AUDIENCE,
        }
    ]
    assert endpoint.heads[0]["content-type"] == "application/x-www-form-urlencoded"


async def test_everything_that_is_configured_is_said_and_the_secret_stands_in_the_form_where_asked_for() -> None:
    async with token_endpoint() as endpoint:
        asked = exchange(
            endpoint,
            client_auth=ClientAuth.POST,
            audience="",
            resource="https://crm.example/mcp",
            scope="crm.read crm.write",
            actor=late("actors-token"),
            actor_kind="jwt",
        )
        await asked.exchange(USERS)
        (form,) = endpoint.asked
        assert "authorization" not in endpoint.heads[0]
    assert (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
    assert (form["resource"], form["scope"]) == ("https://crm.example/mcp", "crm.read crm.write")
    assert (form["actor_token"], form["actor_token_type"]) == ("actors-token", "urn:ietf:params:oauth:token-type:jwt")
    assert asked.target == "https://crm.example/mcp"


async def test_a_life_that_nobody_names_is_none() -> None:
    async with token_endpoint() as endpoint:
        endpoint.changes["expires_in"] = None
        assert (await exchange(endpoint).exchange(USERS)).expires_at is None


@pytest.mark.requirement("I8")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issued_token_type": None}, "something else than an access token"),
        ({"issued_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "something else than an access token"),
        ({"issued_token_type": ["x"]}, "something else than an access token"),
        ({"token_type": "N_A"}, "no bearer token"),
        ({"token_type": "DPoP"}, "no bearer token"),
        ({"token_type": None}, "no bearer token"),
        ({"access_token": None}, "no token that a header can carry"),
        ({"access_token": ""}, "no token that a header can carry"),
        ({"access_token": "a\r\nx: y"}, "no token that a header can carry"),
        ({"access_token": "a b"}, "no token that a header can carry"),
        ({"access_token": "a" * 20_000}, "no token that a header can carry"),
        ({"access_token": USERS.reveal()}, "the caller's own token back"),
        ({"scope": "crm.read admin"}, "wider scope"),
        ({"scope": 7}, "wider scope"),
        ({"expires_in": 0}, "whose life is none"),
        ({"expires_in": "300"}, "whose life is none"),
        ({"expires_in": True}, "whose life is none"),
    ],
)
async def test_what_was_not_asked_for_is_not_used(changes: dict[str, object], words: str) -> None:
    async with token_endpoint() as endpoint:
        endpoint.changes = changes
        assert words in await why(exchange(endpoint, scope="crm.read"))


async def test_a_narrower_scope_is_fine() -> None:
    async with token_endpoint() as endpoint:
        endpoint.changes = {"scope": "crm.read"}
        assert (await exchange(endpoint, scope="crm.read crm.write").exchange(USERS)).token


async def test_a_secret_that_is_not_accepted_is_said_by_its_code_alone() -> None:
    async with token_endpoint() as endpoint:
        said = await why(exchange(endpoint, client_secret=late("another")))
    assert said.endswith("refuses to exchange the caller's token: invalid_client")


def answers(response: Response) -> Any:
    return lambda: response


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    ("instead", "words"),
    [
        (PlainTextResponse("no", 500), "HTTP status 500 and no JSON object"),
        (PlainTextResponse("[]"), "no JSON object"),
        (PlainTextResponse('{"access_token": "a", "access_token": "b"}'), "no JSON object"),
        (PlainTextResponse('{"error": "a\\nb"}', 400), "HTTP status 400"),
        (PlainTextResponse('{"error": 7}', 403), "HTTP status 403"),
        (PlainTextResponse(" " * (ANSWER_MOST + 1)), f"more than {ANSWER_MOST} bytes"),
    ],
)
async def test_an_answer_that_is_none_gives_nothing(instead: Response, words: str) -> None:
    async with token_endpoint() as endpoint:
        endpoint.instead = answers(instead)
        assert words in await why(exchange(endpoint))


@pytest.mark.requirement("I9")
async def test_a_redirect_is_not_followed_so_the_users_token_goes_nowhere_else() -> None:
    async with token_endpoint() as endpoint, token_endpoint() as other:
        endpoint.instead = answers(RedirectResponse(other.url, 307))
        assert "HTTP status 307" in await why(exchange(endpoint))
        assert other.asked == []


@pytest.mark.requirement("I3")
async def test_an_endpoint_that_is_down_gives_nothing_and_says_so() -> None:
    async with token_endpoint() as endpoint:
        pass
    assert "does not answer: ClientConnectorError" in await why(exchange(endpoint))


async def test_a_call_that_goes_away_takes_its_exchange_along() -> None:
    async with token_endpoint() as endpoint:
        endpoint.gate.clear()
        waiting = asyncio.create_task(exchange(endpoint).exchange(USERS))
        await endpoint.was_asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
