"""`operators:` of the configuration: whom an issuer may let in, and what cannot be meant."""

import re
from pathlib import Path

import pytest

from ringfence.app.config.load import load_config, parse_config
from ringfence.app.config.settings import Loaded
from ringfence.app.redaction import references
from ringfence.core.model.operator import Role
from ringfence.core.model.people import RoleRule
from ringfence.errors import ConfigError
from ringfence.ports.secrets import SecretRef

FOLDER = Path("/etc/gate")
BASE = "version: 1\nagents: {desk: {purpose: p, tools: []}}\ngroups: {finance: [ada], audit: []}\n"
HERE = 'control: {public_url: "https://gate.example/"}\n'
ROLES = "roles: [{claim: groups, value: staff, role: approver, groups: [finance]}, {claim: sub, value: u1, role: admin}]"
OIDC = f'issuer: "https://idp.example", client_id: ringfence, {ROLES}'


def load(text: str) -> Loaded:
    return parse_config(f"{BASE}{text}".encode(), FOLDER / "ringfence.yaml")


def test_nobody_logs_in_at_an_issuer_where_none_is_named() -> None:
    loaded = load("")
    assert (loaded.oidc, loaded.rules.people, loaded.rules.open_groups) == (None, None, frozenset())


def test_an_issuer_with_its_defaults() -> None:
    loaded = load(f"{HERE}operators: {{oidc: {{{OIDC}}}}}")
    assert loaded.oidc is not None
    assert loaded.oidc.redirect_uri == "https://gate.example/login/oidc/callback"
    assert (loaded.oidc.scopes, loaded.oidc.label, loaded.oidc.secret) == (("openid", "email"), "idp.example", None)
    people = loaded.rules.people
    assert people is not None
    assert (people.issuer, people.client, people.person, people.login_s) == ("https://idp.example", "ringfence", "sub", 28800)
    assert people.roles == (
        RoleRule(claim="groups", value="staff", role=Role.APPROVER, groups=("finance",)),
        RoleRule(claim="sub", value="u1", role=Role.ADMIN),
    )
    assert loaded.rules.open_groups == {"finance"}


def test_the_clients_secret_is_a_reference_that_is_known_and_masked() -> None:
    loaded = load(f'{HERE}operators: {{oidc: {{{OIDC}, client_secret: {{from: "file:oidc.secret"}}}}}}')
    assert SecretRef("file:oidc.secret", str(FOLDER)) in references(loaded)


def test_a_group_that_an_issuer_fills_is_large_enough_for_any_policy_and_may_approve(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "two.cedar").write_text('@id("two") @approve("audit, 2") forbid(principal, action, resource);')
    file = tmp_path / "ringfence.yaml"
    shop = 'servers: {shop: {url: "http://127.0.0.1:9/mcp"}}\ntools: {shop.look: {}}\n'
    file.write_text(f"{BASE}{HERE}{shop}")
    with pytest.raises(ConfigError, match="which has 0"):
        load_config(file)
    filled = OIDC.replace("[finance]", "[finance, audit]")
    text = f"{BASE}{HERE}{shop}operators: {{oidc: {{{filled}}}}}\n"
    file.write_text(text.replace("tools: []", 'tools: [], approvers: ["group:audit", ada]'))
    assert load_config(file).warnings == ()


AGENTS = 'identity: {issuers: [{url: "URL", audience: AUD, keys: {file: k.json}, agents: {sub: {u1: desk}}}]}\n'


@pytest.mark.requirement("I17")
@pytest.mark.parametrize("url", ["https://idp.example", "https://idp.example/", "https://IDP.example"])
def test_what_stands_for_agents_never_stands_for_people(url: str) -> None:
    agents = AGENTS.replace("URL", url)
    with pytest.raises(ConfigError, match="agents need an audience of their own"):
        load(f"{HERE}{agents.replace('AUD', 'ringfence')}operators: {{oidc: {{{OIDC}}}}}")
    assert load(f"{HERE}{agents.replace('AUD', 'gate')}operators: {{oidc: {{{OIDC}}}}}").oidc is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"operators: {{oidc: {{{OIDC}}}}}", "control.public_url"),
        (f'control: {{public_url: "http://gate.example"}}\noperators: {{oidc: {{{OIDC}}}}}', "need https"),
        (f'control: {{public_url: "https://gate.example/x"}}\noperators: {{oidc: {{{OIDC}}}}}', "without path"),
        (f"{HERE}operators: {{oidc: {{{OIDC.replace('https', 'http')}}}}}", "needs https"),
        (f"{HERE}operators: {{oidc: {{{OIDC.replace('idp.example', 'idp.example?a=b')}}}}}", "no query"),
        (f"{HERE}operators: {{oidc: {{{OIDC.replace('[finance]', '[finanze]')}}}}}", "no group `finanze`; nearest"),
        (f"{HERE}operators: {{oidc: {{{OIDC.replace('approver', 'owner')}}}}}", "role"),
        (f"{HERE}operators: {{oidc: {{{OIDC.replace(ROLES, 'roles: []')}}}}}", "roles"),
        (f"{HERE}operators: {{oidc: {{{OIDC.replace(', ' + ROLES, '')}}}}}", "roles"),
        (f"{HERE}operators: {{oidc: {{{OIDC}, client_secret: abc}}}}", "{from: ...}"),
        (f"{HERE}operators: {{oidc: {{{OIDC}, login: 13h}}}}", "login"),
        (f"{HERE}operators: {{oidc: {{{OIDC}, default_role: viewer}}}}", "default_role"),
        ('agents: {shelf: {purpose: p, tools: [], approvers: ["group:nobody"]}}', "no group `nobody`"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, told: str) -> None:
    whole = f"{BASE}{text}" if not text.startswith("agents") else f"version: 1\ngroups: {{finance: [ada]}}\n{text}"
    with pytest.raises(ConfigError, match=re.escape(told)):
        parse_config(whole.encode(), FOLDER / "ringfence.yaml")


def test_a_public_address_of_this_machine_may_do_without_tls() -> None:
    loaded = load(f'control: {{public_url: "http://127.0.0.1:7411"}}\noperators: {{oidc: {{{OIDC}}}}}')
    assert loaded.oidc is not None
    assert loaded.oidc.redirect_uri == "http://127.0.0.1:7411/login/oidc/callback"
