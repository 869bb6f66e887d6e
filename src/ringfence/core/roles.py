"""What the arguments of a tool decide, by the words of their names and by their schemas.

A first guess that a person reviews (`ringfence init` writes it down), and what counts where nobody has looked: then every
argument that is not plainly content carries authority.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ringfence.core.evidence import Argument, arguments_of
from ringfence.core.model.profile import Authority, Role
from ringfence.core.wording import AUTHORITY, words

_MOST: Final = 64
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


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMAND: Final = _set("command cmd script sql query code statement soql expression program shell template")
_MAGNITUDE: Final = _set(
    "amount price quantity qty count limit total sum size max min days hours minutes seconds duration budget rows units"
)
_CONTROL: Final = _set(
    """
    role roles permission permissions scope scopes visibility public private force recursive mode action verdict state status
    priority severity access level enabled disabled approve approved currency region environment env schedule label labels
    """
)
_TARGET: Final = _set(
    """
    recipient recipients to cc bcc email emails account iban url urls uri host hostname domain endpoint user username group
    owner assignee repo repository channel phone webhook callback org organization tenant queue target destination dest remote
    """
)
_CONTENT: Final = _set(
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

    Every argument that is not plainly content. What the schema does not describe is covered by the root pointer.
    """
    arguments = tuple(arguments_of(schema))
    if not arguments:
        return (Authority("", Role.SELECTOR),)
    found = [Authority(one.pointer, role_of(one.words, one.schema)) for one in arguments if not _is_content(one)]
    # Past the bound nothing is left out: the whole of the arguments carries authority then.
    return tuple(found) if len(found) <= _MOST else (Authority("", Role.SELECTOR),)


def _carries_authority(argument: Argument) -> bool:
    if argument.schema.get("format") in _FORMATS:
        return True
    return bool(argument.words) and (
        argument.words[-1] in AUTHORITY or argument.words[0] in AUTHORITY - {"to", "id", "key", "code"}
    )


def _is_content(argument: Argument) -> bool:
    if argument.schema.get("format") in _FORMATS:
        return False
    return bool(argument.words) and argument.words[-1] in _CONTENT
