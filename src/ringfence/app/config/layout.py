"""Every key of `ringfence.yaml`: its shape and its meaning. The reader, the messages and the editors' schema come from here."""

from __future__ import annotations

from typing import Any, Final

from ringfence.app.config.alerts_layout import ALERTS
from ringfence.app.config.box_layout import BOX, EGRESS, ENVIRONMENT, SERVER_BOX
from ringfence.app.config.credential_layout import CREDENTIAL, MINTER, MINTER_NAME
from ringfence.app.config.exchange_layout import EXCHANGE
from ringfence.app.config.guards_layout import STOP_WHEN
from ringfence.app.config.identity_layout import IDENTITY, LISTEN
from ringfence.app.config.limits_layout import AGENT_LIMITS, DELEGATE, GATEWAY_LIMITS, POINTER, SERVER_LIMITS, TOOL_LIMITS
from ringfence.app.config.local_layout import LOCAL
from ringfence.app.config.log_layout import LOG
from ringfence.app.config.model_limits_layout import TEAM, TEAMS
from ringfence.app.config.models_layout import AGENT_MODELS, LOCAL_TOOLS, MODELS
from ringfence.app.config.operators_layout import OPERATORS
from ringfence.app.config.permissions_layout import PERMISSIONS
from ringfence.app.config.personal_section import PERSONAL
from ringfence.app.config.provenance_layout import AUTHORITY, LOOKUP, PROVENANCE, RECORDS, SAID_AS
from ringfence.app.config.scan_layout import SCAN
from ringfence.app.config.secrets_layout import SECRET_VALUE, SECRETS
from ringfence.app.config.shapes import (
    Choice,
    Duration,
    FreeObject,
    Integer,
    Key,
    ListOf,
    MapOf,
    Record,
    Text,
    Truth,
    TruthOr,
)
from ringfence.app.config.telemetry_layout import TELEMETRY
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE
from ringfence.core.model.profile import Effect, Sensitivity, Trust
from ringfence.core.rules import Share

SERVER_ID: Final = r"[a-z0-9-]{1,24}"
TOOL_NAME: Final = r"[A-Za-z0-9_-]+"
TOOL_ID: Final = rf"{SERVER_ID}\.{TOOL_NAME}"
METHOD_ID: Final = rf"{SERVER_ID}\.(?:{READ_RESOURCE}|{GET_PROMPT}|{COMPLETE})"
CALLABLE_ID: Final = rf"(?:{TOOL_ID}|{METHOD_ID})"
"""A tool, or what stands for one of the other methods that a server executes."""
WIRE_NAME_MOST: Final = 64
RESERVED_SERVER_IDS: Final = frozenset({"ringfence", "egress", "model", "workspace", "local"})
"""`ringfence__claim` and its like are the gateway's own tools, and so are the ways out of a box (connections and results)
and requests to models."""
NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}"

_tool_id = Text("a tool id `server.tool`", TOOL_ID, 120, examples=("payments.refund",))
_pattern = Text(
    "a tool id or a pattern such as `orders.*`", r"[A-Za-z0-9_.*?/-]+", 120, examples=("orders.*", "payments.refund")
)
_pointers = ListOf(Text("a JSON pointer such as `/order_id`", POINTER, 200, examples=("/order_id",)), most=64)
_url = Text("an http or https URL", r"https?://[^\s]+", 2000, examples=("https://mcp.example/mcp",))

_SAMPLING: Final = Record(
    {
        "max_tokens": Key(Integer(1, 1_000_000), "The most tokens that one request may ask for.", default=2000),
    },
    "`true`, `false` or a mapping with `max_tokens`",
)

