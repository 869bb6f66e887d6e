"""Wires the places that secrets are looked up in."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ringfence.adapters.secrets.command import CommandSecrets
from ringfence.adapters.secrets.environment import EnvironmentSecrets
from ringfence.adapters.secrets.file import FileSecrets
from ringfence.adapters.secrets.vault import VaultOptions, VaultSecrets
from ringfence.adapters.system.clock import SystemClock
from ringfence.app.config.settings import SecretSettings
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.secrets import SecretSource

PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")
"""What of the gateway's own environment its child processes get: where programs and the home directory are, no credential."""


def passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def build_secrets(settings: SecretSettings, redactor: Redactor | None = None) -> SecretBook:
    """A book on the configured places. Whoever made it closes it."""
    book = SecretBook({}, SystemClock(), redactor)
    book.open(sources_of(settings, book))
    return book


def sources_of(settings: SecretSettings, book: SecretBook) -> Mapping[str, SecretSource]:
    """One source for each kind. The vault's token is looked up in the book itself."""
    sources: dict[str, SecretSource] = {
        "env": EnvironmentSecrets(os.environ),
        "file": FileSecrets(),
        "exec": CommandSecrets(passed_on()),
    }
    if (vault := settings.vault) is not None:
        options = VaultOptions(address=vault.address, token=book.late(vault.token), namespace=vault.namespace)
        sources["vault"] = VaultSecrets(options)
    return sources
