"""`init`: the configuration that would contain the servers of a client's file, as text for a person to review.

The text always loads: every part that the loader would refuse stands in it as a comment with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.app.assessment.assess import AssessedServer, AssessedTool, Assessment, ListTools, assess
from ringfence.app.assessment.texts import yaml_list, yaml_map, yaml_text
from ringfence.app.config.load import parse_config
from ringfence.app.config.settings import ServerConnection, TransportKind, Value
from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.profile import Effect
from ringfence.errors import ConfigError

_HEAD = """\
# Proposed by `ringfence init`. Nothing here has been checked by a person yet.
#
# Read every line marked `review`. What a server says about its own tools never made one look better on its own.
# A tool that is not listed does not exist for any agent. Every field that you leave out means the worst:
#   effect: write, reversible: false, bounded: false, costs_money: true, identity: true, outbound: true,
#   sensitivity: regulated, trust: untrusted
# A write that is not reversible and bounded, costs money or touches identity waits for a person.
# Where you know better, say so: reversible: true (or inverse: server.tool), bounded: true, costs_money: false, identity: false.
# `pin` is the digest of a tool's definition as it was listed now: a tool that changes is hidden until an admin approves it.
# All keys: `ringfence config schema`. Check this file: `ringfence config check`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedConfig:
    """What `init` writes, and what a person should know before using it."""

    text: str
    notes: tuple[str, ...]
    assessment: Assessment


async def propose_config(
    path: Path, list_tools: ListTools, *, target: Path, environment: Mapping[str, str] = os.environ
) -> ProposedConfig:
    """The proposed text of `target` (which anchors relative folders). Raises: ConfigError as `assess`."""
    return proposed_from(await assess(path, list_tools, environment), target)


def proposed_from(assessment: Assessment, target: Path) -> ProposedConfig:
    """The configuration for what an assessment found. Pure but for checking its own text with the loader."""
    servers = {server.found.id: _server(server, target) for server in assessment.servers}
    usable = [server for server in assessment.servers if servers[server.found.id].usable]
    tools = [(server, [tool for tool in server.tools if not tool.refused]) for server in usable]
    reads = [
        tool.id
        for _, listed in tools
        for tool in listed
        if tool.proposal.profile.effect is Effect.READ and not tool.proposal.shows_secrets and not tool.findings
    ]
    parts = [_HEAD, "version: 1\n"]
    parts.append(("servers:\n" if usable else "servers: {}\n") + "".join(block.text for block in servers.values()))
    blocks = ["".join(_tools(server)) for server in usable if server.tools]
    parts.append(("tools:\n" if any(listed for _, listed in tools) else "tools: {}\n") + "\n".join(blocks))
    others = {tool.id: _why_not_given(tool) for _, listed in tools for tool in listed if tool.id not in reads}
    parts.append("".join(_agent(reads, others)))
    text = "\n".join(parts)
    parse_config(text.encode(), target)
    notes = tuple(f"{server.found.id}: {note}" for server in assessment.servers for note in _notes(server))
    return ProposedConfig(text=text, notes=notes, assessment=assessment)


def _notes(server: AssessedServer) -> Iterator[str]:
    if server.unreachable:
        yield f"not listed: {plain(server.unreachable, 300)}"
    yield from server.found.notes
    yield from server.found.findings
    for tool in server.tools:
        if tool.refused:
            yield f"`{plain(tool.proposal.name)}` left out: {tool.refused}"
        for finding in tool.findings:
            yield f"`{plain(tool.proposal.name)}`: {finding}"


@dataclass(frozen=True, slots=True)
class _Block:
    """Some lines of the file, and whether they are more than a comment."""

    text: str
    usable: bool


def _server(server: AssessedServer, target: Path) -> _Block:
    """One server under `servers:`, or a comment that says why not."""
    comments = [*server.found.notes, *server.found.findings]
    if server.unreachable:
        comments.insert(0, f"not listed, so none of its tools is below: {server.unreachable}")
    above = "".join(f"  # review: {plain(comment, 160)}\n" for comment in comments)
    if server.found.written is None:
        return _Block(f"  # {server.found.id} left out: {plain(server.found.problem, 160)}\n", usable=False)
    block = "".join(f"  {line}\n" for line in _connection(server.found.written, target))
    try:
        parse_config(f"version: 1\nservers:\n{block}".encode(), target)
    except ConfigError as error:
        reasons = [line.partition(": ")[2] for line in str(error).splitlines()]
        return _Block("".join(f"  # {server.found.id} left out: {plain(reason, 200)}\n" for reason in reasons), usable=False)
    return _Block(above + block, usable=True)


