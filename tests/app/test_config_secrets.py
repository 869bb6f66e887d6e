"""Credentials that were written into a file are told from ordinary values; references are read as they are written."""

from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.app.config.secret_values import looks_like_credential
from ringfence.errors import ConfigError
from ringfence.ports.secrets import SecretRef

pytestmark = pytest.mark.requirement("I9")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_TOKEN", "abc"),
        ("apiKey", "abc"),
        ("DB_PASSWORD", "abc"),
        ("Authorization", "Basic abc"),
        ("X-Api-Key", "abc"),
        ("clientSecret", "abc"),
        ("SETTING", "ghp_" + "a1" * 18),
        ("SETTING", "sk-ant-REDACTED"),
        ("DATABASE_URL", "postgres://app:pw@db/x"),
        ("SETTING", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
    ],
)
def test_credentials_are_told_from_ordinary_values(name: str, value: str) -> None:
    assert looks_like_credential(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TZ", "UTC"),
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("TOKEN", ""),
        ("TOKEN", "${GITHUB_TOKEN}"),
        ("LOG_LEVEL", "debug"),
        ("MONKEY", "banana"),
        ("AUTHOR", "Ada"),
        ("DATABASE_URL", "postgres://db/x"),
    ],
)
def test_ordinary_values_are_left_alone(name: str, value: str) -> None:
    assert not looks_like_credential(name, value)


def servers(text: str) -> bytes:
    return f"version: 1\n{text}".encode()


VAULT = "secrets: {vault: {address: 'https://vault.example:8200/', token: {from: 'file:vault.token'}, namespace: ops}}\n"
VAULTED = "servers: {a: {url: 'https://a.example/mcp', headers: {Authorization: {from: 'vault:kv/team/a#token'}}}}\n"


def test_every_kind_of_reference_is_read() -> None:
    written = """
servers:
  a:
    command: [run]
    env: {E: {from: "env:NAME"}, F: {from: "file:a/token"}, X: {from: "exec:pass show 'a b'"}, V: {from: "vault:kv/x/y#z"}}
"""
    loaded = parse_config(servers(VAULT + written), Path("/etc/rf/ringfence.yaml"))
    (connection,) = loaded.servers.values()
    assert connection.env == {
        "E": SecretRef("env:NAME", "/etc/rf"),
        "F": SecretRef("file:a/token", "/etc/rf"),
        "X": SecretRef("exec:pass show 'a b'", "/etc/rf"),
        "V": SecretRef("vault:kv/x/y#z", "/etc/rf"),
    }
    vault = loaded.secrets.vault
    assert vault is not None
    assert (vault.address, vault.namespace) == ("https://vault.example:8200", "ops")
    assert vault.token == SecretRef("file:vault.token", "/etc/rf")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (VAULTED, "names none"),
        ("secrets: {vault: {address: 'https://v', token: {from: 'vault:a/b#c'}}}\n", "cannot be in the vault"),
        ("secrets: {vault: {address: 'https://v'}}\n", "token"),
        ("secrets: {vault: {address: 'ftp://v', token: {from: 'env:T'}}}\n", "address"),
        (VAULT + "servers: {a: {command: [x], env: {A: {from: 'vault:kv#field'}}}}\n", "from"),
        (VAULT + "servers: {a: {command: [x], env: {A: {from: 'clipboard:x'}}}}\n", "from"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_config(servers(text), Path("ringfence.yaml"))


def test_a_token_of_a_vault_on_the_way_without_tls_is_warned_of() -> None:
    text = VAULT.replace("https:", "http:") + VAULTED
    assert any("without TLS" in warning for warning in parse_config(servers(text), Path("ringfence.yaml")).warnings)
