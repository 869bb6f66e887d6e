"""The keys of `local:` of an agent: what holds for the tools of a coding agent's own client."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.scan_layout import SCAN
from ringfence.app.config.shapes import Choice, Duration, Integer, Key, ListOf, Record, Text
from ringfence.core.model.local_rules import Client, Outcome, Words

_outcome: Final = Choice(tuple(one.value for one in Outcome))
_patterns: Final = ListOf(
    Text("a pattern of paths in gitignore syntax", most=1000, examples=("config/*.secret", "~/.vault/**")), most=500
)

_SECRETS: Final = Record(
    {
        "deny": Key(_patterns, "Files that hold secrets, besides those that are known (docs/permissions.md)."),
        "allow": Key(_patterns, "Files that hold none, although a known pattern fits."),
        "contents": Key(
            _outcome,
            "What follows where a secret stands in what would be written, sent or committed.",
            default=Outcome.DENY.value,
        ),
    },
    "a mapping with `deny`, `allow` and `contents`",
)

_OVERREACH: Final = Record(
    {
        "files": Key(
            Integer(1, 1_000_000), "Different files that a run with its child runs may write or delete. No cap where absent."
        ),
        "lines": Key(Integer(1, 100_000_000), "Lines that its file tools may add, change and take away. No cap where absent."),
        "outside": Key(
            _outcome,
            "What follows where a path outside of the run's folders is touched that no rule speaks of.",
            default=Outcome.ASK.value,
        ),
        "protected": Key(_patterns, "Paths whose change needs a person, besides those that are known."),
        "unprotected": Key(_patterns, "Paths whose change needs none, although a known pattern fits."),
        "approvals": Key(Integer(1, 10), "How many people have to approve such a change.", default=1),
    },
    "a mapping with `files`, `lines`, `outside` and `protected`",
)

_MCP: Final = Record(
    {
        "gateway": Key(
            ListOf(Text("a server's name", r"[A-Za-z0-9_.-]{1,64}", 64), least=1, most=20),
            "Names that the client knows the gateway by: such calls are decided where they arrive.",
            default=["ringfence"],
        ),
        "others": Key(_outcome, "What follows where a tool of any other MCP server is called.", default=Outcome.DENY.value),
    },
    "a mapping with `gateway` and `others`",
)

LOCAL: Final = Record(
    {
        "client": Key(Choice(tuple(one.value for one in Client)), "Whose hooks call.", default=Client.CLAUDE_CODE.value),
        "roots": Key(
            ListOf(Text("a folder", most=4000, examples=("/srv/project",)), most=50),
            "The run's folders, the project first; relative to this file. Where absent, the folder that its client was started "
            "in, by the client's word.",
        ),
        "words": Key(
            Choice(tuple(one.value for one in Words)),
            "What prompts count for that the client tells of: nothing, or people's own words by the client's word.",
            default=Words.IGNORED.value,
        ),
        "secrets": Key(_SECRETS, "Files that hold secrets, and secrets in what is written."),
        "overreach": Key(_OVERREACH, "How far a run may go in its files."),
        "hold": Key(
            Duration(1, 3600),
            "How long a call is held for a person before it is denied with its ticket: below the time-out of the hook.",
            default="840s",
        ),
        "home": Key(
            Text("a folder", most=4000, examples=("/home/ada",)),
            "The home directory of the user that the client is. Where absent, that of the first of the agent's `users`, else"
            " the gateway's own.",
        ),
        "scan": Key(
            SCAN,
            "What happens to what is found in results of its tools, and in what they are given. The file's own `personal_data`"
            " does not count here: what is masked in a command or a file is masked in what is run and written.",
        ),
        "mcp": Key(_MCP, "MCP servers that the client has besides the gateway."),
        "guard_rails": Key(
            ListOf(Text("a path", most=4000), most=100),
            "Paths that no run may change besides those that are known: a run that tries is paused. This file is one.",
        ),
    },
    "a mapping; `local: {}` takes everything as it is by default",
)
