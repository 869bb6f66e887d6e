"""One permission rule as people write it, read into a value, or refused with what was expected.

The syntax is that of Claude Code's settings: `Tool`, or `Tool(specifier)`. A rule that its client would pass over in silence is
never dropped here: where it can only make things stricter it counts, and where it would loosen them it does not. A remark says
which it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from ringfence.core.model.permissions import Listed, PermissionRule, Speaks
from ringfence.core.permissions.paths import path_fault
from ringfence.core.permissions.statements import is_about_sql

MOST: Final = 2_000
"""Characters of one rule."""
READS: Final = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead"})
WRITES: Final = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})
SHELLS: Final = frozenset({"Bash", "Monitor"})
NAMED: Final = frozenset({"Agent", "Skill"})
_ALIASES: Final = {"Task": "Agent", "apply_patch": "Patch", "shell": "Bash"}
_KNOWN: Final = frozenset(
    {
        *READS, *WRITES, *SHELLS, *NAMED, "WebFetch", "WebSearch", "Patch", "Cd", "TodoWrite", "TodoRead", "BashOutput",
        "KillShell", "KillBash",
        "ExitPlanMode", "EnterPlanMode", "SlashCommand", "AskUserQuestion", "ListMcpResourcesTool", "ReadMcpResourceTool",
        "ToolSearch",
        "TaskOutput", "TaskStop", "TaskCreate", "TaskUpdate", "TaskList", "TaskGet", "PowerShell", "LSP", "EnterWorktree",
        "ExitWorktree",
    }
)  # fmt: skip
_MAIN_FIELDS: Final = {
    "command": SHELLS,
    "file_path": READS | WRITES,
    "path": READS | WRITES,
    "url": frozenset({"WebFetch"}),
    "subagent_type": frozenset({"Agent"}),
    "skill": frozenset({"Skill"}),
}
_TOOL: Final = re.compile(r"[A-Za-z*?_][\w.*?-]*")
_PARAMETER: Final = re.compile(r"([a-z_][a-zA-Z0-9_]*):(.*)", re.DOTALL)
_DOMAIN: Final = re.compile(r"(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?(?:\.\*)?|\*|\[[0-9a-fA-F:.]+\]")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no rule."""

    offset: int
    """Characters before the place where it goes wrong."""
    message: str


@dataclass(frozen=True, slots=True)
class Read:
    """What a text says. Without a rule it says nothing that counts, and the remark tells why."""

    rule: PermissionRule | None
    remark: str = ""


def read_rule(text: str, listed: Listed, *, source: str = "", anchor: str = "") -> Read | Fault:
    """One rule. `anchor` is the folder that a path with one leading `/` begins at; empty: the project."""
    if len(text) > MOST:
        return Fault(MOST, f"expected at most {MOST} characters, found {len(text)}")
    if text != text.strip():
        return Fault(0 if text[:1].isspace() else len(text.rstrip()), "expected a rule without blanks around it")
    name, bracket, rest = text.partition("(")
    if not name:
        return Fault(0, "expected a tool's name, such as `Bash(npm test *)`")
    if match := re.match(_TOOL, name):
        if match.end() != len(name):
            return Fault(match.end(), f"expected a tool's name, found {_shown(name[match.end() :])}")
    else:
        return Fault(0, f"expected a tool's name, found {_shown(name)}")
    tool = _ALIASES.get(name, name)
    if fault := _name_fault(name, tool, bool(bracket)):
        return fault
    rule = PermissionRule(listed=listed, text=text, source=source, speaks=Speaks.TOOL, tool=tool, anchor=anchor)
    if not bracket:
        return _of_tools(rule, name)
    if not rest.endswith(")"):
        return Fault(len(text), "expected `)` at the end")
    pattern = rest[:-1]
    if not pattern.strip():
        return Fault(len(name) + 1, f"expected something in the brackets; a rule on every call is `{name}`")
    return _bracketed(rule, pattern, len(name) + 1)


def _name_fault(name: str, tool: str, is_bracketed: bool) -> Fault | None:
    if is_bracketed and any(mark in name for mark in "*?"):
        return Fault(len(name), "expected no brackets after a pattern of tools")
    if name.startswith("mcp__"):
        return None if name.removeprefix("mcp__") else Fault(len(name), "expected a server's name after `mcp__`")
    if tool in _KNOWN or any(mark in name for mark in "*?"):
        return None
    close = get_close_matches(name.casefold(), {known.casefold(): known for known in _KNOWN}, n=1, cutoff=0.75)
    if close:
        nearest = next(known for known in _KNOWN if known.casefold() == close[0])
        return Fault(0, f"no tool `{name}`; nearest known: `{nearest}`")
    if is_bracketed and not name[0].isupper():
        return Fault(0, f"expected a tool's name, found {_shown(name)}; a command is `Bash({name} ...)`")
    return None


def _of_tools(rule: PermissionRule, name: str) -> Read:
    listed = rule.listed is Listed.ALLOW
    if listed and (set(name) & set("*?")) and not re.match(r"mcp__[^*?]+__", name):
        return Read(None, "a pattern of tools allows nothing: name the tools, or `mcp__SERVER__*`")
    if rule.tool == "Cd":
        return Read(None, "`Cd` is about a command of the client that people type, and means nothing here")
    if name not in _KNOWN and name not in _ALIASES and not name.startswith("mcp__") and not set(name) & set("*?"):
        return Read(rule, f"no tool `{name}` is known here: the rule counts for a tool of exactly this name")
    return Read(rule)


