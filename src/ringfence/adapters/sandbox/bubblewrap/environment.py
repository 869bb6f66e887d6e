"""The variables of a box, from nothing: what its profile and its plan name, and where its way out is. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.adapters.sandbox.bubblewrap.etc import AUTHORITIES, HOME, OWN, USER

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROXY = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_AUTHORITIES = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "PIP_CERT",
    "AWS_CA_BUNDLE", "npm_config_cafile",
)  # fmt: skip


def box_environment(
    profile: Mapping[str, str], plan: Mapping[str, str], listener_port: int | None, files: Mapping[str, bytes]
) -> dict[str, str]:
    """The plan's word comes last. The network's variables are a convenience: what holds is that there is no other way out."""
    made = {"PATH": PATH, "HOME": HOME, "LANG": "C.UTF-8", "USER": USER, "LOGNAME": USER, "TMPDIR": "/tmp"}
    if listener_port is not None:
        made |= dict.fromkeys(_PROXY, f"http://127.0.0.1:{listener_port}")
        made |= dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1")
        if AUTHORITIES in files:
            made |= dict.fromkeys(_AUTHORITIES, f"{OWN}/{AUTHORITIES}")
    return made | dict(profile) | dict(plan)
