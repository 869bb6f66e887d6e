"""A server with resources, prompts and completion for tests, and rules that grant it everything but money.

| tool | effect | what happens |
|---|---|---|
| docs.search | reads internal data | allowed |
| docs.resources/read | the same | allowed where the URI begins with `file:///public/` or `memo:` |
| docs.prompts/get, docs.completion/complete | the same | allowed |

Agent `writer` was given everything, agent `guest` only `docs.search`. A second server `wiki` has the same prompt and resource
names, so that at `/mcp` only the server tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.core.model.identifiers import AgentId, Digest, ServerId
from ringfence.core.rules import AgentRule, ApprovalRules, Grants, Rules, ServerRule
from ringfence.ports.upstream import Described
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.scenario import READ, definition, tool_rule

DOCS = ServerId("docs")
WIKI = ServerId("wiki")
WRITER = AgentId("writer")
GUEST = AgentId("guest")

EVERYTHING = Grants(
    sampling=True, elicitation_form=True, elicitation_hosts=frozenset({"pay.example"}), roots=True, logging=True
)
CAPABILITIES: Mapping[str, Any] = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
    "completions": {},
    "logging": {},
    "experimental": {"x": {}},
    "extensions": {"io.modelcontextprotocol/tasks": {}},
}
OPEN = {"uri": "file:///public/a.txt", "name": "a", "mimeType": "text/plain", "com.example/note": [1]}
MEMO = {"uri": "memo:1", "name": "memo"}
SECRET = {"uri": "file:///private/b.txt", "name": "b"}
TEMPLATE = {"uriTemplate": "memo:{number}", "name": "memos"}
PROMPT = {"name": "greet", "description": "Says hello.", "arguments": [{"name": "who", "required": True}]}


def library_upstream() -> FakeUpstream:
    """One such server."""
    upstream = FakeUpstream((definition("search", {"text": {"type": "string"}}, ["text"]),))
    upstream.described = Described(
        era="modern",
        capabilities=CAPABILITIES,
        instructions="Search before you read.",
        resources=(OPEN, MEMO, SECRET),
        templates=(TEMPLATE, {"uriTemplate": "file:///private/{name}", "name": "private"}),
        prompts=(PROMPT,),
    )
    return upstream


def library_upstreams() -> dict[ServerId, FakeUpstream]:
    return {DOCS: library_upstream(), WIKI: library_upstream()}


def library_rules(*, grants: Grants = EVERYTHING, approvals: ApprovalRules | None = None) -> Rules:
    """The configuration of both servers."""
    allowed = {"properties": {"uri": {"pattern": "^(file:///public/|memo:)"}}}
    tools = [
        rule
        for server in (DOCS, WIKI)
        for rule in (
            tool_rule(f"{server}.search", READ),
            tool_rule(f"{server}.resources/read", READ, tighten=allowed),
            tool_rule(f"{server}.prompts/get", READ),
            tool_rule(f"{server}.completion/complete", READ),
        )
    ]
    agents = (
        AgentRule(id=WRITER, purpose="writes", tools=("docs.*", "wiki.*")),
        AgentRule(id=GUEST, purpose="looks", tools=("docs.search",)),
    )
    return Rules(
        digest=Digest("1" * 64),
        servers={server: ServerRule(id=server, grants=grants) for server in (DOCS, WIKI)},
        tools={rule.id: rule for rule in tools},
        agents={rule.id: rule for rule in agents},
        approvals=approvals or ApprovalRules(),
    )
