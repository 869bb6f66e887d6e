"""A tool's own credential as it is configured: what is read, and what is refused in which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.redaction import references
from ringfence.core.model.assumed_role import Allowed, PolicyArgument
from ringfence.core.model.credential import MintedGrant, Place
from ringfence.core.model.identifiers import ToolId
from ringfence.errors import ConfigError
from ringfence.ports.minter import AwsAccount

READ_ORDERS = {"on": "table sales.orders", "privileges": ["select"], "columns": ["id"]}
ACCOUNT: dict[str, Any] = {
    "region": "eu-west-1",
    "access_key_id": {"from": "env:ID"},
    "secret_access_key": {"from": "file:aws.secret"},
}
ROLE: dict[str, Any] = {
    "minter": "lake",
    "role": "arn:aws:iam::123456789012:role/reader",
    "policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "<bucket>"}]},
    "arguments": {"bucket": {"from": "/bucket", "allow": ["slashes"]}},
}
COMMAND = {"command": ["lake-mcp"]}
MINT = {"minter": "sales", "grants": [READ_ORDERS]}


def load(credential: dict[str, Any], server: dict[str, Any] | None = None, **more: Any) -> Loaded:
    file = {
        "version": 1,
        "minters": {"sales": {"postgres": {"from": "file:sales.dsn"}}, "lake": {"aws": ACCOUNT}},
        "servers": {"db": {"url": "http://127.0.0.1:1/mcp"} if server is None else server},
        "tools": {"db.report": {"effect": "read", "credential": credential, **more}},
    }
    return parse_config(yaml.safe_dump(file).encode(), Path("/etc/rf/r.yaml"))


def complaint(credential: dict[str, Any], server: dict[str, Any] | None = None, **more: Any) -> str:
    with pytest.raises(ConfigError) as failed:
        load(credential, server, **more)
    return str(failed.value)


def test_a_reference_is_read_with_the_folder_that_it_starts_from() -> None:
    credential = load({"header": "x-api-key", "from": "file:key"}).rules.tools[ToolId("db.report")].credential
    assert credential is not None
    assert (credential.place, credential.name, credential.reference) == (Place.HEADER, "x-api-key", "file:key")
    assert credential.folder == "/etc/rf"


def test_what_is_minted_is_read_with_its_grants_and_its_minter() -> None:
    loaded = load({"argument": "/dsn", "mint": {**MINT, "lifetime": "20m"}})
    credential = loaded.rules.tools[ToolId("db.report")].credential
    assert credential is not None
    assert credential.minting is not None
    assert (credential.name, credential.minting.lifetime_s, credential.minting.statement_s) == ("dsn", 1200, 30)
    assert credential.minting.grants == (MintedGrant(on="table sales.orders", privileges=("select",), columns=("id",)),)
    assert str(loaded.minters["sales"]) == "`file:sales.dsn`"
    assert credential.placeholder == "(credential minted by sales: select on table sales.orders (id))"


def test_a_derived_tool_has_a_credential_of_its_own() -> None:
    file = {
        "version": 1,
        "servers": {"db": {"command": ["db"]}},
        "tools": {"db.report": {}},
        "derived": {"db.may": {"from": "db.report", "description": "d", "credential": {"env": "DB", "from": "env:MAY"}}},
    }
    loaded = parse_config(yaml.safe_dump(file).encode(), Path("r.yaml"))
    credential = loaded.rules.tools[ToolId("db.may")].credential
    assert credential is not None
    assert credential.reference == "env:MAY"
    assert loaded.rules.tools[ToolId("db.report")].credential is None


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        ({"from": "env:A"}, "expected one of `argument`, `header` and `env`, found none"),
        ({"argument": "/a", "header": "b", "from": "env:A"}, "found argument and header"),
        ({"argument": "/a"}, "expected either `from` or `mint`"),
        ({"argument": "/a", "from": "env:A", "mint": MINT}, "expected either `from` or `mint`, found both"),
        ({"argument": "a", "from": "env:A"}, "a JSON pointer to an argument"),
        ({"argument": "/a/b", "from": "env:A"}, "a JSON pointer to an argument"),
        ({"env": "A", "from": "env:A"}, "`env` goes with a server that has `command`"),
        ({"header": "Host", "from": "env:A"}, "is set by the gateway"),
        ({"header": "Mcp-Name", "from": "env:A"}, "is set by the gateway"),
        ({"argument": "/a", "mint": {**MINT, "minter": "other"}}, "no minter `other` is configured"),
        ({"argument": "/a", "mint": {**MINT, "lifetime": "5m"}}, "longer than the server's `deadline`"),
        ({"argument": "/a", "mint": {**MINT, "grants": []}}, "grants"),
        ({"argument": "/a", "mint": {**MINT, "grants": [{**READ_ORDERS, "on": "table a; drop b"}]}}, "`table NAME`"),
        ({"argument": "/a", "mint": {**MINT, "grants": [{**READ_ORDERS, "on": "database x"}]}}, "`table NAME`"),
        ({"argument": "/a", "mint": {**MINT, "grants": [{**READ_ORDERS, "privileges": ["truncate"]}]}}, "truncate"),
        ({"argument": "/a", "mint": {**MINT, "grants": [{**READ_ORDERS, "privileges": ["execute"]}]}}, "cannot be granted"),
        ({"argument": "/a", "mint": {**MINT, "grants": [{**READ_ORDERS, "privileges": ["delete"]}]}}, "columns go with"),
    ],
)
def test_what_cannot_be_meant_is_refused(credential: dict[str, Any], words: str) -> None:
    assert words in complaint(credential)


def test_a_header_that_the_server_has_already_is_refused() -> None:
    server = {"url": "http://127.0.0.1:1/mcp", "headers": {"Authorization": {"from": "env:ALL"}}}
    assert "has `authorization` too" in complaint({"header": "authorization", "from": "env:ONE"}, server)


def test_an_argument_that_a_derived_tool_fixes_is_no_place_for_a_credential() -> None:
    file = {
        "version": 1,
        "servers": {"db": {"command": ["db"]}},
        "tools": {"db.report": {}},
        "derived": {
            "db.may": {
                "from": "db.report",
                "description": "d",
                "fixed": {"dsn": "x"},
                "credential": {"argument": "/dsn", "from": "env:A"},
            }
        },
    }
    with pytest.raises(ConfigError, match="is in `fixed` too"):
        parse_config(yaml.safe_dump(file).encode(), Path("r.yaml"))


def test_a_method_has_no_credential_of_its_own() -> None:
    file = {
        "version": 1,
        "servers": {"db": {"url": "http://127.0.0.1:1/mcp"}},
        "tools": {"db.resources/read": {"credential": {"header": "x-key", "from": "env:A"}}},
    }
    with pytest.raises(ConfigError, match="only tools have credentials"):
        parse_config(yaml.safe_dump(file).encode(), Path("r.yaml"))


def test_another_credential_is_another_configuration() -> None:
    one, two = (load({"header": "x-api-key", "from": f"env:{name}"}).digest for name in ("A", "B"))
    assert one != two


def test_a_role_is_read_with_its_policy_its_arguments_and_three_variables() -> None:
    loaded = load({"env": "AWS_*", "mint": ROLE}, COMMAND)
    credential = loaded.rules.tools[ToolId("db.report")].credential
    assert credential is not None
    minting = credential.minting
    assert minting is not None
    assert minting.role is not None
    assert (minting.lifetime_s, minting.margin_s, minting.value) == (900, 300, "json")
    assert dict(minting.variables) == {
        "AWS_ACCESS_KEY_ID": "access_key_id",
        "AWS_SECRET_ACCESS_KEY": "secret_access_key",
        "AWS_SESSION_TOKEN": "session_token",
    }
    assert minting.role.arguments == (PolicyArgument(name="bucket", pointer="/bucket", allowed=(Allowed.SLASHES,)),)
    account = loaded.minters["lake"]
    assert isinstance(account, AwsAccount)
    assert (account.endpoint, str(account.secret)) == ("https://sts.eu-west-1.amazonaws.com", "`file:aws.secret`")
    assert (account.tags, account.source_identity) == (False, False)
    assert references(loaded) >= {account.key_id, account.secret}


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        ({"env": "AWS_*", "from": "env:A"}, "`AWS_*` goes with a minted `role`"),
        ({"env": "AWS_*", "mint": MINT}, "`AWS_*` goes with a minted `role`"),
        ({"env": "AWS_*", "mint": {**ROLE, "value": "json"}}, "hands over all values"),
        ({"env": "A", "mint": {**ROLE, "value": "dsn"}}, "no `dsn` comes with a role"),
        ({"env": "A", "mint": {**MINT, "value": "json"}}, "no `json` comes with a role of a database"),
        ({"env": "A", "mint": {**ROLE, "minter": "sales"}}, "`role` goes with a minter that has `aws`"),
        ({"env": "A", "mint": {**MINT, "minter": "lake"}}, "`grants` goes with a minter that has `postgres`"),
        ({"env": "A", "mint": {**ROLE, "grants": [READ_ORDERS]}}, "expected either `grants` or `role`, found both"),
        ({"env": "A", "mint": {"minter": "lake"}}, "expected either `grants` or `role`"),
        ({"env": "A", "mint": {**ROLE, "lifetime": "10m"}}, "STS gives a role for 15m to 1h"),
        ({"env": "A", "mint": {**ROLE, "lifetime": "2h"}}, "STS gives a role for 15m to 1h"),
        ({"env": "A", "mint": {**ROLE, "role": "reader"}}, "the ARN of a role"),
        ({"env": "A", "mint": {**ROLE, "statement": "5s"}}, "`statement` goes with `grants`"),
        ({"env": "A", "mint": {**MINT, "policy": {}}}, "`policy` goes with `role`"),
        ({"env": "A", "mint": {k: v for k, v in ROLE.items() if k != "policy"}}, "without a session policy every call may"),
        ({"env": "A", "mint": {**ROLE, "arguments": {}}}, "`<bucket>` is not among the `arguments`"),
        ({"env": "A", "mint": {**ROLE, "arguments": {"bucket": {"from": "bucket"}}}}, "a JSON pointer"),
        ({"env": "A", "mint": {**ROLE, "arguments": {"bucket": {"from": "/bucket", "allow": ["all"]}}}}, "wildcards"),
    ],
)
def test_what_cannot_be_of_a_role_is_refused(credential: dict[str, Any], words: str) -> None:
    assert words in complaint(credential, COMMAND)


def test_variables_that_the_server_has_already_are_refused() -> None:
    server = {**COMMAND, "env": {"AWS_SESSION_TOKEN": "x"}}
    assert "the server's `env` has `AWS_SESSION_TOKEN` too" in complaint({"env": "AWS_*", "mint": ROLE}, server)


def test_a_role_needs_a_life_longer_than_the_servers_deadline() -> None:
    assert "longer than the server's `deadline`" in complaint({"env": "A", "mint": ROLE}, {**COMMAND, "deadline": "15m"})


@pytest.mark.parametrize(
    ("minter", "words"),
    [
        ({}, "expected either `postgres` or `aws`"),
        ({"aws": ACCOUNT, "postgres": {"from": "env:A"}}, "found both"),
        ({"aws": {**ACCOUNT, "endpoint": "http://sts.example"}}, "STS on another machine needs https"),
        ({"aws": {**ACCOUNT, "endpoint": "https://sts.example/path"}}, "without a path"),
        ({"aws": {**ACCOUNT, "endpoint": "https://sts.example:99999"}}, "not a URL"),
        ({"aws": {"region": "eu-west-1"}}, "missing key `access_key_id`"),
        ({"aws": {**ACCOUNT, "secret_access_key": "literal"}}, "a mapping `{from: ...}`"),
    ],
)
def test_a_minter_that_cannot_be_used_is_refused(minter: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as failed:
        parse_config(yaml.safe_dump({"version": 1, "minters": {"lake": minter}}).encode(), Path("r.yaml"))
    assert words in str(failed.value)
