"""What the file says about servers in boxes and about environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import Loaded
from ringfence.core.model.credential import ToolCredential
from ringfence.core.model.identifiers import AgentId, ServerId, ToolId
from ringfence.core.rules import server_agent
from ringfence.errors import ConfigError

X = ServerId("x")
FILE = Path("/srv/ringfence/ringfence.yaml")


def loaded(server: str, rest: str = "") -> Loaded:
    return parse_config(f"version: 1\nservers:\n  x: {server}\n{rest}".encode(), FILE)


def complaint(server: str, rest: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(server, rest)
    return str(caught.value)


def test_a_server_has_no_box_and_no_agent_of_its_own_by_default() -> None:
    found = loaded("{command: [x]}")
    assert found.servers[X].box is None
    assert server_agent(X) not in found.rules.agents


def test_a_box_has_the_keys_of_an_agents_box_and_lives_as_long_as_it_is_used() -> None:
    box = (
        loaded("{command: [x], cwd: s, box: {profile: ops, memory_mib: 99, shows: [/opt/x], writable: [cache, /var/x]}}")
        .servers[X]
        .box
    )
    assert box is not None
    assert (box.profile.name, box.profile.limits.memory_mib, box.profile.shows) == ("ops", 99, ("/opt/x",))
    assert box.profile.limits.wall_clock_s > 30 * 86400
    assert box.writable == ("/srv/ringfence/cache", "/var/x")
    assert box.shows_cwd is True
    assert box.way_out is False
    short = loaded("{command: [x], box: {profile: ops, wall_clock: 1h}}").servers[X].box
    assert short is not None
    assert short.profile.limits.wall_clock_s == 3600
    assert short.shows_cwd is False


def test_its_way_out_is_that_of_an_agent_in_its_name() -> None:
    found = loaded(
        "{command: [x], box: {profile: ops}, environment: staging, egress: {hosts: [{host: api.example.com, mode: terminate, "
        'credential: {from: "env:API"}, paths: [{methods: [GET], path: /v1}]}]}}'
    )
    agent = found.rules.agents[server_agent(X)]
    assert agent.server == X
    assert agent.tools == ()
    assert agent.environment == "staging"
    assert [rule.host for rule in agent.ways_out.rules] == ["api.example.com"]
    assert set(found.egress_secrets) == {"env:API"}
    assert found.rules.agents[server_agent(X)].box is not None


def test_files_with_others_secrets_and_the_configuration_are_hidden_and_its_own_are_not() -> None:
    rest = '  y: {command: [z], env: {K: {from: "file:y.key"}}}\n'
    box = loaded('{command: [x], env: {K: {from: "file:x.key"}}, box: {profile: light}}', rest).servers[X].box
    assert box is not None
    assert box.hidden == (str(FILE), "/srv/ringfence/y.key")


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ('{url: "https://x.example/mcp", box: {profile: light}}', "`box` goes with `command`"),
        ("{command: [x], egress: {hosts: []}}", "`egress` goes with `box`"),
        ("{command: [x], box: {profile: light}, egress: {hosts: []}}", "profile `light` has no way out"),
        ("{command: [x], box: {}}", "missing key `profile`"),
        ("{command: [x], box: {profile: large}}", "`light`"),
        ("{command: [x], box: {profile: ops}, egress: {hosts: [{host: a.example}, {host: a.example}]}}", "has a rule already"),
        ("{command: [x], box: {profile: ops}, egress: {hosts: [{host: 10.0.0.1}]}}", "host"),
        ("{command: [x], environment: Staging}", "a label such as `staging`"),
    ],
)
def test_what_does_not_go_together_is_refused(server: str, said: str) -> None:
    assert said in complaint(server)


LABELLED = """
tools:
  x.read:
    credential: {header: X-Key, from: "env:K", environment: staging}
  x.query:
    credential: {header: X-Key, mint: {minter: sales, grants: [{on: table t, privileges: [select]}]}}
  x.both:
    credential: {header: X-Key, environment: any, mint: {minter: sales, grants: [{on: table t, privileges: [select]}]}}
  x.bare:
    credential: {header: X-Key, from: "env:K"}
minters:
  sales: {postgres: {from: "env:DSN"}, environment: production}
"""


def test_credentials_have_their_own_label_and_that_of_their_minter() -> None:
    found = loaded('{url: "https://x.example/mcp", environment: staging}', LABELLED).rules

    def labels(tool: str) -> tuple[str, ...]:
        credential = found.tools[ToolId(tool)].credential
        assert isinstance(credential, ToolCredential)
        return credential.environments

    assert {tool: labels(f"x.{tool}") for tool in ("read", "query", "both", "bare")} == {
        "read": ("staging",),
        "query": ("production",),
        "both": ("production", "any"),
        "bare": ("",),
    }
    assert {tool.environment for tool in found.tools.values()} == {"staging"}


def test_an_agent_is_bound_to_one_environment_or_none() -> None:
    agents = "agents:\n  a: {purpose: p, tools: [], environment: any}\n"
    assert "an agent is bound to one, or to none" in complaint("{command: [x]}", agents)


def test_what_an_agent_was_given_and_cannot_reach_is_told() -> None:
    rest = (
        "tools: {x.read: {}}\nderived: {x.less: {from: x.read, description: less}}\nagents:\n"
        "  a: {purpose: p, tools: [x.read, x.less], environment: staging, egress: {hosts: [{host: a.example}, "
        "{host: b.example, environment: any}]}}\n  b: {purpose: p, tools: [x.read]}\n"
    )
    told = loaded("{command: [x], environment: production}", rest).warnings
    assert len([line for line in told if "does not exist for it: its server has the environment `production`" in line]) == 2
    assert len([line for line in told if "is refused to it: the host has no environment" in line]) == 1
    assert not [line for line in loaded("{command: [x], environment: any}", rest).warnings if "does not exist" in line]


def test_only_an_agent_with_a_box_may_have_no_tools() -> None:
    assert "missing key `tools`" in complaint("{command: [x]}", "agents: {a: {purpose: p}}\n")
    light = loaded("{command: [x]}", "agents: {a: {purpose: p, box: {profile: light}}}\n").rules.agents[AgentId("a")]
    assert light.tools == ()
