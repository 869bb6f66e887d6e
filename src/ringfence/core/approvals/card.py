"""The approval card: everything that a person judges by, rendered once from the frozen call.

Promises (I15): the card is a function of its inputs; whatever cannot be seen by eye (control, bidi and invisible characters) is
spelled out; a card that cannot be shown in full, or that hides a value which carries authority, cannot be approved.
Agent-written text never stands in the effect sentence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from ringfence.core.framing import masked
from ringfence.core.model.agent import Agent
from ringfence.core.model.call import Call
from ringfence.core.model.condition import at_pointer, is_absent
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.local import LOCAL
from ringfence.core.model.profile import Effect, ToolProfile
from ringfence.core.model.provenance import Origin, SourceKind
from ringfence.core.model.run import Run
from ringfence.core.model.tool import Tool
from ringfence.core.model.verdict import Gate, ReasonCode
from ringfence.core.strict_json.canonical import canonical_bytes

CARD_LIMIT = 16_000
"""Characters of arguments that a person can be expected to read on one card."""
ORIGINS_SHOWN = 100
"""Origins of values that a card lists."""

WHY = {
    ReasonCode.POLICY: "a policy wants it",
    ReasonCode.IRREVERSIBLE: "it cannot be undone",
    ReasonCode.COSTS_MONEY: "it costs money",
    ReasonCode.IDENTITY: "it changes who may do what",
    ReasonCode.UNBOUNDED: "nothing bounds how much it changes",
    ReasonCode.FROZEN: "it falls into a freeze window",
    ReasonCode.PROVENANCE: "nothing that may decide has given a value of it",
    ReasonCode.RULE_OF_TWO: "the run has read confidential data and what strangers wrote, and this reaches outside",
    ReasonCode.CLEARANCE: "the run has read data that is too confidential for where this goes",
    ReasonCode.HOST: "no rule names this host",
    ReasonCode.PERMISSION: "its permission lists ask, or do not speak for all of it",
    ReasonCode.UNDECIDED: "nobody can decide beforehand what it does",
    ReasonCode.SECRET_FILE: "it reads what is secret",
    ReasonCode.SECRET: "a secret stands in what it writes, sends or commits",
    ReasonCode.GUARD_RAIL: "the rules that hold the run lie in a folder that it changes",
    ReasonCode.OUTSIDE: "it touches files outside of the run's folders",
    ReasonCode.PROTECTED_PATH: "it changes what is run or obeyed without anybody looking: CI, hooks, agents, locks, access",
    ReasonCode.WORKSPACE: "it changes what is run or obeyed when somebody opens, builds or tests the repository",
}


def visible(text: str) -> tuple[str, int]:
    """The text with every character that the eye would miss spelled out as `⟨U+202E⟩`, and how many those were."""
    marks = 0
    shown: list[str] = []
    for character in text:
        if character == "\n" or (character.isprintable() and not _deceives(character)):
            shown.append(character)
        else:
            marks += 1
            shown.append(f"\u27e8U+{ord(character):04X}\u27e9")
    return "".join(shown), marks


def _deceives(character: str) -> bool:
    """Printable to Python, invisible or misleading to a person: odd spaces, fillers, variation selectors, combining stacks."""
    if character == " ":
        return False
    category = unicodedata.category(character)
    return category in {"Zs", "Cf", "Mn", "Me"} or character in "\u115f\u1160\u3164\uffa0\u2800\u27e8\u27e9"


def card(
    *,
    call: Call,
    tool: Tool,
    profile: ToolProfile,
    agent: Agent,
    run: Run,
    gates: tuple[Gate, ...],
    created_at: Millis,
    expires_at: Millis,
    posture: str,
    policies: tuple[str, ...] = (),
    policy_digest: str = "",
    origins: tuple[Origin, ...] = (),
    leaving: tuple[str, ...] = (),
) -> tuple[bytes, bool]:
    """The card's canonical bytes, and whether it may be approved at all. `leaving`: what would go where, in words."""
    lines, marks = argument_lines(masked(call.shown, profile.secret))
    fixed, _ = argument_lines(masked(tool.fixed, profile.secret))
    declared = [one.pointer for one in profile.authority or ()]
    decides = [visible(one.pointer)[0] for one in origins if one.kind is not SourceKind.UNASKED]
    authority = list(dict.fromkeys(decides)) or declared
    hidden = [p for p in declared if p in profile.secret and not is_absent(at_pointer(call.value, p))]
    length = sum(len(line["value"]) + len(line["pointer"]) for line in lines)
    faults: list[str] = []
    if length > CARD_LIMIT:
        faults.append(f"the arguments are {length} characters long, more than the {CARD_LIMIT} that a card shows")
        lines = lines[:20]
        for line in lines:
            line["value"] = line["value"][:400]
    if hidden:
        faults.append(f"{', '.join(hidden)} carries authority but is marked secret, so nobody could judge it")
    held = sum(not one.is_derived for one in origins)
    if held > ORIGINS_SHOWN:
        faults.append(f"{held} values come from no source that may decide, more than the {ORIGINS_SHOWN} that a card shows")
    task, task_marks = visible(run.task)
    body: dict[str, Any] = {
        "v": 1,
        "effect": effect_sentence(call, profile),
        "why": list(dict.fromkeys(why_sentence(gate) for gate in gates)),
        "policies": [visible(policy)[0] for policy in policies],
        "worst": profile.worst or "unknown: nobody described this tool, so assume the worst",
        "undo": undo_sentence(profile),
        "agent": call.agent,
        "purpose": agent.purpose,
        "run": call.run,
        "task": task,
        "task_marks": task_marks,
        "task_by": run.opened_by if run.task_trusted else f"{run.opened_by} (not an operator: do not rely on it)",
        "tool": call.tool,
        "server": call.server,
        "upstream_name": call.upstream_name,
        "arguments": lines,
        "fixed": fixed,
        "marks": marks,
        "authority": authority,
        "origins": origin_lines(origins),
        "quorum": max((gate.quorum for gate in gates), default=1),
        "groups": [{"group": gate.group, "quorum": gate.quorum} for gate in gates if gate.group],
        "created_at": created_at,
        "expires_at": expires_at,
        "posture": posture,
        "call_digest": call.digest,
        "unshowable": faults,
    }
    if leaving:
        body["leaving"] = [visible(line)[0][:800] for line in leaving]
    if policy_digest:
        body["policy_digest"] = policy_digest
    return canonical_bytes(body), not faults


