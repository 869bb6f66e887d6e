"""What the operator's configuration knows: contacts, own hosts, roots of paths, values. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ringfence.core.flow.asked import Asked
from ringfence.core.flow.names.codes import is_below, path_of
from ringfence.core.flow.sources.keys import Key, fitting, keys_of
from ringfence.core.flow.spelling import is_exact_only
from ringfence.core.flow.web.addresses import Url, bare_url_of, host_of, url_of
from ringfence.core.flow.web.hosts import Own
from ringfence.core.model.profile import Role
from ringfence.core.model.provenance import ProvenanceRules

_FETCHED: Final = frozenset({"", "http", "https", "ws", "wss", "git", "ssh", "ftp", "ftps", "sftp"})
"""Schemes whose host is the one that answers: not `file:`, and not `javascript:`, which runs what follows."""
_RUN: Final = re.compile(r"[;&$`]")
"""What a shell further on would run or fill in: such a path has to be said as it is."""


class Known:
    """The lists of one agent's `provenance`."""

    def __init__(
        self, contacts: tuple[str, ...], hosts: tuple[str, ...], paths: tuple[str, ...], values: tuple[str, ...]
    ) -> None:
        self._contacts = {key: contact for contact in contacts for key in keys_of(contact)}
        self._values = {key: value for value in values for key in keys_of(value)}
        self._own = Own(hosts)
        self._has_hosts = bool(hosts)
        self._paths = tuple(path for root in paths if (path := path_of(root)) is not None)

    def gives(self, asked: Asked) -> str | None:
        """Which item of which list gives the value; None: none."""
        if isinstance(asked.value, bool):
            return None
        keys = fitting(keys_of(asked.value), asked.role)
        if asked.role is not Role.MAGNITUDE and (item := _found(self._contacts, keys)) is not None:
            return f"`provenance.contacts`: {item}"
        if (item := _found(self._values, keys)) is not None:
            return f"`provenance.values`: {item}"
        if not isinstance(asked.value, str) or is_exact_only(asked.value) or asked.role is Role.COMMAND:
            return None
        return self._place(asked.value.strip())

    def _place(self, value: str) -> str | None:
        if self._has_hosts:
            host = host_of(value)
            if host is not None and self._own.has(host):
                return f"`provenance.hosts`: {host}"
        if self._paths and "://" not in value and _RUN.search(value) is None and (path := path_of(value)) is not None:
            root = next((root for root in self._paths if is_below(path, root)), None)
            return f"`provenance.paths`: {root}" if root is not None else None
        return None

    def is_own(self, mail: str) -> bool:
        """Whether an address is on an own host, or a contact's."""
        return ("mail", mail) in self._contacts or (self._has_hosts and self._own.has(mail.rpartition("@")[2]))

    def own_url(self, asked: Asked) -> Url | None:
        """The web address that the value is, if it lies on an own host. What its query says has to be given by itself."""
        if not self._has_hosts or not isinstance(asked.value, str) or is_exact_only(asked.value) or asked.role is Role.COMMAND:
            return None
        value = asked.value.strip()
        url = url_of(value) if "://" in value else bare_url_of(value) if "/" in value else None
        return url if url is not None and url.scheme in _FETCHED and self._own.has(url.host) else None


def _found(items: dict[Key, str], keys: frozenset[Key]) -> str | None:
    return next((items[key] for key in sorted(keys) if key in items), None)


@lru_cache(maxsize=256)
def _known(contacts: tuple[str, ...], hosts: tuple[str, ...], paths: tuple[str, ...], values: tuple[str, ...]) -> Known:
    return Known(contacts, hosts, paths, values)


def known_of(rules: ProvenanceRules) -> Known:
    """The lists of some rules, read once."""
    return _known(rules.contacts, rules.hosts, rules.paths, rules.values)
