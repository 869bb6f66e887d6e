"""The checks that read what a client's own tool would do: lists, secrets, protected paths, rails, gates, caps."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.core.checks.blast_radius import blast_radius
from ringfence.core.checks.guard_rails import guard_rails
from ringfence.core.checks.overreach import overreach
from ringfence.core.checks.permissions import permissions
from ringfence.core.checks.secret_files import secret_files
from ringfence.core.decision import CHECKS, CONFIGURED, decide
from ringfence.core.framing import frame
from ringfence.core.ledger.charges import charges_of, meters_of, plan_of
from ringfence.core.ledger.moves import refusal, reserve
from ringfence.core.model.agent import Agent, Limits
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.identifiers import AgentId, CallId, Digest, Millis, RunId, ServerId, ToolId
from ringfence.core.model.local import Judgement, Kind, Place, Use
from ringfence.core.model.local_rules import LocalRules, Outcome, Overreach, SecretRules
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.model.run import Run
from ringfence.core.model.verdict import Gate, Level, ReasonCode, Verdict
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.own_tools.local_calls import LOCAL_TOOLS, arguments_of, tool_id
from ringfence.core.own_tools.local_calls import judged as with_profile
from ringfence.core.permissions.guarded import guarded_by
from ringfence.core.permissions.paths import Fit
from ringfence.core.permissions.secret_paths import secret_fit
from ringfence.core.rules import AgentRule, Rules, ToolRule
from ringfence.testing.acts import HOME, PLACE, PROJECT, a_command, a_list, a_tool, a_use, deletes, judged, reads, writes

AGENT, RUN = AgentId("coder"), RunId("r1")
PLAIN = LocalRules()
ALLOW, ASK, DENY, HALT = Level.ALLOW, Level.ASK, Level.DENY, Level.HALT


def asked(
    judgement: Judgement, lists: PermissionLists | None = None, local: LocalRules | None = PLAIN, **given: Any
) -> tuple[Call, Facts]:
    local_tool = LOCAL_TOOLS[tool_id("Bash")]
    tool = with_profile(build_tool(local_tool.definition, local_tool.rule, None), judgement)
    agent = Agent(id=AGENT, purpose="to code", tools=frozenset({tool.id}), permissions=lists, local=local)
    run = Run(id=RUN, agent=AGENT, task="", task_trusted=True, opened_by="operator:ada", opened_at=Millis(0), expires_at=None)
    facts = Facts(now=Millis(1), chain=(Link(run, 0, Limits()),), agent=agent, tool=tool, local=judgement)
    return frame(CallId("c1"), AGENT, RUN, tool, arguments_of("Bash", "Bash", given, PROJECT)), facts


def codes(verdict: Verdict) -> set[ReasonCode]:
    return {reason.code for reason in verdict.reasons}


@pytest.mark.requirement("I1")
def test_all_of_them_take_part_in_a_decision_and_in_what_the_rules_of_now_say() -> None:
    for check in (permissions, secret_files, overreach, guard_rails):
        assert check in CHECKS
        assert check in CONFIGURED


def test_a_call_of_no_client_is_no_matter_of_theirs() -> None:
    call, facts = asked(judged(a_command("rm x", "deletes")))
    plain = Facts(now=facts.now, chain=facts.chain, agent=facts.agent, tool=facts.tool)
    assert all(check(call, plain).level is ALLOW for check in (permissions, secret_files, overreach, guard_rails))


def test_lists_deny_and_ask_with_the_rule_as_the_reason() -> None:
    lists = a_list(deny=["Bash(rm *)"], ask=["Bash(make *)"])
    denied = permissions(*asked(judged(a_command("rm x", "deletes")), lists))
    assert (denied.level, denied.gates, codes(denied)) == (DENY, (), {ReasonCode.PERMISSION})
    assert "`Bash(rm *)`" in denied.reasons[0].detail
    waits = permissions(*asked(judged(a_command("make", "project")), lists))
    assert (waits.level, waits.gates) == (ASK, (Gate(ReasonCode.PERMISSION),))


def test_rules_on_arguments_read_those_of_the_clients_tool() -> None:
    lists = a_list(ask=["Bash(run_in_background:true)"])
    assert permissions(*asked(judged(a_command("echo")), lists, run_in_background=True)).level is ASK
    assert permissions(*asked(judged(a_command("echo")), lists, run_in_background=False)).level is ALLOW


@pytest.mark.parametrize("rule", ["mcp__orders", "mcp__orders__refund", "mcp__ringfence__orders__refund", "mcp__orders__re*"])
def test_lists_speak_of_calls_of_servers_too_by_either_name(rule: str) -> None:
    tool = build_tool(
        {"name": "refund", "inputSchema": {"type": "object"}},
        ToolRule(id=ToolId("orders.refund"), server=ServerId("orders"), upstream_name="refund"),
        None,
    )
    for lists, level in ((a_list(deny=[rule]), DENY), (a_list(ask=[rule]), ASK), (a_list(), ALLOW), (None, ALLOW)):
        agent = Agent(id=AGENT, purpose="to code", tools=frozenset({tool.id}), permissions=lists)
        facts = Facts(now=Millis(0), chain=(), agent=agent, tool=tool)
        assert permissions(frame(CallId("c"), AGENT, RUN, tool, {}), facts).level is level


SECRET = [
    ".env", "deep/.env", ".env.production", "prod.env", "certs/server.key", "a/b.pem", f"{HOME}/.ssh/id_ed25519",
    f"{HOME}/.ssh/config",
    f"{HOME}/.aws/credentials", f"{HOME}/.netrc", f"{HOME}/.git-credentials", "/proc/1/environ", "/proc/self/environ",
    "/etc/shadow",
    f"{HOME}/.local/share/keyrings/login.keyring", f"{HOME}/.mozilla/firefox/x/logins.json", f"{HOME}/.docker/config.json",
    f"{HOME}/.kube/config", "infra/terraform.tfstate", "secrets.yaml", "/home/other/.SSH/ID_RSA",
    f"{HOME}/.config/gcloud/x.json", ".npmrc",
    f"{HOME}/.claude/.credentials.json", f"{HOME}/.bash_history",
]  # fmt: skip


@pytest.mark.parametrize("path", SECRET)
def test_files_that_hold_secrets_are_denied_whatever_lists_allow(path: str) -> None:
    lists = a_list(allow=["Bash", "Read", f"Bash(cat {path})"])
    for use in (Use.READ, Use.EXECUTE):
        verdict = secret_files(*asked(judged(a_command(f"cat {path}", "reads", paths=(a_use(use, path),))), lists))
        assert (verdict.level, codes(verdict)) == (DENY, {ReasonCode.SECRET_FILE})


PUBLIC = [
    ".env.example", ".env.sample", "config/app.env.template", f"{HOME}/.ssh/id_rsa.pub", f"{HOME}/.ssh/known_hosts",
    "environment.py", "env.ts",
    "src/keys.py", "docs/secrets.md", "monkey.txt", "package.json",
]  # fmt: skip


@pytest.mark.parametrize("path", PUBLIC)
def test_what_only_looks_like_one_is_none(path: str) -> None:
    assert secret_files(*asked(judged(a_tool("Read", path, reads(path))))).level is ALLOW


def test_a_link_to_a_secret_is_the_secret_and_a_secret_that_leads_elsewhere_is_one() -> None:
    for use in (
        reads("notes", real=f"{PROJECT}/.env"),
        reads(".env", real=f"{PROJECT}/notes"),
        reads(".env.example", real=f"{PROJECT}/.env"),
    ):
        assert secret_files(*asked(judged(a_tool("Read", "x", use)))).level is DENY


def test_moving_a_secret_is_reading_it_and_removing_or_listing_it_is_not() -> None:
    moved = a_command("mv .env x", "writes", paths=(deletes(".env", moved_to=f"{PROJECT}/x"),))
    assert secret_files(*asked(judged(moved))).level is DENY
    for use in (deletes(".env"), a_use(Use.LIST, ".env"), writes(".env")):
        assert secret_files(*asked(judged(a_command("x", "writes", paths=(use,))))).level is ALLOW


def test_what_may_be_a_secret_or_comes_along_with_a_folder_asks() -> None:
    for use in (a_use(Use.READ, "/**", real="", is_pattern=True), reads(".env", through=PROJECT)):
        verdict = secret_files(*asked(judged(a_command("cat", "reads", paths=(use,)))))
        assert (verdict.level, verdict.gates) == (ASK, (Gate(ReasonCode.SECRET_FILE),))


def test_own_variables_ask_and_those_of_others_are_denied() -> None:
    own = a_command("env", "reads secrets", paths=(reads("/proc/77/environ"),))
    other = a_command("cat /proc/77/environ", "reads", paths=(reads("/proc/77/environ"),))
    assert secret_files(*asked(judged(own))).level is ASK
    assert secret_files(*asked(judged(other))).level is DENY


def test_what_shows_secrets_asks_where_nobody_wrote_lists() -> None:
    assert secret_files(*asked(judged(a_command("printenv", "reads secrets")))).level is ASK


def test_a_configuration_adds_secrets_and_takes_some_away() -> None:
    local = LocalRules(secrets=SecretRules(deny=("*.private",), allow=("test/*.pem",)))
    assert secret_files(*asked(judged(a_tool("Read", "x", reads("a.private"))), local=local)).level is DENY
    assert secret_files(*asked(judged(a_tool("Read", "x", reads("test/a.pem"))), local=local)).level is ALLOW
    assert secret_files(*asked(judged(a_tool("Read", "x", reads("a.pem"))), local=local)).level is DENY


def test_the_home_of_root_is_no_secret_of_its_own_run() -> None:
    place = Place(cwd="/root/p", roots=("/root/p",), home="/root")
    assert secret_fit(reads("/root/p/a.py"), place) is Fit.NONE
    assert secret_fit(reads("/root/.ssh/id_rsa"), place) is Fit.ALL
    assert secret_fit(reads("/root/p/a.py"), PLACE) is Fit.ALL


@pytest.mark.parametrize(("contents", "level"), [(Outcome.DENY, DENY), (Outcome.ASK, ASK), (Outcome.ALLOW, ALLOW)])
def test_secrets_in_what_is_written_are_judged_by_the_rules(contents: Outcome, level: Level) -> None:
    judgement = judged(a_tool("Write", "x", writes("x")), secrets=("github-pat at line 3",))
    verdict = secret_files(*asked(judgement, local=LocalRules(secrets=SecretRules(contents=contents))))
    assert verdict.level is level
    assert codes(verdict) == (set() if level is ALLOW else {ReasonCode.SECRET})


@pytest.mark.parametrize(("outside", "level"), [(Outcome.DENY, DENY), (Outcome.ASK, ASK), (Outcome.ALLOW, ALLOW)])
def test_what_lies_outside_is_judged_by_the_rules_unless_a_rule_speaks_of_it(outside: Outcome, level: Level) -> None:
    local = LocalRules(overreach=Overreach(outside=outside))
    for act in (a_tool("Read", "x", reads("/opt/x")), a_tool("Write", "x", writes("/opt/x"))):
        assert overreach(*asked(judged(act), local=local)).level is level
        assert overreach(*asked(judged(act), a_list(allow=["Read(//opt/**)", "Edit(//opt/**)"]), local)).level is ALLOW
    assert overreach(*asked(judged(a_tool("Read", "x", reads("src/x"))), local=local)).level is ALLOW


PROTECTED = [
    ".git", "sub/.git", ".git/config.worktree", ".git/rebase-merge/git-rebase-todo", ".git/objects/info/alternates",
    "crates/a/.cargo/config.toml", "rust-toolchain", ".mvn/jvm.config", ".pnpmfile.cjs", "node_modules/.bin/tsc", ".venv/bin/x",
    ".github/workflows/ci.yml", ".gitlab-ci.yml", ".git/hooks/pre-commit", ".husky/pre-push", "CLAUDE.md", ".mcp.json",
    ".vscode/tasks.json",
    "package-lock.json", "web/yarn.lock", "Cargo.lock", "go.sum", "infra/main.tf", "deploy/k8s/api.yaml",
    "src/auth/login.py", "policies/a.cedar",
    f"{HOME}/.bashrc", f"{HOME}/.ssh/authorized_keys", "CODEOWNERS",
]  # fmt: skip


@pytest.mark.parametrize("path", PROTECTED)
def test_protected_paths_need_a_person_whatever_lists_allow(path: str) -> None:
    lists = a_list(allow=["Edit(//**)", "Bash"])
    for use in (writes(path), deletes(path), writes("link", real=writes(path).path)):
        verdict = overreach(*asked(judged(a_tool("Edit", "x", use)), lists, LocalRules(overreach=Overreach(quorum=2))))
        assert (verdict.level, verdict.gates) == (ASK, (Gate(ReasonCode.PROTECTED_PATH, 2),))
    assert overreach(*asked(judged(a_tool("Read", "x", reads(path))), lists)).level is ALLOW or path.startswith(HOME)


def test_a_configuration_protects_more_and_less() -> None:
    local = LocalRules(overreach=Overreach(protected=("billing/**",), unprotected=("src/auth/**",)))
    assert overreach(*asked(judged(a_tool("Edit", "x", writes("a/billing/b.py"))), local=local)).level is ASK
    assert overreach(*asked(judged(a_tool("Edit", "x", writes("src/auth/b.py"))), local=local)).level is ALLOW
    assert overreach(*asked(judged(a_tool("Edit", "x", writes("src/plain.py"))), local=local)).level is ALLOW


RAILS = [
    ".claude/settings.json", ".claude/settings.local.json", ".ringfence/state.db", "sub/.claude/hooks/x.sh",
    "/etc/claude-code/managed-settings.json",
    f"{HOME}/.codex/config.toml", f"{HOME}/.claude.json", "/srv/rf/ringfence.yaml", "/srv/rf/state/db",
]  # fmt: skip


@pytest.mark.parametrize("path", RAILS)
def test_a_run_that_reaches_for_its_own_rails_is_halted(path: str) -> None:
    local = LocalRules(guard_rails=("/srv/rf/ringfence.yaml", "/srv/rf/state"))
    lists = a_list(allow=["Edit(//**)", "Bash"])
    for use in (writes(path), deletes(path), writes("link", real=writes(path).path)):
        call, facts = asked(judged(a_tool("Edit", "x", use)), lists, local)
        verdict = guard_rails(call, facts)
        assert (verdict.level, codes(verdict)) == (HALT, {ReasonCode.GUARD_RAIL})
        assert decide(call, facts).level is HALT
    assert guard_rails(*asked(judged(a_tool("Read", "x", reads(path))), lists, local)).level is ALLOW


def test_the_folder_of_the_rails_is_one_and_a_folder_above_them_asks() -> None:
    local = LocalRules(guard_rails=("/srv/rf/ringfence.yaml",))
    gone = a_command("rm -rf .claude", "deletes", paths=(deletes(".claude", is_folder=True, below=True),))
    assert guard_rails(*asked(judged(gone), local=local)).level is HALT
    above = a_command("rm -rf /srv", "deletes", paths=(deletes("/srv", is_folder=True, below=True),))
    assert guard_rails(*asked(judged(above), local=local)).level is ASK
    beside = a_command("rm -rf /srv/other", "deletes", paths=(deletes("/srv/other", is_folder=True, below=True),))
    assert guard_rails(*asked(judged(beside), local=local)).level is ALLOW


def test_gates_are_those_of_acts_that_no_allow_rule_answers_for() -> None:
    push, spend = a_command("git push", "sends"), a_command("aws ec2 run", "spends")
    named = a_list(allow=["Bash(git push *)"])
    assert blast_radius(*asked(judged(push))).gates == (Gate(ReasonCode.IRREVERSIBLE),)
    assert blast_radius(*asked(judged(push), a_list(allow=["Bash"]))).gates == (Gate(ReasonCode.IRREVERSIBLE),)
    assert blast_radius(*asked(judged(push), named)).level is ALLOW
    assert ReasonCode.COSTS_MONEY in codes(blast_radius(*asked(judged(push, spend), named)))


def test_a_folder_is_searched_for_what_rules_forbid_and_for_secrets() -> None:
    is_guarded = guarded_by(a_list(deny=["Read(./secrets/**)"], ask=["Read(*.private)"], allow=["Read"]), LocalRules(), PLACE)
    guarded = [
        path for path in ("secrets/k", "a/b.private", ".env", "src/a.py", "README.md") if is_guarded(f"{PROJECT}/{path}")
    ]
    assert guarded == ["secrets/k", "a/b.private", ".env"]


def capped() -> Rules:
    rule = AgentRule(id=AGENT, purpose="x", tools=(), local=LocalRules(), limits=Limits(files=2, lines=100))
    return Rules(digest=Digest("d"), servers={}, tools={}, agents={AGENT: rule})


def test_files_and_lines_are_charged_to_the_run_and_to_those_above_it() -> None:
    rules = capped()
    plan = plan_of(rules, rules.agents[AGENT], LOCAL_TOOLS[tool_id("Edit")].rule)
    assert plan is not None
    judgement = judged(a_tool("Edit", "a", writes("a"), writes("b"), writes("a")), lines=30)
    call, facts = asked(judgement)
    limits = rules.agents[AGENT].limits
    chain = tuple(Link(link.run, 0, limits) for link in facts.chain)
    charges, faults = charges_of(plan, call, chain, local=judgement)
    assert not faults
    assert {charge.meter: (charge.kind, charge.cap, charge.amount, len(charge.values)) for charge in charges} == {
        "files:run/r1:all": (MeterKind.FILES, 2, 1, 2),
        "lines:run/r1:all": (MeterKind.LINES, 100, 30, 0),
    }
    assert {charge.meter for charge in meters_of(plan, chain)} == {charge.meter for charge in charges}
    files = next(charge for charge in charges if charge.kind is MeterKind.FILES)
    held, _ = reserve(None, files, Millis(1))
    assert refusal(held, files, Millis(2)) is None  # the same files once more
    third, _ = charges_of(plan, call, chain, local=judged(a_tool("Edit", "c", writes("c"))))
    assert refusal(held, third[0], Millis(2)) is not None


def test_more_files_than_can_be_counted_are_uncountable() -> None:
    rules = capped()
    plan = plan_of(rules, rules.agents[AGENT], LOCAL_TOOLS[tool_id("Edit")].rule)
    assert plan is not None
    judgement = judged(a_tool("Edit", "a", writes("a"), kind=Kind.FILE), files=tuple(f"/f{n}" for n in range(1001)))
    call, facts = asked(judgement)
    assert charges_of(plan, call, facts.chain, local=judgement)[1]


def test_a_server_tool_is_charged_for_no_files() -> None:
    rules = capped()
    assert plan_of(rules, rules.agents[AGENT], ToolRule(id=ToolId("a.b"), server=ServerId("a"), upstream_name="b")) is None
