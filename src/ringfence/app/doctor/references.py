"""Every place that a configuration says a secret is in."""

from __future__ import annotations

from ringfence.app.config.settings import Loaded
from ringfence.app.redaction import references
from ringfence.ports.secrets import SecretRef


def every_reference(loaded: Loaded) -> tuple[SecretRef, ...]:
    """Those of servers, webhooks, minters and the vault, and those of tools' own credentials; in a fixed order."""
    own = (tool.credential for tool in loaded.rules.tools.values())
    of_tools = {SecretRef(credential.reference, credential.folder) for credential in own if credential and credential.reference}
    return tuple(sorted(references(loaded) | of_tools, key=lambda ref: (ref.source, ref.folder)))
