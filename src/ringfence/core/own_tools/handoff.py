"""`ringfence__handoff`: how what a child run found reaches the run above it, and nothing else does.

A tool of the gateway like `ringfence__delegate`. The child hands over one value under the schema that was fixed when it was
opened; its parent takes it as data, with the label that the child had. What a child says is never the source of an argument
that carries authority: it is heard like the result of a server whom nobody trusts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import OWN_SERVER, RunId, ToolId
from ringfence.core.model.label import Label, at_least
from ringfence.core.model.profile import OWN_PROFILE, Sensitivity, Trust
from ringfence.core.own_tools.result_schema import leaves_no_text
from ringfence.core.rules import ToolRule
from ringfence.core.strict_json.canonical import canonical_bytes

HANDOFF: Final = ToolId("ringfence.handoff")
_FORMS: Final = ("result", "from", "schema")

DEFINITION: Final[Mapping[str, Any]] = {
    "name": "handoff",
    "title": "Hand a result over, or take one",
    "description": (
        "Between a run and its child. As the child: `result` is what you found, once, as the schema asks that your parent has"
        " fixed; `schema: true` shows that schema. As the parent: `from` names a child and answers what it handed over, which"
        " is data. Give exactly one of the three."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "result": {"description": "What you hand over: JSON that satisfies the schema, at most 64 KiB."},
            "label": {
                "type": "object",
                "description": "With `result`: how it is to be treated, if more carefully than all that you were given.",
                "properties": {
                    "integrity": {"enum": [trust.value for trust in Trust]},
                    "confidentiality": {"enum": [level.value for level in Sensitivity]},
                },
                "additionalProperties": False,
            },
            "from": {"type": "string", "minLength": 1, "maxLength": 80, "description": "The child run whose result you want."},
            "schema": {"const": True, "description": "Show the schema of what you are to hand over."},
        },
        "minProperties": 1,
        "additionalProperties": False,
    },
}

RULE: Final = ToolRule(
    id=HANDOFF,
    server=OWN_SERVER,
    upstream_name="handoff",
    # What is taken has the label that it was handed over with (`Handoff.brings`); the rest are the gateway's own words. So are
    # the schema, the label and who is asked; what stands in `result` acts on nothing.
    profile=replace(OWN_PROFILE, sensitivity=Sensitivity.PUBLIC, worst="A run hears what the run below it found."),
)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The child's form."""

    result: Any
    claim: Mapping[str, str]
    """What the run says of its result's label; a member that is missing is not claimed."""


@dataclass(frozen=True, slots=True)
class Take:
    """The parent's form."""

    child: RunId


@dataclass(frozen=True, slots=True)
class ShowSchema:
    """The child asks what is expected of it."""


Asked = HandOver | Take | ShowSchema


def asked_in(value: Mapping[str, Any]) -> Asked | None:
    """What the arguments of a call ask for; None: not one thing."""
    forms = [name for name in _FORMS if name in value]
    if len(forms) != 1 or ("label" in value and forms != ["result"]):
        return None
    match forms[0]:
        case "result":
            return HandOver(value["result"], cast("Mapping[str, str]", value.get("label", {})))
        case "from":
            return Take(RunId(str(value["from"])))
        case _:
            return ShowSchema()


def is_party(facts: Facts) -> bool:
    """Whether the tool exists for a run: it owes a result, or children owe it theirs."""
    run = facts.chain[0].run
    return bool(run.ancestors and run.result_schema) or (facts.handing is not None and facts.handing.expects)


def claims_less(claim: Mapping[str, str], own: Label) -> bool:
    """Whether a run says of its result that it is more trusted, or less confidential, than what the run was given."""
    level = claim.get("confidentiality")
    return (own.is_untrusted and claim.get("integrity") == Trust.TRUSTED) or (
        level is not None and not at_least(Sensitivity(level), own.confidentiality)
    )


def handed_over(call: Call, facts: Facts, asked: HandOver) -> Handoff:
    """What is kept of a result that the checks let pass."""
    run, own = facts.chain[0].run, facts.label
    claimed = Label(
        Trust(asked.claim.get("integrity", own.integrity)),
        Sensitivity(asked.claim.get("confidentiality", own.confidentiality)),
    )
    return Handoff(
        run=run.id,
        parent=run.ancestors[0],
        root=run.ancestors[-1],
        call=call.id,
        at=facts.now,
        result=canonical_bytes(asked.result).decode(),
        label=own.joined(claimed),
        # Whoever says that nobody should trust a value is believed, whatever its form.
        is_typed=asked.claim.get("integrity") != Trust.UNTRUSTED and leaves_no_text(run.result_schema),
    )


def sha256_of(handoff: Handoff) -> str:
    """Of the canonical text of what was handed over, in hexadecimal."""
    return hashlib.sha256(handoff.result.encode()).hexdigest()
