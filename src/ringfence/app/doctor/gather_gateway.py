"""What a gateway says of itself: asked where it runs, read from its state where it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.app.control.runs import NOBODY, bound_text, is_live
from ringfence.app.doctor.facts import HeldRun, Unseen
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.run import Credential, Run, RunState
from ringfence.errors import Error

Ask = Callable[[str], Any]
"""The answer to a GET of the API; None: no gateway runs. Raises: UnavailableError, also where it refuses."""
StoredRuns = Callable[[Path], Sequence[tuple[Run, Sequence[Credential]]]]
"""Every run of a state directory with its credentials. Raises: UnavailableError, IntegrityError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenGateway:
    """What is known of the gateway on a state directory."""

    is_running: bool | None = False
    control_url: str = ""
    runs: tuple[HeldRun, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def seen_gateway(state: Path | None, ask: Ask, stored: StoredRuns, now: Millis) -> SeenGateway:
    """Asks, or reads."""
    if state is None:
        return SeenGateway(is_running=False)
    try:
        status = ask("/status")
        if status is None:
            known = stored(state)
            runs = tuple(_stored(run, held, now) for run, held in known if run.state is RunState.OPEN)
            return SeenGateway(is_running=False, runs=runs)
        answer: Any = ask("/runs") or {"runs": (), "left_off": 0}
        left_off = answer["left_off"]
        gaps = (Unseen(what=str(state), why=f"{left_off} open runs more than are listed"),) if left_off else ()
        return SeenGateway(
            is_running=True,
            control_url=str(status["gateway"].get("control", "")),
            runs=tuple(_listed(run) for run in answer["runs"]),
            unseen=gaps,
        )
    except Error as error:
        return SeenGateway(is_running=None, unseen=(Unseen(what=str(state), why=f"its runs and how it is: {error}"),))


def _listed(run: dict[str, Any]) -> HeldRun:
    return HeldRun(
        id=run["id"],
        agent=run["agent"],
        is_standing=run["standing"],
        is_unbound=NOBODY in run["bound_to"],
        has_end=run["expires_at"] is not None,
    )


def _stored(run: Run, held: Sequence[Credential], now: Millis) -> HeldRun:
    return HeldRun(
        id=run.id,
        agent=run.agent,
        is_standing=run.standing,
        is_unbound=any(is_live(credential, now) and bound_text(credential) == NOBODY for credential in held),
        has_end=run.expires_at is not None,
    )
