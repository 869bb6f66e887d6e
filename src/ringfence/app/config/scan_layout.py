"""The keys of `scan:`, of a server and of an agent's own client."""

from __future__ import annotations

from typing import Final

from ringfence.app.config.personal_section import PERSONAL
from ringfence.app.config.shapes import Choice, Key, ListOf, Record
from ringfence.core.rules import ArgumentAction, InstructionAction, SecretAction
from ringfence.core.scan.disguise_rules import ENCODED_SECRET
from ringfence.core.scan.secret_rules import SECRET_RULES

SCAN: Final = Record(
    {
        "instructions": Key(
            Choice(tuple(InstructionAction)),
            "Text that speaks to a model as its master would, or that a person does not see: `flag` records it and tells "
            "people, `mask` replaces each passage as well, `withhold` keeps the whole answer from the agent.",
            default="flag",
        ),
        "secrets": Key(
            Choice(tuple(SecretAction)),
            "Credentials of known formats: `mask` replaces each, `flag` records it and tells people, `withhold` keeps the "
            "whole answer from the agent.",
            default="mask",
        ),
        "arguments": Key(
            Choice(tuple(ArgumentAction)),
            "Calls whose arguments hold a credential of a known format: `deny`, `flag` or `off`. Where absent, `deny` for "
            "calls that are `outbound`, else `flag`.",
        ),
        "allow_in_arguments": Key(
            ListOf(Choice(tuple(sorted({ENCODED_SECRET, *(rule.id for rule in SECRET_RULES)}))), most=50),
            "Kinds of credentials that count for nothing in arguments: false hits, or what the server is there for.",
        ),
        "personal_data": Key(PERSONAL, "What identifies a person, in place of the file's own `personal_data`."),
    },
    "a mapping with `instructions`, `secrets`, `arguments`, `allow_in_arguments` and `personal_data`",
)
