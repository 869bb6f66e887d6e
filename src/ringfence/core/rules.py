"""The operator's configuration as the decision reads it: one immutable snapshot, replaced whole on reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from ringfence.core.metering.rules import ModelRules
from ringfence.core.model.agent import Limits
from ringfence.core.model.box import BoxProfile
from ringfence.core.model.credential import Place, ToolCredential
from ringfence.core.model.egress import EgressRules
from ringfence.core.model.environment import is_within
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.guards import GuardRules
from ringfence.core.model.identifiers import AgentId, Digest, OperatorName, ServerId, ToolId
from ringfence.core.model.limits import NO_LIMITS, NO_TOOL_LIMITS, Loops, ToolLimits, UseLimits
from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.model_use import ModelLimits
from ringfence.core.model.operator import Operator
from ringfence.core.model.people import PeopleRules
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.model.policy import Policies
from ringfence.core.model.profile import WORST_PROFILE, ConditionalProfile, ToolProfile
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.scan.personal import Personal

GROUP = "group:"
"""What a group's name begins with where an agent's approvers are listed."""


def server_agent(server: ServerId) -> AgentId:
    """In whose name a server in a box reaches others. No agent that is configured has such a name."""
    return AgentId(f"server:{server}")


class Share(StrEnum):
    """Who may share one upstream session or process."""

    RUN = "run"
    AGENT = "agent"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a server may ask of the agent's client. Nothing, unless the operator says so."""

    sampling: bool = False
    sampling_tokens: int = 2000
    """The most `maxTokens` that one request may ask for."""
    elicitation_form: bool = False
    elicitation_hosts: frozenset[str] = frozenset()
    """Hosts of https URLs that an elicitation may send a person to; empty: none."""
    roots: bool = False
    logging: bool = False
    requests_per_call: int = 10


class InstructionAction(StrEnum):
    """What happens to a server's text that speaks to a model, or that a person does not see."""

    FLAG = "flag"
    """It is passed on as it is, recorded, and people are told."""
    MASK = "mask"
    """Each passage is replaced, and the rest passes."""
    WITHHOLD = "withhold"
    OFF = "off"


class SecretAction(StrEnum):
    """What happens to credentials in a server's text."""

    MASK = "mask"
    FLAG = "flag"
    WITHHOLD = "withhold"
    OFF = "off"


class ArgumentAction(StrEnum):
    """What happens to a call whose arguments hold a credential of a known format."""

    DENY = "deny"
    FLAG = "flag"
    """It goes on; what was found is recorded with its outcome, and people are told."""
    OFF = "off"


