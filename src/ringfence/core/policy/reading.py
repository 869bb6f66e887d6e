"""Policy text to policies, or everything that is wrong with it, each with its line.

A policy is a forbid: what an agent may do at all is said by its grants, and policies only tighten. Each has a unique `@id`.

    @id("big-refunds") @approve("finance, 2") @reason("over 50.00")
    forbid (principal, action == Action::"payments.refund", resource)
    when { context.arguments.amount_cents > 5000 };
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cedarpy import PolicySet, pst

from ringfence.core.model.policy import Policy
from ringfence.core.model.verdict import Gate, ReasonCode
from ringfence.core.policy.scope import matches, tested_elsewhere
from ringfence.core.policy.vocabulary import Names

MOST_POLICIES = 2000
MOST_QUORUM = 20
ANNOTATIONS = frozenset({"id", "approve", "reason"})
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_GROUP = re.compile(r"(?P<group>[A-Za-z][A-Za-z0-9_.@-]{0,63})?\s*,?\s*(?P<quorum>[0-9]{1,3})?")
_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|;|[^/";]+|.', re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, and where: both counted from one."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy's text with the place of its first character."""

    text: str
    line: int
    column: int

    def fault(self, message: str) -> Fault:
        return Fault(self.line, self.column, message)


def statements(text: str) -> Iterator[Statement]:
    """The text in pieces that end with `;`, without the comments in front of them."""
    start: int | None = None
    for token in _TOKEN.finditer(text):
        piece = token[0]
        if start is None:
            if piece.startswith("//") or not piece.strip():
                continue
            start = token.start() + len(piece) - len(piece.lstrip())
        if piece == ";":
            yield _statement(text, start, token.end())
            start = None
    if start is not None:
        yield _statement(text, start, len(text))


def _statement(text: str, start: int, end: int) -> Statement:
    line = text.count("\n", 0, start) + 1
    return Statement(text[start:end], line, start - (text.rfind("\n", 0, start) + 1) + 1)


def parse(text: str) -> list[tuple[Statement, pst.Template | Fault]]:
    """Each statement with its syntax tree, or with why it has none."""
    return [(statement, _template(statement)) for statement in statements(text)]


def _template(statement: Statement) -> pst.Template | Fault:
    try:
        parsed = PolicySet.from_str(statement.text).to_pst()
    except ValueError as error:
        return statement.fault(f"cannot be read: {one_line(error)}")
    if parsed.templates:
        return statement.fault("templates (`?principal`, `?resource`) are not used here: write the policy out")
    if len(parsed.static_policies) != 1:
        return statement.fault("expected one policy up to the `;`")
    return next(iter(parsed.static_policies.values()))


def read_policies(text: str, file: str, names: Names, groups: Mapping[str, int]) -> tuple[list[Policy], list[Fault]]:
    """The policies of one file. `groups` has how many people are in each group.

    `file` is how reasons name it. With any fault nothing of the file may be used.
    """
    policies: list[Policy] = []
    faults: list[Fault] = []
    parsed = parse(text)
    for statement, found in parsed:
        if isinstance(found, Fault):
            faults.append(found)
            continue
        wrong = [statement.fault(message) for message in _wrong(found, names, groups)]
        if wrong:
            faults.extend(wrong)
            continue
        policies.append(
            Policy(
                id=found.annotations["id"],
                text=statement.text,
                place=f"{file}:{statement.line}",
                gate=_gate(found.annotations),
                words=found.annotations.get("reason", ""),
            )
        )
    if not faults and not _is_all(text, [found for _, found in parsed if not isinstance(found, Fault)]):
        faults.append(Fault(1, 1, "the file cannot be taken apart into its policies; please report it"))
    return policies, faults


def _is_all(text: str, found: list[pst.Template]) -> bool:
    """Whether Cedar itself sees exactly these policies in the file: none may be lost between two readings."""
    try:
        whole = list(PolicySet.from_str(text).to_pst().static_policies.values())
    except ValueError:
        return False
    return sorted(map(_identity, whole)) == sorted(map(_identity, found))


def _identity(policy: pst.Template) -> str:
    """Everything of a policy but the id that its place gave it."""
    head = (policy.effect, policy.principal, policy.action, policy.resource)
    return repr((*head, policy.clauses, sorted(policy.annotations.items())))


def _wrong(policy: pst.Template, names: Names, groups: Mapping[str, int]) -> Iterator[str]:
    if policy.effect == "permit":
        yield "`permit` has no place here: agents may do what the configuration grants them, policies only forbid"
    named = policy.annotations.get("id")
    if named is None:
        yield 'every policy needs an `@id("...")` of its own'
    elif not _ID.fullmatch(named):
        yield f"`{named[:80]}` cannot be an @id: letters, digits and `_.-`, at most 80"
    for annotation in sorted(policy.annotations.keys() - ANNOTATIONS):
        yield f"unknown annotation `@{annotation}`; known: `@id`, `@approve`, `@reason`"
    if len(policy.annotations.get("reason", "")) > 200:
        yield "`@reason` has at most 200 characters"
    yield from _wrong_gate(policy.annotations, groups)
    unknown = [f"unknown {message}" for message in _unknown_names(policy, names)]
    yield from unknown
    for path in tested_elsewhere(policy):
        yield f"`has {path}`: only arguments may be absent, everything else is always there or never"
    servers = {tool: tool.partition(".")[0] for tool in names.tools}
    if not unknown and not any(matches(policy, tool, server) for tool, server in servers.items()):
        yield "it can never match: no configured tool fits its action and resource"


def _wrong_gate(annotations: Mapping[str, str], groups: Mapping[str, int]) -> Iterator[str]:
    if "approve" not in annotations:
        return
    gate = _gate(annotations)
    if gate is None or not 1 <= gate.quorum <= MOST_QUORUM:
        yield '`@approve` takes a group and how many of it: `@approve("finance")`, `@approve("finance, 2")`, `@approve("2")`'
    elif gate.group and gate.group not in groups:
        known = ", ".join(f"`{name}`" for name in sorted(groups)) or "none is configured"
        yield f"`@approve` names the unknown group `{gate.group}`; groups: {known}"
    elif gate.group and gate.quorum > groups[gate.group]:
        yield f"`@approve` needs {gate.quorum} of `{gate.group}`, which has {groups[gate.group]}"


def _gate(annotations: Mapping[str, str]) -> Gate | None:
    """What `@approve` asks for; None where there is none or it cannot be read. An empty value: any one approver."""
    if "approve" not in annotations:
        return None
    match = _GROUP.fullmatch(annotations["approve"].strip())
    return Gate(ReasonCode.POLICY, int(match["quorum"] or 1), match["group"] or "") if match else None


def _unknown_names(policy: pst.Template, names: Names) -> Iterator[str]:
    for entity in sorted(pst.entity_uids(policy), key=str):
        kind = str(entity.type)
        known = names.of(kind)
        if known is None:
            yield f"entity type `{kind}`; known: Action, Agent, Posture, Sensitivity, Server, Tool, Trust"
        elif entity.id not in known:
            yield f"{kind} `{entity.id}`"


def one_line(error: Exception | str) -> str:
    """A message of Cedar's on one line."""
    return " ".join(str(error).split())[:300]
