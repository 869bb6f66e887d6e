"""A good file becomes exactly the snapshot that it says."""

from dataclasses import replace
from pathlib import Path

import pytest

from ringfence.app.config.alert_settings import WebhookFormat
from ringfence.app.config.load import load_config, parse_config
from ringfence.app.config.settings import Era, Loaded, TransportKind
from ringfence.core.model.agent import Limits
from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.identifiers import AgentId, OperatorName, ServerId, ToolId
from ringfence.core.model.profile import WORST_PROFILE, Authority, Effect, Role, Sensitivity, ToolProfile, Trust
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.rules import AgentRule, ApprovalRules, ServerRule, Share
from ringfence.ports.notifier import AlertKind
from ringfence.ports.secrets import SecretRef

FULL = """\
version: 1
servers:
  git: {command: [mcp-server-git, --repository, ./repo, 3], cwd: repo, env: {TZ: UTC, PORT: 80, TOKEN: {from: "env:GIT_TOKEN"}}}
  orders: {url: "http://127.0.0.1:9001/mcp", headers: {Authorization: {from: "file:orders.token"}}, era: legacy, share: agent}
  payments: {url: "https://pay.example/mcp", deadline: 2m, first_byte: 90s}
  db: {command: [db]}
tools:
  payments.void: {}
  payments.refund:
    effect: write            # every omitted profile field means the worst
    inverse: payments.void
    bounded: true
    costs_money: true
    identity: false
    outbound: false
    sensitivity: confidential
    trust: trusted
    authority: [/order_id, /amount]
    secret: [/card_cvv]
    objects: [/order_id]
    quorum: 2
    worst: "Pays out up to the whole order once."
    when:
      - if: amount <= 20 and currency in ['EUR', 'USD']
        costs_money: false
      - if: /meta/test == true
        reversible: false
        effect: read
    tighten: {properties: {amount: {maximum: 100000}}}
derived:
  orders.status:
    from: db.query
    title: Order status
    description: Look up one order
    fixed: {table: orders, limit: 1, deep: false, since: "2020-01-01", none: null}
    tighten: {properties: {id: {type: string, pattern: "^[0-9]+$"}}, required: [id]}
    effect: read
agents:
  support:
    purpose: answer support tickets
    tools: [orders.*, payments.refund]
    tighten: {payments.refund: {properties: {amount: {maximum: 500}}}}
    limits: {calls_per_run: 200, wall_clock: 1h, pending_approvals: 2}
    separation: true
    approvers: [alice]
    approval_expiry: 2h
    run_ttl: 30m
    users: [1000, bob]
    only_mcp: true
  reader: {purpose: read, tools: [orders.status]}
approvals: {hold: 30s, legs: 4}
alerts:
  caps_at: [100, 50]
  webhooks:
    - {url: "https://hook.example/x", format: slack, secret: {from: "env:HOOK"}, kinds: [kill, drift]}
    - {url: "https://hook.example/y"}
control: {public_url: "https://ringfence.example/"}
authorization: {issuers: ["https://login.example/tenant", "http://localhost:9000", "https://login.example/tenant"]}
"""


def load(text: str = FULL) -> Loaded:
    return parse_config(text.encode(), Path("/etc/rf/ringfence.yaml"), find_user={"bob": 7}.get)


def test_servers_become_rules_and_connections() -> None:
    loaded = load()
    assert loaded.rules.servers[ServerId("git")] == ServerRule(
        id=ServerId("git"), identity=loaded.rules.servers[ServerId("git")].identity
    )
    assert loaded.rules.servers[ServerId("orders")].share is Share.AGENT
    assert loaded.rules.servers[ServerId("payments")].deadline_s == 120.0
    assert loaded.servers[ServerId("payments")].first_byte_s == 90.0
    git = loaded.servers[ServerId("git")]
    assert (git.kind, git.command, git.cwd) == (
        TransportKind.STDIO,
        ("mcp-server-git", "--repository", "./repo", "3"),
        Path("/etc/rf/repo"),
    )
    assert git.env == {"TZ": "UTC", "PORT": "80", "TOKEN": SecretRef("env:GIT_TOKEN", "/etc/rf")}
    orders = loaded.servers[ServerId("orders")]
    assert orders.first_byte_s == 30.0
    assert (orders.kind, orders.url, orders.era) == (TransportKind.HTTP, "http://127.0.0.1:9001/mcp", Era.LEGACY)
    assert orders.headers == {"Authorization": SecretRef("file:orders.token", "/etc/rf")}


def test_a_profile_says_what_was_written_and_the_worst_of_the_rest() -> None:
    tools = load().rules.tools
    refund = tools[ToolId("payments.refund")]
    assert refund.profile == ToolProfile(
        effect=Effect.WRITE,
        reversible=True,
        inverse=ToolId("payments.void"),
        bounded=True,
        costs_money=True,
        identity=False,
        outbound=False,
        sensitivity=Sensitivity.CONFIDENTIAL,
        trust=Trust.TRUSTED,
        authority=(Authority("/order_id", Role.SELECTOR), Authority("/amount", Role.MAGNITUDE)),
        secret=("/card_cvv",),
        objects=("/order_id",),
        quorum=2,
        worst="Pays out up to the whole order once.",
    )
    assert refund.tighten == {"properties": {"amount": {"maximum": 100000}}}
    assert (refund.server, refund.upstream_name) == ("payments", "refund")
    assert tools[ToolId("payments.void")].profile == WORST_PROFILE


