"""The section `personal_data`: of the file, of a server's `scan`, of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.app.config.document import Node
from ringfence.app.config.problems import Path, Problems
from ringfence.app.config.shapes import Choice, Key, ListOf, Record, Text
from ringfence.core.rules import PersonalArguments, PersonalRule, SecretAction
from ringfence.core.scan.national_ids import FORMS, VALID
from ringfence.core.scan.personal import Personal, plain
from ringfence.core.scan.personal_rules import CARD, EMAIL, IBAN, NATIONAL_ID, PHONE

_KINDS: Final = (CARD, IBAN, EMAIL, PHONE)


@dataclass(frozen=True, slots=True)
class _Kind(Choice):
    """A kind of personal data that can be looked for here."""

    def read(self, node: Node, path: Path, problems: Problems) -> Any:
        kind = Choice.read(self, node, path, problems)
        if kind == NATIONAL_ID and not VALID:
            problems.at(node.at, path, "needs python-stdnum, which is not installed: pip install 'ringfence[personal-data]'")
        return kind


PERSONAL: Final = Record(
    {
        "results": Key(
            Choice(tuple(SecretAction)),
            "In what the server says: `mask` replaces each, `flag` records it and tells people, `withhold` keeps the answer "
            "from the agent.",
            default="mask",
        ),
        "arguments": Key(
            Choice(tuple(PersonalArguments)),
            "In what agents send: `deny` refuses the call, `mask` replaces each before the call is decided, `flag` records it.",
            default="flag",
        ),
        "kinds": Key(
            ListOf(_Kind((*_KINDS, NATIONAL_ID)), least=1, most=5),
            "What to look for. All but `national-id` where absent; that one needs `pip install 'ringfence[personal-data]'`.",
        ),
        "countries": Key(
            ListOf(Choice(tuple(sorted(FORMS))), least=1, most=len(FORMS)), "Whose national ids; all of these where absent."
        ),
        "allow": Key(
            ListOf(Text("a number, an e-mail address or `@domain`", r"[^\s].{0,99}", 100), most=200),
            "What counts for nothing: false hits, your own numbers and addresses. `@domain` stands for all of a domain.",
        ),
    },
    "a mapping with `results`, `arguments`, `kinds`, `countries` and `allow`",
)


def personal_of(fields: Mapping[str, Any] | None) -> PersonalRule | None:
    """The rule of one section; None where there is none."""
    if fields is None:
        return None
    kinds = set(fields.get("kinds", _KINDS))
    rules = {f"{NATIONAL_ID}-{country}" for country in fields.get("countries", FORMS)} if NATIONAL_ID in kinds else set[str]()
    return PersonalRule(
        look_for=Personal(frozenset(kinds - {NATIONAL_ID} | rules), frozenset(map(plain, fields.get("allow", ())))),
        results=SecretAction(fields.get("results", "mask")),
        arguments=PersonalArguments(fields.get("arguments", "flag")),
    )
