"""The keys of an agent's box and of its way out."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.secrets_layout import SECRET_FROM
from ringfence.app.config.shapes import Choice, Duration, Integer, Key, ListOf, MapOf, Record, Text, Truth
from ringfence.core.model.egress import EgressMode, Unlisted
from ringfence.core.model.profile import Sensitivity

HOST: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+"
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
PROFILES: Final = ("light", "code", "ops")

ENVIRONMENT: Final = Key(
    Text("a label such as `staging`", r"[a-z0-9][a-z0-9_.-]{0,39}", 40, examples=("staging",)),
    "The environment that it belongs to; `any` is every one. Agents that are bound to an environment reach nothing else.",
)

_BOX: Final[dict[str, Key]] = {
    "profile": Key(
        Choice(PROFILES),
        "What it starts from: `light` has no network and no writing outside the workspace, `code` has room to build and "
        "test, `ops` is for work on other systems.",
        required=True,
    ),
    "memory_mib": Key(Integer(16, 1_048_576), "Memory of all its processes together, in MiB."),
    "processes": Key(Integer(1, 32_768), "How many processes and threads there may be."),
    "cpu_percent": Key(Integer(1, 100_000), "Percent of one processor."),
    "open_files": Key(Integer(16, 1_048_576), "Descriptors of one process."),
    "file_mib": Key(Integer(1, 1_048_576), "The largest file, in MiB."),
    "workspace_mib": Key(Integer(1, 1_048_576), "Size of the workspace, in MiB."),
    "tmp_mib": Key(Integer(1, 1_048_576), "Size of `/tmp`, in MiB."),
    "wall_clock": Key(Duration(1, 30 * 86400), "How long it may live."),
    "network": Key(Truth(), "Whether there is a way out at all."),
    "shows": Key(
        ListOf(Text("an absolute path", r"/[^\x00\n]*", 500), most=50),
        "Paths of this machine that it sees, read-only, besides `/usr`.",
    ),
    "environment": Key(
        MapOf(Text("text", most=4000, integers=True), r"[A-Za-z_][A-Za-z0-9_]*", "a variable name"),
        "Variables of its processes. No secrets: whatever runs in the box can read them.",
    ),
}
BOX: Final = Record(
    {
        **_BOX,
        "protect": Key(
            ListOf(Text("a path pattern such as `deploy/` or `*.sql`", r"[^\x00-\x1f\x7f\\]+", 200), most=200),
            "Paths of a result whose change a person has to see, besides those that are built in (docs/workspaces.md).",
        ),
    },
    "a mapping with `profile`",
)
SERVER_BOX: Final = Record(
    {
        **_BOX,
        "wall_clock": Key(Duration(1, 30 * 86400), "How long one process may live. As long as it is used where absent."),
        "writable": Key(
            ListOf(Text("a folder", most=500), most=20),
            "Folders of this machine that it may write to, relative to this file. They belong to one ordinary user.",
        ),
    },
    "a mapping with `profile`",
)

_PATHS: Final = Record(
    {
        "methods": Key(ListOf(Choice(METHODS), least=1, most=7), "The methods that may be used.", required=True),
        "path": Key(
            Text("a path such as `/v1/orders` or `/v1/*`", r"/[^\s?#]*", 1000),
            "The path, exact; with `/*` at its end, everything below it.",
            required=True,
        ),
        "websocket": Key(Truth(), "Whether a WebSocket may be opened here.", default=False),
    },
    "a mapping with `methods` and `path`",
)

_HOST: Final = Record(
    {
        "host": Key(
            Text("a host name in lower case", HOST, 253, examples=("api.example.com",)), "The host, exact.", required=True
        ),
        "port": Key(Integer(1, 65535), "Its port.", default=443),
        "mode": Key(
            Choice(tuple(EgressMode)),
            "`tunnel` passes TLS on, once its server name is this host. `terminate` reads the requests, as `paths` and "
            "`credential` need.",
            default="tunnel",
        ),
        "paths": Key(ListOf(_PATHS, least=1, most=200), "With `terminate`: the requests that may be made. No others."),
        "header": Key(
            Text("a header's name", r"[A-Za-z][A-Za-z0-9-]{0,63}", 64),
            "The header that the credential goes into; whatever the box sends there is dropped.",
            default="Authorization",
        ),
        "prefix": Key(Text("text", most=40), "What stands before the secret, such as `Bearer `.", default=""),
        "credential": Key(SECRET_FROM, "The secret that requests to this host carry. It never enters the box."),
        "environment": ENVIRONMENT,
        "clearance": Key(
            Choice(tuple(Sensitivity)),
            "The highest confidentiality of what a run was given that may go there without a person, by the rule of two too.",
        ),
        "up_mib": Key(Integer(0, 1_048_576), "What one run may send there in all, in MiB.", default=64),
        "down_mib": Key(Integer(0, 16_777_216), "What one run may receive from there in all, in MiB.", default=4096),
        "addresses": Key(
            ListOf(Text("an IP address", r"[0-9A-Fa-f.:]+", 45, examples=("10.0.0.7",)), least=1, most=8),
            "What the name stands for: no resolver is asked, and they may be of this machine or the own network.",
        ),
        "private": Key(Truth(), "Whether the name may stand for an address of the own network.", default=False),
        "tls": Key(Truth(), "Whether it speaks TLS. Only with `terminate`, and `private` or `addresses`.", default=True),
    },
    "a mapping with `host`",
)

EGRESS: Final = Record(
    {
        "unlisted": Key(
            Choice(tuple(Unlisted)),
            "A host that stands here nowhere: `deny`; or `ask` a person, who may let this one run reach it until it ends.",
            default="deny",
        ),
        "hosts": Key(ListOf(_HOST, most=500), "The hosts that its boxes may reach."),
    },
    "a mapping with `hosts`",
)
