"""The keys that say where values may come from: of the file, of an agent, and of a tool's profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ringfence.app.config.document import Entries, Node
from ringfence.app.config.limits_layout import POINTER
from ringfence.app.config.problems import Path, Problems
from ringfence.app.config.shapes import Choice, Key, ListOf, MapOf, Record, Text, Truth
from ringfence.core.model.profile import Role

_POINTER: Final = Text("a JSON pointer such as `/order_id`", POINTER, 200, examples=("/order_id",))
_POINTERS: Final = ListOf(_POINTER, least=1, most=32)
_ROLES: Final = MapOf(Choice(tuple(Role)), POINTER, "a JSON pointer such as `/order_id`", most=64)
_LIST: Final = ListOf(_POINTER, most=64)
MODES: Final = ("ask", "deny", "off")


@dataclass(frozen=True, slots=True)
class PointersOrRoles:
    """JSON pointers, each with what it decides; or a list of them, whose names then say it."""

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        return (_ROLES if isinstance(node, Entries) else _LIST).read(node, path, problems)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_ROLES.schema(), _LIST.schema()]}


AUTHORITY: Final = PointersOrRoles()

_WORD: Final = r"[^\s!-&(-,./:-@\[-`{-~]{2,40}"
_SAID: Final = Text(
    "a word or a phrase such as `release` or `gib ... frei`",
    rf"{_WORD}(?: (?:\.\.\. )?{_WORD}){{0,5}}",
    80,
    examples=("release", "lift isolation"),
)
SAID_AS: Final = ListOf(_SAID, most=40)

LOOKUP: Final = Record(
    {
        "keys": Key(
            _POINTERS,
            "JSON pointers of the arguments that reach a record. Each must be derivable itself.",
            required=True,
        ),
        "fields": Key(_POINTERS, "JSON pointers, within each record, of the fields that are believed.", required=True),
        "unique": Key(Truth(), "Whether an answer with several records says nothing.", default=True),
    },
    "a mapping with `keys`, `fields` and `unique`",
)

RECORDS: Final = Record(
    {
        "names": Key(
            _POINTERS,
            "JSON pointers, within each record, of what people name it by: a title, a subject, a file name.",
            required=True,
        ),
        "ids": Key(
            _POINTERS, "JSON pointers, within each record, of what the server itself assigns: an id, a number.", required=True
        ),
    },
    "a mapping with `names` and `ids`",
)

_known: Final = ListOf(Text("a value", r"\S(?:.*\S)?", 500), most=2000)

PROVENANCE: Final = Record(
    {
        "underivable": Key(
            Choice(MODES),
            "What happens where an authority argument of a call that changes something or reaches outside comes from no "
            "trusted source: a person is asked, the call is denied, or nothing.",
            default="ask",
        ),
        "rule_of_two": Key(
            Choice(MODES),
            "What happens where a run that has read untrusted content and confidential data reaches outside.",
            default="ask",
        ),
        "contacts": Key(_known, "Addresses, accounts, phones, channels and user names that are known."),
        "hosts": Key(
            ListOf(Text("a host name, or `*.` and one", r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", 255), most=500),
            "Own hosts: what names them does not reach outside. `*.corp.example` stands for all below it.",
        ),
        "paths": Key(ListOf(Text("a path", r"\S(?:.*\S)?", 1000), most=200), "Roots: what lies below one may be named."),
        "values": Key(_known, "Whatever else may stand in an authority argument: defaults, own names."),
    },
    "a mapping with `underivable`, `rule_of_two`, `contacts`, `hosts`, `paths` and `values`",
)
