"""What `doctor` can find: a closed list of codes, each with its meaning, and how much each matters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """In the order in which they are reported."""

    SERIOUS = "serious"
    """Somebody who should not can use it now. The command ends with 1."""
    WARNING = "warning"
    """It makes an incident larger, or will become serious."""
    NOTICE = "notice"
    """Worth knowing; nothing has to be done."""


class Code(StrEnum):
    """Stays as it is once it was released: scripts compare it."""

    CONFIG_UNUSABLE = "config_unusable"
    ENVIRONMENT_SECRET = "environment_secret"
    CLIENT_SECRET = "client_secret"
    CLIENT_REFERENCE = "client_reference"
    ENV_FILE_SECRET = "env_file_secret"
    MODEL_KEY = "model_key"
    OPERATOR_CREDENTIAL_IN_REACH = "operator_credential_in_reach"
    CONFIG_SECRET = "config_secret"
    WRITABLE_BY_OTHERS = "writable_by_others"
    READABLE_BY_OTHERS = "readable_by_others"
    OTHER_OWNER = "other_owner"
    MIXED_CREDENTIAL = "mixed_credential"
    SHARED_CREDENTIAL = "shared_credential"
    EXPIRED = "expired"
    EXPIRES_SOON = "expires_soon"
    LONG_LIVED = "long_lived"
    CONTROL_ON_NETWORK = "control_on_network"
    CONTROL_ON_TCP = "control_on_tcp"
    POSTURE_SHARED = "posture_shared"
    ANONYMOUS_AGENT = "anonymous_agent"
    UNBOUND_BEARER = "unbound_bearer"
    PROVENANCE_OFF = "provenance_off"
    RULE_OF_TWO_OFF = "rule_of_two_off"
    NO_CLEARANCE = "no_clearance"
    SHARED_WAY_OUT = "shared_way_out"
    NOT_LOOKED_AT = "not_looked_at"


MEANINGS: Final = {
    Code.CONFIG_UNUSABLE: "The configuration is refused, so nothing that it says could be judged.",
    Code.ENVIRONMENT_SECRET: "The environment of this process holds credentials, and agents started from it inherit them.",
    Code.CLIENT_SECRET: "A configuration file of an agent's client holds a credential.",
    Code.CLIENT_REFERENCE: "A client's file takes a credential from the client's own environment, where the agent has it too.",
    Code.ENV_FILE_SECRET: "A `.env` file where agents work holds credentials.",
    Code.MODEL_KEY: "The agent can read the key that it is billed by. Not a credential of production.",
    Code.OPERATOR_CREDENTIAL_IN_REACH: "An agent could present an operator's credential, and decide as a person.",
    Code.CONFIG_SECRET: "A secret is written into `ringfence.yaml` or a policy instead of being referred to.",
    Code.WRITABLE_BY_OTHERS: "Other local users can change what the gateway relies on.",
    Code.READABLE_BY_OTHERS: "Other local users can read a key, a secret or the state, or reach the control socket.",
    Code.OTHER_OWNER: "A file belongs to another user than the gateway's, who can change it and its mode.",
    Code.MIXED_CREDENTIAL: "Tools of a server that read and tools that write use the server's one credential.",
    Code.SHARED_CREDENTIAL: "One secret serves tools that read and tools that write, in different places.",
    Code.EXPIRED: "A certificate, key or token is past its end, or before its beginning.",
    Code.EXPIRES_SOON: "A certificate, key or token ends within 30 days; within 7 it is serious.",
    Code.LONG_LIVED: "A credential lives much longer than one piece of work.",
    Code.CONTROL_ON_NETWORK: "People's side is reached from other machines.",
    Code.CONTROL_ON_TCP: "People's side listens on a port that every local process reaches, up to its login.",
    Code.POSTURE_SHARED: "Agents may run as the gateway's user: they can read its keys and end it.",
    Code.ANONYMOUS_AGENT: "Whoever connects from this machine without a credential is an agent.",
    Code.UNBOUND_BEARER: "A credential is bound to no sender: whoever learns it can use it.",
    Code.PROVENANCE_OFF: "Nobody looks where the values of an agent's calls come from.",
    Code.RULE_OF_TWO_OFF: "An agent that reads untrusted content and confidential data reaches outside, and nobody is asked.",
    Code.NO_CLEARANCE: "An agent's ways out have no clearance, so runs that hold confidential data ask a person each time.",
    Code.SHARED_WAY_OUT: "A server that several runs share reaches outside from its box: nobody knows whose data it sends.",
    Code.NOT_LOOKED_AT: "Something could not be looked at, so nothing is said about it.",
}
"""One sentence for each code."""

_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}
_CODE_RANK: Final = {code: rank for rank, code in enumerate(Code)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is weak. No field ever holds a secret value."""

    code: Code
    severity: Severity
    what: str
    """One sentence."""
    where: tuple[str, ...]
    """Files, keys of the configuration, names of variables, runs."""
    remedy: str
    """What to do next."""


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most serious first; then by kind and place. What differs in its place alone becomes one."""
    alike: dict[tuple[Code, Severity, str, str], list[str]] = {}
    for found in findings:
        alike.setdefault((found.code, found.severity, found.what, found.remedy), []).extend(found.where)
    joined = [
        Finding(code=code, severity=severity, what=what, where=tuple(dict.fromkeys(where)), remedy=remedy)
        for (code, severity, what, remedy), where in alike.items()
    ]
    return tuple(sorted(joined, key=lambda found: (_RANK[found.severity], _CODE_RANK[found.code], found.where)))
