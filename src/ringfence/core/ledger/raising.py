"""How a person adds to a cap, as the command that does it."""

from __future__ import annotations

import shlex

from ringfence.core.ledger.moves import is_of_run, run_of
from ringfence.core.model.meter import OF_MODELS, MeterKind

CALLS = "calls"
WALL_CLOCK = "wall_clock"
"""What is no meter of the ledger: calls of a run have a table of their own, and its age needs none."""
_BY_NAME = frozenset({CALLS, MeterKind.ROWS.value, *(kind.value for kind in OF_MODELS)})


def raise_option(meter: str) -> str:
    """What `ringfence budget raise RUN` is told of a meter of a run, with N for how much."""
    kind, _, rest = meter.partition(":")
    if kind in _BY_NAME and rest.endswith(":all") and rest.count(":") == 1:
        return f"--{kind.replace('_', '-')} +N"
    return f"--meter {shlex.quote(meter)} --by +N"


def raise_command(meter: str) -> str:
    """The whole command; empty where only the configuration can raise it."""
    if not is_of_run(meter) or meter.startswith(f"{WALL_CLOCK}:"):
        return ""
    return f"ringfence budget raise {run_of(meter)} {raise_option(meter)} --reason WHY"
