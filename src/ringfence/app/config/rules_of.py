"""Checked values to the engine's snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfence.app.config.alerts_section import burn_of
from ringfence.app.config.box_section import box_of, egress_of
from ringfence.app.config.guards_of import guards_of, stop_when_of
from ringfence.app.config.limits_of import freezes_of, leaving_of, loops_of, rate_of, tool_limits_of, use_limits_of
from ringfence.app.config.model_limits_of import model_limits_of, teams_of
from ringfence.app.config.models_of import agent_models_of, model_rules_of
from ringfence.app.config.operators_section import people_of
from ringfence.app.config.personal_section import personal_of
from ringfence.app.config.profiles import conditional_of, profile_of
from ringfence.app.config.provenance_of import provenance_of
from ringfence.app.config.scan_of import scan_of
from ringfence.core.model.agent import Limits
from ringfence.core.model.environment import ANY
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import AgentId, Digest, OperatorName, ServerId, ToolId
from ringfence.core.rules import (
    AgentRule,
    ApprovalRules,
    Grants,
    Rules,
    ServerRule,
    Share,
    ToolRule,
    server_agent,
)
from ringfence.core.strict_json.canonical import digest_of

Fields = Mapping[str, Any]


def rules_of(values: Fields, digest: Digest, users: Mapping[str, frozenset[int]]) -> Rules:
    """The snapshot of one file without problems. `users` has the uids of each agent."""
    servers: Mapping[str, Fields] = values.get("servers", {})
    tools = {ToolId(name): _tool(name, fields, servers) for name, fields in values.get("tools", {}).items()}
    tools |= {ToolId(name): _tool(name, fields, servers) for name, fields in values.get("derived", {}).items()}
    approvals: Fields = values.get("approvals", {})
    return Rules(
        digest=digest,
        servers={ServerId(name): _server(name, fields, values.get("personal_data")) for name, fields in servers.items()},
        tools=tools,
        agents={
            AgentId(name): _agent(name, fields, users[name], values.get("provenance", {}), agent_models_of(values, fields))
            for name, fields in values.get("agents", {}).items()
        }
        | {
            server_agent(ServerId(name)): _boxed(name, fields, values.get("provenance", {}))
            for name, fields in servers.items()
            if "box" in fields
        },
        approvals=ApprovalRules(hold_s=float(approvals.get("hold", 45)), legs=approvals.get("legs", 9)),
        limits=use_limits_of(values.get("limits", {})),
        teams=teams_of(values),
        models=model_rules_of(values),
        loops=loops_of(values.get("limits", {})),
        guards=guards_of(values.get("limits", {}), default="models" in values),
        cap_alerts=tuple(sorted(set(values.get("alerts", {}).get("caps_at", (50, 80, 100))))),
        burn_within_ms=burn_of(values.get("alerts", {})),
        groups={
            name: frozenset(OperatorName(member) for member in members) for name, members in values.get("groups", {}).items()
        },
        people=people_of(values),
    )


def _server(name: str, fields: Fields, personal: Fields | None) -> ServerRule:
    return ServerRule(
        id=ServerId(name),
        share=Share(fields.get("share", "run")),
        deadline_s=float(fields.get("deadline", 300)),
        grants=_grants(fields.get("grants", {})),
        limits=use_limits_of(fields.get("limits", {})),
        scan=scan_of(fields.get("scan", {}), personal),
        environment=fields.get("environment", ""),
        identity=digest_of({key: fields[key] for key in ("command", "cwd", "url") if key in fields}),
    )


def _pin(fields: Fields) -> Digest | None:
    return Digest(fields["pin"].removeprefix("sha256:")) if "pin" in fields else None


def _grants(fields: Fields) -> Grants:
    sampling: bool | Fields = fields.get("sampling", False)
    elicitation: Fields = fields.get("elicitation", {})
    return Grants(
        sampling=sampling is not False,
        sampling_tokens=sampling.get("max_tokens", 2000) if isinstance(sampling, Mapping) else 2000,
        elicitation_form=elicitation.get("form", False),
        elicitation_hosts=frozenset(elicitation.get("url_hosts", ())),
        roots=fields.get("roots", False),
        logging=fields.get("logging", False),
        requests_per_call=fields.get("requests_per_call", 10),
    )


def _tool(name: str, fields: Fields, servers: Mapping[str, Fields]) -> ToolRule:
    """One of `tools`, or one of `derived`: that one says which tool it is made `from`."""
    derived = "from" in fields
    server, _, upstream_name = (fields["from"] if derived else name).partition(".")
    profile = profile_of(fields)
    return ToolRule(
        id=ToolId(name),
        server=ServerId(server),
        upstream_name=upstream_name,
        profile=profile,
        conditional=conditional_of(fields.get("when", []), profile),
        tighten=fields.get("tighten", {}),
        pin=_pin(fields),
        fixed=fields.get("fixed", {}),
        derived=derived,
        limits=tool_limits_of(fields.get("limits", {})),
        personal=personal_of(fields.get("personal_data")),
        # A derived tool is there to be narrow: it never takes what the schema does not declare.
        closed=derived or servers[server].get("closed_schemas", True),
        title=fields.get("title", ""),
        description=fields.get("description", ""),
        environment=servers[server].get("environment", ""),
    )


def _delegate(fields: Fields | None) -> SpawnCaps | None:
    if fields is None:
        return None
    return SpawnCaps(depth=fields.get("depth", 2), children=fields.get("children", 5), tree=fields.get("tree", 20))


def _agent(name: str, fields: Fields, uids: frozenset[int], provenance: Fields, models: tuple[str, ...]) -> AgentRule:
    limits: Fields = fields.get("limits", {})
    clock: Fields = limited if isinstance(limited := limits.get("wall_clock"), dict) else {"cap": limited}
    return AgentRule(
        id=AgentId(name),
        purpose=fields["purpose"],
        tools=tuple(fields.get("tools", ())),
        tighten={ToolId(tool): schema for tool, schema in fields.get("tighten", {}).items()},
        limits=Limits(
            calls_per_run=limits.get("calls_per_run"),
            wall_clock_s=clock["cap"],
            counts_pauses=clock.get("pauses") != "free",
            pending_approvals=limits.get("pending_approvals", 3),
            rows_per_run=limits.get("rows_per_run"),
            rate=rate_of(limits.get("rate")),
            concurrent=limits.get("concurrent"),
            freezes=freezes_of(limits),
            loops=loops_of(limits),
            guards=guards_of(limits),
            stop_when=stop_when_of(fields),
            leaving=leaving_of(limits),
            files=fields.get("local", {}).get("overreach", {}).get("files"),
            lines=fields.get("local", {}).get("overreach", {}).get("lines"),
            model=model_limits_of(limits),
        ),
        team=fields.get("team", ""),
        models=models,
        separation=fields.get("separation", False),
        approvers=frozenset(OperatorName(operator) for operator in fields.get("approvers", [])),
        approval_expiry_s=fields.get("approval_expiry", 3600),
        run_ttl_s=fields.get("run_ttl", 900),
        uids=uids,
        only_mcp=fields.get("only_mcp", False),
        unsafe_anonymous=fields.get("unsafe_anonymous", False),
        delegate=_delegate(fields.get("delegate")),
        box=box_of(fields.get("box")),
        egress=egress_of(fields.get("egress")),
        environment=fields.get("environment", ""),
        provenance=provenance_of(provenance, fields.get("provenance", {})),
    )


def _boxed(server: str, fields: Fields, provenance: Fields) -> AgentRule:
    """In whose name the processes of a server in a box reach others."""
    label = str(fields.get("environment", ""))
    return AgentRule(
        id=server_agent(ServerId(server)),
        purpose=f"what the processes of server {server} reach from their boxes",
        tools=(),
        box=box_of(fields["box"]),
        egress=egress_of(fields.get("egress")),
        environment="" if label == ANY else label,
        server=ServerId(server),
        # What the run was given that such a process serves goes out by it as by the run's own box.
        provenance=provenance_of(provenance),
    )