def _bracketed(rule: PermissionRule, pattern: str, offset: int) -> Read | Fault:
    tool = rule.tool
    if named := _PARAMETER.fullmatch(pattern):
        found = _of_parameter(rule, named[1], named[2], offset)
        if found is not None:
            return found
    if tool in SHELLS:
        return _of_command(rule, pattern)
    if tool in READS or tool in WRITES:
        return _of_path(rule, pattern, offset)
    if tool == "WebFetch":
        return Fault(offset, "expected `domain:` and a host, such as `WebFetch(domain:docs.example)`")
    if tool in NAMED:
        return Read(_with(rule, Speaks.NAME, pattern))
    if tool.startswith("mcp__") and is_about_sql(pattern):
        if rule.listed is Listed.ALLOW:
            return Read(None, "a rule on statements counts in `deny` and `ask` only")
        return Read(_with(rule, Speaks.STATEMENT, pattern))
    if tool == "Cd":
        return Read(None, "`Cd` is about a command of the client that people type, and means nothing here")
    of_server = " or a statement such as `*DROP TABLE*`" if tool.startswith("mcp__") else ""
    return Fault(offset, f"expected `argument:value`{of_server} in the brackets of `{tool}`")


def _of_parameter(rule: PermissionRule, name: str, value: str, offset: int) -> Read | Fault | None:
    """A rule on one argument, or None where the text is none."""
    tool = rule.tool
    if tool == "WebFetch" and name == "domain":
        host = value.strip().lower()
        if not _DOMAIN.fullmatch(host):
            return Fault(offset + len("domain:"), "expected a host, such as `docs.example`, `*.docs.example` or `docs.*`")
        return Read(_with(rule, Speaks.DOMAIN, host.rstrip(".")))
    if tool in _MAIN_FIELDS.get(name, ()):
        return _of_main_field(rule, name, value, offset)
    if tool in SHELLS and name not in ("run_in_background", "timeout", "description", "sandbox", "dangerouslyDisableSandbox"):
        return None  # `npm:*`, `git:*` and the like are commands
    if tool == "WebFetch" and name != "prompt":
        return None
    if tool in READS | WRITES and name not in ("replace_all", "edit_mode", "cell_type", "limit", "offset", "output_mode"):
        return None
    if not value:
        return Fault(offset + len(name) + 1, f"expected a value after `{name}:`")
    if rule.listed is Listed.ALLOW:
        return Read(None, "a rule on one argument counts in `deny` and `ask` only")
    return Read(
        PermissionRule(
            listed=rule.listed,
            text=rule.text,
            source=rule.source,
            speaks=Speaks.PARAMETER,
            tool=tool,
            pattern=value,
            parameter=name,
        )
    )


def _of_main_field(rule: PermissionRule, name: str, value: str, offset: int) -> Read | Fault:
    plain = f"{rule.tool}({'domain:HOST' if rule.tool == 'WebFetch' else value})"
    if rule.listed is Listed.ALLOW or rule.tool == "WebFetch" or not value.strip():
        return Read(None, f"`{name}:` names what the tool is about, which no rule does: write `{plain}`")
    made = _bracketed(rule, value, offset + len(name) + 1)
    return Read(made.rule, f"the client passes over `{name}:`; it counts here as `{plain}`") if isinstance(made, Read) else made


def _of_command(rule: PermissionRule, pattern: str) -> Read:
    if pattern.strip() in ("*", ":*"):
        return Read(rule)
    made = _with(rule, Speaks.COMMAND, pattern)
    if rule.listed is Listed.ALLOW and "*" in pattern and is_compound(pattern):
        return Read(None, "several commands in one rule allow nothing where it has a `*`: each command needs a rule of its own")
    return Read(made)


def _of_path(rule: PermissionRule, pattern: str, offset: int) -> Read | Fault:
    if fault := path_fault(pattern):
        return Fault(offset + fault[0], fault[1])
    tool, written = ("Edit" if rule.tool in WRITES else "Read"), rule.tool
    made = PermissionRule(
        listed=rule.listed,
        text=rule.text,
        source=rule.source,
        speaks=Speaks.PATH,
        tool=tool,
        pattern=pattern.strip(),
        anchor=rule.anchor,
    )
    if written == tool:
        return Read(made)
    if rule.listed is Listed.ALLOW:
        return Read(None, f"the client passes over paths of `{written}`, and so does this: write `{tool}({pattern})`")
    return Read(made, f"the client passes over paths of `{written}`; it counts here as `{tool}({pattern})`")


def _with(rule: PermissionRule, speaks: Speaks, pattern: str) -> PermissionRule:
    return PermissionRule(
        listed=rule.listed,
        text=rule.text,
        source=rule.source,
        speaks=speaks,
        tool=rule.tool,
        pattern=pattern,
        anchor=rule.anchor,
    )


_QUOTED: Final = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", re.DOTALL)
_SEPARATOR: Final = re.compile(r"&&|\|\||[;|&\n]")


@lru_cache(maxsize=4096)
def is_compound(pattern: str) -> bool:
    """Whether a text is several commands: one of the shell's separators stands outside of quotes."""
    return _SEPARATOR.search(_QUOTED.sub("", re.sub(r"\d?>&\d|&>", "", pattern))) is not None


def _shown(text: str) -> str:
    safe = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:40])
    return f"`{safe}`"
