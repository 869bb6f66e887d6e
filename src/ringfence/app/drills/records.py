"""The records and the twins as data: what happened, in order, and the deployment that a careful operator would have had.

How far to trust them: `records/README.md`. The reader is strict: an unknown key is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

Json = Mapping[str, Any]


class Changed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another description that a server shows from some moment on."""

    tool: str
    description: str


class Deployed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's side: in the keys of ringfence.yaml."""

    task: str
    """What the run is opened with: the operator's words."""
    tools: dict[str, dict[str, Any]]
    """Profiles by `server.tool`."""
    unneeded: tuple[str, ...] = ()
    """Tools of the servers that this agent was not given."""
    agent: dict[str, Any] = {}
    """More keys of the agent: limits, tighten, provenance."""
    secrets: dict[str, str] = {}
    """What stands for a credential in the texts, and of which kind it is (see `minting.py`)."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that happened."""

    tool: str
    args: dict[str, Any]
    result: str
    expect: Literal["allow", "allow_log", "approve", "deny", "redact", "halt", "out_of_scope"]
    actor: Literal["agent", "user", "runtime", "human", "launcher", "attacker"] = "agent"
    event: Literal["", "said", "listing", "kill", "model", "elsewhere"] = ""
    """What it is where it is no call of a tool: words of the task, a listing, an operator's stop, a request to a model (`model`
    and what is said to it in `args`), or nothing that passes the plane."""
    changes: Changed | None = None
    repeat: int = 1
    """Sent again and again, up to this often."""
    at_most: int = 0
    """Of a step that must stop and is repeated: how often it may be executed until it stops. 0: fewer times than it is sent."""
    rest_ms: int = 0
    """How long the agent rests before it."""
    effect: str = ""
    decided_by: str = ""
    injected: bool = False
    harmful: bool = False
    must_stop: bool = False
    stop_at: Literal["call", "result", "either"] = "call"
    stopped_by: tuple[str, ...] = ()
    missing: str = ""
    """The control that would stop it and is no part of the product."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public incident or exploit."""

    id: str
    date: str
    domain: str
    kind: str
    evidence: str
    verification: str
    summary: str
    worst_effect: str
    containing_controls: tuple[str, ...]
    containable: Literal["yes", "partly", "no"]
    owasp_asi: tuple[str, ...]
    source: tuple[str, ...]
    inferred: str
    deployment: Deployed
    steps: tuple[Step, ...]
    date_note: str = ""


class Twin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A run that resembles a record and does no harm: it must complete."""

    id: str
    twin_of: str
    domain: str
    summary: str
    expected_outcome: str
    why: str
    deployment: Deployed
    steps: tuple[Step, ...]


@cache
def records() -> tuple[Record, ...]:
    """All records, by id. Raises: msgspec.ValidationError."""
    return tuple(msgspec.json.decode(text, type=Record) for text in _texts("records"))


@cache
def twins() -> tuple[Twin, ...]:
    """All twins, by id. Raises: msgspec.ValidationError."""
    return tuple(msgspec.json.decode(text, type=Twin) for text in _texts("twins"))


def _texts(folder: str) -> list[bytes]:
    found = (one for one in files("ringfence.app.drills").joinpath(folder).iterdir() if one.name.endswith(".json"))
    return [one.read_bytes() for one in sorted(found, key=lambda one: one.name)]
