"""The environment that a coding agent is started with: what programs need to work, and the run's credential."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ringfence.app.clients.plan import RUN_VARIABLE

_KEPT: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TERM|TERM_PROGRAM|COLORTERM|NO_COLOR|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|EDITOR|VISUAL|PAGER"
    r"|DISPLAY|WAYLAND_DISPLAY|XDG_[A-Z_]+|VIRTUAL_ENV|IS_SANDBOX"
)
"""No credentials, no addresses of agents that sign (`SSH_AUTH_SOCK`), nothing that says how hooks or models are reached."""


def clean(environment: Mapping[str, str], credential: str, further: Iterable[str] = ()) -> dict[str, str]:
    """What of `environment` a client gets. `further`: names that the operator passes on."""
    passed = {name: environment[name] for name in further if name in environment}
    return {name: value for name, value in environment.items() if _KEPT.fullmatch(name)} | passed | {RUN_VARIABLE: credential}