def _connection(connection: ServerConnection, target: Path) -> Iterator[str]:
    yield f"{yaml_text(connection.id)}:"
    if connection.kind is TransportKind.HTTP:
        yield f"  url: {yaml_text(connection.url)}"
        yield from _values("headers", connection.headers)
        return
    yield f"  command: {yaml_list(connection.command)}"
    if connection.cwd is not None and connection.cwd != target.absolute().parent:
        yield f"  cwd: {yaml_text(str(connection.cwd))}"
    yield from _values("env", connection.env)


def _values(key: str, values: Mapping[str, Value]) -> Iterator[str]:
    if values:
        yield f"  {key}:"
    for name, value in values.items():
        shown = yaml_text(value) if isinstance(value, str) else f"{{from: {yaml_text(value.source)}}}"
        yield f"    {yaml_text(name)}: {shown}"


def _tools(server: AssessedServer) -> Iterator[str]:
    if server.tools:
        yield f"  # {server.found.id}, worst first\n"
    for tool in server.tools:
        for finding in tool.findings:
            yield f"  # review: {plain(finding, 200)}\n"
        if tool.refused:
            yield f"  # {plain(tool.id)}: left out: {tool.refused}\n"
        else:
            yield from _tool(tool)


def _tool(tool: AssessedTool) -> Iterator[str]:
    profile, reasons = tool.proposal.profile, tool.proposal.reasons
    yield f"  {yaml_text(tool.id)}:\n"
    yield _line("effect", profile.effect.value, reasons)
    if profile.effect is Effect.READ:
        yield _line("costs_money", str(profile.costs_money).lower(), reasons)
        yield _line("identity", str(profile.identity).lower(), reasons)
        yield _line("outbound", str(profile.outbound).lower(), reasons)
        yield _line("sensitivity", profile.sensitivity.value, reasons)
    else:
        yield _line("reversible", "false", reasons)
        yield _line("bounded", "false", reasons)
    if profile.authority is not None:
        roles = {one.pointer: one.role.value for one in profile.authority}
        usable = {pointer: role for pointer, role in roles.items() if pointer.isprintable() and len(pointer) <= 200}
        if usable:
            yield _line("authority", yaml_map(usable), {})
    for key, pointers in (("secret", profile.secret), ("objects", profile.objects)):
        if usable := [pointer for pointer in pointers if pointer.isprintable() and len(pointer) <= 200]:
            yield _line(key, yaml_list(usable), {})
    yield _line("worst", yaml_text(profile.worst), {})
    if tool.pin is not None:
        yield f"    pin: sha256:{tool.pin}\n"
    else:
        yield "    # review: its definition hides something: it is not available until `ringfence pins approve`\n"


def _line(key: str, value: str, reasons: Mapping[str, str]) -> str:
    text = f"    {key}: {value}"
    return f"{text:32}  # {plain(reasons[key], 120)}\n" if key in reasons else f"{text}\n"


def _why_not_given(tool: AssessedTool) -> str:
    return (
        "each call waits for a person"
        if tool.proposal.profile.effect is not Effect.READ
        else "reads, but see what is said of it above"
    )


def _agent(reads: list[str], others: Mapping[str, str]) -> Iterator[str]:
    yield "agents:\n"
    yield "  assistant:                      # review: the name that `ringfence connect --agent assistant` uses\n"
    yield '    purpose: "Review: say in one sentence what this agent is for."\n'
    yield "    # Only what reads, as far as can be told. Add what the task needs, tool by tool.\n"
    if reads:
        yield "    tools:\n"
        yield from (f"      - {yaml_text(tool)}\n" for tool in reads)
    else:
        yield "    tools: []                     # without the `[]` once there is a line below\n"
    for tool, why in others.items():
        line = f"      # - {yaml_text(tool)}"
        yield f"{line:39} # {why}\n"
    yield "    limits: {calls_per_run: 500, wall_clock: 4h, loops: true}\n"
