"""The keys of `permissions:` of an agent."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.shapes import Key, ListOf, Record, Text

_rules: Final = ListOf(
    Text(
        "a rule such as `Bash(npm test *)`",
        most=2000,
        lines=True,
        examples=("Bash(npm test *)", "Read(./.env)", "Edit(/infra/**)"),
    ),
    most=2000,
)
_folder: Final = Text("a folder", most=4000)

PERMISSIONS: Final = Record(
    {
        "deny": Key(_rules, "What no act of a call may be, however it is spelt. Goes before all others."),
        "ask": Key(_rules, "What waits for a person. Goes before `allow`."),
        "allow": Key(_rules, "What may be done. A call is allowed if each of its acts is, or needs no rule."),
        "files": Key(
            ListOf(Text("a settings file", most=4000, examples=(".claude/settings.json",)), most=20),
            "Settings files whose `permissions` hold as well: of a project (`PROJECT/.claude/settings.json`), of a user, or "
            "managed. Read when this file is.",
        ),
        "additionalDirectories": Key(ListOf(_folder, most=50), "Folders besides the project that runs work in."),
    },
    "a mapping with `deny`, `ask`, `allow` and `files`",
)
