"""A first profile for a tool that nobody has described, with the reason for every field.

Unknown means the worst. A server's annotations are claims: a hint may raise the class, never lower it alone. A tool is
proposed as a read only if its name begins with a reading word, nothing in its name, arguments, annotations or description
says otherwise, and none of its arguments is run or chooses what it does (`evidence.py`). Everything else is a write of the
worst kind until a person has looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfence.core.definitions.evidence import Argument, arguments_of, why_not_read
from ringfence.core.definitions.roles import named_authorities
from ringfence.core.definitions.wording import (
    CODE,
    IDENTITY,
    MONEY,
    MUTATING,
    OBJECTS,
    OUTBOUND,
    READING,
    SECRET_ARGUMENTS,
    SECRETS,
    talks_of_secrets,
    words,
)
from ringfence.core.model.profile import Effect, Sensitivity, ToolProfile

_MOST_POINTERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed for one tool."""

    name: str
    profile: ToolProfile
    reasons: Mapping[str, str]
    """Why, by profile field. Names of the definition stand in it as they came: escape them before showing."""
    shows_secrets: bool
    """It may read credentials or an environment: not for any agent without a thought."""
    weight: int
    """How bad one act can be, for ordering: 0 to 100."""


def propose_all(server: str, definitions: Sequence[Mapping[str, Any]]) -> tuple[Proposal, ...]:
    """`propose` for every tool of one server, with the words that all its names begin with set aside (`git_log` on `git`)."""
    names = [words(str(definition.get("name", ""))) for definition in definitions]
    shared: list[str] = []
    if len(names) > 1:
        for column in zip(*(name[:-1] for name in names), strict=False):
            if len(set(column)) > 1 or column[0] in READING or column[0] in MUTATING:
                break
            shared.append(column[0])
    own = {part for part in words(server) if part not in READING and part not in MUTATING}
    return tuple(propose(definition, prefix=(*shared, *own)) for definition in definitions)


_UNKNOWN_SENSITIVITY: Final = "not known: the worst until you lower it; till then what reaches out asks once anything was read"


def propose(definition: Mapping[str, Any], *, prefix: Sequence[str] = ()) -> Proposal:
    """A profile for one MCP tool object as listed. `prefix` has words that say nothing at the front of its name."""
    name = str(definition.get("name", ""))
    said = list(words(name))
    while len(said) > 1 and said[0] in prefix:
        said.pop(0)
    arguments = tuple(arguments_of(definition.get("inputSchema")))
    hints: Any = definition.get("annotations")
    hints = hints if isinstance(hints, Mapping) else {}
    description = str(definition.get("description") or "")
    not_read = why_not_read(said, arguments, hints, description)
    shows = not not_read and (bool(SECRETS & set(said)) or talks_of_secrets(description))
    profile, reasons = _read(said, arguments, hints, shows) if not not_read else _write(not_read)
    authority = named_authorities(arguments)[:_MOST_POINTERS]
    objects = tuple(argument.pointer for argument in arguments if _names_object(argument))[:_MOST_POINTERS]
    secret = tuple(argument.pointer for argument in arguments if _is_secret(argument))[:_MOST_POINTERS]
    if authority:
        reasons["authority"] = "by their names, these say who, where, how much or as what"
    if objects:
        reasons["objects"] = "by their names, these say what is touched"
    if secret:
        reasons["secret"] = "by their names or format, these are credentials"
    profile = ToolProfile(
        effect=profile.effect,
        costs_money=profile.costs_money,
        identity=profile.identity,
        outbound=profile.outbound,
        authority=authority or None,
        objects=objects,
        secret=secret,
        worst=profile.worst,
    )
    weight = _weight(said, arguments, read=not not_read, shows=shows)
    return Proposal(name=name, profile=profile, reasons=reasons, shows_secrets=shows, weight=weight)


def _read(
    said: Sequence[str], arguments: Sequence[Argument], hints: Mapping[str, Any], shows: bool
) -> tuple[ToolProfile, dict[str, str]]:
    own = {*said, *(word for argument in arguments for word in argument.words)}
    claim = "its server claims read-only" if hints.get("readOnlyHint") is True else "its server claims nothing"
    reasons = {
        "effect": f"`{' '.join(said)}` reads, no argument changes that, and {claim}: review",
        "sensitivity": "it may show credentials: keep the worst" if shows else _UNKNOWN_SENSITIVITY,
        "trust": "not known who can write what it returns",
    }
    money, identity = sorted(own & MONEY), sorted(own & IDENTITY)
    reasons["costs_money"] = f"it mentions `{money[0]}`" if money else "nothing in it is about money"
    reasons["identity"] = f"it mentions `{identity[0]}`" if identity else "nothing in it is about accounts or keys"
    reaching = sorted(own & OUTBOUND)
    closed = hints.get("openWorldHint") is False
    if reaching:
        reasons["outbound"] = f"it mentions `{reaching[0]}`: what is asked can carry data out"
    elif closed:
        reasons["outbound"] = "no argument is an address, and its server claims a closed world: review"
    else:
        reasons["outbound"] = "nothing says that it stays inside"
    profile = ToolProfile(
        effect=Effect.READ,
        costs_money=bool(money),
        identity=bool(identity),
        outbound=bool(reaching) or not closed,
        sensitivity=Sensitivity.REGULATED,
        worst="Shows the agent credentials that this server can read."
        if shows
        else "Shows the agent all that this server can read.",
    )
    return profile, reasons


def _write(why: str) -> tuple[ToolProfile, dict[str, str]]:
    return ToolProfile(worst="Not described yet: may change all that this server can reach, with no way back."), {
        "effect": why,
        "reversible": "no inverse is known",
        "bounded": "not known how much one call changes",
        "costs_money": "not known: true until you know better",
        "identity": "not known: true until you know better",
        "outbound": "not known: true until you know better",
        "sensitivity": "not known: the worst until you lower it",
        "trust": "not known who can write what it returns",
    }


def _weight(said: Sequence[str], arguments: Sequence[Argument], *, read: bool, shows: bool) -> int:
    own = {*said, *(word for argument in arguments for word in argument.words)}
    if read:
        return 15 if shows else 5
    if own & CODE or set(said) & {"execute", "exec", "run", "eval", "shell", "bash", "sudo"}:
        return 95
    grades = (
        (90, own & MONEY and set(said) & MUTATING),
        (85, set(said) & {"delete", "drop", "destroy", "wipe", "purge", "truncate", "erase", "clean", "kill", "terminate"}),
        (80, set(said) & IDENTITY or set(said) & {"deploy", "merge", "rotate"}),
        (70, set(said) & (OUTBOUND | {"push", "share", "invite", "reply", "forward"})),
        (60, set(said) & {"remove", "rm", "reset", "overwrite", "write", "update", "edit", "move", "replace", "rebase"}),
        (50, set(said) & MUTATING),
    )
    return next((grade for grade, matched in grades if matched), 40)


def _names_object(argument: Argument) -> bool:
    return bool(argument.words) and argument.words[-1] in OBJECTS and not _is_secret(argument)


def _is_secret(argument: Argument) -> bool:
    if argument.schema.get("format") == "password":
        return True
    return bool(SECRET_ARGUMENTS & set(argument.words)) or argument.words[-2:] in (
        ("api", "key"),
        ("private", "key"),
        ("card", "number"),
    )