def origin_lines(origins: tuple[Origin, ...]) -> list[dict[str, Any]]:
    """Where each value comes from that carries authority: those that nothing speaks for first. Foreign text is made visible."""
    ranked = sorted(origins, key=lambda one: one.is_derived)
    return [
        {
            "pointer": visible(one.pointer)[0][:300],
            "role": one.authority.role.value,
            "from": one.kind.value,
            "derived": one.is_derived,
            "where": visible(one.where)[0][:400],
            "entry": one.entry,
            "quoted": visible(one.quoted)[0][:400],
            "near": visible(one.near)[0][:200],
        }
        for one in ranked[:ORIGINS_SHOWN]
    ]


def effect_sentence(call: Call, profile: ToolProfile) -> str:
    """What will happen, in the operator's words only."""
    if call.server == LOCAL:
        return f"{call.agent} {'reads' if profile.effect is Effect.READ else 'acts'} with its own tool {call.upstream_name}"
    verb = "reads from" if profile.effect is Effect.READ else "changes"
    return f"{call.agent} {verb} {call.server} with {call.upstream_name}"


def why_sentence(gate: Gate) -> str:
    """Why a gate is closed, and whose approval opens it."""
    if not gate.group:
        return WHY[gate.code]
    return f"{WHY[gate.code]}: {gate.quorum} of {gate.group} must approve"


def undo_sentence(profile: ToolProfile) -> str:
    if profile.inverse:
        return f"can be undone with {profile.inverse}"
    return "can be undone" if profile.reversible else "cannot be undone"


def argument_lines(arguments: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """One line per leaf value: JSON pointer, visible value, JSON type."""
    lines: list[dict[str, Any]] = []
    total = 0
    for pointer, value in leaves(arguments, ""):
        name, name_marks = visible(pointer)
        text = value if isinstance(value, str) else canonical_bytes(value).decode()
        shown, marks = visible(text)
        total += marks + name_marks
        lines.append({"pointer": name, "value": shown, "type": _type(value)})
    return lines, total


def leaves(value: Any, pointer: str) -> list[tuple[str, Any]]:
    """Every scalar, and every empty container, with its JSON pointer, in order."""
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in leaves(item, f"{pointer}/{escape(key)}")]
    if isinstance(value, list) and value:
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, f"{pointer}/{index}")]
    return [] if pointer == "" else [(pointer, value)]


def escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
