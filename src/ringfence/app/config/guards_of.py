"""Guards and conditions as read, to the values that the engine knows; and what is wrong with them beyond their shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ringfence.app.config.problems import Path
from ringfence.core.ledger.charges import micro_units
from ringfence.core.model.guards import NO_GUARDS, Burning, GuardRules, Repeats
from ringfence.core.model.stop_when import StopWhen

Fields = Mapping[str, Any]
Report = Callable[[Path, str], None]
_DEFAULTS: Final = GuardRules()
_ROWS: Final = ("identical", "alike", "ping_pong", "no_progress", "failing")


def check_guards(values: Fields, report: Report) -> None:
    """Add every fault."""
    for path, fields in _all(values):
        found = fields.get("guards")
        if not isinstance(found, Mapping):
            continue
        for name, part in found.items():
            rule = getattr(_DEFAULTS, name, None)
            if not isinstance(part, Mapping) or rule is None:
                continue
            pause = part.get("pause", rule.pause)
            warn = part.get("warn")
            if isinstance(warn, int) and isinstance(pause, int) and warn > pause:
                report((*path, "guards", name), f"the warning at {warn} would come after the pause at {pause}")


def guards_of(fields: Fields, *, default: bool | None = None) -> GuardRules | None:
    """`guards:` of an agent or of the gateway. None: not said, where there is no default."""
    found: bool | Fields | None = fields.get("guards", default)
    if found is None:
        return None
    if isinstance(found, bool):
        return _DEFAULTS if found else NO_GUARDS
    rows = {name: _repeats(found.get(name, True), name) for name in _ROWS}
    return GuardRules(**rows, burn=_burning(found.get("burn", True)))


def stop_when_of(fields: Fields) -> StopWhen:
    """`stop_when:` of an agent."""
    found: Fields = fields.get("stop_when", {})
    return StopWhen(
        actions=found.get("actions"),
        destructive=found.get("destructive", False),
        suspicious=found.get("suspicious", False),
        untrusted=found.get("untrusted", False),
        signals=frozenset(found.get("signals", ())),
    )


def _repeats(found: bool | Fields, name: str) -> Repeats | None:
    default = getattr(_DEFAULTS, name)
    assert isinstance(default, Repeats)  # INVARIANT: all of these are on by default
    if isinstance(found, bool):
        return default if found else None
    spacing = found.get("spacing", default.spacing_ms // 1000)
    pause = found.get("pause", default.pause)
    return Repeats(found.get("warn", min(default.warn, pause)), pause, spacing * 1000)


def _burning(found: bool | Fields) -> Burning | None:
    default = Burning()
    if isinstance(found, bool):
        return default if found else None
    floor = micro_units(found["floor"]) if "floor" in found else default.floor_micro
    assert floor is not None  # INVARIANT: the shape `Decimal` lets nothing else through
    pause = found.get("pause", default.pause)
    return Burning(found.get("warn", min(default.warn, pause)), pause, floor, found.get("minutes", default.minutes))


def _all(values: Fields) -> Iterator[tuple[Path, Fields]]:
    yield ("limits",), values.get("limits", {})
    for name, fields in values.get("agents", {}).items():
        if "limits" in fields:
            yield ("agents", name, "limits"), fields["limits"]