_ELICITATION: Final = Record(
    {
        "form": Key(Truth(), "Questions with fields to fill in. One that asks for a secret is refused.", default=False),
        "url_hosts": Key(
            ListOf(Text("a host name in lower case", r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", 253), most=100),
            "Hosts of https pages that a person may be sent to. None where absent.",
        ),
    },
    "a mapping with `form` and `url_hosts`",
)

GRANTS: Final = Record(
    {
        "sampling": Key(TruthOr(_SAMPLING), "Model calls on the account of the agent's client.", default=False),
        "elicitation": Key(_ELICITATION, "Questions to the person at the agent's client. They are shown as the server's."),
        "roots": Key(Truth(), "The folders that the agent's client works in.", default=False),
        "logging": Key(Truth(), "Log messages during a call, where the client wants them.", default=False),
        "requests_per_call": Key(Integer(0, 100), "How often one call may ask for any of this.", default=10),
    }
)

SERVER: Final = Record(
    {
        "command": Key(
            ListOf(Text("text", most=4000, integers=True), least=1, most=200),
            "Program and arguments of a server that speaks MCP on stdin and stdout. Either this or `url`.",
        ),
        "cwd": Key(Text("a folder", most=1000), "Folder to start the command in, relative to this file.", default="."),
        "env": Key(
            MapOf(SECRET_VALUE, r"[A-Za-z_][A-Za-z0-9_]*", "a variable name"),
            "Environment of the command. Nothing else of the gateway's environment is passed but PATH, HOME and the like.",
        ),
        "box": Key(
            SERVER_BOX,
            "The box that the command runs in: nothing of this machine but `/usr`, its `cwd` where that is written, and what "
            "`shows` and `writable` name; no network but `egress`; no variable but `env`. No box where absent.",
        ),
        "egress": Key(EGRESS, "Whom its box may reach. Nobody where absent."),
        "environment": ENVIRONMENT,
        "url": Key(
            _url,
            "Endpoint of a server that speaks MCP over streamable HTTP. Either this or `command`.",
        ),
        "headers": Key(
            MapOf(SECRET_VALUE, r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "a header name"),
            "Headers sent with every request to `url`. This is how the server's credential is injected behind the gateway.",
        ),
        "exchange": Key(
            EXCHANGE,
            "Calls reach the server at `url` with a token in the name of their user, made from the access token that the "
            "caller showed (RFC 8693). `headers` then serve for what is nobody's call.",
        ),
        "era": Key(
            Choice(("auto", "legacy", "modern")),
            "Protocol of the server: `legacy` (up to 2025-11-25), `modern` (2026-07-28), or `auto` to probe once.",
            default="auto",
        ),
        "share": Key(
            Choice(tuple(Share)),
            "Who may share one upstream session or process: one `run`, all runs of one `agent`, or everybody (`server`).",
            default="run",
        ),
        "deadline": Key(Duration(1, 86400), "How long one call may take before its outcome counts as unknown.", default="300s"),
        "first_byte": Key(
            Duration(1, 86400),
            "How long the server at `url` may think before its answer begins, within `deadline`. One that answers in one piece "
            "of JSON needs it for all its work.",
            default="30s",
        ),
        "grants": Key(GRANTS, "What the server may ask of the agent's client while it serves a call. Nothing where absent."),
        "limits": Key(SERVER_LIMITS, "What all calls to the server together may use."),
        "scan": Key(SCAN, "What happens to what is found in the server's answers, errors, progress, logs and questions."),
        "closed_schemas": Key(
            Truth(),
            "Whether arguments that a tool's schema does not declare are refused even where the schema leaves that open. "
            "Derived tools always refuse them.",
            default=True,
        ),
    },
    "a mapping with `command` or `url`",
)

PROFILE: Final[dict[str, Key]] = {
    "effect": Key(Choice(tuple(Effect)), "Whether it only reads or writes.", default="write"),
    "reversible": Key(Truth(), "Whether what it does can be undone.", default=False),
    "inverse": Key(_tool_id, "The configured tool that undoes it. Implies `reversible: true`."),
    "bounded": Key(Truth(), "Whether one call changes a small, known amount of state.", default=False),
    "costs_money": Key(Truth(), "Whether a call costs or moves money.", default=True),
    "identity": Key(Truth(), "Whether it touches accounts, roles, keys or permissions.", default=True),
    "outbound": Key(Truth(), "Whether it reaches somebody outside the organisation.", default=True),
    "sensitivity": Key(Choice(tuple(Sensitivity)), "Confidentiality of what it reads.", default="regulated"),
    "trust": Key(
        Choice(tuple(Trust)),
        "Integrity of what it returns: `untrusted` unless nobody outside can write it.",
        default="untrusted",
    ),
    "authority": Key(
        AUTHORITY,
        "The arguments that carry authority (recipient, amount, host): JSON pointers, each with its role, or a list of them. "
        "`[]`: none does. Absent: every argument that is not plainly content.",
    ),
    "clearance": Key(
        Choice(tuple(Sensitivity)), "The highest confidentiality of what a run has read that may go there without a person."
    ),
    "lookup": Key(LOOKUP, "A trusted lookup: fields that are believed when it was reached by trusted keys."),
    "records": Key(RECORDS, "What people call its records, and what the server itself calls them."),
    "said_as": Key(
        SAID_AS,
        "Words one of which people say who ask for what it does: `[release, lift isolation]`, also in other forms. A call that "
        "changes something or reaches outside, in an untrusted run whose trusted words hold none of them, asks.",
    ),
    "sanitiser": Key(
        Truth(),
        "Its output schema holds only numbers, truths, enumerated words, dates and ids, and what it returns is held to it: "
        "that makes no run untrusted.",
        default=False,
    ),
    "memory": Key(Truth(), "What is written to it comes back from it: its server keeps the labels of runs.", default=False),
    "secret": Key(_pointers, "JSON pointers of the arguments whose value never enters an entry, a card or a log."),
    "objects": Key(_pointers, "JSON pointers of the arguments that name the object touched, for `audit touched`."),
    "quorum": Key(Integer(1, 20), "How many distinct operators must approve a gated call.", default=1),
    "worst": Key(
        Text("one sentence", most=300), "The worst that one call can do, in one sentence. Shown on the approval card."
    ),
}

_WHEN = Record(
    {
        "if": Key(
            Text("a condition such as `amount <= 20 and currency == 'EUR'`", most=500),
            "`ARGUMENT OP LITERAL [and ...]`: an argument or JSON pointer; == != <= < >= > in; "
            "a number, 'text', true, false or ['a', 'b']. "
            "An absent argument or another type never holds.",
            required=True,
        ),
        **{name: Key(key.shape, key.about) for name, key in PROFILE.items()},
    },
    "a mapping with `if` and the profile fields that change",
)
_TIGHTEN = Key(FreeObject(), "A JSON Schema that the arguments must satisfy besides the server's own. It only narrows.")

TOOL: Final = Record(
    {
        **PROFILE,
        "when": Key(
            ListOf(_WHEN, most=50),
            "Conditional profiles: the first whose condition holds replaces the fields it names. Leniency lives here.",
        ),
        "tighten": _TIGHTEN,
        "limits": Key(TOOL_LIMITS, "What its calls may use together."),
        "personal_data": Key(PERSONAL, "What identifies a person, in place of what its server has."),
        "credential": Key(CREDENTIAL, "The one credential that its calls carry besides what its server is reached with."),
        "pin": Key(
            Text("`sha256:` and 64 hexadecimal digits", r"sha256:[0-9a-f]{64}", 71),
            "Digest of the server's definition as you reviewed it; `ringfence init` writes it. Another definition is hidden "
            "until an admin approves it. Absent: the definition that the gateway sees first counts.",
        ),
    },
    "a mapping of profile fields (`{}` for the worst of each)",
)

DERIVED: Final = Record(
    {
        "from": Key(_tool_id, "The wide tool that is called.", required=True),
        "title": Key(Text("text", most=200), "Title shown to agents."),
        "description": Key(
            Text("text", most=4000, lines=True), "What agents read instead of the wide tool's description.", required=True
        ),
        "fixed": Key(FreeObject(), "Arguments that the gateway fills in. Removed from the schema that agents see."),
        **TOOL.keys,
    },
    "a mapping with `from` and `description`",
)

AGENT: Final = Record(
    {
        "purpose": Key(Text("one sentence", most=500), "What the agent is for. Shown on approval cards.", required=True),
        "tools": Key(
            ListOf(_pattern, most=500),
            "The tools that exist for it: ids or patterns (`orders.*`). Nothing else does. Only an agent with a `box`, or "
            "one that asks models or has `local`, may do without.",
        ),
        "tighten": Key(
            MapOf(FreeObject(), CALLABLE_ID, "a tool id `server.tool`"),
            "Per tool, a JSON Schema that this agent's arguments must satisfy besides all others.",
        ),
        "limits": Key(AGENT_LIMITS, "What one run with its child runs may use, and all runs of the agent together."),
        "stop_when": Key(STOP_WHEN, "What pauses a run of it without anybody asking. Nothing where absent."),
        "models": Key(AGENT_MODELS, "The models that its runs may ask, of those that `models` has. All of them where absent."),
        "observe": Key(LOCAL_TOOLS, "What results of its local tools are worth; these names count before those of `models`."),
        "team": Key(TEAM, "Whose model limits its runs count against as well (`teams`)."),
        "delegate": Key(
            DELEGATE,
            "Its runs may open child runs by themselves (`ringfence__delegate`), within these caps. They may not where absent.",
        ),
        "box": Key(BOX, "The box that its commands run in (`ringfence run`)."),
        "egress": Key(EGRESS, "Whom its boxes may reach. Nobody where absent."),
        "environment": Key(
            ENVIRONMENT.shape,
            "The environment that it is bound to: servers, hosts and credentials with this label, or `any`, are there for it, "
            "and nothing else is. Where absent it is bound to none.",
        ),
        "permissions": Key(
            PERMISSIONS,
            "Its permission lists, in the syntax of Claude Code's settings; deny goes before ask, and ask before allow.",
        ),
        "local": Key(
            LOCAL, "Its client's own tools (shell, files, fetches) are decided here, by hooks. They are not where absent."
        ),
        "separation": Key(Truth(), "Whether the operator who opened a run is barred from approving for it.", default=False),
        "approvers": Key(
            ListOf(Text("an operator's name, or `group:` and a group's", rf"(?:group:)?{NAME}", 70), most=200),
            "Who may approve for it: operators, and groups as `group:NAME`. Every approver and admin where absent.",
        ),
        "approval_expiry": Key(Duration(10, 30 * 86400), "How long an approval waits before it expires.", default="1h"),
        "run_ttl": Key(Duration(10, 7 * 86400), "Life of a run credential between renewals.", default="15m"),
        "users": Key(
            ListOf(Text("a local user", r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}", 64, integers=True), most=200),
            "Local users (uid or name) who may open runs with `ringfence connect`. The gateway's own user where absent.",
        ),
        "only_mcp": Key(
            Truth(),
            "The operator's word that this agent has no shell and no files, so it cannot reach the gateway's state.",
            default=False,
        ),
        "provenance": Key(PROVENANCE, "Besides the file's own `provenance`: lists add up, the agent's modes count."),
        "unsafe_anonymous": Key(
            Truth(),
            "Whoever connects from this machine without a credential is this agent, in one run that only an operator resets. "
            "Any local program can then act as it (`users` bars other users' programs). At most one agent.",
            default=False,
        ),
    },
    "a mapping with `purpose`, and with `tools` or `box`",
)

FILE: Final = Record(
    {
        "version": Key(Integer(1, 1), "Version of this format.", required=True),
        "servers": Key(
            MapOf(SERVER, SERVER_ID, "a server id of a-z, 0-9 and `-`, at most 24 characters"), "Upstream MCP servers, by id."
        ),
        "tools": Key(
            MapOf(TOOL, CALLABLE_ID, "a tool id `server.tool` of letters, digits, `_` and `-`"),
            "What each tool can do. One that is not listed exists for no agent; every omitted field means the worst. "
            f"`server.{READ_RESOURCE}`, `server.{GET_PROMPT}` and `server.{COMPLETE}` stand for a server's resources, prompts "
            "and completion.",
        ),
        "derived": Key(
            MapOf(DERIVED, TOOL_ID, "a tool id `server.tool` of letters, digits, `_` and `-`"),
            "Narrow tools made from wide ones by fixing and tightening arguments.",
        ),
        "agents": Key(MapOf(AGENT, NAME, "an agent's name of letters, digits and `_.@-`"), "Registered agents, by name."),
        "teams": Key(TEAMS, "What agents may use of models together, by the name of their team."),
        "models": Key(MODELS, "Models behind the gateway, at `/anthropic`: where they are, what they cost. None where absent."),
        "personal_data": Key(PERSONAL, "What identifies a person is looked for, on every server. Not where absent."),
        "provenance": Key(PROVENANCE, "Where values of calls may come from, and what may leave."),
        "limits": Key(GATEWAY_LIMITS, "What everything together may use, and what holds for every agent."),
        "approvals": Key(
            Record(
                {
                    "hold": Key(
                        Duration(1, 600),
                        "How long a call is held before its client is told that the approval is pending.",
                        default="45s",
                    ),
                    "legs": Key(
                        Integer(0, 100), "How many times a modern client is asked to come back before it is told so.", default=9
                    ),
                }
            ),
            "How long things wait for people.",
        ),
        "authorization": Key(
            Record(
                {
                    "issuers": Key(
                        ListOf(_url, most=20),
                        "Authorization servers that the metadata of `/mcp` names to clients (RFC 9728): https, or http on this "
                        "machine. They are told, never asked.",
                    )
                }
            ),
            "What clients without a credential are told. It gives nobody access.",
        ),
        "alerts": Key(ALERTS, "Who is told what."),
        "policies": Key(
            Text("a folder", most=1000),
            "Folder of the policies (`*.cedar`), relative to this file. `policies` where it is absent and there is one.",
            default="policies",
        ),
        "commands": Key(
            ListOf(Text("a file", most=1000), most=20),
            "Files in TOML that describe more commands of shells, or ours anew, relative to this file. They are read with it. "
            "See docs/commands.md.",
        ),
        "timezone": Key(
            Text("a time zone such as `Europe/Berlin`", r"[A-Za-z0-9_+/-]{1,64}", 64, examples=("UTC", "Europe/Berlin")),
            "The time zone of the clock that policies read.",
            default="UTC",
        ),
        "groups": Key(
            MapOf(
                ListOf(Text("an operator's name", NAME, 64), most=200),
                r"[A-Za-z][A-Za-z0-9_.@-]{0,63}",
                "a group's name of letters, digits and `_.@-`",
            ),
            "Groups of approvers, by name: who counts where a policy asks for one with `@approve`. A group that only "
            "`operators.oidc` fills has an empty list.",
        ),
        "control": Key(
            Record(
                {
                    "public_url": Key(
                        _url,
                        "Address of the control plane that notifications link to.",
                    )
                }
            ),
            "The control plane as people reach it.",
        ),
        "minters": Key(
            MapOf(MINTER, MINTER_NAME, "a name of letters, digits, `_` and `-`"),
            "Systems that credentials are made in for one call, by name.",
        ),
        "secrets": Key(SECRETS, "Where secrets are looked up that `vault:` references name."),
        "listen": Key(LISTEN, "Where agents connect over TCP. `--port` says at which port."),
        "identity": Key(IDENTITY, "Who outside is believed about agents."),
        "operators": Key(OPERATORS, "Who outside is believed about people."),
        "log": Key(LOG, "Where the audit log goes besides the state directory, and how long it keeps bodies."),
        "telemetry": Key(TELEMETRY, "Where traces are sent. Metrics are at `/metrics` of the control plane in any case."),
    },
    "a mapping that begins with `version: 1`",
)


def config_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `ringfence.yaml`, for editors. The loader checks more: references, conditions, schemas."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ringfence.yaml", **FILE.schema()}
