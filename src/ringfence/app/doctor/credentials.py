"""Judges where credentials stand that agents have in their own hands, and those that are written into files."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.app.doctor.facts import Facts, Holds, Part, Source, Written
from ringfence.app.doctor.findings import Code, Finding, Severity
from ringfence.core.rules import AgentRule

_BEHIND = (
    'give the server to the gateway instead of the client (`ringfence init`), refer to the secret there (`{from: "env:NAME"}`,'
    " `file:`, `vault:`), and change it where it was made: it has to count as known to agents"
)


def in_the_environment(facts: Facts) -> Iterator[Finding]:
    """Credentials that an agent inherits from the process that starts it."""
    names = tuple(variable.name for variable in facts.variables if variable.holds is Holds.SECRET)
    models = tuple(variable.name for variable in facts.variables if variable.holds is Holds.MODEL)
    operators = tuple(variable.name for variable in facts.variables if variable.holds is Holds.OPERATOR)
    is_agents = bool(facts.agent_shell)
    severity = Severity.SERIOUS if is_agents else Severity.WARNING
    who = f"an agent's shell ({facts.agent_shell} is set)" if is_agents else "this shell"
    if names:
        yield Finding(
            code=Code.ENVIRONMENT_SECRET,
            severity=severity,
            what=f"The environment of {who} holds {_counted(len(names), 'credential')}; agents started from it have them too.",
            where=tuple(f"${name}" for name in names),
            remedy="start agents without them (`env -u NAME ...`), and let the gateway hold what their tools need; "
            + ("change those that production accepts" if is_agents else "start the gateway from another shell than agents"),
        )
    if operators:
        yield Finding(
            code=Code.OPERATOR_CREDENTIAL_IN_REACH,
            severity=severity,
            what=f"The environment of {who} holds an operator's credential; whoever has it decides as that person.",
            where=tuple(f"${name}" for name in operators),
            remedy="unset it, keep it with `ringfence operator add NAME --save` as a user that no agent has; make a new one",
        )
    if models:
        yield Finding(
            code=Code.MODEL_KEY,
            severity=Severity.NOTICE,
            what="The key of the agent's own model calls is in its environment, as clients expect.",
            where=tuple(f"${name}" for name in models),
            remedy="give it a spending limit where it was made",
        )


def in_files(facts: Facts) -> Iterator[Finding]:
    """Credentials written into clients' files, `.env` files, the configuration and its policies."""
    for written in facts.written:
        yield _in_file(written)


def of_operators(facts: Facts) -> Iterator[Finding]:
    """Operators' credentials that were kept where agents of the same user read them."""
    if facts.loaded is None:
        return
    for file in facts.files:
        if file.part is not Part.OPERATOR:
            continue
        agents = facts.loaded.rules.agents.values()
        if sharing := [agent.id for agent in agents if _may_be(agent, file.owner, facts.gateway_uid)]:
            yield Finding(
                code=Code.OPERATOR_CREDENTIAL_IN_REACH,
                severity=Severity.SERIOUS,
                what=f"An operator's credential is kept where a shell of {', '.join(sharing)} can read it.",
                where=(str(file.path),),
                remedy="run agents as another user, or remove the file and let people log in by hand",
            )


def _may_be(agent: AgentRule, owner: int, gateway_uid: int) -> bool:
    """Whether processes of an agent may run as the owner of a file, or as root."""
    if agent.only_mcp:
        return False
    return owner in agent.uids or 0 in agent.uids if agent.uids else owner == gateway_uid


def _in_file(written: Written) -> Finding:
    where = (written.where,)
    kind = f" ({written.rule})" if written.rule else ""
    if written.holds is Holds.MODEL:
        return Finding(
            code=Code.MODEL_KEY,
            severity=Severity.NOTICE,
            what="The key of the agent's own model calls is written into a file.",
            where=where,
            remedy="give it a spending limit where it was made, and the file mode 600",
        )
    if written.holds is Holds.OPERATOR:
        return Finding(
            code=Code.OPERATOR_CREDENTIAL_IN_REACH,
            severity=Severity.SERIOUS,
            what="A file that an agent's client reads holds an operator's credential.",
            where=where,
            remedy="take it out, and make a new one: `ringfence operator add`",
        )
    if written.holds is Holds.RUN:
        return Finding(
            code=Code.UNBOUND_BEARER,
            severity=Severity.WARNING,
            what="A run credential of a gateway lies in a file; unless it is bound to a sender, whoever reads it can use it.",
            where=where,
            remedy="use `ringfence connect`, which opens a bound run by itself, or bind it: `--bind`, `--dpop-jkt`",
        )
    if written.source is Source.CONFIG:
        return Finding(
            code=Code.CONFIG_SECRET,
            severity=Severity.SERIOUS,
            what=f"A secret is written into the configuration{kind}.",
            where=where,
            remedy='refer to it: `{from: "env:NAME"}`, `file:`, `exec:` or `vault:` (docs/secrets.md), and change it where it '
            "was made. What has no reference, such as a webhook's address, needs a file of mode 600 outside version control",
        )
    if written.source is Source.ENV_FILE:
        return Finding(
            code=Code.ENV_FILE_SECRET,
            severity=Severity.WARNING,
            what=f"A `.env` file holds a credential{kind}; an agent that works in this folder reads it.",
            where=where,
            remedy="move it out of the folders that agents see, owned by the gateway's user with mode 600, or into a vault",
        )
    if written.holds is Holds.REFERENCE:
        return Finding(
            code=Code.CLIENT_REFERENCE,
            severity=Severity.WARNING,
            what="A client's file takes a credential from the client's environment, so the agent has it too.",
            where=where,
            remedy=_BEHIND,
        )
    return Finding(
        code=Code.CLIENT_SECRET,
        severity=Severity.SERIOUS,
        what=f"A credential is written into a client's file{kind}: the agent that it configures can read and use it.",
        where=where,
        remedy=_BEHIND,
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
