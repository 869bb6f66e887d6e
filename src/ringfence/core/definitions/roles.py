"""What the arguments of a tool decide, by the words of their names and by their schemas.

A first guess that a person reviews (`ringfence init` writes it down), and what counts where nobody has looked: then every
argument that is not plainly content carries authority.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ringfence.core.definitions.evidence import Argument
from ringfence.core.definitions.wording import AUTHORITY, word_set, words
from ringfence.core.model.profile import Authority, Role

_MOST: Final = 64
_MOST_PROPERTIES: Final = 200
_MOST_DEPTH: Final = 3
_OF_OBJECTS: Final = frozenset({"properties", "$ref", "allOf", "anyOf", "oneOf", "additionalProperties"})
_UNCERTAIN: Final = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas", "unevaluatedProperties"}
)
_FORMATS: Final = {
    "uri": Role.TARGET,
    "url": Role.TARGET,
    "iri": Role.TARGET,
    "email": Role.TARGET,
    "idn-email": Role.TARGET,
    "hostname": Role.TARGET,
    "idn-hostname": Role.TARGET,
    "ipv4": Role.TARGET,
    "ipv6": Role.TARGET,
    "uuid": Role.SELECTOR,
    "date": Role.SELECTOR,
    "date-time": Role.SELECTOR,
}


_COMMAND: Final = word_set("command cmd script sql query code statement soql expression program shell template")
_MAGNITUDE: Final = word_set(
    "amount price quantity qty count limit total sum size max min days hours minutes seconds duration budget rows units"
)
_CONTROL: Final = word_set(
    """
    role roles permission permissions scope scopes visibility public private force recursive mode action verdict state status
    priority severity access level enabled disabled approve approved currency region environment env schedule label labels
    """
)
_TARGET: Final = word_set(
    """
    recipient recipients to cc bcc email emails account iban url urls uri host hostname domain endpoint user username group
    owner assignee repo repository channel phone webhook callback org organization tenant queue target destination dest remote
    """
)
_CONTENT: Final = word_set(
    """
    text body message content description comment title subject summary note notes reason markdown html details caption
    greeting answer reply explanation
    """
)


def role_of(name: Sequence[str], schema: Mapping[str, Any] | None = None) -> Role:
    """The role of an argument that carries authority, by the words of its name and the format of its schema."""
    if schema is not None and (known := _FORMATS.get(str(schema.get("format")))) is not None:
        return known
    if name:
        for role, names in _BY_NAME:
            if name[-1] in names or name[0] in names - {"to"} or (name[0] == "to" and len(name) == 1 and role is Role.TARGET):
                return role
    return Role.SELECTOR


_BY_NAME: Final = ((Role.COMMAND, _COMMAND), (Role.MAGNITUDE, _MAGNITUDE), (Role.CONTROL, _CONTROL), (Role.TARGET, _TARGET))


def role_at(pointer: str) -> Role:
    """The role that the last name of a JSON pointer speaks for."""
    parts = [part for part in pointer.split("/") if part and part != "*" and not part.isdigit()]
    return role_of(words(parts[-1]) if parts else ())


def named_authorities(arguments: Iterable[Argument]) -> tuple[Authority, ...]:
    """The arguments that say by their names or formats that they carry authority."""
    found = (Authority(one.pointer, role_of(one.words, one.schema)) for one in arguments if _carries_authority(one))
    return tuple(found)[:_MOST]


def inferred_authorities(schema: Any) -> tuple[Authority, ...]:
    """What counts as carrying authority in arguments under an input schema that nobody has reviewed.

    Every argument that is not plainly content, in objects and lists too. Whatever cannot be read for sure (a schema that
    refers, combines or matches names by patterns, one with very many arguments) is covered by the root pointer: all of it
    carries authority.
    """
    if not isinstance(schema, Mapping) or not _UNCERTAIN.isdisjoint(schema):
        return (Authority("", Role.SELECTOR),)
    found: list[Authority] = []
    if not _collect(schema, "", 0, found) or not (found or schema.get("properties")) or len(found) > _MOST:
        return (Authority("", Role.SELECTOR),)
    return tuple(found)


def _collect(schema: Mapping[str, Any], pointer: str, depth: int, found: list[Authority]) -> bool:
    """The members of an object schema that carry authority; False where there are too many to tell."""
    properties: Any = schema.get("properties")
    if not isinstance(properties, Mapping) or len(properties) > _MOST_PROPERTIES:
        return properties is None
    for key, part in properties.items():
        name = words(str(key))
        here = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
        known: Mapping[str, Any] = part if isinstance(part, Mapping) else {}
        inner, below = _inner(known)
        if inner is not None and depth < _MOST_DEPTH and _is_closed(inner):
            if not _collect(inner, f"{here}{below}", depth + 1, found):
                return False
        elif not _is_content(name, known):
            found.append(Authority(here, role_of(name, known)))
        if len(found) > _MOST:
            return False
    return True


def _inner(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The object schema of a member or of its items, and what leads to it."""
    if not _UNCERTAIN.isdisjoint(schema):
        return None, ""
    items = schema.get("items")
    if isinstance(items, Mapping) and _UNCERTAIN.isdisjoint(items):
        return (items, "/*") if isinstance(items.get("properties"), Mapping) else (None, "")
    return (schema, "") if isinstance(schema.get("properties"), Mapping) else (None, "")


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Whether an object has no members but those that are described; an open one carries authority as a whole."""
    return schema.get("additionalProperties") is False


def _carries_authority(argument: Argument) -> bool:
    if argument.schema.get("format") in _FORMATS:
        return True
    return bool(argument.words) and (
        argument.words[-1] in AUTHORITY or argument.words[0] in AUTHORITY - {"to", "id", "key", "code"}
    )


def _is_content(name: Sequence[str], schema: Mapping[str, Any]) -> bool:
    """Whether an argument is a text, or a list of texts, that is named as one that people read."""
    if not name or name[-1] not in _CONTENT or schema.get("format") in _FORMATS:
        return False
    items = schema.get("items")
    plain = items if isinstance(items, Mapping) and schema.get("type") == "array" else schema
    return plain.get("type") in ("string", ["string", "null"]) and _OF_OBJECTS.isdisjoint(plain)