def test_conditional_profiles_change_only_what_they_name() -> None:
    refund = load().rules.tools[ToolId("payments.refund")]
    small, test = refund.conditional
    assert small.conditions == (
        Condition("/amount", Operation.LE, 20),
        Condition("/currency", Operation.IN, ("EUR", "USD")),
    )
    assert small.profile == replace(refund.profile, costs_money=False)
    assert small.text == "amount <= 20 and currency in ['EUR', 'USD']"
    assert test.conditions == (Condition("/meta/test", Operation.EQ, True),)
    assert test.profile == replace(refund.profile, effect=Effect.READ, reversible=False, inverse=None)


def test_a_derived_tool_points_at_its_wide_tool() -> None:
    status = load().rules.tools[ToolId("orders.status")]
    assert (status.server, status.upstream_name, status.derived) == ("db", "query", True)
    assert status.fixed == {"table": "orders", "limit": 1, "deep": False, "since": "2020-01-01", "none": None}
    assert (status.title, status.description) == ("Order status", "Look up one order")
    assert status.profile == replace(WORST_PROFILE, effect=Effect.READ)


def test_agents_become_rules() -> None:
    agents = load().rules.agents
    assert agents[AgentId("support")] == AgentRule(
        id=AgentId("support"),
        purpose="answer support tickets",
        tools=("orders.*", "payments.refund"),
        provenance=ProvenanceRules(),
        tighten={ToolId("payments.refund"): {"properties": {"amount": {"maximum": 500}}}},
        limits=Limits(calls_per_run=200, wall_clock_s=3600, pending_approvals=2),
        separation=True,
        approvers=frozenset({OperatorName("alice")}),
        approval_expiry_s=7200,
        run_ttl_s=1800,
        uids=frozenset({1000, 7}),
        only_mcp=True,
    )
    assert agents[AgentId("reader")] == AgentRule(
        id=AgentId("reader"), purpose="read", tools=("orders.status",), provenance=ProvenanceRules()
    )


def test_approvals_alerts_and_control() -> None:
    loaded = load()
    assert loaded.rules.approvals == ApprovalRules(hold_s=30.0, legs=4)
    assert loaded.rules.cap_alerts == (50, 100)
    slack, plain = loaded.alerts.webhooks
    assert (slack.format, slack.secret) == (WebhookFormat.SLACK, SecretRef("env:HOOK", "/etc/rf"))
    assert slack.kinds == {AlertKind.KILL, AlertKind.DRIFT}
    assert (plain.format, plain.secret, plain.kinds) == (WebhookFormat.JSON, None, frozenset(AlertKind))
    assert loaded.control.public_url == "https://ringfence.example"
    assert loaded.authorization.issuers == ("https://login.example/tenant", "http://localhost:9000")


def test_the_least_file_has_the_defaults_of_the_rules() -> None:
    loaded = load("version: 1\n")
    assert (loaded.rules.approvals, loaded.rules.cap_alerts) == (ApprovalRules(), (50, 80, 100))
    assert not loaded.rules.tools
    assert not loaded.servers


def test_the_digest_follows_the_meaning_and_not_the_text() -> None:
    first = load()
    assert first.digest == first.rules.digest == load(FULL + "# a comment\n").digest
    assert first.digest == load(FULL.replace("hold: 30s", "'hold':   30s")).digest
    assert first.digest != load(FULL.replace("hold: 30s", "hold: 31s")).digest
    assert first.digest != load(FULL.replace("TZ: UTC", "TZ: CET")).digest


@pytest.mark.requirement("I9")
def test_the_digest_does_not_help_to_guess_a_written_secret() -> None:
    one, two = (load(FULL.replace("TZ: UTC", f"API_KEY: {secret}")) for secret in ("hunter2", "hunter3"))
    assert one.digest == two.digest


@pytest.mark.requirement("I9")
def test_a_written_secret_gives_a_warning_that_does_not_show_it() -> None:
    loaded = load(FULL.replace("TZ: UTC", "API_KEY: hunter2"))
    [warning] = loaded.warnings
    assert warning.startswith("/etc/rf/ringfence.yaml:3:87: servers.git.env.API_KEY: looks like a credential")
    assert "hunter2" not in warning
    assert "hunter2" not in repr(loaded)


def test_http_to_another_machine_gives_a_warning() -> None:
    [warning] = load(FULL.replace("https://pay.example", "http://pay.example")).warnings
    assert "servers.payments.url: http without TLS" in warning


def test_a_source_that_looks_misspelt_gives_a_warning() -> None:
    [warning] = load(FULL.replace("payments.void: {}", "payments.void: {}\n  db.querry: {}")).warnings
    assert "`db.query` is not under `tools`, but `db.querry` is" in warning


def test_a_file_that_everybody_can_change_gives_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "ringfence.yaml"
    path.write_text("version: 1\n")
    path.chmod(0o644)
    assert load_config(path).warnings == ()
    path.chmod(0o646)
    [warning] = load_config(path).warnings
    assert "every local user can change this file" in warning


def test_a_file_is_read_from_disk_and_remembers_its_path(tmp_path: Path) -> None:
    path = tmp_path / "ringfence.yaml"
    path.write_text("version: 1\nservers: {a: {command: [x]}}\n")
    loaded = load_config(path)
    assert loaded.path == path
    assert loaded.servers[ServerId("a")].cwd == tmp_path
