"""The `/etc` of a box: made, never the host's. One user, no names to look up, no resolver."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ringfence.errors import UnavailableError

USER, UID, GID, HOST = "agent", 1000, 1000, "box"
HOME = "/tmp/home"
OWN = "/etc/ringfence"
AUTHORITIES = "ca.pem"
"""The name among a plan's files of the bundle of certificate authorities that the box trusts."""
HOST_PATHS = ("/etc/alternatives", "/etc/ld.so.cache")
"""What is shown of the host's `/etc`: links between programs of `/usr`, and where their libraries are."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt")
"""Where programs that read no variable look for authorities."""


def made_files(given: Mapping[str, bytes]) -> dict[str, bytes]:
    """Absolute path in the box to content. `given` lies below `/etc/ringfence`."""
    for name in given:
        if _NAME.fullmatch(name) is None:
            raise UnavailableError(f"{name!r} is no name of a file below {OWN}")
    files = {
        "/etc/passwd": f"{USER}:x:{UID}:{GID}::{HOME}:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
        "/etc/group": f"{USER}:x:{GID}:\nnogroup:x:65534:\n",
        "/etc/hosts": f"127.0.0.1 localhost {HOST}\n::1 localhost\n",
        "/etc/hostname": f"{HOST}\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
        "/etc/resolv.conf": "",
        "/etc/shells": "/bin/sh\n/bin/bash\n",
    }
    return {path: text.encode() for path, text in files.items()} | {f"{OWN}/{name}": data for name, data in given.items()}


def made_links(given: Mapping[str, bytes]) -> dict[str, str]:
    """Symbolic link in the box to its target."""
    return dict.fromkeys(BUNDLES, f"{OWN}/{AUTHORITIES}") if AUTHORITIES in given else {}
