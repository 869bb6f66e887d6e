"""`listen:` and `identity:` of the configuration."""

import re
from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.up import served_hosts
from ringfence.errors import ConfigError

FOLDER = Path("/etc/gate")
AGENTS = "agents: {desk: {purpose: p, tools: []}, shelf: {purpose: p, tools: []}}\n"
TLS = "tls: {cert: c.pem, key: k.pem, client_ca: /ca.pem}"
ISSUER = 'url: "https://idp.example", audience: gate, keys: {file: keys.json}, agents: {sub: {u1: desk}}'


def remote(url: str) -> str:
    return ISSUER.replace("file: keys.json", f'jwks_url: "{url}"')


def load(text: str) -> Loaded:
    return parse_config(f"version: 1\n{AGENTS}{text}".encode(), FOLDER / "ringfence.yaml")


def test_nothing_is_believed_and_nobody_else_can_connect_where_nothing_is_said() -> None:
    loaded = load("")
    assert (loaded.identity.issuers, dict(loaded.identity.certificates)) == ((), {})
    assert (loaded.listen.address, loaded.listen.tls) == ("127.0.0.1", None)


def test_files_count_from_the_configurations_folder() -> None:
    loaded = load(f"listen: {{address: 0.0.0.0, hosts: [gate.example], {TLS}}}\nidentity: {{issuers: [{{{ISSUER}}}]}}")
    tls = loaded.listen.tls
    assert tls is not None
    assert (tls.cert, tls.key, tls.client_ca) == (FOLDER / "c.pem", FOLDER / "k.pem", Path("/ca.pem"))
    assert tls.client_certs_required
    (issuer,) = loaded.identity.issuers
    assert (issuer.file, issuer.jwks_url, issuer.agents) == (str(FOLDER / "keys.json"), "", {"sub": {"u1": "desk"}})


def test_the_configured_names_are_served_and_no_others() -> None:
    listen = load(f"listen: {{address: 10.0.0.5, hosts: [gate.example], {TLS}}}").listen
    assert {"10.0.0.5:7410", "gate.example:7410"} <= set(served_hosts(listen, 7410))
    assert "gate.example" not in served_hosts(listen, 7410)
    assert "gate.example" in served_hosts(listen, 443)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("listen: {address: 0.0.0.0}", "needs `tls`"),
        ('listen: {address: "::"}', "needs `tls`"),
        ("listen: {address: 1.2.3}", "not an IP address"),
        ("listen: {tls: {cert: c}}", "key"),
        ("listen: {tls: {cert: c, key: k, client_certs: optional}}", "goes with `client_ca`"),
        ("identity: {certificates: {spiffe://example.org/desk: desk}}", "listen.tls.client_ca"),
        (f"listen: {{{TLS}}}\nidentity: {{certificates: {{spiffe://example.org/desk: dusk}}}}", "nearest"),
        (f"listen: {{{TLS}}}\nidentity: {{certificates: {{spiffe://example.org: desk}}}}", "SPIFFE id"),
        (f"listen: {{{TLS}}}\nidentity: {{certificates: {{https://example.org/desk: desk}}}}", "SPIFFE id"),
        (f"identity: {{issuers: [{{{ISSUER}}}, {{{ISSUER}}}]}}", "second issuer"),
        (f"identity: {{issuers: [{{{ISSUER.replace('desk', 'dusk')}}}]}}", "no agent `dusk`"),
        (f"identity: {{issuers: [{{{ISSUER.replace('https:', 'http:')}}}]}}", "needs https"),
        (f"identity: {{issuers: [{{{ISSUER.replace('file: keys.json', '')}}}]}}", "one of `file` and `jwks_url`"),
        (f"identity: {{issuers: [{{{remote('http://idp.example/k')}}}]}}", "needs https"),
        (f"identity: {{issuers: [{{{remote('https://u:p@idp.example/k')}}}]}}", "user name or password"),
        (f"identity: {{issuers: [{{{ISSUER.replace('audience: gate,', '')}}}]}}", "audience"),
        (f"identity: {{issuers: [{{{ISSUER}, alg: none}}]}}", "alg"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        load(text)


def test_keys_of_this_machine_may_come_over_http() -> None:
    loaded = load(f"identity: {{issuers: [{{{remote('http://127.0.0.1:9/k')}}}]}}")
    assert loaded.identity.issuers[0].jwks_url == "http://127.0.0.1:9/k"
