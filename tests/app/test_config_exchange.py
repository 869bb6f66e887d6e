"""`exchange:` of a server: what is read, and what is refused in which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.redaction import references
from ringfence.app.wiring.exchange import exchanges_of
from ringfence.app.wiring.secrets import build_secrets
from ringfence.app.wiring.upstreams import build_upstream
from ringfence.core.model.identifiers import ServerId
from ringfence.errors import ConfigError
from ringfence.ports.secrets import SecretRef
from ringfence.testing.fakes.clock import FakeClock

CRM = ServerId("crm")
EXCHANGE: dict[str, Any] = {
    "token_url": "https://idp.example/token",
    "client_id": "ringfence",
    "client_secret": {"from": "env:SECRET"},
    "audience": "https://crm.example",
}
SERVER: dict[str, Any] = {"url": "https://crm.example/mcp", "exchange": EXCHANGE}
ISSUER = {"url": "https://idp.example", "audience": "gate", "keys": {"file": "k.json"}, "agents": {"sub": {"u1": "desk"}}}


def load(server: dict[str, Any], **more: Any) -> Loaded:
    file: dict[str, Any] = {
        "version": 1,
        "servers": {"crm": server},
        "agents": {"desk": {"purpose": "p", "tools": []}},
        "identity": {"issuers": [ISSUER]},
        **more,
    }
    return parse_config(yaml.safe_dump(file).encode(), Path("/etc/rf/r.yaml"))


def complaint(server: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ConfigError) as failed:
        load(server, **more)
    return str(failed.value)


def without(*names: str) -> dict[str, Any]:
    return {**SERVER, "exchange": {name: value for name, value in EXCHANGE.items() if name not in names}}


def having(**changes: Any) -> dict[str, Any]:
    return {**SERVER, "exchange": {**EXCHANGE, **changes}}


def test_an_exchange_is_read_with_its_defaults_and_its_secrets_are_known() -> None:
    loaded = load(having(actor={"from": "file:actor.jwt"}))
    exchange = loaded.servers[CRM].exchange
    assert exchange is not None
    assert (exchange.client_auth, exchange.subject_type, exchange.actor_type) == ("basic", "access_token", "access_token")
    assert exchange.target == "https://crm.example"
    assert references(loaded) == {SecretRef("env:SECRET", "/etc/rf"), SecretRef("file:actor.jwt", "/etc/rf")}
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (without("audience"), "missing key `audience` or `resource`"),
        (without("token_url"), "missing key `token_url`"),
        (without("client_secret"), "missing key `client_secret`"),
        (having(client_secret="literal"), "a mapping `{from: ...}`"),
        (having(token_url="http://idp.example/token"), "needs https"),
        (having(token_url="https://u:p@idp.example/token"), "user name or password"),
        (having(resource="not a uri"), "a URI"),
        (having(scope="a  b"), "scopes with a space"),
        (having(client_auth="none"), "basic"),
        (having(actor_type="jwt"), "`actor_type` goes with `actor`"),
        ({**SERVER, "share": "agent"}, "`share` has to be `run`"),
        ({"command": ["crm"], "exchange": EXCHANGE}, "`exchange` goes with `url`"),
    ],
)
def test_what_cannot_be_is_refused(server: dict[str, Any], words: str) -> None:
    assert words in complaint(server)


def test_a_tools_own_authorization_cannot_stand_beside_it() -> None:
    tools = {"crm.look": {"credential": {"header": "Authorization", "from": "env:A"}}}
    assert "`exchange` sets `Authorization` for every call" in complaint(SERVER, tools=tools)


def test_without_an_issuer_it_is_warned_that_no_call_will_bring_a_user() -> None:
    assert any("no call brings a user's token" in warning for warning in load(SERVER, identity={}).warnings)


async def test_the_adapters_of_a_server_with_an_exchange_agree_on_its_target() -> None:
    loaded = load({**SERVER, "headers": {"Authorization": "Bearer own", "x-tenant": "t"}})
    secrets = build_secrets(loaded.secrets)
    (exchange,) = exchanges_of(loaded.servers, secrets, FakeClock()).values()
    upstream = build_upstream(loaded.servers[CRM], secrets)
    assert isinstance(upstream, HttpUpstream)
    assert vars(upstream)["_options"].on_behalf == exchange.target
    assert vars(upstream)["_options"].headers == {}
    await upstream.close()
    await secrets.close()