class PersonalArguments(StrEnum):
    """What happens to a call whose arguments hold personal data."""

    DENY = "deny"
    MASK = "mask"
    """Each is replaced before anything is decided: what is approved, recorded and sent is the masked call."""
    FLAG = "flag"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalRule:
    """What is looked for of what identifies a person, and what happens to it."""

    look_for: Personal
    results: SecretAction = SecretAction.MASK
    arguments: PersonalArguments = PersonalArguments.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRule:
    """What happens to what the scan finds in a server's answers, and in what agents send to it."""

    instructions: InstructionAction = InstructionAction.FLAG
    secrets: SecretAction = SecretAction.MASK
    arguments: ArgumentAction | None = None
    """None: as the call's profile says, `deny` where it reaches somebody outside, else `flag`."""
    allow: frozenset[str] = frozenset()
    """Rules whose hits in arguments count for nothing."""
    personal: PersonalRule | None = None
    """None: personal data is not looked for, and costs nothing."""

    def on_arguments(self, is_outbound: bool) -> ArgumentAction:
        """What holds for one call."""
        return self.arguments or (ArgumentAction.DENY if is_outbound else ArgumentAction.FLAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRule:
    """One upstream server."""

    id: ServerId
    share: Share = Share.RUN
    deadline_s: float = 300.0
    grants: Grants = Grants()
    scan: ScanRule = ScanRule()
    identity: Digest = Digest("")
    """Of where the server is reached: its command and arguments, or its URL. Empty: not known."""
    limits: UseLimits = NO_LIMITS
    environment: str = ""
    """Its label, and that of its credentials; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """What the operator says about one tool. A listed tool without a rule is unknown, so it does not exist for any agent.

    A server's resources, prompts and completion are tools too, named by their method: `docs.resources/read`.
    """

    id: ToolId
    server: ServerId
    upstream_name: str
    profile: ToolProfile = WORST_PROFILE
    conditional: tuple[ConditionalProfile, ...] = ()
    tighten: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """A JSON Schema that arguments must satisfy besides the server's own."""
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Derived tools: arguments that the gateway fills in. Removed from the schema that agents see."""
    personal: PersonalRule | None = None
    """In place of the server's; None: the server's."""
    derived: bool = False
    title: str = ""
    description: str = ""
    """Derived tools: what agents read instead of the wide tool's description."""
    pin: Digest | None = None
    """The digest of the server's own definition that the operator's file names."""
    closed: bool = True
    """Arguments that the server's schema does not declare are refused even where the schema leaves that open."""
    limits: ToolLimits = NO_TOOL_LIMITS
    credential: ToolCredential | None = None
    """What its calls carry besides whatever its server is reached with."""
    environment: str = ""
    """The label of its server; empty: none."""

    @property
    def hidden(self) -> Mapping[str, Any]:
        """The argument that holds the credential, where one does, with its placeholder."""
        credential = self.credential
        return (
            {credential.name: credential.placeholder} if credential is not None and credential.place is Place.ARGUMENT else {}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRule:
    """One registered agent."""

    id: AgentId
    purpose: str
    tools: tuple[str, ...]
    """Tool ids or patterns (`orders.*`)."""
    tighten: Mapping[ToolId, Mapping[str, Any]] = field(default_factory=dict[ToolId, Mapping[str, Any]])
    limits: Limits = Limits()
    team: str = ""
    """Whose model limits its runs count against as well (`Rules.teams`); empty: nobody's."""
    separation: bool = False
    approvers: frozenset[OperatorName] = frozenset()
    """Names of operators, and of groups as `group:NAME`."""
    approval_expiry_s: int = 3600
    run_ttl_s: int = 900
    """Life of a run credential between renewals, in seconds."""
    uids: frozenset[int] = frozenset()
    """Local users whose processes may open runs of this agent over the agents' unix socket; empty: the gateway's own user."""
    only_mcp: bool = False
    """The operator declares that this agent has no shell and no files, so it cannot reach the gateway's state."""
    unsafe_anonymous: bool = False
    """Whoever connects from this machine without a credential is this agent, in its standing run. At most one agent."""
    delegate: SpawnCaps | None = None
    """Its runs may open child runs by themselves (`ringfence__delegate`), so far; None: only operators open children."""
    box: BoxProfile | None = None
    """What its box is like (`ringfence run`); None: it has no profile of its own."""
    egress: EgressRules | None = None
    """Whom its boxes may reach; None: nobody, and nobody is asked."""
    environment: str = ""
    """It reaches what has this label and nothing else; empty: labels mean nothing to it."""
    provenance: ProvenanceRules | None = None
    """Who is believed about the values of its calls; None: nobody looks where they come from."""
    models: tuple[str, ...] = ()
    """Models, or patterns (`claude-*`), that its runs may ask; none where the operator has named no upstream of models."""
    local: LocalRules | None = None
    """What holds for its client's own tools (`local.Bash` and the like); None: it has no hooks."""
    local_scan: ScanRule = ScanRule()
    """What happens to what the scan finds in results of its client's own tools, and in what they are given."""
    permissions: PermissionLists | None = None
    """Its permission lists; None: nobody wrote any."""
    server: ServerId | None = None
    """It is no agent but a server in a box: what its processes reach is asked in its name, and only the gateway opens runs."""

    @property
    def ways_out(self) -> EgressRules:
        """Whom its boxes may reach: nobody where the box has no network, whatever the rules say."""
        return self.egress if self.egress is not None and (self.box is None or self.box.network) else EgressRules()

    def may_see(self, tool: ToolId) -> bool:
        """Whether the tool is exposed to this agent."""
        return any(pattern == tool or fnmatchcase(tool, pattern) for pattern in self.tools)

    def has(self, tool: ToolRule) -> bool:
        """Whether a tool is exposed to this agent, and of its environment."""
        return self.may_see(tool.id) and self.is_for(tool)

    def is_for(self, tool: ToolRule) -> bool:
        """Whether a tool, with the credential that its calls carry, belongs to the environment that this agent is bound to."""
        of_credential = tool.credential.environments if tool.credential is not None else ()
        return is_within(self.environment, (tool.environment, *of_credential))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRules:
    """How long things wait for people."""

    hold_s: float = 45.0
    """How long a call is held before its client is told that the approval is pending."""
    legs: int = 9
    """How many times a modern client is asked to come back (`input_required`) before it is told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything the engine reads from the configuration."""

    digest: Digest
    servers: Mapping[ServerId, ServerRule]
    tools: Mapping[ToolId, ToolRule]
    agents: Mapping[AgentId, AgentRule]
    approvals: ApprovalRules = ApprovalRules()
    cap_alerts: tuple[int, ...] = (50, 80, 100)
    """Percent of a cap at which people are told."""
    burn_within_ms: int = 1_800_000
    """How soon a cap has to end, at the pace of the last minutes, for people to be told; 0: they are not."""
    limits: UseLimits = NO_LIMITS
    """Of everything together."""
    teams: Mapping[str, ModelLimits] = field(default_factory=dict[str, ModelLimits])
    """What the agents of a team may use of models together, by the team's name."""
    loops: Loops | None = None
    """When a run repeats itself; None: nobody looks."""
    guards: GuardRules | None = None
    """When a run is paused because it gets nowhere or spends too fast; None: nobody looks."""
    policies: Policies | None = None
    """None: there are none."""
    groups: Mapping[str, frozenset[OperatorName]] = field(default_factory=dict[str, frozenset[OperatorName]])
    """Groups of approvers, by name."""
    models: ModelRules | None = None
    """None: no model is reached through here."""
    people: PeopleRules | None = None
    """Who may log in at an issuer; None: nobody."""

    def groups_of(self, operator: Operator) -> tuple[str, ...]:
        """The groups that an operator is in, by name or by an issuer's word."""
        named = {group for group, members in self.groups.items() if operator.name in members}
        return tuple(sorted(named | set(operator.groups)))

    def is_among(self, approvers: frozenset[OperatorName], operator: Operator) -> bool:
        """Whether an agent's `approvers` name an operator or one of their groups. Everybody is where they name nobody."""
        given = {operator.name, *(f"{GROUP}{group}" for group in self.groups_of(operator))}
        return not approvers or not approvers.isdisjoint(given)

    @property
    def open_groups(self) -> frozenset[str]:
        """Groups whose members an issuer knows too, so that nobody here can count them."""
        return frozenset(group for rule in self.people.roles for group in rule.groups) if self.people else frozenset()

    @property
    def anonymous(self) -> AgentRule | None:
        """The agent that needs no credential, where the operator accepts that of one."""
        return next((agent for agent in self.agents.values() if agent.unsafe_anonymous), None)
