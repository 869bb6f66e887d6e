"""One tool as one agent may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.core.model.condition import holds
from ringfence.core.model.credential import ToolCredential
from ringfence.core.model.identifiers import Digest, ServerId, ToolId
from ringfence.core.model.profile import Authority, ConditionalProfile, ToolProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool as one agent may see it: the upstream's definition, tightened, with its profile.

    `name` is canonical `server.tool`; `upstream_name` is what the server calls it. A derived tool has its own name and the
    `fixed` arguments that the gateway fills in.
    """

    id: ToolId
    server: ServerId
    upstream_name: str
    definition: Mapping[str, Any]
    """The MCP tool object shown to agents: tightened schema, fixed arguments removed, name untouched."""
    pin: Digest
    """Digest of the whole upstream definition as listed."""
    profile: ToolProfile
    conditional: tuple[ConditionalProfile, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the gateway fills in; for an argument that is a credential, its placeholder."""
    credential: ToolCredential | None = None
    environment: str = ""
    """The label of its server; empty: none."""
    inferred: tuple[Authority, ...] = ()
    """What carries authority where its profile does not say (`core.definitions.roles`)."""
    validator: Any = None
    """Compiled `jsonschema_rs` validator of the shown schema; None means the schema could not be compiled: deny."""
    upstream_validator: Any = None
    """Compiled validator of the upstream's own schema, for the arguments that a derived tool sends."""
    output_validator: Any = None
    """Compiled validator of the output schema, where its results are held to it: of a sanitiser."""

    def profile_for(self, arguments: Mapping[str, Any]) -> ToolProfile:
        """The profile of one call: the first conditional profile whose conditions all hold, else the base."""
        for candidate in self.conditional:
            if all(holds(condition, arguments) for condition in candidate.conditions):
                return candidate.profile
        return self.profile
