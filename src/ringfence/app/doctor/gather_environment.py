"""Which variables of this process hold credentials, and whether an agent runs it. Names only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.doctor.facts import Holds, Variable
from ringfence.core.scan.redactor import Redactor
from ringfence.core.scan.scanner import ScanError, Scanner

AGENT_SHELLS: Final = ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CODEX_SANDBOX", "CURSOR_AGENT", "GEMINI_CLI", "AI_AGENT")
"""Variables that agents' clients set for the commands that they run."""
OPERATOR_CREDENTIAL: Final = "RINGFENCE_OPERATOR_CREDENTIAL"
_MODEL_KEY: Final = re.compile(
    r"(?:ANTHROPIC|OPENAI|GEMINI|MISTRAL|OPENROUTER|XAI)_(?:API_KEY|AUTH_TOKEN)|CLAUDE_CODE_OAUTH_TOKEN|AWS_BEARER_TOKEN_BEDROCK"
)
_NEVER: Final = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK", "XAUTHORITY", "COLORTERM", "RINGFENCE_STATE"})
_PLACE: Final = re.compile(r"_(?:FILE|PATH|DIR|SOCK|SOCKET|URL|URI|ENDPOINT|HELPER|TYPE|MODE|NAME)$", re.IGNORECASE)
"""Names of this kind tell where something is or which it is, unless the value says otherwise."""
_SHORTEST: Final = 6
_ANY: Final = "x"
"""Instead of a value, where the name alone has to tell."""


def agent_shell(environment: Mapping[str, str]) -> str:
    """The variable that says that an agent runs this process; empty: none does."""
    return next((name for name in AGENT_SHELLS if environment.get(name)), "")


def variables(environment: Mapping[str, str], redactor: Redactor, referred: Collection[str] = ()) -> tuple[Variable, ...]:
    """Variables that hold credentials, by name: `referred` are those that the configuration says hold one.

    Their values are made known to the redactor and to nobody else.
    """
    scanner = Scanner()
    found: list[Variable] = []
    for name, value in sorted(environment.items()):
        holds = holds_of(name, value, scanner)
        if holds is None and value and name in referred:
            holds = Holds.SECRET
        if holds is not None:
            redactor.learn_lasting([value])
            found.append(Variable(name=name, holds=holds))
    return tuple(found)


def holds_of(name: str, value: str, scanner: Scanner) -> Holds | None:
    """What a variable of this name and value holds; None: nothing that matters here."""
    if len(value) < _SHORTEST or name in _NEVER:
        return None
    if name == OPERATOR_CREDENTIAL or value.startswith(("rfo_", "rfl_")):
        return Holds.OPERATOR
    if value.startswith("rfr_"):
        return Holds.RUN
    if _MODEL_KEY.fullmatch(name):
        return Holds.MODEL
    if has_password(value) or is_known_format(value, scanner):
        return Holds.SECRET
    is_named = looks_like_credential(name, _ANY) and not _PLACE.search(name)
    return Holds.SECRET if is_named and not value.isdigit() and value.lower() not in ("enabled", "disabled") else None


def has_password(value: str) -> bool:
    """Whether a value is an address with a password in it, as `postgresql://user:password@host`."""
    try:
        return bool(urlsplit(value).password)
    except ValueError:
        return False


def is_known_format(value: str, scanner: Scanner) -> bool:
    """Whether a value holds a credential of a published format."""
    try:
        return bool(scanner.see(value, "").masks)
    except ScanError:
        return False
