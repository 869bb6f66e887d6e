"""The environment of a client's process. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

PLAIN: Final = frozenset(
    {"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "CLAUDE_CONFIG_DIR"}
)
"""What a client gets from its parent unasked, beside `LC_*`: nothing that opens a door."""
_OF_THE_MODEL: Final = ("ANTHROPIC_", "AWS_", "GOOGLE_", "CLOUD_ML_", "CLAUDE_CODE_USE_", "VERTEX_")
_PINNED: Final = {
    **{name: "" for way in ("HTTP", "HTTPS", "ALL") for name in (f"{way}_PROXY", f"{way.lower()}_proxy")},
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
    "NODE_TLS_REJECT_UNAUTHORIZED": "1",
    "NODE_EXTRA_CA_CERTS": "",
    "NODE_OPTIONS": "",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
}
"""What would bring the client's requests to somebody else."""


def client_environment(
    ours: Mapping[str, str], *, gateway: str, credential: str, models: bool, keep: Iterable[str] = ()
) -> dict[str, str]:
    """What to lay over the environment of this process for the client's.

    The vendor's SDK lays it over ours and takes nothing away, so every other variable is emptied: the agent's commands can
    read whatever the client was started with. `keep` names what they may have. Without `models` the client finds its own way
    to a model, with the vendors' variables as they are.
    """
    kept = {*PLAIN, *keep}
    found = {name: "" for name in ours if name not in kept and not name.startswith("LC_")}
    if not models:
        found = {name: value for name, value in found.items() if not name.startswith(_OF_THE_MODEL)}
        return {**found, **_PINNED}
    model = {
        "ANTHROPIC_BASE_URL": f"{gateway.rstrip('/')}/anthropic",
        "ANTHROPIC_API_KEY": credential,
        "ANTHROPIC_AUTH_TOKEN": "",
    }
    return {**found, **_PINNED, **model}
