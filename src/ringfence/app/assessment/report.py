"""An assessment as text: the worst single act first, then every server with its tools."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.app.assessment.assess import AssessedServer, AssessedTool, Assessment
from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.profile import Effect

_WORST_SHOWN = 5
_GATE_WORDS = {
    "irreversible": "no way back",
    "costs_money": "may cost money",
    "identity": "may touch accounts",
    "unbounded": "no known bound",
}


def render_assessment(assessment: Assessment) -> str:
    """The report for a terminal. What servers wrote is escaped and cut; no credential stands in it."""
    return "\n".join(_lines(assessment)) + "\n"


def _lines(assessment: Assessment) -> Iterator[str]:
    tools = assessment.tools
    writes = [tool for tool in tools if tool.proposal.profile.effect is Effect.WRITE]
    count = len(assessment.servers)
    yield f"{plain(str(assessment.path), 200)}: {count} {_plural('server', count)}, {len(tools)} {_plural('tool', len(tools))}"
    yield f"  {len(writes)} may change something, {len(tools) - len(writes)} only read as far as can be told"
    if unreached := count - assessment.reached:
        yield f"  {unreached} {_plural('server', unreached)} could not be listed: nothing is known about what they can do"
    if writes:
        yield ""
        yield "The worst that one call can do"
        for tool in writes[:_WORST_SHOWN]:
            yield f"  {plain(tool.id)}"
            yield f"      {plain(tool.proposal.reasons['effect'], 160)}"
        yield "  Today nothing but the agent's own client stands before these. Behind Ringfence each waits for a person."
    for server in assessment.servers:
        yield ""
        yield from _server(server)
    yield ""
    yield "Proposed from names, schemas and hints: unknown means the worst. `ringfence init` writes a configuration to review."


def _server(server: AssessedServer) -> Iterator[str]:
    connection = server.found.connection
    how = "cannot be used" if connection is None else connection.kind.value
    yield f"{server.found.id} ({how})" + (f": {len(server.tools)} {_plural('tool', len(server.tools))}" if server.tools else "")
    if server.unreachable:
        yield f"  not listed: {plain(server.unreachable, 300)}"
    for finding in server.found.findings:
        yield f"  ! {plain(finding, 200)}"
    for name in server.found.bearers:
        yield f"  ! unbound: `headers.{plain(name)}` is a bearer: whoever learns it can use it, from anywhere"
    for note in server.found.notes:
        yield f"  - {plain(note, 200)}"
    width = min(max((len(plain(tool.proposal.name, 48)) for tool in server.tools), default=0), 48)
    for tool in server.tools:
        yield from _tool(tool, width)


def _tool(tool: AssessedTool, width: int) -> Iterator[str]:
    profile = tool.proposal.profile
    if tool.refused:
        verdict = f"cannot be configured: {tool.refused}"
    elif profile.effect is Effect.WRITE:
        verdict = "asks a person: " + ", ".join(_GATE_WORDS.get(gate, gate) for gate in tool.gates)
    else:
        reach = "may reach out: asks a person once anything was read" if profile.outbound else "said to stay inside"
        verdict = f"allowed and logged ({reach})"
    yield f"  {profile.effect.value:5}  {plain(tool.proposal.name, 48):{width}}  {verdict}"
    if profile.effect is Effect.WRITE:
        yield f"         {'':{width}}  because {plain(tool.proposal.reasons['effect'], 160)}"
    for finding in tool.findings:
        yield f"         {'':{width}}  ! {plain(finding, 200)}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
